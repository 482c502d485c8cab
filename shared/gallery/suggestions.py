"""`GET data/suggestions`: what the last word in the box can be."""

from dataclasses import asdict

import azure.functions as func

from shared import services
from shared.api import parameters
from shared.gallery import wire
from shared.json_types import Json
from shared.search.query import MOST_CHARACTERS
from shared.services import App


async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The suggestions for the box that holds `q`."""
    # A box that is empty sends `q=`.
    parameters.reject_unknown(req, "q", may_be_empty="q")
    asked = parameters.text(req, "q", MOST_CHARACTERS) or ""
    app = services.current()
    await app.search.ready()
    return await services.in_thread(app.threads, lambda: wire.answer_json(req, _found(app, asked)))


def _found(app: App, asked: str) -> Json:
    found = app.search.suggest(asked)
    # Of a very long name the box may not take the whole.
    return {"suggestions": [asdict(each) for each in found if len(each.text) <= MOST_CHARACTERS]}
