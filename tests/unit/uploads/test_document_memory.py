"""How much the app itself holds of a large document, on its way from the event to Computer Vision."""

import asyncio
import hashlib
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from azure.functions.blob import InputStream
from azure.storage.blob import BlobClient
from doubles.azurite import Azurite
from doubles.http_requests import Hub, invocation, request
from doubles.parts import ENVIRONMENT

import AnalyzeOnUpload
import OcrHttp
import OcrSubmit
from bench.memory_world import Around, around
from local.stack.containers import make_containers
from shared import names, services
from shared.ocr import poll_loop
from shared.settings import Settings

MEGABYTE = 1024**2
SMALL, LARGE = 8 * MEGABYTE, 24 * MEGABYTE
# Parts in which storage is read; and a list that the SDK makes for each, with a place for each of its bytes.
MOST_BESIDE = 56 * MEGABYTE


class App(NamedTuple):
    """The app's real parts, and what it finds around it."""

    account: str
    world: Around
    hub: Hub

    def store(self, size: int) -> bytes:
        """A document of that size, which is in storage by then as `SIZE.pdf`."""
        # Unlike any other, so that no answer to it is there.
        document = b"%%PDF-1.7\n%%%s\n".ljust(size, b"\0") % uuid.uuid4().hex.encode()
        with BlobClient.from_connection_string(self.account, names.IMAGES, f"{size}.pdf") as blob:
            blob.upload_blob(document, overwrite=True)
        return document

    def submit(self, document: bytes) -> None:
        """Do what OcrOrchestrator has OcrSubmit do with the job that was handed over last."""
        _, _, job = self.hub.started[-1]
        work = poll_loop.work_of(poll_loop.begin(job, services.current().clock.utc()))
        outcome = asyncio.run(OcrSubmit.main(work, invocation()))
        assert outcome["state"] == "submitted", outcome
        assert self.world.received[-1] == hashlib.sha256(document).hexdigest()


@pytest.fixture
def app(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    make_containers(azurite.connection_string)
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    with around() as world:
        accounts = dict.fromkeys(("ImagesStorage", "AzureWebJobsStorage"), azurite.connection_string)
        settings = {**ENVIRONMENT, **accounts, "VISION_ENDPOINT": world.address, "VISION_RATE": "1000/1"}
        parts = services.build(Settings.from_env(settings))
        with services.replaced(parts):
            yield App(azurite.connection_string, world, hub)
        parts.threads.shutdown()


def taken(action: Callable[[], Any]) -> int:
    """How many bytes of memory an action took at most."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def times(measure: Callable[[int], int]) -> float:
    """How often a document is held at most: by how much two sizes differ in what they take."""
    measure(MEGABYTE)  # with all that is made once
    small, large = measure(SMALL), measure(LARGE)
    assert small < SMALL * 1.25 + MOST_BESIDE
    return (large - small) / (LARGE - SMALL)


def test_the_bytes_of_an_event_are_held_by_the_platform_alone(app: App) -> None:
    def measure(size: int) -> int:
        image = InputStream(data=app.store(size), name=f"images/{size}.pdf")
        return taken(lambda: asyncio.run(AnalyzeOnUpload.main(image, "", invocation())))

    assert times(measure) < 0.5
    assert len(app.hub.started) == 3


def test_a_document_is_held_once_to_be_sent(app: App) -> None:
    def measure(size: int) -> int:
        document = app.store(size)
        image = InputStream(data=document, name=f"images/{size}.pdf")
        asyncio.run(AnalyzeOnUpload.main(image, "", invocation()))
        return taken(lambda: app.submit(document))

    assert times(measure) < 1.25


@pytest.mark.parametrize("parameters", [{}, {"readingOrder": "basic"}], ids=["as an upload", "by its bytes"])
def test_a_document_that_is_asked_for_by_its_name_is_held_once(app: App, parameters: dict[str, str]) -> None:
    sent: list[int] = []

    def measure(size: int) -> int:
        document = app.store(size)
        asked = request("POST", {"blob": f"{size}.pdf"}, params=parameters)
        asking = taken(lambda: asyncio.run(OcrHttp.main(asked, invocation(), starter="")))
        sent.append(taken(lambda: app.submit(document)))
        return asking

    assert times(measure) < 1.25
    assert (sent[2] - sent[1]) / (LARGE - SMALL) < 1.25


def test_an_event_gives_its_bytes_without_a_copy() -> None:
    """So that their number is known without one, whatever the platform tells of it."""
    document = bytes(MEGABYTE)
    assert InputStream(data=document).read() is document
