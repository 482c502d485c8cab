"""An account of images with a hierarchical namespace, in which directories are real, by the app up to the wire."""

import asyncio
import json
from collections.abc import Iterator

import pytest
import responses
from doubles.azure_account import AzureAccount
from doubles.clock import FakeClock
from doubles.documented_events import decoded, deleted
from doubles.http_requests import Hub, invocation, parsed, request, upload
from doubles.parts import ENVIRONMENT
from doubles.pictures import picture

import ImagesHttp
from AnalyzeOnUpload import main
from shared import names, services
from shared.errors import StorageNameTakenError
from shared.settings import Settings
from StorageEvents import main as storage_events

LAKE = "http://127.0.0.1:9/lake"
BOOKS = "http://127.0.0.1:9/books"
SETTINGS = {
    "ImagesStorage": f"AccountName=lake;AccountKey=c2VjcmV0;BlobEndpoint={LAKE}",
    "AzureWebJobsStorage": f"AccountName=books;AccountKey=c2VjcmV0;BlobEndpoint={BOOKS}",
    "THUMBNAIL_SIZES": "100x50",
    "THUMBNAIL_MODE": "center",
    "TEXT_MODE": "never",
}
ANSWER = {
    "tags": [],
    "objects": [],
    "description": {"tags": [], "captions": []},
    "metadata": {"width": 100, "height": 100, "format": "Jpeg"},
    "modelVersion": "2021-05-01",
    "requestId": "r",
}
RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)
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


def records(account: AzureAccount) -> list[tuple[str, str]]:
    return sorted(place for place in account.blobs if place[0] in RECORDS)


def test_an_upload_is_processed_as_in_any_account_and_leaves_no_trace_when_it_is_deleted(
    lake: AzureAccount, books: AzureAccount, web: responses.RequestsMock, task_hub: Hub
) -> None:
    lake.make_directory(names.IMAGES, "album")
    lake.blobs[names.IMAGES, "album/a.jpg"] = IMAGE
    web.post("https://vision.invalid/vision/v3.2/analyze", json=ANSWER)
    asyncio.run(main(upload("images/album/a.jpg", IMAGE), "the durable client's binding", invocation()))
    assert records(lake) == [
        (names.ANALYSIS, "album"),
        (names.ANALYSIS, "album/a.jpg.json"),
        (names.THUMBNAILS, "album"),
        (names.THUMBNAILS, "album/a.jpg"),
        (names.THUMBNAILS, "album/a.jpg/100x50-plain.jpg"),
    ]
    del lake.blobs[names.IMAGES, "album/a.jpg"]
    gone = decoded(deleted("album/a.jpg"))
    asyncio.run(storage_events(gone, "the durable client's binding", invocation()))
    # The directories go too, because they tell the image's name; the user's own stays.
    assert records(lake) == []
    assert (names.IMAGES, "album") in lake.blobs
    assert task_hub.started == []


def test_where_no_directory_can_be_deleted_the_records_go_all_the_same(
    lake: AzureAccount, books: AzureAccount, web: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    lake.soft_delete = True
    web.post("https://vision.invalid/vision/v3.2/analyze", json=ANSWER)
    asyncio.run(main(upload("images/a.jpg", IMAGE), "the durable client's binding", invocation()))
    del lake.blobs[names.IMAGES, "a.jpg"]
    for _ in range(2):
        asyncio.run(storage_events(decoded(deleted("a.jpg")), "the durable client's binding", invocation()))
    assert records(lake) == [(names.THUMBNAILS, "a.jpg")]
    assert "event.refused" not in caplog.text


def test_directories_are_no_images(lake: AzureAccount) -> None:
    lake.make_directory(names.IMAGES, "album")
    listed = parsed(ImagesHttp.main(request("GET"), invocation()))
    assert [each["name"] for each in listed["images"]] == ["a.jpg"]
    assert ImagesHttp.main(request("GET", route={"name": "album"}), invocation()).status_code == 404


def test_a_record_whose_name_a_directory_has_is_a_failure_that_is_told_and_nothing_is_paid(
    lake: AzureAccount, task_hub: Hub
) -> None:
    """No answer of Computer Vision is there, so a call would fail."""
    for place in ((names.ANALYSIS, "a.jpg.json"), (names.THUMBNAILS, "a.jpg/100x50-plain.jpg")):
        lake.make_directory(*place)
    asyncio.run(main(upload("images/a.jpg", IMAGE), "the durable client's binding", invocation()))
    for step in ("analysis", "thumbnails"):
        document = json.loads(lake.blobs[names.UNFINISHED, f"{step}/a.jpg.json"] or b"")
        assert (document["state"], document["code"]) == ("failed", "name_taken")
        assert "Rename one of the two images" in document["action"]
    assert task_hub.started == []


def test_a_record_below_a_file_is_refused_by_storage_and_told(lake: AzureAccount, web: responses.RequestsMock) -> None:
    lake.blobs[names.ANALYSIS, "a.json"] = b"{}"
    with pytest.raises(StorageNameTakenError) as error:
        services.current().images.write(names.ANALYSIS, "a.json/b.jpg.json", b"{}", content_type=names.JSON)
    assert (error.value.status, error.value.transient) == (409, False)


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
