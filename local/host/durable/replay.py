"""
Find out what an orchestrator has newly asked for, by replaying its actions over its history.

In every turn the SDK answers with all actions since the beginning. It numbers its tasks in the order in which they
come up, and so does Durable Task; the two agree only if the actions are walked as the extension walks them: action
k + 1 is created when action k is settled, while events come in one after the other. Source of the rules:
`OutOfProcOrchestrationShim` of the extension, `TaskOrchestrationContext` of Durable Task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.host.durable.actions import ActionType, refuse_unsupported
from local.host.durable.awaiting import Pending, all_of, any_of
from local.host.durable.errors import OrchestrationError
from local.host.durable.history import Event, EventType, seconds_of, timestamp

Action = Mapping[str, Any]
COMPLETIONS = {
    EventType.TASK_COMPLETED: "TaskScheduledId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_COMPLETED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_FAILED: "TaskScheduledId",
    EventType.TIMER_FIRED: "TimerId",
}
FAILURES = (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)
WHAT = {
    EventType.TASK_SCHEDULED: "activity",
    EventType.SUB_ORCHESTRATION_CREATED: "sub-orchestration",
    EventType.TIMER_CREATED: "timer",
}


@dataclass(frozen=True)
class Scheduled:
    """
    Task number *id*: an activity, a sub-orchestration or a timer, said by the *kind* of its event.

    *input* is what the function gets, JSON text; *fire_at* is a timer's time; *instance_id* is empty for the default.
    """

    id: int
    kind: EventType
    name: str = ""
    input: str | None = None
    instance_id: str = ""
    version: str | None = None
    fire_at: str = ""


class Replay:
    """
    One walk through *actions*; `scheduled` is what no event of the history tells about yet.

    *check* raises OrchestrationError for a task whose function does not exist.
    """

    def __init__(self, actions: Sequence[Action], check: Callable[[Scheduled], None]) -> None:
        self.scheduled: dict[int, Scheduled] = {}
        self._actions = actions
        self._check = check
        self._position = 0
        self._next_id = 0
        self._open: dict[int, Pending] = {}
        self._clock = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether every action is settled and no task is left running, an uncancelled timer included."""
        return self._position == len(self._actions) and not self._open

    def run(self, events: Sequence[Event]) -> None:
        """Walk the actions through *events*; raises OrchestrationError if they do not fit together."""
        for event in events:
            self._process(event)

    def _process(self, event: Event) -> None:
        kind = EventType(event["EventType"])
        if kind is EventType.ORCHESTRATOR_STARTED:
            self._clock = seconds_of(event["Timestamp"])
        elif kind is EventType.EXECUTION_STARTED:
            self._advance()
        elif kind in WHAT:
            self._confirm(kind, event)
        elif kind in COMPLETIONS:
            # An unknown number is a duplicate or a cancelled timer.
            task = self._open.pop(event[COMPLETIONS[kind]], None)
            if task is not None:
                task.settle(failed=kind in FAILURES)

    def _confirm(self, kind: EventType, event: Event) -> None:
        task = self.scheduled.pop(event["EventId"], None)
        name = event.get("Name") or ""
        if task is None or task.kind is not kind or task.name.lower() != name.lower():
            now = f"now asks for {_describe(task.kind, task.name)}" if task else "now does not ask for it (yet)"
            raise OrchestrationError(
                f"Non-Deterministic workflow detected: an earlier run of this orchestrator asked for "
                f"{_describe(kind, name)} as task number {event['EventId']}, but it {now}. An orchestrator must ask "
                "for the same things in the same order each time it runs: was its code changed while this instance "
                "was running, or does it depend on the clock, chance, the environment or I/O?"
            )

    def _advance(self) -> None:
        while self._position < len(self._actions):
            waiting = self._start(self._actions[self._position])
            if not waiting.is_settled:
                waiting.then(self._step)
                return
            self._position += 1

    def _step(self) -> None:
        self._position += 1
        self._advance()

    def _start(self, action: Action) -> Pending:
        match action["actionType"]:
            case ActionType.CALL_ACTIVITY | ActionType.CALL_SUB_ORCHESTRATOR:
                return self._call(action)
            case ActionType.CALL_ACTIVITY_WITH_RETRY | ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY:
                return self._call_with_retry(action)
            case ActionType.CREATE_TIMER:
                return self._create_timer(action["fireAt"], is_canceled=bool(action.get("isCanceled")))
            case ActionType.WHEN_ANY:
                return any_of([self._start(part) for part in action["compoundActions"]])
            case ActionType.WHEN_ALL:
                return all_of([self._start(part) for part in action["compoundActions"]])
            case ActionType.CONTINUE_AS_NEW:
                return all_of([])
        raise refuse_unsupported(action)

    def _call(self, action: Action) -> Pending:
        is_activity = action["actionType"] in (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY)
        kind = EventType.TASK_SCHEDULED if is_activity else EventType.SUB_ORCHESTRATION_CREATED
        return self._schedule(
            Scheduled(
                self._next_id,
                kind,
                name=action["functionName"],
                input=action.get("input"),
                instance_id=action.get("instanceId") or "",
                version=action.get("version"),
            )
        )

    def _create_timer(self, fire_at: str, *, is_canceled: bool = False) -> Pending:
        timer = self._schedule(Scheduled(self._next_id, EventType.TIMER_CREATED, fire_at=fire_at))
        if is_canceled:
            del self._open[self._next_id - 1]
            timer.settle(failed=True)
        return timer

    def _call_with_retry(self, action: Action) -> Pending:
        options = action["retryOptions"]
        seconds = options["firstRetryIntervalInMilliseconds"] / 1000
        whole = Pending()

        def attempt(left: int) -> None:
            call = self._call(action)
            call.then(lambda: pause(left) if call.has_failed else whole.settle())

        def pause(left: int) -> None:
            # Durable Task waits after the last attempt too, for no time at all, and the SDK counts on that timer.
            fire_at = timestamp(self._clock + (seconds if left else 0))
            self._create_timer(fire_at).then(lambda: attempt(left - 1) if left else whole.settle(failed=True))

        attempt(int(options["maxNumberOfAttempts"]) - 1)
        return whole

    def _schedule(self, task: Scheduled) -> Pending:
        self._check(task)
        self._next_id += 1
        self.scheduled[task.id] = task
        self._open[task.id] = Pending()
        return self._open[task.id]


def _describe(kind: EventType, name: str) -> str:
    return f"the {WHAT[kind]} '{name}'" if name else f"a {WHAT[kind]}"
