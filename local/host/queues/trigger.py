"""Queue-triggered functions: which queue each takes its messages from, and what it is told about a message."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.host.app.connections import Connection, connection_of
from local.host.app.converters import Data, Datum, datum
from local.host.app.loader import LoadedFunction
from local.host.app.metadata import Binding
from local.host.queues.names import poison_queue, queue_name
from local.host.queues.storage import Message
from local.json_text import NotJsonError, read_json

# What .NET puts where a message has no such time.
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class QueueFunction:
    """A function with a queue trigger, its queue and the account that has it."""

    function: LoadedFunction
    queue: str
    connection: Connection

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def poison_queue(self) -> str | None:
        """Where messages go that fail again and again; None if there is no such place."""
        return poison_queue(self.queue)


def queue_functions(functions: Iterable[LoadedFunction], environment: Mapping[str, str]) -> list[QueueFunction]:
    """Return the enabled queue-triggered functions."""
    return [
        QueueFunction(
            function,
            queue_name(function.metadata.trigger, environment),
            connection_of(function.metadata.trigger, environment),
        )
        for function in functions
        if function.metadata.trigger.type.lower() == "queuetrigger" and not function.metadata.disabled
    ]


def trigger_datum(binding: Binding, body: bytes) -> Datum:
    """Return a message as the worker gets it: text, unless the binding says `"dataType": "binary"`."""
    if binding.data_type == "binary":
        return datum(body, "bytes")
    return datum(body.decode("utf-8", "replace"), "string")


def binding_data(body: bytes, message: Message | None) -> dict[str, Any]:
    """
    Return the values that a trigger offers by name.

    Members of a message that is a JSON object win over the trigger's own names. Run by hand there is no *message*.
    """
    own: dict[str, Any] = {
        "DequeueCount": message.dequeue_count if message else 0,
        "ExpirationTime": (message and message.expires) or NEVER,
        "InsertionTime": (message and message.inserted) or datetime.now(UTC),
        "NextVisibleTime": (message and message.next_visible) or NEVER,
    }
    if message:
        own |= {"Id": message.id, "PopReceipt": message.receipt}
    try:
        own["QueueTrigger"] = body.decode()
        content = read_json(body)
    except (UnicodeDecodeError, NotJsonError):
        content = None
    return {**own, **content} if isinstance(content, dict) else own


def trigger_metadata(body: bytes, message: Message | None) -> Data:
    """Return what the converter of a queue message reads: texts as they are, numbers and times as JSON."""
    data = binding_data(b"", message)
    return {
        name: datum(value, "string") if isinstance(value, str) else datum(json.dumps(value, default=_iso), "json")
        for name, value in {**data, "QueueTrigger": body.decode("utf-8", "replace")}.items()
    }


def _iso(value: datetime) -> str:
    return value.isoformat()
