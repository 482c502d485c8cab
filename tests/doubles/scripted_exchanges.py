"""
One pass over every route of the app, in this process: what goes well, and each fault that the contract documents.

Its exchanges are what the contract is compared with: they have to show all that it claims, and a lie in it has to show.
Computer Vision is one that answers with every member that v3.2 has.
"""

import asyncio
import importlib
import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from doubles.clock import FakeClock
from doubles.documents import several
from doubles.exchanges import Exchange, of_wire
from doubles.fake_vision import FakeVision, read_text
from doubles.full_answers import BOX, CELEBRITY, FACE, LANDMARK, SCRIPT
from doubles.function_folders import types
from doubles.host_in_process import host_in_process
from doubles.http_requests import Hub, invocation, parsed, request
from doubles.judged_answers import contract, recorded
from doubles.parts import Parts, asking, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun

from shared import names, services
from shared.api import health
from shared.contract import LANGUAGES
from shared.durable.read_job import Job, from_image
from shared.errors import (
    AnswerTooLargeError,
    BlobsightError,
    BusyError,
    PayloadTooLargeError,
    PythonMismatchError,
    ReadFailedError,
    StorageError,
    StorageNameTakenError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionError,
    VisionRefusedError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes, ImageUrl
from shared.ocr.error_outcomes import problem_of
from shared.records.versions import Source
from shared.services import App, build
from shared.settings import Settings
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
            pages[1] = {**pages[1], "unit": "inch", "lines": [{**pages[1]["lines"][0], "appearance": _HANDWRITTEN}]}
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
        sent = request(method, body, params=params, route=path, headers=headers)
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
            steps.process(self.app.services, name, None)

    @contextmanager
    def failing(self, error: Exception) -> Iterator[None]:
        """Inside, the account of the images does not answer."""

        def fail(*_: object) -> None:
            raise error

        self.app.images.before = fail
        try:
            yield
        finally:
            self.app.images.before = None


def exchanges() -> list[Exchange]:
    """All of one pass."""
    found: list[Exchange] = []
    for script in _SCRIPTS:
        with pytest.MonkeyPatch.context() as patched, recorded() as seen:
            run = _begun(patched)
            script(run)
            found += [*seen, *run.seen]
    return found


def _begun(patched: pytest.MonkeyPatch) -> Pass:
    hub = Hub()
    patched.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    patched.setattr(health, "_health", health.Health(FakeClock()))
    patched.setenv("HEALTH_KEY", KEY)
    patched.setenv("WEBSITE_HOSTNAME", HOST)
    app = parts(THUMBNAIL_SIZES="100x50", TEXT_MODE="always", MAX_UPLOAD_MEGABYTES="1")
    vision = FullVision()
    app = replace(app, vision=vision, services=asking(app.services, vision))
    patched.setattr(services, "_current", app.services)
    return Pass(app, hub)


def _images_asked_about(run: Pass) -> None:
    """`analyze`, `describe` and `domains`."""
    every = ",".join([*FEATURES, "Description"])
    image = run.image()
    run.ask("AnalyzeHttp", body=image, visualFeatures=every, details="Celebrities,Landmarks", language="de")
    run.ask("AnalyzeHttp", body=image, descriptionExclude="Landmarks", model_version="latest")
    for feature in FEATURES:
        run.ask("AnalyzeHttp", body=run.image(), visualFeatures=feature)
    run.ask("DescribeHttp", body=image)
    run.ask(
        "DescribeHttp",
        body=image,
        maxCandidates="3",
        language="de",
        descriptionExclude="Landmarks",
        model_version="latest",
    )
    for model in ("landmarks", "celebrities"):
        run.ask("DomainsHttp", body=image, path={"model": model}, language="de", model_version="latest")
        run.ask("DomainsHttp", body=image, path={"model": model})
    for language in sorted(LANGUAGES):
        run.ask("AnalyzeHttp", body=image, language=language)
        run.ask("DescribeHttp", body=image, language=language)
        run.ask("DomainsHttp", body=image, path={"model": "landmarks"}, language=language)
        run.ask("DomainsHttp", "GET", language=language)
    run.ask("DomainsHttp", "GET")
    run.ask("DomainsHttp", "GET", language="de", model_version="latest")
    run.ask("DomainsHttp", "GET", other="1")
    for error in _OF_VISION:
        run.app.vision.failures = [error()]  # type: ignore[list-item]
        run.ask("DomainsHttp", "GET")
        run.app.vision.failures = []
    for folder, path in (("AnalyzeHttp", {}), ("DescribeHttp", {}), ("DomainsHttp", {"model": "landmarks"})):
        _faults_of_images(
            run, lambda body, folder=folder, path=path, **more: run.ask(folder, body=body, path=path, **more)
        )


# Made anew each time, because each that is raised carries its way with it.
_OF_VISION: list[Callable[[], Exception]] = [
    lambda: ThrottledError("slow down", retry_after_seconds=7, request_id="r"),
    lambda: ThrottledError("slow down"),
    lambda: VisionUnauthorizedError("no"),
    lambda: VisionUnauthorizedError("no", retry_after_seconds=3),
    lambda: VisionUnavailableError("down", retry_after_seconds=3),
    lambda: UnexpectedAnswerError("odd"),
    lambda: VisionUnavailableError("down"),
    lambda: RuntimeError("a mistake"),
]


def _faults_of_images(run: Pass, ask: Callable[..., func.HttpResponse], *, vision: bool = True) -> None:
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
    for error in _OF_VISION if vision else ():
        app.vision.failing = error()  # type: ignore[assignment]
        ask(run.image())
        app.vision.failing = None


def _thumbnails(run: Pass) -> None:
    """`thumbnail`, by name in the path and in the query, and of other images."""
    size = {"width": "100", "height": "50"}
    run.store("dir/a.jpg")
    for method in ("GET", "HEAD"):
        for where in ({"path": {"name": "dir/a.jpg"}}, {"name": "dir/a.jpg"}):

            def ask(method: str = method, where: Any = where, **more: Any) -> func.HttpResponse:
                return run.ask("ThumbnailHttp", method, **{**where, **size, **more})

            stored = ask()
            ask(headers={"If-None-Match": stored.headers["ETag"]})
            for mode in ("auto", "area", "vision", "center"):
                ask(mode=mode)
            for form in ("jpeg", "webp"):
                ask(format=form)
            ask(smartCropping="true")
            ask(smartCropping="false")
            ask(other="1")
            missing = {"path": {"name": "none.jpg"}} if "path" in where else {"name": "none.jpg"}
            ask(**missing)
            _faults_of_thumbnails(run, ask)
            _faults_of_names(
                run,
                lambda name, ask=ask, where=where: ask(
                    **({"path": {"name": name}} if "path" in where else {"name": name})
                ),
            )
    image = run.image()
    for more in ({"mode": "auto"}, {"mode": "area"}, {"mode": "vision"}, {"mode": "center"}, {"format": "webp"}):
        run.ask("ThumbnailHttp", body=image, **size, **more)
    for more in ({"format": "jpeg"}, {"smartCropping": "true"}, {"smartCropping": "false"}):
        run.ask("ThumbnailHttp", body=image, **size, **more)

    def make(body: Any = b"", **more: Any) -> func.HttpResponse:
        return run.ask("ThumbnailHttp", body=body, **{**size, **more})

    _faults_of_images(run, make)
    _faults_of_thumbnails(run, lambda **more: make(run.image(), **more))


def _faults_of_thumbnails(run: Pass, ask: Callable[..., func.HttpResponse]) -> None:
    """Those of Computer Vision, which is asked for another size each time."""
    for number, error in enumerate([*_OF_VISION, _busy]):
        run.app.vision.failing = error()  # type: ignore[assignment]
        ask(width=str(60 + number), mode="vision")
        run.app.vision.failing = None


def _faults_of_names(run: Pass, ask: Callable[[str], func.HttpResponse]) -> None:
    run.store("archived.jpg", process=False)
    run.app.images.tell(names.IMAGES, "archived.jpg", tier="Archive")
    ask("archived.jpg")
    run.app.images.tell(names.IMAGES, "archived.jpg", archive_status="rehydrate-pending-to-hot")
    ask("archived.jpg")
    run.store("large.jpg", run.image() + b"\0" * 1024**2, process=False)
    ask("large.jpg")
    with run.failing(StorageError("down")):
        ask("dir/a.jpg")
    with run.failing(RuntimeError("a mistake")):
        ask("dir/a.jpg")


def _busy() -> BusyError:
    return BusyError("Another caller is asking the same.", retry_after_seconds=2)


def _texts(run: Pass) -> None:
    """`ocr`: what is read, how far it is, and what can come of it."""
    app, hub = run.app, run.hub
    every = {"language": "de", "pages": "1-3", "readingOrder": "basic", "model_version": "2022-04-30"}

    def read(body: Any, **more: str) -> str:
        """Have it read to its end; its id."""
        started = str(parsed(run.ask("OcrHttp", body=body, **more))["id"])
        hub.set(started, "Completed", output=ReadRun(app, _job(hub)).finish())
        return started

    app.vision.pages = 2
    image, document = run.image(), several("TIFF", 3)
    run.store("a.jpg", process=False)
    for body in (image, {"name": "a.jpg"}, {"url": "https://example.invalid/a.jpg?sig=secret"}, document):
        for more in ({}, every):
            identifier = read(body, **more)
            for form in ({}, {"format": "json"}, {"format": "txt"}):
                run.ask("OcrHttp", "GET", path={"id": identifier}, **form)
                run.ask("OcrHttp", body=body, **more, **form)
    read(run.image(), readingOrder="natural")
    waiting = parsed(run.ask("OcrHttp", body=run.image(), format="json"))["id"]
    run.ask("OcrHttp", body=run.image(), format="txt")
    problem = {"code": "vision_unavailable", "status": 503, "message": "m", "action": "a", "requestId": None}
    for number, step in enumerate(("OcrSubmit", "OcrPoll", "OcrStore")):
        said = {"step": step, "polls": number, "elapsedSeconds": 1.5, "waitSeconds": 2}
        for more in ({"problem": {**problem, "requestId": "r" if number else None}}, {}):
            hub.set(waiting, "Running", custom_status={**said, **more})
            run.ask("OcrHttp", "GET", path={"id": waiting})
    hub.set(waiting, "Pending")
    run.ask("OcrHttp", "GET", path={"id": waiting}, format="txt")
    run.ask("OcrHttp", "DELETE", path={"id": waiting})
    hub.set(waiting, "Terminated")
    run.ask("OcrHttp", "DELETE", path={"id": waiting})
    run.ask("OcrHttp", "GET", path={"id": waiting})
    hub.set(waiting, "Completed")
    run.ask("OcrHttp", "DELETE", path={"id": waiting})
    _ends_of_reads(run)
    run.ask("OcrHttp", "DELETE", path={"id": waiting})
    for method in ("GET", "DELETE"):
        run.ask("OcrHttp", method, path={"id": "ocr-0"})
        run.ask("OcrHttp", method, path={"id": waiting}, other="1")
        for error in (StorageError("down"), RuntimeError("a mistake")):
            with _failing_hub(hub, error):
                run.ask("OcrHttp", method, path={"id": waiting})
    _faults_of_images(run, lambda body, **more: run.ask("OcrHttp", body=body, **more), vision=False)


def _ends_of_reads(run: Pass) -> None:
    """Reads that failed, were overtaken, or whose record is gone."""
    app, hub = run.app, run.hub
    for code, error in {
        "": ReadFailedError("broken"),
        "read_too_slow": ReadFailedError("slow", code="read_too_slow"),
        "read_lost": ReadFailedError("lost", code="read_lost"),
        "input_gone": ReadFailedError("gone", code="input_gone"),
        "operation_elsewhere": VisionError("elsewhere", code="operation_elsewhere"),
        "vision_answer_too_large": AnswerTooLargeError("large"),
        "vision_refused": VisionRefusedError("no"),
        "image_too_large": PayloadTooLargeError("large"),
        "name_taken": StorageNameTakenError("taken"),
        "internal_error": BlobsightError("a mistake"),
    }.items():
        identifier = parsed(run.ask("OcrHttp", body=run.image()))["id"]
        if code == "name_taken":
            # Found when the record is written.
            outcome = {"state": "failed", "problem": problem_of(error)}
        else:
            app.vision.failing = error
            outcome = ReadRun(app, _job(hub)).finish()
            app.vision.failing = None
        hub.set(identifier, "Completed", output=outcome)
        run.ask("OcrHttp", "GET", path={"id": identifier})
    identifier = parsed(run.ask("OcrHttp", body=run.image()))["id"]
    for deleted in (True, False):
        hub.set(identifier, "Completed", output={"state": "superseded", "deleted": deleted})
        run.ask("OcrHttp", "GET", path={"id": identifier})
    hub.set(identifier, "Completed", output=ReadRun(app, _job(hub)).finish())
    for name in app.images.contents(names.TEXT):
        app.images.delete(names.TEXT, name)
    run.ask("OcrHttp", "GET", path={"id": identifier})


def _job(hub: Hub) -> Job:
    """The one that was started last."""
    return Job.from_json(hub.started[-1][2])


@contextmanager
def _failing_hub(hub: Hub, error: Exception) -> Iterator[None]:
    hub.failing = error
    try:
        yield
    finally:
        hub.failing = None


def _states(run: Pass) -> None:
    """`images`: every state of an image and of its steps."""
    app = run.app
    _every_state(run)
    shown = ("well.jpg", "notes.jpg", "refused.jpg", "waits.jpg", "pending.jpg", "words.jpg", "long.tif", "unread.jpg")
    for name in shown:
        run.ask("ImagesHttp", "GET", path={"name": name})
        run.ask("ImagesHttp", "GET", name=name)
    run.ask("ImagesHttp", "GET")
    run.ask("ImagesHttp", "GET", limit="1", prefix="w")
    run.ask("ImagesHttp", "GET", continuation=parsed(run.ask("ImagesHttp", "GET", limit="1"))["continuation"])
    for state in ("complete", "pending", "deferred", "failed"):
        run.ask("ImagesHttp", "GET", state=state)
    for where in ({}, {"path": {"name": "well.jpg"}}, {"name": "well.jpg"}):
        run.ask("ImagesHttp", "GET", **where, other="1")
        for error in (StorageError("down"), RuntimeError("a mistake")):
            with run.failing(error):
                run.ask("ImagesHttp", "GET", **where)
    run.ask("ImagesHttp", "GET", path={"name": "none.jpg"})
    run.ask("ImagesHttp", "GET", name="none.jpg")
    app.clock.advance(3600)
    run.ask("ImagesHttp", "GET")


def _every_state(run: Pass) -> None:
    """An image in each state: well, no image, refused, waiting, pending, with text, with text that was cut."""
    app = run.app
    run.store("well.jpg")
    run.store("notes.jpg", b"dear diary")
    app.vision.failures = [VisionRefusedError("No.")]
    run.store("refused.jpg")
    app.vision.failing = VisionUnavailableError("down")
    run.store("waits.jpg")
    app.vision.failing = None
    run.store("pending.jpg", process=False)
    for name, data, pages in (("words.jpg", None, 1), ("long.tif", several("TIFF", 3), 2)):
        app.vision.pages = pages
        run.store(name, data)
        _read_upload(run, name)
    app.vision.pages, app.vision.reads = 1, [["failed"]]
    run.store("unread.jpg")
    _read_upload(run, "unread.jpg")


def _read_upload(run: Pass, name: str) -> None:
    """Read the text of an upload as its orchestration does."""
    blob = run.app.images.read(names.IMAGES, name)
    assert blob is not None
    source = Source(name, blob.info.etag, ImageBytes(blob.data))
    ReadRun(run.app, from_image(source, run.app.services.settings, text_only=name.endswith(".tif"))).finish()


def _unfinished(run: Pass) -> None:
    """`unfinished`: the list, a retry of each kind, a comparison."""
    hub = run.hub
    _every_state(run)
    run.ask("UnfinishedHttp", "GET")
    run.ask("UnfinishedHttp", "GET", continuation=parsed(run.ask("UnfinishedHttp", "GET", limit="1"))["continuation"])
    for query in (
        {"step": "analysis"},
        {"step": "thumbnails"},
        {"step": "text"},
        {"state": "deferred"},
        {"state": "failed"},
    ):
        run.ask("UnfinishedHttp", "GET", **query)
    run.ask("UnfinishedHttp", "GET", code="not_an_image")
    run.ask("UnfinishedHttp", "GET", other="1")
    retry = {"action": "retry"}
    for body in (
        {"name": "notes.jpg"},
        {"code": "vision_refused"},
        {"pending": True},
        {"all": True, "step": "text"},
        {"all": True, "step": "thumbnails"},
        {"all": True, "step": "analysis"},
        {"name": "none.jpg"},
        {"name": "well.jpg"},
        {"name": "../x"},
        {},
    ):
        run.ask("UnfinishedHttp", body=body, path=retry)
    run.ask("UnfinishedHttp", body=b"", path=retry, headers={"Transfer-Encoding": "chunked"})
    for name in range(205):
        run.store(f"many/{name:03}.jpg", b"dear diary %d" % name)
    first = parsed(run.ask("UnfinishedHttp", body={"all": True}, path=retry))
    run.ask("UnfinishedHttp", body={"all": True, "continuation": first["continuation"]}, path=retry)
    compare = {"action": "reconcile"}
    run.ask("UnfinishedHttp", path=compare)
    run.ask("UnfinishedHttp", path=compare)
    run.ask("UnfinishedHttp", path=compare, body=b"x")
    run.ask("UnfinishedHttp", path=compare, headers={"Transfer-Encoding": "chunked"})
    for error in (StorageError("down"), RuntimeError("a mistake")):
        with run.failing(error):
            run.ask("UnfinishedHttp", "GET")
            run.ask("UnfinishedHttp", body={"all": True}, path=retry)
        with _failing_hub(hub, error):
            run.ask("UnfinishedHttp", path=compare)


def _health(run: Pass) -> None:
    """`health`: for every caller and for the operator, up, down for each reason, and with a comparison's report."""
    app = run.app

    def look() -> None:
        health._health = health.Health(FakeClock())
        run.ask("HealthHttp", "GET")
        run.ask("HealthHttp", "GET", headers={"x-functions-key": KEY})

    look()
    run.ask("HealthHttp", "GET", other="1")
    app.vision.failing = VisionUnavailableError("down")
    look()
    app.vision.failing = None
    with run.failing(StorageError("down")):
        look()

    def fail(*_: object) -> None:
        raise StorageError("down")

    app.host.before = fail
    look()
    app.host.before = None
    for kept in _reports():
        document = json.dumps(kept).encode()
        app.host.write(names.RECONCILIATION, names.LAST_RECONCILIATION, document, content_type=names.JSON)
        look()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(health.Report, "short", fail)
        patched.setattr(health, "report", _mistake)
        run.ask("HealthHttp", "GET")
    limited = replace(app.services.settings, vision_daily_limit=9, vision_monthly_limit=99)
    with services.replaced(app.services._replace(settings=limited)):
        look()


async def _mistake() -> None:
    raise RuntimeError("a mistake")


def _reports() -> Iterator[dict[str, Any]]:
    """The comparisons that health tells of: ended, failed, the first one under way."""
    plan = {"mode": "report", "since": "2026-11-01T00:00:00+00:00", "began": "2026-11-02T00:00:00+00:00"}
    ended = {**plan, "by": "timer", "state": "ended", "ended": plan["began"], "counts": {"images": 3}, "problem": None}
    yield {"timer": None, "running": None, "last": ended}
    yield {"timer": None, "running": None, "last": {**ended, "mode": "repair", "state": "failed"}}
    yield {"timer": None, "running": plan, "last": None}


def _contract(run: Pass) -> None:
    """`openapi.json`."""
    run.ask("OpenApiHttp", "GET")
    run.ask("OpenApiHttp", "GET", other="1")


def _misdeployed(run: Pass) -> None:
    """Every function where settings are missing, and where the packages are those of another Python."""
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("AnalyzeHttp", "POST", {"body": run.image()}),
        ("DescribeHttp", "POST", {"body": run.image()}),
        ("DomainsHttp", "GET", {}),
        ("DomainsHttp", "POST", {"body": run.image(), "path": {"model": "landmarks"}}),
        ("HealthHttp", "GET", {"headers": {"x-functions-key": KEY}}),
        ("ImagesHttp", "GET", {}),
        ("ImagesHttp", "GET", {"name": "a.jpg"}),
        ("ImagesHttp", "GET", {"path": {"name": "a.jpg"}}),
        ("OcrHttp", "POST", {"body": run.image()}),
        ("OcrHttp", "GET", {"path": {"id": _READ}}),
        ("OcrHttp", "DELETE", {"path": {"id": _READ}}),
        ("OpenApiHttp", "GET", {}),
        ("ThumbnailHttp", "POST", {"body": run.image(), "width": "60", "height": "60"}),
        ("UnfinishedHttp", "GET", {}),
        ("UnfinishedHttp", "POST", {"path": {"action": "retry"}, "body": {"all": True}}),
        ("UnfinishedHttp", "POST", {"path": {"action": "reconcile"}}),
        ("UnfinishedHttp", "GET", {"path": {"action": "reconcile"}}),
    ]
    for method in ("GET", "HEAD"):
        for where in ({"path": {"name": "a.jpg"}}, {"name": "a.jpg"}):
            requests.append(("ThumbnailHttp", method, {**where, "width": "60", "height": "60"}))
    for error in (_missing_settings, _other_python):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(services, "current", error)
            for folder, method, more in requests:
                run.hub.set(_READ, "Running" if method == "DELETE" else "Completed", output=_DONE)
                health._health = health.Health(FakeClock())
                run.ask(folder, method, **more)


_READ = f"ocr-{'0' * 40}"
_DONE = {"state": "done", "record": "text/a.json", "plain": "text/a.txt"}


def _missing_settings() -> App:
    return build(Settings.from_env({}))


def _other_python() -> App:
    raise PythonMismatchError("The packages were built for Python 3.11, and this is 3.13.")


def _of_platform(run: Pass) -> None:
    """What the platform answers before the app is asked: no key."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        for name in ("ImagesStorage", "AzureWebJobsStorage"):
            patched.setenv(name, "UseDevelopmentStorage=true")
        with host_in_process(Path(folder), enable_auth=True) as host:
            for operation in contract().operations:
                if operation.spec["security"]:
                    target = "/api" + re.sub(r"\{\w+\}", "x", operation.path)
                    status, rest = host.send(operation.method, target.encode(), [])
                    head, _, body = rest.partition(b"\r\n\r\n")
                    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
                    run.note(
                        of_wire(operation.method, target, status, sent={}, sent_body=b"", headers=headers, body=body)
                    )


_SCRIPTS = (
    _images_asked_about,
    _thumbnails,
    _texts,
    _states,
    _unfinished,
    _health,
    _contract,
    _misdeployed,
    _of_platform,
)
