"""
The data routes of the page: who may use each, and who answers.

They do what documented routes do, for people in place of function keys, so each hands on to the code of such a route.
An image's name is always in the query: no segment of a path is lost or joined on the way.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import azure.functions as func

from shared import services
from shared.api import bodies, parameters
from shared.configuration.gallery_access import GalleryAccess
from shared.errors import BadRequestError, NotFoundError
from shared.gallery import admission
from shared.gallery.admission import Caller, Role
from shared.gallery.files import COMMON, POLICY_OF_DATA
from shared.services import App


class Asked(NamedTuple):
    """A request to a data route by a caller who may use it; `starter` is the durable client's binding."""

    req: func.HttpRequest
    caller: Caller
    access: GalleryAccess
    starter: str


class Route(NamedTuple):
    """Who may use it (None is everyone), and what answers."""

    role: Role | None
    answer: Callable[[Asked], Awaitable[func.HttpResponse]]


async def answer(req: func.HttpRequest, route: str, access: GalleryAccess, starter: str) -> func.HttpResponse:
    """
    Answer with data, to those who may have them.

    Raises:
        BlobsightError: `gallery_sign_in`, `gallery_forbidden`, `not_found`; as the route itself.
    """
    found = ROUTES.get(("GET" if req.method == "HEAD" else req.method, route))
    admission.require_own_page(req)
    if found is None:
        raise NotFoundError("The page has no such data.", action="docs/gallery.md lists its routes.")
    caller = admission.caller_of(req, access)
    if found.role:
        admission.require(caller, found.role)
    return _told(await found.answer(Asked(req, caller, access, starter)))


def _told(response: func.HttpResponse) -> func.HttpResponse:
    """The answer as only this page may use it; a kept one belongs to the person or the key that has asked for it."""
    for name, value in {**COMMON, "Content-Security-Policy": POLICY_OF_DATA}.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    varies = [response.headers.get("Vary", ""), "Cookie", admission.KEY]
    response.headers["Vary"] = ", ".join(filter(None, varies))
    return response


async def _session(asked: Asked) -> func.HttpResponse:
    from shared.gallery import session

    return session.answer(asked.req, asked.caller, asked.access)


async def _summary(asked: Asked) -> func.HttpResponse:
    from shared.api import image_requests

    parameters.reject_unknown(asked.req)
    return await _blocking(image_requests.answer, _as(asked.req, "/api/images?summary=true", {"summary": "true"}))


async def _image(asked: Asked) -> func.HttpResponse:
    from shared.api import image_requests

    parameters.reject_unknown(asked.req, "name", "explain", "wait")
    _require_name(asked.req)
    return await _blocking(image_requests.answer, asked.req)


async def _changed_image(asked: Asked) -> func.HttpResponse:
    from shared.api import image_requests

    return await _blocking(image_requests.answer, asked.req)


async def _corrections(asked: Asked) -> func.HttpResponse:
    from shared.api import corrections

    return await _blocking(corrections.answer, asked.req)


async def _retry(asked: Asked) -> func.HttpResponse:
    # Imported here: its import costs more than all others together.
    from azure.durable_functions import DurableOrchestrationClient

    from shared.api import unfinished

    req = _as(asked.req, "/api/unfinished/retry", dict(asked.req.params), {"action": "retry"})
    return await unfinished.answer(req, DurableOrchestrationClient(asked.starter))


async def _search(asked: Asked) -> func.HttpResponse:
    from shared.gallery import search

    return await search.answer(asked.req)


async def _picture(asked: Asked) -> func.HttpResponse:
    from shared.gallery import picture

    return await picture.answer(asked.req)


async def _thumbnail(asked: Asked) -> func.HttpResponse:
    from shared.gallery import thumbnail

    return await thumbnail.answer(asked.req)


async def _suggestions(asked: Asked) -> func.HttpResponse:
    from shared.gallery import suggestions

    return await suggestions.answer(asked.req)


async def _record(asked: Asked) -> func.HttpResponse:
    from shared.gallery import record

    return await record.answer(asked.req)


# Each is imported when it is first asked for: the shell has to come fast, and most processes serve no page at all.
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "session"): Route(None, _session),
    ("GET", "summary"): Route("viewer", _summary),
    ("GET", "search"): Route("viewer", _search),
    ("GET", "suggestions"): Route("viewer", _suggestions),
    ("GET", "picture"): Route("viewer", _picture),
    ("GET", "thumbnail"): Route("viewer", _thumbnail),
    ("GET", "record"): Route("viewer", _record),
    ("GET", "images"): Route("viewer", _image),
    ("PUT", "images"): Route("editor", _changed_image),
    ("DELETE", "images"): Route("editor", _changed_image),
    ("GET", "corrections"): Route("viewer", _corrections),
    ("PUT", "corrections"): Route("editor", _corrections),
    ("DELETE", "corrections"): Route("editor", _corrections),
    ("POST", "retry"): Route("editor", _retry),
}


async def _blocking(
    handler: Callable[[func.HttpRequest, App], func.HttpResponse], req: func.HttpRequest
) -> func.HttpResponse:
    """The answer of a handler that waits for storage: here is an event loop, which must not."""
    app = services.current()
    handed = _as(req, req.url, dict(req.params))
    return await services.in_thread(app.threads, lambda: handler(handed, app))


def _as(
    req: func.HttpRequest, url: str, params: dict[str, str], route_params: dict[str, str] | None = None
) -> func.HttpRequest:
    """The same request as another route would get it: without the page's own path."""
    return func.HttpRequest(
        "GET" if req.method == "HEAD" else req.method,
        url,
        headers=req.headers,
        params=params,
        route_params=route_params,
        body=bodies.bytes_of(req),
    )


def _require_name(req: func.HttpRequest) -> None:
    if parameters.optional_name_of(req) is None:
        raise BadRequestError("The request names no image.", code="bad_blob_name", action="Put the name into ?name=.")
