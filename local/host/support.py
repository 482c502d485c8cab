"""Which bindings this host runs. A function that uses another is listed with the reason, and the others run."""

from collections.abc import Mapping

from local.host.app.connections import SERVICES, connection_of
from local.host.app.metadata import Binding, FunctionMetadata
from local.host.blobs.bindings import blob_template
from local.host.blobs.trigger import trigger_path
from local.host.errors import FunctionLoadError
from local.host.queues.names import queue_name
from local.host.timers.trigger import timer_schedule

TRIGGERS = (
    "httpTrigger",
    "blobTrigger",
    "eventGridTrigger",
    "timerTrigger",
    "queueTrigger",
    "orchestrationTrigger",
    "activityTrigger",
)
INPUTS = frozenset({*(trigger.lower() for trigger in TRIGGERS), "blob", "durableclient"})
OUTPUTS = frozenset({"http", "blob"})


def check_support(metadata: FunctionMetadata, environment: Mapping[str, str]) -> None:
    """Raise FunctionLoadError if this host cannot run a function with these bindings."""
    for binding in metadata.bindings:
        _check_type(binding)
        if binding.type.lower() == "blobtrigger":
            _check_source(binding)
            trigger_path(binding, environment)
        elif binding.type.lower() == "timertrigger":
            timer_schedule(binding, environment)
        elif binding.type.lower() == "queuetrigger":
            queue_name(binding, environment)
        elif binding.type.lower() == "blob":
            blob_template(binding, environment)
        if binding.type.lower() in SERVICES:
            connection_of(binding, environment)


def _check_type(binding: Binding) -> None:
    kind = binding.type.lower()
    if kind == "entitytrigger":
        raise FunctionLoadError("this local host does not run durable entities: keep the state in a blob instead")
    if kind not in (OUTPUTS if binding.direction == "out" else INPUTS):
        raise FunctionLoadError(
            f"this local host does not run {binding.type} bindings (direction {binding.direction}) yet; it runs the "
            f"triggers {', '.join(TRIGGERS)}, the inputs blob and durableClient, and the outputs http and blob"
        )


def _check_source(binding: Binding) -> None:
    source = binding.text("source")
    if source.lower() != "eventgrid":
        raise FunctionLoadError(
            f"blob trigger {binding.name}: this local host polls no containers, and neither does Flex Consumption. "
            'Put "source": "EventGrid" into the binding and have events posted to /runtime/webhooks/blobs.'
        )
