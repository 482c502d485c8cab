"""`/api/unfinished`: GET lists what is deferred or failed, POST retry has it tried again."""

from typing import Any

import azure.functions as func

from shared import names, services, steps, unfinished, unfinished_list, web
from shared.appointments import Appointment
from shared.errors import BadRequestError, NotFoundError
from shared.orchestrations import DurableClient, hand_over
from shared.services import Services
from shared.unfinished_list import Entry, Wanted

MAX_PAGE = 200
_STATES = (unfinished.DEFERRED, unfinished.FAILED)
_RETRY = 'expected {"name": "..."}, {"code": "..."} or {"all": true}, and optionally "step" and "continuation"'

Json = dict[str, Any]


async def answer(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """Answer one request."""
    action = req.route_params.get("action")
    if req.method == "GET" and not action:
        web.only(req, "step", "state", "code", "limit", "continuation")
        return await _list(req)
    if req.method == "POST" and action == "retry":
        web.only(req)
        return await _retry(req, client)
    raise NotFoundError("There is GET /api/unfinished and POST /api/unfinished/retry.", action="Ask one of the two.")


async def _list(req: func.HttpRequest) -> func.HttpResponse:
    wanted = Wanted(
        _step(req.params.get("step")), _one_of("state", req.params.get("state"), _STATES), req.params.get("code")
    )
    limit = web.whole_number(req, "limit", 50)
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    parts, continuation = services.current(), req.params.get("continuation")
    entries, further = await services.in_thread(
        parts.threads, lambda: unfinished_list.page(parts, wanted, limit=limit, continuation=continuation)
    )
    return web.answer_json({"unfinished": [entry.to_json() for entry in entries], "continuation": further})


async def _retry(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    body = _asked(req)
    parts = services.current()
    appointments, further = await services.in_thread(parts.threads, lambda: _reopen(parts, body))
    for appointment in appointments:
        await hand_over(client, appointment)
    return web.answer_json(
        {
            "retried": [
                {"name": each.name, "step": each.steps[0], "inSeconds": round(each.seconds, 1)} for each in appointments
            ],
            "continuation": further,
        },
        status=202,
    )


def _reopen(parts: Services, body: Json) -> tuple[list[Appointment], str | None]:
    """Put everything that is meant to be tried again, one page of it."""
    step, further = _step(body.get("step")), None
    entries: list[Entry]
    if "name" in body:
        entries = unfinished_list.find(parts, names.check_image_name(body["name"]), step)
        if not entries:
            raise NotFoundError(
                f"Nothing is unfinished of the image {body['name']!r}.",
                action="GET /api/unfinished lists what is; GET /api/images/{name} says how far an image is.",
            )
    else:
        wanted = Wanted(step, None if "code" in body else unfinished.FAILED, body.get("code"))
        entries, further = unfinished_list.page(parts, wanted, limit=MAX_PAGE, continuation=body.get("continuation"))
    appointments = [unfinished_list.reopen(parts, entry) for entry in entries]
    return [each for each in appointments if each], further


def _asked(req: func.HttpRequest) -> Json:
    try:
        body = req.get_json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequestError(f"The body is no JSON object; {_RETRY}.", code="bad_json")
    which = [key for key in ("name", "code", "all") if key in body]
    texts = [key for key in ("name", "code", "step", "continuation") if not isinstance(body.get(key), str | None)]
    unknown = set(body) - {"name", "code", "all", "step", "continuation"}
    if len(which) != 1 or texts or unknown or body.get("all", True) is not True:
        raise BadRequestError(f"The body has {', '.join(sorted(body)) or 'nothing'}; {_RETRY}.", code="bad_json")
    return body


def _step(text: str | None) -> str | None:
    return _one_of("step", text, steps.STEPS)


def _one_of(parameter: str, text: str | None, allowed: tuple[str, ...]) -> str | None:
    if text is not None and text not in allowed:
        raise BadRequestError(f"{parameter}={text[:40]!r} is none of {', '.join(allowed)}.", code="bad_parameter")
    return text
