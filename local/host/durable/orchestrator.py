"""Run an orchestrator function once: hand it its history, take what it answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.host.app.converters import datum
from local.host.app.loader import LoadedFunction
from local.host.app.signature import RETURN
from local.host.durable.actions import ActionType
from local.host.durable.errors import OrchestrationError
from local.host.durable.history import Event
from local.host.durable.instances import Instance
from local.host.errors import CutShortError, InvocationError
from local.host.runner import Runner

# An orchestrator that raises hands its state over inside of the exception's text.
STATE_LABEL = "\n\n$OutOfProcData$:"
MAX_CUSTOM_STATUS_BYTES = 16 * 1024  # of UTF-16, as in the extension
CONSTANTS = {
    "isReplaying": False,
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "maximumShortTimerDuration": "6.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}


@dataclass(frozen=True)
class Answer:
    """
    What an orchestrator has asked for since its beginning, and how far it is.

    *output* and *custom_status* are JSON text or None; *error* is the exception's text.
    """

    actions: Sequence[Mapping[str, Any]]
    is_done: bool
    output: str | None
    custom_status: str | None
    error: str | None

    @property
    def next_input(self) -> str | None:
        """Return the input to continue as new with, itself JSON text; None if it does not."""
        for action in self.actions:
            if action["actionType"] == ActionType.CONTINUE_AS_NEW:
                return str(action["input"])
        return None


async def ask_orchestrator(
    runner: Runner, function: LoadedFunction, instance: Instance, past: Sequence[Event], new: Sequence[Event]
) -> Answer:
    """
    Run *function* on its history: events it has *past* and *new* ones.

    Raises OrchestrationError, and CutShortError for a run that says nothing about the orchestration.
    """
    context = json.dumps(_context(instance, past, new), ensure_ascii=False)
    try:
        results = await runner.run(function, datum(context, "string"), {"instanceId": instance.id}, {})
    except CutShortError:
        raise
    except InvocationError as error:
        text, label, state = str(error).partition(STATE_LABEL)
        if not label:
            raise OrchestrationError(text) from error
        return _parse(state)
    return _parse(results[RETURN].value)


def _context(instance: Instance, past: Sequence[Event], new: Sequence[Event]) -> dict[str, Any]:
    return {
        "history": [{**event, "IsPlayed": True} for event in past] + [{**event, "IsPlayed": False} for event in new],
        "input": None if instance.input is None else json.loads(instance.input),
        "instanceId": instance.id,
        "parentInstanceId": instance.parent.id if instance.parent else None,
        **CONSTANTS,
    }


def _parse(text: object) -> Answer:
    try:
        state = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        state = None
    if not isinstance(state, dict) or not isinstance(state.get("actions"), list):
        raise OrchestrationError(
            "The data returned by the out-of-process function execution was not valid json: "
            "an orchestrator's main must be what azure.durable_functions.Orchestrator.create(...) returns"
        )
    return Answer(
        actions=[action for actions in state["actions"] for action in actions],
        is_done=bool(state.get("isDone")),
        output=_json_or_none(state.get("output")),
        custom_status=_custom_status(state.get("customStatus")),
        error=state.get("error"),
    )


def _custom_status(value: object) -> str | None:
    text = _json_or_none(value)
    if text is not None and len(text.encode("utf-16-le")) > MAX_CUSTOM_STATUS_BYTES:
        raise OrchestrationError(
            f"The size of the custom status is {len(text.encode('utf-16-le'))} bytes of UTF-16 as JSON text; "
            f"it must not exceed {MAX_CUSTOM_STATUS_BYTES} bytes"
        )
    return text


def _json_or_none(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
