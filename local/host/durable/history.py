"""
Events of an orchestration's history, in the JSON that the extension hands to the SDK.

An event is an object with `EventType`, `EventId` (the sequence number of what was scheduled, else -1), `Timestamp` and
members of its own. The SDK reads some of them unasked (`Version`, `Result`, `TimerId`), so they are always there.
"""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The numbers of Durable Task's event types, as far as this host writes them."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13


def make_event(kind: EventType, at: float, event_id: int = -1, **members: Any) -> Event:
    """Return an event of *kind* at the time *at* (seconds since 1970)."""
    return {"EventType": int(kind), "EventId": event_id, "Timestamp": timestamp(at), **members}


def timestamp(seconds: float) -> str:
    """Return a time as .NET writes it; the Z makes the orchestrator's clock timezone-aware."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def seconds_of(text: str) -> float:
    """Return the seconds since 1970 of a *timestamp*; one without a zone is UTC. Raises ValueError for other text."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def task_completed(task_id: int, result: str | None, at: float) -> Event:
    """An activity returned *result*, JSON text."""
    return make_event(
        EventType.TASK_COMPLETED, at, TaskScheduledId=task_id, Result=None if result == "null" else result
    )


def task_failed(task_id: int, reason: str, details: str | None, at: float) -> Event:
    """An activity raised."""
    return make_event(EventType.TASK_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=details)


def sub_orchestration_failed(task_id: int, reason: str, at: float) -> Event:
    """A sub-orchestration failed, was terminated, or could not be started."""
    return make_event(EventType.SUB_ORCHESTRATION_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=None)


def timer_fired(timer_id: int, fire_at: str, at: float) -> Event:
    """The time *fire_at* of a timer has come."""
    return make_event(EventType.TIMER_FIRED, at, TimerId=timer_id, FireAt=fire_at)


def execution_terminated(reason: str, at: float) -> Event:
    """Somebody ends the instance from outside."""
    return make_event(EventType.EXECUTION_TERMINATED, at, Input=reason)
