"""The app's orchestrators and activities by name, and what is said about names that are none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.host.app.loader import LoadedApp, LoadedFunction
from local.host.durable.errors import OrchestrationError
from local.host.durable.history import EventType
from local.host.durable.replay import Scheduled


@dataclass(frozen=True)
class DurableFunctions:
    """
    Functions that run, by their names in lower case: names are compared without regard to case, as in Azure.

    *unavailable* are the folders that are broken or disabled at the moment: what is theirs waits until they run again.
    """

    orchestrators: Mapping[str, LoadedFunction]
    activities: Mapping[str, LoadedFunction]
    unavailable: frozenset[str]

    @classmethod
    def of(cls, app: LoadedApp) -> "DurableFunctions":
        """Sort out the functions of *app*."""
        disabled = {function.name.lower() for function in app.functions if function.metadata.disabled}
        return cls(
            _with_trigger(app.functions, "orchestrationtrigger"),
            _with_trigger(app.functions, "activitytrigger"),
            frozenset(disabled | {broken.name.lower() for broken in app.broken}),
        )

    def check_task(self, task: Scheduled) -> None:
        """Raise OrchestrationError if *task* is a call of a function that does not exist."""
        if task.kind is EventType.TASK_SCHEDULED:
            _check(task.name, self.activities, self.unavailable, "activity")
        elif task.kind is EventType.SUB_ORCHESTRATION_CREATED:
            self.check_orchestrator(task.name)

    def check_orchestrator(self, name: str) -> None:
        """Raise OrchestrationError if there is no orchestrator *name*."""
        _check(name, self.orchestrators, self.unavailable, "orchestrator")


def _with_trigger(functions: Iterable[LoadedFunction], trigger: str) -> dict[str, LoadedFunction]:
    return {
        function.name.lower(): function
        for function in functions
        if function.metadata.trigger.type.lower() == trigger and not function.metadata.disabled
    }


def _check(name: str, known: Mapping[str, LoadedFunction], unavailable: frozenset[str], what: str) -> None:
    if name.lower() in known or name.lower() in unavailable:
        return
    names = ", ".join(f"'{function.name}'" for function in known.values())
    info = f"the following are the known {what} functions: {names}." if names else f"there are no {what} functions."
    raise OrchestrationError(
        f"The function '{name}' doesn't exist, is disabled, or is not an {what} function. Additional info: {info}"
    )
