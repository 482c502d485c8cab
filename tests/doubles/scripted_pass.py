"""The app of one scripted pass, with what calls its functions, and a Computer Vision that answers with every member."""

import asyncio
import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import azure.functions as func
import pytest
from doubles.clock import FakeClock
from doubles.exchanges import Exchange
from doubles.fake_vision import FakeVision, read_text
from doubles.full_answers import BOX, CELEBRITY, FACE, LANDMARK, SCRIPT
from doubles.function_folders import types
from doubles.http_requests import Hub, invocation, request
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, asking, parts
from doubles.pictures import picture

from shared import names, services
from shared.api import health
from shared.errors import (
    BusyError,
    StorageError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes, ImageUrl
from shared.services import App
from shared.uploads import steps
from shared.vision.models import Answer
from shared.vision.questions import Question, features
from shared.vision.read_models import ReadOperation, ReadResult


def _kinds(count: int) -> dict[str, Any]:
    """A thing that has so many names, each of a wider kind."""
    named: dict[str, Any] = {"object": f"thing-{count}", "confidence": 0.5}
    return {**named, "parent": _kinds(count - 1)} if count > 1 else named


KEY = "key-of-the-health"
HOST = "blobsight.example"
FEATURES: dict[str, Any] = {
    "Categories": {
        "categories": [
            *SCRIPT["analyze"]["categories"],
            {"name": "others_", "score": 0.1},
            {"name": "people_", "score": 0.1, "detail": {"celebrities": [CELEBRITY]}},
            {"name": "building_", "score": 0.1, "detail": {"landmarks": [LANDMARK]}},
        ]
    },
    "Adult": {
        "adult": {
            **dict.fromkeys(("isAdultContent", "isRacyContent", "isGoryContent"), False),
            **dict.fromkeys(("adultScore", "racyScore", "goreScore"), 0.01),
        }
    },
    "Color": {
        "color": {
            "dominantColorForeground": "Black",
            "dominantColorBackground": "White",
            "dominantColors": ["Black"],
            "accentColor": "0A141E",
            "isBWImg": False,
            "isBwImg": False,
        }
    },
    "Tags": {"tags": [*SCRIPT["analyze"]["tags"], {"name": "outdoor", "confidence": 0.9}]},
    "Faces": {
        "faces": [
            *SCRIPT["analyze"]["faces"],
            {"age": 3, "gender": "Male", "faceRectangle": FACE},
            {"age": None, "gender": None, "faceRectangle": FACE},
            {"faceRectangle": FACE},
        ]
    },
    "Objects": {"objects": [{"rectangle": BOX, **_kinds(count)} for count in range(1, 8)]},
    "ImageType": {"imageType": {"clipArtType": 0, "lineDrawingType": 0}},
    "Brands": {"brands": SCRIPT["analyze"]["brands"]},
}


_HANDWRITTEN = {"style": {"name": "handwriting", "confidence": 0.8}}


class FullVision(FakeVision):
    """A Computer Vision that answers with every member that v3.2 has, where they are asked for."""

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        answer = super().ask(question, image, background=background)
        document = json.loads(answer.body) if answer.content_type == names.JSON else {}
        if question.operation == "domain":
            model = question.path.split("/")[1]
            document["result"] = {model: SCRIPT["domain"][model]}
        elif question.operation == "analyze":
            asked = features(question)
            found = {key: value for name in asked for key, value in FEATURES.get(name, {}).items()}
            if "color" in found and len(asked) == 1:
                found["color"] = {key: value for key, value in found["color"].items() if key != "isBwImg"}
            kept = ("requestId", "modelVersion", "metadata", *(("description",) if "Description" in asked else ()))
            document = {key: document[key] for key in kept} | found
        return answer._replace(body=json.dumps(document).encode()) if document else answer

    def get_read_result(
        self, operation: ReadOperation | str, *, timeout_seconds: float | None = None, background: bool = False
    ) -> ReadResult:
        result = super().get_read_result(operation, timeout_seconds=timeout_seconds, background=background)
        body = dict(result.body)
        if "analyzeResult" in body:
            pages = (SCRIPT["read"]["readResults"] + read_text(self.text)["readResults"]) * self.pages
            pages = pages[: max(2, self.pages)]
            line = pages[1]["lines"][0]
            pages[1] = {**pages[1], "unit": "inch", "lines": [line, {**line, "appearance": _HANDWRITTEN}]}
            body["analyzeResult"] = {**body["analyzeResult"], "readResults": pages}
        return ReadResult.of(body)


class Pass:
    """The app of one pass, with what calls its functions."""

    def __init__(self, app: Parts, hub: Hub) -> None:
        self.app = app
        self.hub = hub
        self.seen: list[Exchange] = []
        self._colour = 0

    def ask(
        self,
        folder: str,
        method: str = "POST",
        body: bytes | Mapping[str, Any] = b"",
        *,
        path: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> func.HttpResponse:
        """What a function answers; in a parameter's name `_` stands for `-`."""
        params = {name.replace("_", "-"): value for name, value in query.items()}
        told = {"X-Correlation-Id": "a-pass", **(headers or {})}
        sent = request(method, body, params=params, route=path, headers=told)
        main = importlib.import_module(folder).main
        more = {"starter": "the durable client's binding"} if "durableClient" in types(folder) else {}
        answer = main(sent, invocation(), **more)
        found: func.HttpResponse = asyncio.run(answer) if inspect.isawaitable(answer) else answer
        return found

    def note(self, exchange: Exchange) -> None:
        """Tell of an exchange that came about without a function."""
        self.seen.append(exchange)

    def image(self) -> bytes:
        """A picture that was not seen before."""
        self._colour += 1
        return picture("PNG", colour=(self._colour % 256, self._colour // 256, 7))

    def store(self, name: str, data: bytes | None = None, *, process: bool = True) -> None:
        """Upload an image, and do what its upload does."""
        content = self.image() if data is None else data
        self.app.images.write(names.IMAGES, name, content, content_type="image/jpeg")
        if process:
            steps.process(services.current(), name, None)

    @property
    def services(self) -> App:
        """The services as functions find them."""
        return self.app.services

    def failing(self, error: Exception) -> AbstractContextManager[None]:
        """Inside, the account of the images does not answer."""
        return _failing(self.app.images, error)

    def failing_host(self, error: Exception) -> AbstractContextManager[None]:
        """Inside, the app's own account does not answer."""
        return _failing(self.app.host, error)


@contextmanager
def _failing(account: MemoryBlobs, error: Exception) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise error

    account.before = fail
    try:
        yield
    finally:
        account.before = None


def begun(patched: pytest.MonkeyPatch) -> Pass:
    hub = Hub()
    patched.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    patched.setattr(health, "_health", health.Health(FakeClock()))
    patched.setenv("HEALTH_KEY", KEY)
    patched.setenv("WEBSITE_HOSTNAME", HOST)
    app = parts(THUMBNAIL_SIZES="100x50", TEXT_MODE="always", MAX_UPLOAD_MEGABYTES="1", MAX_MEGAPIXELS="1")
    vision = FullVision()
    app = replace(app, vision=vision, services=asking(app.services, vision))
    patched.setattr(services, "_current", app.services)
    return Pass(app, hub)


# Made anew each time, because each that is raised carries its way with it.
OF_VISION: list[Callable[[], Exception]] = [
    lambda: ThrottledError("slow down", retry_after_seconds=7, request_id="r"),
    lambda: ThrottledError("slow down"),
    lambda: VisionUnauthorizedError("no"),
    lambda: VisionUnauthorizedError("no", retry_after_seconds=3),
    lambda: VisionUnavailableError("down", retry_after_seconds=3),
    lambda: UnexpectedAnswerError("odd"),
    lambda: VisionUnavailableError("down"),
    lambda: RuntimeError("a mistake"),
]


def faults_of_images(run: Pass, ask: Callable[..., func.HttpResponse], *, vision: bool = True) -> None:
    """What can be wrong with an image, however it is asked about."""
    app = run.app
    run.store("here.jpg", process=False)
    ask({"name": "here.jpg"})
    ask({"url": "https://example.invalid/a.jpg?sig=secret"})
    ask({"name": "none.jpg"})
    ask(b"")
    ask(b"dear diary")
    ask(run.image(), other="1")
    ask(b"", headers={"Transfer-Encoding": "chunked"})
    run.store("archived.jpg", process=False)
    app.images.tell(names.IMAGES, "archived.jpg", tier="Archive")
    ask({"name": "archived.jpg"})
    app.images.tell(names.IMAGES, "archived.jpg", archive_status="rehydrate-pending-to-hot")
    ask({"name": "archived.jpg"})
    ask(run.image() + b"\0" * 1024**2)
    with run.failing(StorageError("down")):
        ask({"name": "here.jpg"})
    with run.failing(RuntimeError("a mistake")):
        ask({"name": "here.jpg"})
    for error in OF_VISION if vision else ():
        app.vision.failing = error()  # type: ignore[assignment]
        ask(run.image())
        app.vision.failing = None


def busy() -> BusyError:
    return BusyError("Another caller is asking the same.", retry_after_seconds=2)


@contextmanager
def failing_hub(hub: Hub, error: Exception) -> Iterator[None]:
    hub.failing = error
    try:
        yield
    finally:
        hub.failing = None
