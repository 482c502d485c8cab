"""`/api/unfinished`: GET lists deferred and failed steps, POST retry has them tried again."""

import re

import azure.functions as func

from shared import clock, names, services
from shared.api import bodies, parameters, responses, unfinished_entries
from shared.api.unfinished_entries import Entry, Filter
from shared.durable.appointments import Appointment
from shared.durable.handover import DurableClient, hand_over
from shared.errors import BadRequestError, NotFoundError
from shared.json_types import Json
from shared.records import by_step, unfinished_document
from shared.services import App
from shared.untrusted import addresses, json_object
from shared.untrusted.characters import listed, shown

MAX_PAGE = 200
_STATES = (unfinished_document.DEFERRED, unfinished_document.FAILED)
_RETRY = 'expected {"name": "..."}, {"code": "..."} or {"all": true}, and optionally "step" and "continuation"'
_TEXTS = ("name", "blob", "code", "step", "continuation")


async def answer(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """Answer one request."""
    action = req.route_params.get("action")
    if req.method == "GET" and not action:
        parameters.reject_unknown(req, "step", "state", "code", "limit", "continuation")
        return await _list(req)
    if req.method == "POST" and action == "retry":
        parameters.reject_unknown(req)
        return await _retry(req, client)
    raise NotFoundError("There is GET /api/unfinished and POST /api/unfinished/retry.", action="Ask one of the two.")


async def _list(req: func.HttpRequest) -> func.HttpResponse:
    wanted = Filter(
        _step(parameters.text(req, "step")),
        _one_of("state", parameters.text(req, "state"), _STATES),
        parameters.text(req, "code"),
    )
    limit = parameters.integer(req, "limit", 50)
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    app, continuation = services.current(), parameters.text(req, "continuation")
    entries, further = await services.in_thread(
        app.threads, lambda: unfinished_entries.page(app, wanted, limit=limit, continuation=continuation)
    )
    listed_entries = [entry.to_json(app.clock) for entry in entries]
    return responses.answer_json({"unfinished": listed_entries, "continuation": further})


async def _retry(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    body = _asked(req)
    app = services.current()
    appointments, further = await services.in_thread(app.threads, lambda: _reopen(app, body))
    for appointment in appointments:
        await hand_over(client, appointment)
    return responses.answer_json(
        {
            "retried": [
                {"name": each.name, "step": each.steps[0], "inSeconds": clock.short(each.seconds)}
                for each in appointments
            ],
            "continuation": further,
        },
        status=202,
    )


def _reopen(app: App, body: Json) -> tuple[list[Appointment], str | None]:
    """Put everything that is meant to be tried again, one page of it."""
    step, further = _step(body.get("step")), None
    entries: list[Entry]
    if "name" in body:
        entries = unfinished_entries.find(app, names.check_image_name(body["name"]), step)
        if not entries:
            raise NotFoundError(
                f"Nothing is unfinished of the image {addresses.hidden(body['name'])!r}.",
                action="GET /api/unfinished lists what is; GET /api/images/{name} says how far an image is.",
            )
    else:
        wanted = Filter(step, None if "code" in body else unfinished_document.FAILED, body.get("code"))
        entries, further = unfinished_entries.page(app, wanted, limit=MAX_PAGE, continuation=body.get("continuation"))
    appointments = [unfinished_entries.reopen(app, entry) for entry in entries]
    return [each for each in appointments if each], further


def _asked(req: func.HttpRequest) -> Json:
    """The members of a retry, each of which means what it says."""
    body = bodies.json_of(req, _RETRY)
    unknown = body.keys() - {*_TEXTS, "all"}
    which = [key for key in ("name", "blob", "code", "all") if key in body]
    if unknown or len(which) != 1:
        json_object.refuse(f"The body has {listed(unknown or body) or 'no member'}", _RETRY)
    for key in body.keys() & set(_TEXTS):
        if not json_object.text_of(body, key, _RETRY) and key not in ("name", "blob"):
            json_object.refuse(f"The member {key!r} is empty; leave it out or give it a value", _RETRY)
    if body.get("all", True) is not True:
        json_object.refuse(f"The member 'all' is {json_object.described(body['all'])}, not true", _RETRY)
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", body.get("code", "any")):
        json_object.refuse(
            f"The member 'code' is {shown(body['code'])}; codes are small letters and underscores", _RETRY
        )
    if "blob" in body:  # as `bodies.image_of` takes it
        body["name"] = body.pop("blob")
    return body


def _step(text: str | None) -> str | None:
    return _one_of("step", text, by_step.STEPS)


def _one_of(parameter: str, text: str | None, allowed: tuple[str, ...]) -> str | None:
    if text is not None and text not in allowed:
        raise BadRequestError(f"{parameter}={shown(text)} is none of {', '.join(allowed)}.", code="bad_parameter")
    return text
