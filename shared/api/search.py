"""`/api/search`: GET finds images, POST rebuild makes the index anew, GET rebuild says how far that is."""

from typing import TYPE_CHECKING

import azure.functions as func

from shared import services
from shared.api import bodies, parameters, paths, responses
from shared.durable.handover import DurableClient
from shared.errors import BadRequestError, NotFoundError
from shared.json_types import Json
from shared.search.query import MOST_CHARACTERS
from shared.services import App
from shared.untrusted.characters import MAX_CHARACTERS

if TYPE_CHECKING:
    from shared.search.order import Sort

SORTS: "tuple[Sort, ...]" = ("match", "date", "name")
MAX_PAGE = 100
DEFAULT_PAGE = 20
_REBUILD = "rebuild"
# 10,000 images take a minute or two.
_REBUILD_SECONDS = 5.0
_REBUILDING = (
    "Searches go on meanwhile. GET the address in Location until it answers 200: it then tells how many images "
    "were looked at, and of how many the index was wrong."
)


async def answer(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Answer one request; *starter* is the durable client's binding."""
    action = req.route_params.get("action")
    if req.method == "GET" and not action:
        # A form whose box is empty sends `q=`.
        parameters.reject_unknown(req, "q", "sort", "limit", "continuation", may_be_empty="q")
        return await _search(req)
    if action == _REBUILD:
        parameters.reject_unknown(req)
        return await (_begin(req, starter) if req.method == "POST" else _state(req, starter))
    raise NotFoundError(
        "There is GET /api/search, and POST and GET /api/search/rebuild.",
        action="Ask one of the three.",
    )


async def _search(req: func.HttpRequest) -> func.HttpResponse:
    asked = parameters.text(req, "q", MOST_CHARACTERS) or ""
    sort = parameters.one_of(req, "sort", SORTS) or SORTS[0]
    limit = parameters.integer(req, "limit", DEFAULT_PAGE)
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    continuation = parameters.text(req, "continuation", MAX_CHARACTERS)
    app = services.current()
    await app.search.ready()
    return await services.in_thread(
        app.threads, lambda: responses.answer_json(_found(app, asked, sort, limit, continuation))
    )


def _found(app: App, asked: str, sort: "Sort", limit: int, continuation: str | None) -> Json:
    # Imported here: the index and its words are of no use to other functions.
    from shared.api import found_images

    searched = app.search.find(asked, sort=sort, limit=limit, after=continuation)
    found = searched.found
    return {
        "images": [
            found_images.told(hit, places, app.settings)
            for hit, places in zip(found.hits, app.search.places(found.hits), strict=True)
        ],
        "facets": found_images.facets(found),
        "total": found.total,
        "continuation": found.after,
        "unsearched": searched.unsearched,
        "building": searched.building,
    }


async def _begin(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    bodies.refuse(req, "POST /api/search/rebuild makes the whole index anew and takes no body.")
    from shared.lifecycle import rebuild

    begun = await rebuild.begin(services.current(), _client(starter))
    body = {"rebuild": "started" if begun else "running", "action": _REBUILDING}
    return responses.accepted(req, paths.REBUILD, body, _REBUILD_SECONDS)


async def _state(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    from shared.lifecycle import rebuild

    state = await rebuild.state(services.current(), _client(starter))
    if state["state"] == "running":
        return responses.accepted(req, paths.REBUILD, state, _REBUILD_SECONDS)
    return responses.answer_json(state)


def _client(starter: str) -> DurableClient:
    # Imported here: its import costs more than all others together, and a search does not need it.
    from azure.durable_functions import DurableOrchestrationClient

    client: DurableClient = DurableOrchestrationClient(starter)
    return client
