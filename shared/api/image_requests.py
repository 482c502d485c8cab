"""
`GET /api/images` as callers ask it: for one image now or when it is finished, for a page of all, for the finished ones.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

import azure.functions as func

from shared import names
from shared.api import finished_images, image_states, parameters, responses
from shared.api.image_states import PENDING, ImageState
from shared.clock import Clock
from shared.errors import BadRequestError
from shared.records.unfinished_document import DEFERRED
from shared.services import App
from shared.untrusted.characters import listed

_LIMIT = 50
_OF_LISTS = ("limit", "prefix", "continuation", "state")
_OF_ONE = ("wait", "explain")
# Of a poll that has told all; each lists every record there is.
_POLL_SECONDS = 60
_SOON_SECONDS = 1
# Until it is worth asking for an image again that is being worked on, and at most.
_WORK_SECONDS = 5
_LONGEST_SECONDS = 300
# A step that is tried again later than that is not waited for.
_MOST_DEFERRED = timedelta(hours=1)


def answer(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The answer to a request, whose parameters it checks."""
    if req.method in ("PUT", "DELETE"):
        # Imported here: most apps are not writable.
        from shared.api import image_writing

        return image_writing.answer(req, app)
    parameters.reject_unknown(req, "name", *_OF_LISTS, "since", *_OF_ONE, "summary")
    parameters.reject_beside(req, "summary", "name", *_OF_LISTS, "since", *_OF_ONE)
    parameters.reject_beside(req, "since", "name", "prefix", "continuation", "state", *_OF_ONE)
    since, state = parameters.text(req, "since"), parameters.text(req, "state")
    limit, wait = parameters.integer(req, "limit", _LIMIT), parameters.boolean(req, "wait")
    explain = parameters.boolean(req, "explain")
    prefix = parameters.text(req, "prefix", names.MAX_BLOB_NAME_CHARACTERS) or ""
    continuation, name = parameters.text(req, "continuation"), parameters.optional_name_of(req)
    if parameters.boolean(req, "summary"):
        from shared.api import summary

        return responses.answer_json({"images": [], "summary": summary.summary(app)})
    if since:
        return _finished(req, app, since, limit)
    if name:
        _reject_beside_name(req)
        return _one(req, app, name, wait=bool(wait), explain=bool(explain))
    if given := [each for each in _OF_ONE if each in req.params]:
        raise BadRequestError(
            f"{listed(given)} is for one image, and the request names none.",
            code="bad_parameter",
            action="Put the name into the path, or into ?name=; for all images ask with since.",
        )
    found = image_states.page(app, limit=limit, prefix=prefix, continuation=continuation, state=state)
    return responses.answer_json(found)


def _reject_beside_name(req: func.HttpRequest) -> None:
    given = [each for each in _OF_LISTS if each in req.params]
    if given:
        raise BadRequestError(
            f"A name is one image, and {listed(given)} is for lists: leave one out.", code="bad_parameter"
        )


def _finished(req: func.HttpRequest, app: App, since: str, limit: int) -> func.HttpResponse:
    found = finished_images.since(app, since, limit=limit)
    seconds = _POLL_SECONDS if found.is_over else _SOON_SECONDS
    told = f"&limit={limit}" if "limit" in req.params else ""
    path = f"/api/images?since={quote(found.since, safe=':')}{told}"
    body = {"images": found.images, "since": found.since}
    if not found.images:
        return responses.accepted(req, path, body, seconds)
    headers = {"Location": responses.address(req, path), **responses.retry_after(seconds)}
    return responses.answer_json(body, headers=headers)


def _one(req: func.HttpRequest, app: App, name: str, *, wait: bool, explain: bool) -> func.HttpResponse:
    found = image_states.explained(app, name) if explain else image_states.of_image(app, name)
    seconds = _seconds_of_work(found, app.clock) if wait else None
    if seconds is None:
        return responses.answer_json(found)
    path, told = names.image_path(name), "&explain=true" if explain else ""
    return responses.accepted(req, f"{path}{'&' if '?' in path else '?'}wait=true{told}", found, seconds)


def _seconds_of_work(image: ImageState, clock: Clock) -> float | None:
    """Seconds until it is worth asking for an image again; None where it is finished, or waiting does not help soon."""
    steps = [image["analysis"], *image["thumbnails"], image["text"]]
    if image["state"] == PENDING:
        # No event comes for what a change of settings leaves, and text waits for its analysis.
        not_made = any("reason" in step and step["reason"]["code"] == "not_made" for step in steps)
        return _WORK_SECONDS if not_made else None
    if image["state"] != DEFERRED:
        return None
    turns = [step["problem"]["until"] for step in steps if "problem" in step]
    ahead = [datetime.fromisoformat(turn) - clock.utc() for turn in turns if turn]
    if ahead and max(ahead) > _MOST_DEFERRED:
        return None
    soonest = min(ahead, default=timedelta()).total_seconds()
    return min(_LONGEST_SECONDS, max(_WORK_SECONDS, soonest))
