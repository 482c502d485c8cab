"""
Hand jobs and appointments over to their orchestrators, ask how far these are, and cancel them.

The durable client is the function's own, made of its binding and used on the event loop that it belongs to.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from shared import log
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import StorageError
from shared.json_types import Json
from shared.transport import time_budget

ORCHESTRATOR = "OcrOrchestrator"
RETRY_ORCHESTRATOR = "RetryOrchestrator"
_UNDER_WAY = ("Running", "Pending", "ContinuedAsNew", "Suspended")

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class _RuntimeStatus(Protocol):
    """A member of `azure.durable_functions.OrchestrationRuntimeStatus`."""

    @property
    def value(self) -> str:
        """Its name."""


class InstanceStatus(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationStatus` that the app uses."""

    @property
    def name(self) -> str:
        """The orchestrator."""

    @property
    def runtime_status(self) -> _RuntimeStatus | None:
        """How far the instance is."""

    @property
    def input_(self) -> object:
        """The input of the present execution, as JSON or parsed."""

    @property
    def custom_status(self) -> object:
        """The status that the orchestrator has set."""

    @property
    def output(self) -> object:
        """The result that the orchestrator has returned."""


class DurableClient(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that the app uses."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str, client_input: Mapping[str, object]
    ) -> str:
        """Start an instance; raises if one of that id is under way."""

    async def get_status(self, instance_id: str) -> InstanceStatus | None:
        """The status of an instance, falsy if there is none."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """Have an instance ended."""

    async def purge_instance_history(self, instance_id: str) -> object:
        """Delete the history of an instance that has ended."""


class Task(Protocol):
    """What is handed over by its id: an operation."""

    @property
    def instance_id(self) -> str:
        """The id of its orchestration."""

    @property
    def name(self) -> str:
        """The image in the container `images`; empty where it came over HTTP."""

    @property
    def input(self) -> str:
        """Under which name the request has kept what was sent; empty where it has not."""

    def to_json(self) -> Mapping[str, object]:
        """The form in which it is kept."""


async def hand_over_all(starter: str, tasks: Sequence[Job | Appointment], *, anew: str = "") -> None:
    """
    Have them done. *starter* is the durable client's binding; *anew* as `hand_over` takes it.

    Raises:
        StorageError: one could not be started.
    """
    if not tasks:
        return
    # Imported here: its import costs more than all others together, and many an event leaves nothing for later.
    from azure.durable_functions import DurableOrchestrationClient

    client = DurableOrchestrationClient(starter)
    for task in tasks:
        await hand_over(client, task, anew=anew)


async def hand_over(client: DurableClient, task: Job | Appointment, *, anew: str = "") -> bool:
    """
    Have it done. An instance that is under way is not started again.

    With a key *anew*, a job whose Read is under way and waits after a problem is begun under another id too.

    Returns:
        Whether it is this very task that is under way, as far as can be told, and not an equal one of another request.

    Raises:
        StorageError: it could not be started.
    """
    orchestrator = ORCHESTRATOR if isinstance(task, Job) else RETRY_ORCHESTRATOR
    if status := await _under_way_already(client, orchestrator, task):
        if anew and isinstance(task, Job) and _has_problem(status):
            return await hand_over(client, task.anew(anew))
        return not isinstance(task, Job) or _is_the_same(task.input, status)
    if isinstance(task, Job):
        log.event(_logger, "text.handed_over", blob=task.name or None, instance=task.instance_id)
    else:
        log.event(_logger, "step.handed_over", blob=task.name, instance=task.instance_id, seconds=task.seconds)
    return True


async def hand_over_kept(client: DurableClient, orchestrator: str, task: Task) -> bool:
    """
    Have an operation done. An instance that is under way is not started again.

    Returns:
        As `hand_over`.

    Raises:
        StorageError: it could not be started.
    """
    if status := await _under_way_already(client, orchestrator, task):
        return _is_the_same(task.input, status)
    log.event(_logger, "operation.handed_over", blob=task.name or None, instance=task.instance_id)
    return True


async def _under_way_already(
    client: DurableClient, orchestrator: str, task: Job | Appointment | Task
) -> InstanceStatus | None:
    """Start it; the status of the instance that was under way before, or None. Raises StorageError."""
    try:
        await start(client, orchestrator, task.instance_id, task.to_json())
    except StorageError:
        status = await _status_or_none(client, task.instance_id)
        if not status or not is_under_way(status):
            raise
        return status
    return None


async def start(client: DurableClient, orchestrator: str, instance_id: str, given: Mapping[str, object]) -> None:
    """
    Start an instance of an orchestrator.

    Raises:
        StorageError: it could not be started, or is under way.
    """
    try:
        await _in_time(client.start_new(orchestrator, instance_id, given))
    except Exception as error:  # the SDK raises nothing more specific
        raise StorageError(f"{orchestrator} {instance_id} could not be started: {error}.") from error


async def status_of(client: DurableClient, instance_id: str) -> InstanceStatus | None:
    """
    The status of an instance, falsy if there is none.

    Raises:
        StorageError: the Functions host did not answer.
    """
    try:
        return await _in_time(client.get_status(instance_id))
    except Exception as error:  # the SDK raises nothing more specific
        raise StorageError(f"The instance {instance_id} could not be asked for: {error}.") from error


async def purge(client: DurableClient, instance_id: str) -> None:
    """
    Delete the history of an instance that has ended. One of the same id overwrites only as much of it as it is long.

    Raises:
        StorageError: the Functions host did not answer.
    """
    try:
        await _in_time(client.purge_instance_history(instance_id))
    except Exception as error:  # the SDK raises nothing more specific
        raise StorageError(f"The history of {instance_id} could not be deleted: {error}.") from error


async def cancel(client: DurableClient, instance_id: str) -> None:
    """
    Have an instance ended at its next turn.

    Raises:
        StorageError: the Functions host did not answer.
    """
    try:
        await _in_time(client.terminate(instance_id, "cancelled over HTTP"))
    except Exception as error:  # the SDK raises nothing more specific
        raise StorageError(f"The instance {instance_id} could not be cancelled: {error}.") from error


async def _in_time(asked: Awaitable[_T]) -> _T:
    """The host's answer, in the invocation's time; the host asks storage, and limits no time by itself."""
    try:
        return await asyncio.wait_for(asked, time_budget.left(time_budget.BACKGROUND_SECONDS))
    except TimeoutError:
        raise TimeoutError("the Functions host did not answer in time") from None


def _has_problem(status: InstanceStatus) -> bool:
    """Whether the last step of a Read has failed, so that it waits to be repeated."""
    return isinstance(status.custom_status, dict) and bool(status.custom_status.get("problem"))


def _is_the_same(token: str, status: InstanceStatus) -> bool:
    """Whether a request's own job is the instance's; yes, where that one is not known."""
    given = given_to(status)
    return given is None or "subject" not in given or given.get("input", "") == token


def job_of(status: InstanceStatus) -> Job | None:
    """The job of an instance of OcrOrchestrator, or None if the app has not started it."""
    given = given_to(status)
    try:
        return None if given is None else Job.from_json(given)
    except TypeError:
        return None


def given_to(status: InstanceStatus) -> Json | None:
    """The job with which an instance began, as it is kept; None if the app has not started it."""
    try:
        given = json.loads(status.input_) if isinstance(status.input_, str) else status.input_
    except ValueError:
        return None
    # An instance that was continued as new has its job in its state.
    job = given.get("job", given) if isinstance(given, dict) else None
    return job if isinstance(job, dict) else None


def runtime_status(status: InstanceStatus | None) -> str | None:
    """An instance's runtime status by name, or None if there is no such instance."""
    return str(status.runtime_status.value) if status and status.runtime_status else None


def is_under_way(status: InstanceStatus | None) -> bool:
    """Whether the instance has not come to an end."""
    return runtime_status(status) in _UNDER_WAY


async def _status_or_none(client: DurableClient, instance_id: str) -> InstanceStatus | None:
    with suppress(StorageError):  # what matters is that it could not be started
        return await status_of(client, instance_id)
    return None
