"""An account of images with a hierarchical namespace: refused at the first answer that shows it."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import responses
from doubles.azure_account import AzureAccount
from doubles.clock import FakeClock
from doubles.http_requests import Hub, invocation, problem_of, request, upload
from doubles.parts import ENVIRONMENT
from doubles.pictures import picture

import ImagesHttp
import ThumbnailHttp
from AnalyzeOnUpload import main
from RetryStep import main as retry
from shared import names, services
from shared.api import health
from shared.settings import Settings

LAKE = "http://127.0.0.1:9/lake"
BOOKS = "http://127.0.0.1:9/books"
SETTINGS = {
    "ImagesStorage": f"AccountName=lake;AccountKey=c2VjcmV0;BlobEndpoint={LAKE}",
    "AzureWebJobsStorage": f"AccountName=books;AccountKey=c2VjcmV0;BlobEndpoint={BOOKS}",
}
IMAGE = picture()


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get("https://vision.invalid/vision/v3.2/models", json={"models": []})
        yield mock


@pytest.fixture
def books(web: responses.RequestsMock) -> AzureAccount:
    """The app's own account."""
    books = AzureAccount(BOOKS)
    books.answer_in(web)
    return books


@pytest.fixture
def lake(web: responses.RequestsMock, books: AzureAccount) -> Iterator[AzureAccount]:
    """The account of the images, with one image; the app is the real one up to the wire."""
    lake = AzureAccount(LAKE, hierarchical=True)
    lake.answer_in(web)
    lake.blobs[names.IMAGES, "a.jpg"] = IMAGE
    with services.replaced(services.build(Settings.from_env({**ENVIRONMENT, **SETTINGS}), clock=FakeClock())):
        yield lake


def test_an_upload_waits_and_nothing_is_written_or_paid(
    lake: AzureAccount, web: responses.RequestsMock, task_hub: Hub
) -> None:
    asyncio.run(main(upload("images/a.jpg", IMAGE), "the durable client's binding", invocation()))
    [(name, _, task)] = task_hub.started
    assert (name, task["name"], task["steps"]) == ("RetryOrchestrator", "a.jpg", ["analysis", "thumbnails", "text"])
    assert lake.asked == [("GET", names.IMAGES, "a.jpg")]
    assert {urlsplit(str(call.request.url)).path.split("/")[1] for call in web.calls} == {"lake"}
    # What is tried again waits on, and the account is not asked any more.
    work = {"name": "a.jpg", "steps": task["steps"], "key": "k", "attempts": 1, "crash": None}
    assert asyncio.run(retry(work, "starter", invocation()))["state"] == "deferred"
    assert len(lake.asked) == 1


def test_http_callers_get_503_with_the_account_and_what_to_do(lake: AzureAccount) -> None:
    for answer in (
        ImagesHttp.main(request("GET", route={"name": "a.jpg"}), invocation()),
        ThumbnailHttp.main(
            request("GET", route={"name": "a.jpg"}, params={"width": "50", "height": "50"}), invocation()
        ),
    ):
        problem = problem_of(answer, 503, "storage_hierarchical")
        assert "lake (ImagesStorage) has a hierarchical namespace" in problem["detail"]
        assert "ImagesStorage" in problem["action"]
    assert len(lake.asked) == 1


def test_health_says_so_as_soon_as_there_is_an_image(lake: AzureAccount) -> None:
    lake.blobs.clear()
    assert health.Look()().up
    lake.blobs[names.IMAGES, "a.jpg"] = IMAGE
    (problem,) = health.Look()().problems
    assert (problem["part"], problem["code"]) == ("images", "storage_hierarchical")


def test_an_account_without_one_is_served_and_its_namespace_costs_no_request(lake: AzureAccount, task_hub: Hub) -> None:
    lake.hierarchical = False
    assert ImagesHttp.main(request("GET", route={"name": "a.jpg"}), invocation()).status_code == 200
    assert not [each for each in lake.asked if each[0] not in ("HEAD", "GET", "list")]
    assert all(container for _, container, _ in lake.asked)


def test_the_apps_own_account_may_have_one(lake: AzureAccount, books: AzureAccount) -> None:
    """No event of it starts anything."""
    lake.hierarchical, books.hierarchical = False, True
    parts = services.current()
    for _ in range(2):
        parts.host.write(names.HEALTH, names.HEALTH_BLOB, b"", content_type=names.BYTES)
        assert parts.host.head(names.HEALTH, names.HEALTH_BLOB) is not None
