"""`POST /api/skills/{skill}`: the batch of a request, its skill with its parameters, and its time."""

from collections.abc import Callable

import azure.functions as func

from shared import services
from shared.api import asked, bodies, ocr, parameters, responses
from shared.errors import BadRequestError, NotFoundError
from shared.ocr import on_request
from shared.services import App
from shared.skills import batch, records
from shared.skills.skill import Reading, Seeing, Skill
from shared.skills.work import Work
from shared.untrusted.characters import shown_segment
from shared.vision import questions

# `timeout` of a skill: by default, and at most
# (learn.microsoft.com, Custom Web API skill in an Azure AI Search enrichment pipeline).
DEFAULT_SECONDS, MOST_SECONDS = 30, 230
# For the way of the request and the answer, and for a cold start, which the caller's clock counts too.
_PART_FOR_RECORDS = 7 / 8
_TIMEOUT = "timeoutSeconds"
_MAKERS: dict[str, tuple[tuple[str, ...], Callable[[func.HttpRequest, App, str], Skill]]] = {
    "analyze": (asked.ANALYZE, lambda req, app, _: Seeing(asked.analyze(req, app.settings))),
    "describe": (asked.DESCRIBE, lambda req, app, _: Seeing(asked.describe(req, app.settings))),
    "read": (tuple(on_request.PARAMETERS), lambda req, _, starter: _reading(req, starter)),
}
SKILLS = tuple(_MAKERS)


async def answer(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer one batch; *starter* is the durable client's binding."""
    name = req.route_params.get("skill") or ""
    if name not in _MAKERS:
        raise NotFoundError(
            f"There is no skill {shown_segment(name)}.",
            code="skill_not_found",
            action=f"Put one of {', '.join(SKILLS)} into the path.",
        )
    known, make = _MAKERS[name]
    parameters.reject_unknown(req, *known, _TIMEOUT)
    seconds = _seconds(req)
    app = services.current()
    # The caller's clock has begun, so what comes before the records counts too.
    work = Work(app, seconds)
    skill = make(req, app, starter)
    body = bodies.bytes_of(req)
    # A batch is megabytes of JSON, on which the event loop is not to wait; other batches may have all of their threads.
    given = await services.in_thread(app.threads, lambda: batch.looked_at(records.parsed(body)))
    answers = await batch.answered(work, skill, given)
    return await services.in_thread(
        app.threads, lambda: responses.answer_json({"values": batch.told(work, skill, given, answers)})
    )


def _seconds(req: func.HttpRequest) -> float:
    """After how many seconds the batch is answered."""
    seconds = parameters.integer(req, _TIMEOUT, DEFAULT_SECONDS)
    if not 1 <= seconds <= MOST_SECONDS:
        raise BadRequestError(f"{_TIMEOUT}={seconds} is not in 1 to {MOST_SECONDS}.", code="bad_parameter")
    return seconds * _PART_FOR_RECORDS


def _reading(req: func.HttpRequest, starter: str) -> Skill:
    # Imported here: its import costs more than all others together, and the other skills do not need it.
    from azure.durable_functions import DurableOrchestrationClient

    given = ocr.parameters_of(req)
    questions.read(**given)  # checks them
    return Reading(given, DurableOrchestrationClient(starter))
