"""Searches over HTTP in this process, of images that are uploaded, read and noted in the index as functions do it."""

from typing import Any

import azure.functions as func
from doubles.http_requests import answered, parsed, request
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of

from SearchHttp import main
from shared import names
from shared.search.search import FRESH_SECONDS
from shared.uploads import steps


def store(app: Parts, name: str, data: bytes | None = None, *, text: str | None = None, **tags: float) -> None:
    """Upload an image, do what its upload does, and have its text read where it has one."""
    data = data or picture("PNG", colour=(len(name) * 7 % 256, len(app.images.contents(names.IMAGES)) % 256, 60))
    app.vision.tags = {"outdoor": 0.9, **tags}
    app.images.write(names.IMAGES, name, data, content_type="image/png")
    steps.process(app.services, name, None)
    if text is not None:
        app.vision.text = text
        blob = app.images.read(names.IMAGES, name)
        assert blob is not None
        ReadRun(app, job_of(app, blob.data, name)).finish()
    noted(app)


def noted(app: Parts) -> None:
    """Store the lines of the index that records have left, and let searches look anew."""
    app.services.index_writer.flush()
    app.clock.advance(FRESH_SECONDS)


def get(**query: str) -> func.HttpResponse:
    """What a search is answered."""
    return answered(main, request("GET", params=query))


def rebuild(method: str, body: bytes = b"") -> func.HttpResponse:
    """What a request about a rebuild is answered."""
    return answered(main, request(method, body, route={"action": "rebuild"}))


def found(**query: str) -> list[str]:
    """The names of the images on one page of a search."""
    return [image["name"] for image in page(**query)["images"]]


def page(**query: str) -> dict[str, Any]:
    """One page of a search."""
    response = get(**query)
    assert response.status_code == 200, response.get_body()
    return parsed(response)
