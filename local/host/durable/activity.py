"""Run one activity and turn what comes of it into the message that its orchestration gets."""

import json
import re
from collections.abc import Callable
from typing import Any

from local.host.app.converters import datum
from local.host.app.signature import RETURN
from local.host.durable.agenda import Work
from local.host.durable.errors import OrchestrationError
from local.host.durable.functions import DurableFunctions
from local.host.durable.history import Event, EventType, task_completed, task_failed
from local.host.durable.replay import Scheduled
from local.host.errors import InvocationError
from local.host.runner import Runner
from local.json_text import NotJsonError, read_json

# Azure cuts from here to the next quote or angle bracket, so a SAS URL in an error does not come back whole.
SECRET = re.compile(
    r"(?:[?&](?:sig|code|token)=|(?:SharedAccessKey|AccountKey|password|pwd|key)=)[^\"'<]*", re.IGNORECASE
)
HIDDEN = "[Hidden Credential]"
HRESULT_EXCEPTION = -2146233088  # COR_E_EXCEPTION


async def run_activity(runner: Runner, functions: DurableFunctions, work: Work, now: Callable[[], float]) -> Event:
    """Run *work* and return TaskCompleted, or TaskFailed if the function raises or is no more."""
    function = functions.activities.get(work.name.lower())
    if function is None:
        try:
            functions.check_task(Scheduled(work.task_id, EventType.TASK_SCHEDULED, work.name))
        except OrchestrationError as error:
            return _failed(work, str(error), now())
        return _failed(work, "the function is disabled or cannot be loaded", now())
    try:
        results = await runner.run(function, datum(work.input, "string"), _binding_data(work), {})
    except InvocationError as error:
        return _failed(work, str(error), now())
    return task_completed(work.task_id, results[RETURN].value, now())


def _binding_data(work: Work) -> dict[str, Any]:
    try:
        members = read_json(work.input)
    except NotJsonError:
        members = None
    return {**(members if isinstance(members, dict) else {}), "instanceId": work.instance_id}


def _failed(work: Work, text: str, at: float) -> Event:
    # The extension cuts the host's message behind "Exception:", so the space after the colon stays: there are two.
    message = f" {SECRET.sub(HIDDEN, text)}"
    reason = f"Activity function '{work.name}' failed: {message}"
    return task_failed(work.task_id, reason, _dotnet_exception(message), at)


def _dotnet_exception(message: str) -> str:
    """Return an exception as Newtonsoft.Json writes .NET's; the SDK puts it behind the reason."""
    members: dict[str, object] = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": HRESULT_EXCEPTION,
        "Source": None,
        "WatsonBuckets": None,
    }
    return json.dumps(members, ensure_ascii=False)
