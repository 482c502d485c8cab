"""
`/api/unfinished`: GET lists deferred and failed steps, POST retry has them and pending ones tried again.

POST reconcile compares images and records, as the app does every night, and GET reconcile says how far that is.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import azure.functions as func

from shared import clock, names, services
from shared.api import bodies, parameters, paths, pending_steps, reconciliation, responses, unfinished_entries
from shared.api.pending_steps import PendingImage
from shared.api.unfinished_entries import Entry, Filter
from shared.durable import appointments
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
_RETRY = (
    'expected {"name": "..."}, {"code": "..."}, {"all": true} or {"pending": true}, '
    'and optionally "step" and "continuation"'
)
_TEXTS = ("name", "blob", "code", "step", "continuation")
_FLAGS = ("all", "pending")
_PARALLEL = 8
_LONGEST_RETRY_SECONDS = 60.0
_IN_STEP = {
    by_step.ANALYSIS: " in the step analysis",
    by_step.THUMBNAILS: " in the step thumbnails",
    by_step.TEXT: " in the step text; text that waits for its analysis comes with it",
}


class _Retry(NamedTuple):
    """A try to arrange, and the write that follows once it is arranged."""

    appointment: Appointment
    write: Callable[[], object]


async def answer(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """Answer one request."""
    action = req.route_params.get("action")
    if req.method == "GET" and not action:
        parameters.reject_unknown(req, "step", "state", "code", "limit", "continuation")
        return await _list(req)
    if req.method == "POST" and action == "retry":
        parameters.reject_unknown(req)
        return await _retry(req, client)
    if req.method == "POST" and action == "reconcile":
        parameters.reject_unknown(req)
        return await reconciliation.begin(req, client)
    if req.method == "GET" and action == "reconcile":
        parameters.reject_unknown(req)
        return await reconciliation.report(req, client)
    raise NotFoundError(
        "There is GET /api/unfinished, POST /api/unfinished/retry, and POST and GET /api/unfinished/reconcile.",
        action="Ask one of the four.",
    )


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
    retries, further = await services.in_thread(app.threads, lambda: _found(app, body))
    for start in range(0, len(retries), _PARALLEL):
        each = (_have_tried(app, client, retry) for retry in retries[start : start + _PARALLEL])
        for done in await asyncio.gather(*each, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done
    retried = [
        {"name": each.name, "step": step, "inSeconds": clock.short(each.seconds)}
        for each in (retry.appointment for retry in retries)
        for step in each.steps
    ]
    answered = {"retried": retried, "continuation": further}
    if "name" not in body:
        # A poller would follow a Location and lose the continuation.
        return responses.answer_json(answered, status=202)
    seconds = max(retry.appointment.seconds for retry in retries)
    path = paths.waiting_image(body["name"])
    return responses.accepted(req, path, answered, min(_LONGEST_RETRY_SECONDS, seconds))


async def _have_tried(app: App, client: DurableClient, retry: _Retry) -> None:
    """Arrange the try, and write down then that it comes."""
    await hand_over(client, retry.appointment)
    await services.in_thread(app.threads, retry.write)


def _found(app: App, body: Json) -> tuple[list[_Retry], str | None]:
    """Everything that is meant to be tried again, one page of it."""
    step, continuation = _step(body.get("step")), body.get("continuation")
    if "pending" in body:
        pending, further = pending_steps.page(app, step, limit=MAX_PAGE, continuation=continuation)
        return _retries_of_pending(app, pending), further
    if "name" in body:
        return _found_of_image(app, names.check_image_name(body["name"]), step), None
    wanted = Filter(step, None if "code" in body else unfinished_document.FAILED, body.get("code"))
    entries, further = unfinished_entries.page(app, wanted, limit=MAX_PAGE, continuation=continuation)
    return _retries_of_unfinished(app, entries), further


def _found_of_image(app: App, name: str, step: str | None) -> list[_Retry]:
    """What one image misses: its deferred and failed steps, and its pending ones."""
    found = _retries_of_unfinished(app, unfinished_entries.find(app, name, step))
    found += _retries_of_pending(app, pending_steps.of_image(app, name, step))
    if not found:
        raise NotFoundError(
            f"Nothing is unfinished of the image {addresses.hidden(name)!r}{_IN_STEP.get(step or '', '')}.",
            action="GET /api/images/{name} says how far it is; GET /api/unfinished lists failed and deferred steps.",
        )
    return found


def _retries_of_unfinished(app: App, entries: list[Entry]) -> list[_Retry]:
    turns = appointments.turns(app.quota, [by_step.calls(app.settings, each.step) for each in entries])
    return [
        _Retry(unfinished_entries.appointment(each, seconds), partial(unfinished_entries.reopen, app, each, seconds))
        for each, seconds in zip(entries, turns, strict=True)
    ]


def _retries_of_pending(app: App, images: list[PendingImage]) -> list[_Retry]:
    turns = appointments.turns(app.quota, [sum(each.calls.values()) for each in images])
    return [
        _Retry(pending_steps.appointment(app, each, seconds), partial(pending_steps.note, app, each, seconds))
        for each, seconds in zip(images, turns, strict=True)
    ]


def _asked(req: func.HttpRequest) -> Json:
    """The members of a retry, each of which means what it says."""
    body = bodies.json_of(req, _RETRY)
    unknown = body.keys() - {*_TEXTS, *_FLAGS}
    which = [key for key in ("name", "blob", "code", *_FLAGS) if key in body]
    if unknown or len(which) != 1:
        json_object.refuse(f"The body has {listed(unknown or body) or 'no member'}", _RETRY)
    for key in body.keys() & set(_TEXTS):
        if not json_object.text_of(body, key, _RETRY) and key not in ("name", "blob"):
            json_object.refuse(f"The member {key!r} is empty; leave it out or give it a value", _RETRY)
    for key in body.keys() & set(_FLAGS):
        if body[key] is not True:
            json_object.refuse(f"The member {key!r} is {json_object.described(body[key])}, not true", _RETRY)
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
