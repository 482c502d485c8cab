"""Orchestration instances: what is known of each, what may follow on what, how their ids may look."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from local.host.durable.history import Event, EventType, make_event
from local.host.errors import BadRequestError

MAX_ID_CHARACTERS = 256
NOT_IN_IDS = frozenset("/\\#?")


class Status(StrEnum):
    """Runtime statuses, spelled as the management API does; Canceled and Suspended never occur here."""

    PENDING = "Pending"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the instance."""
        return self in FINAL


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.TERMINATED})


@dataclass(frozen=True)
class Parent:
    """The orchestration that waits for this one, as its task *task_id*."""

    id: str
    execution: str
    name: str
    task_id: int


@dataclass(frozen=True)
class NewInstance:
    """An instance that is to be started; *input* is JSON text or None."""

    id: str
    name: str
    input: str | None
    version: str | None = None
    parent: Parent | None = None

    def started_event(self, execution: str, at: float) -> Event:
        """Return the message by which the instance starts."""
        parent = self.parent and {
            "OrchestrationInstance": {"InstanceId": self.parent.id, "ExecutionId": self.parent.execution},
            "Name": self.parent.name,
            "TaskScheduleId": self.parent.task_id,
        }
        return make_event(
            EventType.EXECUTION_STARTED,
            at,
            Name=self.name,
            Version=self.version,
            Input=self.input,
            OrchestrationInstance={"InstanceId": self.id, "ExecutionId": execution},
            ParentInstance=parent,
            Tags=None,
            ScheduledStartTime=None,
        )


@dataclass(frozen=True)
class Instance:
    """
    An instance as it is on disk; times in seconds since 1970.

    *input* and *custom_status* are JSON text; *output* is JSON text too, except for failures and reasons.
    """

    id: str
    execution: str
    name: str
    version: str | None
    input: str | None
    status: Status
    custom_status: str | None
    output: str | None
    created: float
    updated: float
    parent: Parent | None


def new_execution() -> str:
    """Return an id for one execution of an instance; an instance that continues as new gets another."""
    return uuid.uuid4().hex


def check_instance_id(instance_id: str) -> str:
    """Return *instance_id*, or a new one if it is empty; raises BadRequestError for what Azure does not take."""
    if not instance_id:
        return uuid.uuid4().hex
    if len(instance_id) > MAX_ID_CHARACTERS:
        raise BadRequestError(f"Instance IDs must not be longer than {MAX_ID_CHARACTERS} characters.")
    if instance_id.startswith("@"):
        raise BadRequestError("Orchestration instance ids must not start with @.")
    if any(character in NOT_IN_IDS or not character.isprintable() for character in instance_id):
        raise BadRequestError("Instance IDs must not contain /, \\, #, ?, or control characters.")
    return instance_id
