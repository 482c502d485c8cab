"""What needs storage alone is answered while every thread of those who wait for Computer Vision is taken."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles.http_requests import Hub, answered, request
from doubles.http_routes import IMAGE, ROUTES, Route
from doubles.parts import Parts

import ThumbnailHttp
from shared import names, services

SIZE = {"width": "60", "height": "50"}
ASKS_STORAGE = [route for route in ROUTES if route.folder in ("ImagesHttp", "UnfinishedHttp") and route.method == "GET"]


@pytest.fixture
def taken(app: Parts) -> Iterator[None]:
    """Inside, others wait for Computer Vision in every thread that there is for that."""
    with ThreadPoolExecutor(2) as callers, services.replaced(app.services._replace(callers=callers)):
        answered_at_last = threading.Event()
        for _ in range(4):
            callers.submit(answered_at_last.wait)
        try:
            yield
        finally:
            answered_at_last.set()


@pytest.fixture
def stored(app: Parts) -> str:
    """The ETag of a thumbnail that was made before."""
    app.images.write(names.IMAGES, "a.jpg", IMAGE, content_type="image/png")
    made = answered(ThumbnailHttp.main, request("GET", params={**SIZE, "name": "a.jpg"}))
    assert made.status_code == 200
    return str(made.headers["ETag"])


@pytest.mark.parametrize(
    ("method", "status", "is_known"), [("GET", 200, False), ("HEAD", 200, False), ("GET", 304, True)]
)
def test_a_thumbnail_that_is_stored_is_given_out(
    app: Parts, stored: str, taken: None, method: str, status: int, is_known: bool
) -> None:
    headers = {"If-None-Match": stored} if is_known else {}
    answer = answered(ThumbnailHttp.main, request(method, params={**SIZE, "name": "a.jpg"}, headers=headers))
    assert (answer.status_code, answer.headers["ETag"]) == (status, stored)


def test_an_image_that_is_not_there_is_refused(app: Parts, taken: None) -> None:
    assert answered(ThumbnailHttp.main, request("GET", params={**SIZE, "name": "b.jpg"})).status_code == 404


@pytest.mark.parametrize("route", ASKS_STORAGE, ids=str)
def test_states_are_told(app: Parts, task_hub: Hub, taken: None, route: Route) -> None:
    assert route.answer().status_code == 200


PREFERS = [
    route
    for route in ROUTES
    if route.folder in ("AnalyzeHttp", "DescribeHttp", "DomainsHttp", "ThumbnailHttp")
    and (route.takes_image or route.folder == "ThumbnailHttp")
    and route.method != "HEAD"
]


@pytest.mark.parametrize("route", PREFERS, ids=str)
def test_who_prefers_not_to_wait_waits_for_none_of_them(app: Parts, task_hub: Hub, taken: None, route: Route) -> None:
    app.images.write(names.IMAGES, "a.jpg", IMAGE, content_type="image/png")
    assert route.answer(headers={"Prefer": "respond-async"}).status_code == 202
    assert len(task_hub.started) == 1
