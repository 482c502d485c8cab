"""`GET data/search`: a window of the images that match, from any place in their order, with all that a card shows."""

from typing import TYPE_CHECKING, NamedTuple

import azure.functions as func

from shared import services
from shared.api import parameters
from shared.api.search import SORTS
from shared.errors import BadRequestError
from shared.gallery import wire
from shared.json_types import Json
from shared.names import MAX_BLOB_NAME_CHARACTERS
from shared.search import query
from shared.search.query import MOST_CHARACTERS
from shared.services import App

if TYPE_CHECKING:
    from shared.search.order import Sort

MAX_PAGE = 200
_DEFAULT_PAGE = 60


class _Asked(NamedTuple):
    """The parameters of a search; `only` is the name of an image besides which none counts."""

    q: str
    sort: "Sort"
    offset: int
    limit: int
    only: str | None


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The images of `q` in the order of `sort`, `limit` of them from `offset` on; with `name`, this image alone."""
    # A box that is empty sends `q=`.
    parameters.reject_unknown(req, "q", "sort", "offset", "limit", "name", may_be_empty="q")
    asked = parameters.text(req, "q", MOST_CHARACTERS) or ""
    sort = parameters.one_of(req, "sort", SORTS) or SORTS[0]
    offset, limit = parameters.integer(req, "offset", 0), parameters.integer(req, "limit", _DEFAULT_PAGE)
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit={limit} is not in 1 to {MAX_PAGE}.", code="bad_parameter")
    only = parameters.text(req, "name", MAX_BLOB_NAME_CHARACTERS)
    app = services.current()
    await app.search.ready()
    return await services.in_thread(
        app.threads, lambda: wire.answer_json(req, _found(app, _Asked(asked, sort, offset, limit, only)))
    )


def _found(app: App, asked: _Asked) -> Json:
    # Imported here: the index and its words are of no use to other functions.
    from shared.api import found_images
    from shared.gallery import cards, problems

    # Each keystroke is asked for: `is:fai` is on its way to be a term, and no mistake.
    q = query.without_begun(asked.q)
    searched = app.search.find(q, sort=asked.sort, limit=asked.limit, offset=asked.offset, only=asked.only)
    hits = searched.found.hits
    of_each = problems.of(app, [hit.entry for hit in hits])
    return {
        "images": [
            cards.told(hit, places, each, app.settings)
            for hit, places, each in zip(hits, app.search.places(hits), of_each, strict=True)
        ],
        "facets": found_images.facets(searched.found),
        "total": searched.found.total,
        "offset": asked.offset,
        "unsearched": searched.unsearched,
        "building": searched.building,
    }
