"""Instances and their histories as the management API tells of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from local.host.durable.history import Event, EventType
from local.host.durable.instances import Instance
from local.json_text import NotJsonError, read_json

# By what event a task begins; its end takes over what a reader wants of that and it is left out.
BEGINNINGS = (EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.TIMER_CREATED)
NAMES = {
    EventType.SUB_ORCHESTRATION_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
}
STATUS_NAMES = {1: "Completed", 3: "Failed", 5: "Terminated"}
HIDDEN = ("EventId", "IsPlayed", "TimerId", "TaskScheduledId", "Version", "Tags", "ParentInstance")


def instance_json(instance: Instance, *, with_input: bool = True) -> dict[str, Any]:
    """Return the status of *instance*; text that is no JSON, as of a failure, stays text."""
    return {
        "name": instance.name,
        "instanceId": instance.id,
        "runtimeStatus": str(instance.status),
        "input": _value(instance.input) if with_input else None,
        "customStatus": _value(instance.custom_status),
        "output": _value(instance.output),
        "createdTime": _time(instance.created),
        "lastUpdatedTime": _time(instance.updated),
    }


def history_json(events: Sequence[Event], *, with_output: bool) -> list[dict[str, Any]]:
    """Return a history for reading: without the engine's own turns, and each task as one event once it has ended."""
    begun = {event["EventId"]: event for event in events if event["EventType"] in BEGINNINGS}
    ended = {_task_id(event) for event in events} - {None}
    return [
        _event_json(event, begun.get(_task_id(event)), with_output)
        for event in events
        if event["EventType"] not in (EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED)
        and not (event["EventType"] in BEGINNINGS and event["EventId"] in ended)
    ]


def _task_id(event: Event) -> int | None:
    return event.get("TaskScheduledId", event.get("TimerId"))


def _event_json(event: Event, beginning: Event | None, with_output: bool) -> dict[str, Any]:
    kind = EventType(event["EventType"])
    shown = {name: value for name, value in event.items() if name not in HIDDEN}
    shown["EventType"] = NAMES.get(kind) or kind.name.title().replace("_", "")
    if beginning is not None:
        shown["ScheduledTime"] = beginning["Timestamp"]
        shown.update({name: beginning[name] for name in ("Name", "Input") if name in beginning})
    if "Name" in shown:
        shown["FunctionName"] = shown.pop("Name")
    if "OrchestrationStatus" in shown:
        shown["OrchestrationStatus"] = STATUS_NAMES[shown["OrchestrationStatus"]]
    if "Result" in shown:
        shown["Result"] = _value(shown["Result"])
        if not with_output:
            del shown["Result"]
    return shown


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return read_json(text)
    except NotJsonError:
        return text


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
