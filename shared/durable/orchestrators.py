"""
What an orchestrator is given: its input, and the part of the SDK's context that it uses.

The SDK has no types of its own, and its import is too dear for functions that start no orchestration. Nothing else of
the app is imported here, so a process that only runs orchestrators loads nothing more.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, TypedDict, TypeVar, final

_Input_co = TypeVar("_Input_co", covariant=True)


Kind = Literal["image", "bytes", "url"]


@final
class JobJson(TypedDict):
    """A job as histories keep it; an earlier version of the app wrote it without the last members."""

    kind: Kind
    subject: str
    parameters: dict[str, str]
    deadline_seconds: float
    name: str
    etag: str
    size: int
    url: str
    text_only: bool
    pages: int
    address: str
    id: str
    input: str
    md5: str
    fit: str
    uploaded: str


class AppointmentJson(TypedDict):
    """An appointment as histories keep it."""

    name: str
    steps: list[str]
    key: str
    seconds: float
    attempts: int


class Problem(TypedDict):
    """An error, as an outcome carries it. The status is the one of an HTTP answer."""

    code: str
    status: int
    message: str
    action: str
    requestId: str | None


class OrchestrationContext(Protocol[_Input_co]):
    """`azure.durable_functions.DurableOrchestrationContext` of an orchestrator with that input."""

    @property
    def current_utc_datetime(self) -> datetime:
        """The time of this turn, the same at each replay."""

    def get_input(self) -> _Input_co:
        """The input with which this execution began."""

    def set_custom_status(self, status: Mapping[str, object]) -> None:
        """Show this to those who ask for the instance's status."""

    def create_timer(self, fire_at: datetime) -> object:
        """The task that sleeps until then."""

    def call_activity_with_retry(self, name: str, retry_options: object, input_: Mapping[str, object]) -> object:
        """The task that has an activity done; its result is the activity's outcome."""

    def call_sub_orchestrator(self, name: str, input_: Mapping[str, object]) -> object:
        """The task that runs another orchestrator to its end."""

    def continue_as_new(self, input_: Mapping[str, object]) -> None:
        """End this execution, and begin a new one with that input."""
