"""Every route that takes the name of an image says why its bytes cannot be had."""

import asyncio
from collections.abc import Callable

import azure.functions as func
import pytest
from doubles.http_requests import Hub, answered, invocation, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

import AnalyzeHttp
import DescribeHttp
import DomainsHttp
import OcrHttp
import ThumbnailHttp
from shared import names
from shared.uploads import steps

RED = picture(colour=(200, 0, 0))
BLOB = {"blob": "a.jpg"}
SIZE = {"width": "60", "height": "50"}


def read() -> func.HttpResponse:
    return asyncio.run(OcrHttp.main(request("POST", BLOB), invocation(), starter="starter"))


ROUTES: list[Callable[[], func.HttpResponse]] = [
    lambda: answered(AnalyzeHttp.main, request("POST", BLOB)),
    lambda: answered(DescribeHttp.main, request("POST", BLOB)),
    lambda: answered(DomainsHttp.main, request("POST", BLOB, route={"model": "landmarks"})),
    lambda: answered(ThumbnailHttp.main, request("POST", BLOB, params=SIZE)),
    lambda: answered(ThumbnailHttp.main, request("GET", route={"name": "a.jpg"}, params=SIZE)),
    read,
]


@pytest.mark.parametrize("ask", ROUTES)
@pytest.mark.parametrize(
    ("known", "code", "action"),
    [
        ({"tier": "Archive"}, "image_archived", "az storage blob set-tier"),
        ({"copy_status": "pending"}, "image_incomplete", "Wait for the copy"),
    ],
)
def test_it_is_refused_with_what_helps(
    app: Parts,
    task_hub: Hub,
    ask: Callable[[], func.HttpResponse],
    known: dict[str, str],
    code: str,
    action: str,
) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    app.images.tell(names.IMAGES, "a.jpg", **known)
    assert action in problem_of(ask(), 409, code)["action"]
    assert app.vision.asked == []


def test_a_thumbnail_that_is_there_is_served_although_its_image_is_archived(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    steps.process(app.services, "a.jpg", RED)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    params = {"width": "100", "height": "50"}
    assert answered(ThumbnailHttp.main, request("GET", route={"name": "a.jpg"}, params=params)).status_code == 200
