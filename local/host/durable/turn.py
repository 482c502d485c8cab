"""One turn of an orchestration: from its messages and its orchestrator's answer to what is to be written down."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from local.host.durable.errors import OrchestrationError
from local.host.durable.history import Event, EventType, make_event, seconds_of, sub_orchestration_failed, timer_fired
from local.host.durable.instances import Instance, NewInstance, Parent, Status, new_execution
from local.host.durable.orchestrator import Answer
from local.host.durable.replay import Replay, Scheduled

# OrchestrationStatus of ExecutionCompleted.
FINAL_NUMBERS = {Status.COMPLETED: 1, Status.FAILED: 3, Status.TERMINATED: 5}


@dataclass(frozen=True)
class Turn:
    """An instance whose time has come: its history so far, and the messages that have arrived, with their row ids."""

    instance: Instance
    past: list[Event]
    messages: list[Event]
    message_ids: list[int]
    now: float

    @property
    def new_events(self) -> list[Event]:
        """What this turn adds to the history before its orchestrator runs; the start of an instance comes first."""
        ordered = sorted(self.messages, key=lambda event: event["EventType"] != EventType.EXECUTION_STARTED)
        return [make_event(EventType.ORCHESTRATOR_STARTED, self.now), *ordered]

    @property
    def termination(self) -> Event | None:
        """The message that ends the instance from outside, if it has come."""
        terminations = (event for event in self.messages if event["EventType"] == EventType.EXECUTION_TERMINATED)
        return next(terminations, None)


@dataclass(frozen=True)
class Result:
    """What a turn has come to; all of it is written in one transaction, or nothing."""

    turn: Turn
    instance: Instance
    events: list[Event]
    activities: list[Scheduled] = field(default_factory=list)
    timers: list[tuple[float, Event]] = field(default_factory=list)
    children: list[NewInstance] = field(default_factory=list)
    continues_as_new: bool = False

    @property
    def message_to_parent(self) -> Event | None:
        """What the waiting orchestration is told, if there is one and this one has come to an end."""
        instance = self.instance
        if instance.parent is None or not instance.status.is_final:
            return None
        now, task_id, text = self.turn.now, instance.parent.task_id, instance.output
        if instance.status is Status.COMPLETED:
            return make_event(EventType.SUB_ORCHESTRATION_COMPLETED, now, TaskScheduledId=task_id, Result=text)
        return sub_orchestration_failed(task_id, text or "", now)


def terminate(turn: Turn) -> Result:
    """End the instance as its message wants it, without asking its orchestrator."""
    reason = turn.termination["Input"] if turn.termination else ""
    return _finish(turn, turn.instance, Status.TERMINATED, reason)


def fail(turn: Turn, error: str) -> Result:
    """End the instance with an error."""
    text = f"Orchestrator function '{turn.instance.name}' failed: {error}"
    return _finish(turn, turn.instance, Status.FAILED, text)


def conclude(turn: Turn, answer: Answer, check: Callable[[Scheduled], None]) -> Result:
    """
    Work out what *answer* means. *check* raises OrchestrationError for calls of functions that do not exist.

    An orchestrator that is done has its instance wait until no task is left running.
    """
    replay = Replay(answer.actions, check)
    try:
        replay.run([*turn.past, *turn.new_events])
    except OrchestrationError as error:
        return fail(turn, str(error))
    turn = replace(turn, instance=_with_custom_status(turn.instance, answer))
    if not replay.is_finished:
        return _go_on(turn, list(replay.scheduled.values()))
    if answer.error:
        return fail(turn, answer.error)
    if not answer.is_done:
        return _go_on(turn, list(replay.scheduled.values()))
    if answer.next_input is not None:
        return _continue_as_new(turn, answer.next_input)
    return _finish(turn, turn.instance, Status.COMPLETED, answer.output)


def _with_custom_status(instance: Instance, answer: Answer) -> Instance:
    return instance if answer.custom_status is None else replace(instance, custom_status=answer.custom_status)


def _finish(turn: Turn, instance: Instance, status: Status, output: str | None) -> Result:
    completed = make_event(
        EventType.EXECUTION_COMPLETED, turn.now, OrchestrationStatus=FINAL_NUMBERS[status], Result=output
    )
    finished = replace(instance, status=status, output=output, updated=turn.now)
    return Result(turn, finished, [*turn.new_events, completed, _turn_completed(turn)])


def _continue_as_new(turn: Turn, next_input: str) -> Result:
    instance = replace(
        turn.instance,
        execution=new_execution(),
        # A JSON string that holds JSON, as a client sends its input.
        input=json.dumps(next_input, ensure_ascii=False),
        status=Status.RUNNING,
        updated=turn.now,
    )
    return Result(turn, instance, [], continues_as_new=True)


def _go_on(turn: Turn, tasks: list[Scheduled]) -> Result:
    """Schedule *tasks*; also when nothing is new but the time of the last turn."""
    instance = replace(turn.instance, status=Status.RUNNING, updated=turn.now)
    created = [_created_event(task, instance, turn.now) for task in tasks]
    return Result(
        turn,
        instance,
        [*turn.new_events, *created, _turn_completed(turn)],
        activities=[task for task in tasks if task.kind is EventType.TASK_SCHEDULED],
        timers=[
            (seconds_of(task.fire_at), timer_fired(task.id, task.fire_at, seconds_of(task.fire_at)))
            for task in tasks
            if task.kind is EventType.TIMER_CREATED
        ],
        children=[_child(task, instance) for task in tasks if task.kind is EventType.SUB_ORCHESTRATION_CREATED],
    )


def _turn_completed(turn: Turn) -> Event:
    return make_event(EventType.ORCHESTRATOR_COMPLETED, turn.now)


def _child(task: Scheduled, instance: Instance) -> NewInstance:
    return NewInstance(
        _child_id(task, instance),
        task.name,
        # A sub-orchestration gets its input as the client sends one: a JSON string that holds JSON.
        None if task.input is None else json.dumps(task.input, ensure_ascii=False),
        task.version,
        Parent(instance.id, instance.execution, instance.name, task.id),
    )


def _child_id(task: Scheduled, instance: Instance) -> str:
    return task.instance_id or f"{instance.execution}:{task.id}"


def _created_event(task: Scheduled, instance: Instance, now: float) -> Event:
    if task.kind is EventType.TIMER_CREATED:
        return make_event(task.kind, now, task.id, FireAt=task.fire_at)
    # Durable Task hands its functions a list of arguments.
    members = {"Name": task.name, "Version": task.version, "Input": json.dumps([task.input], ensure_ascii=False)}
    if task.kind is EventType.SUB_ORCHESTRATION_CREATED:
        members["InstanceId"] = _child_id(task, instance)
    return make_event(task.kind, now, task.id, **members)
