"""The actions that an orchestrator can ask for, and the refusal of those that this host does not run."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from local.host.durable.errors import OrchestrationError


class ActionType(IntEnum):
    """The numbers of the SDK's actions."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    SCHEDULED_SIGNAL_ENTITY = 10
    WHEN_ANY = 11
    WHEN_ALL = 12


ADVICE: dict[int, str] = {
    ActionType.WAIT_FOR_EXTERNAL_EVENT: "wait_for_external_event: wait on a timer and ask an activity instead",
    ActionType.CALL_ENTITY: "entities: keep the state in a blob and change it in an activity instead",
    ActionType.SIGNAL_ENTITY: "entities: keep the state in a blob and change it in an activity instead",
    ActionType.SCHEDULED_SIGNAL_ENTITY: "entities: keep the state in a blob and change it in an activity instead",
    ActionType.CALL_HTTP: "call_http: send the request in an activity instead",
}


def refuse_unsupported(action: Mapping[str, Any]) -> OrchestrationError:
    """Return the error for an action that this host does not run; its text says what to do instead."""
    number = action.get("actionType")
    advice = ADVICE.get(number, f"actions of type {number}") if isinstance(number, int) else f"the action {number!r}"
    return OrchestrationError(f"this local host does not run {advice}")
