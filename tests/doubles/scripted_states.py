"""One scripted pass over the states of images, and over what is unfinished."""

from dataclasses import replace

from doubles.documents import several
from doubles.http_requests import parsed
from doubles.read_runs import ReadRun
from doubles.scripted_pass import Pass, failing_hub

from shared import names, services
from shared.durable.read_job import from_image
from shared.errors import (
    StorageError,
    VisionRefusedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes
from shared.records.versions import Source
from shared.vision.questions import Question


def states(run: Pass) -> None:
    """`images`: every state of an image and of its steps."""
    run.app.clock.advance(7 * 86_400)
    run.ask("ImagesHttp", "GET", summary="true")
    every_state(run)
    run.app.images.tell(names.IMAGES, "pending.jpg", content_type=None)
    shown = ["well.jpg", "notes.jpg", "refused.jpg", "waits.jpg", "pending.jpg"]
    shown += ["words.jpg", "long.tif", "unread.jpg", "slow.jpg"]
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
    for wait in ("true", "false"):
        for name in ("well.jpg", "pending.jpg"):
            run.ask("ImagesHttp", "GET", path={"name": name}, wait=wait)
            run.ask("ImagesHttp", "GET", name=name, wait=wait)
    _summary(run)
    _finished(run)
    _after_other_settings(run)


def _summary(run: Pass) -> None:
    """All images in numbers: with and without limits, and a backlog, and while the index is being made."""
    run.app.services.index_writer.flush()
    run.ask("ImagesHttp", "GET", summary="true")
    run.ask("ImagesHttp", "GET", summary="false")
    run.app.services.quota.postpone(calls=50)
    limited = replace(run.app.services.settings, vision_daily_limit=5000, vision_monthly_limit=100_000)
    with services.replaced(run.app.services._replace(settings=limited)):
        run.ask("ImagesHttp", "GET", summary="true")


def _finished(run: Pass) -> None:
    """The polling trigger: nothing yet, what has come, and more than one answer holds."""
    since = parsed(run.ask("ImagesHttp", "GET", since="now"))["since"]
    run.app.clock.advance(3600)
    found = run.ask("ImagesHttp", "GET", since="2020-01-01T00:00:00Z", limit="2")
    run.ask("ImagesHttp", "GET", since=parsed(found)["since"])
    run.ask("ImagesHttp", "GET", since=since)
    run.ask("ImagesHttp", "GET")


def _after_other_settings(run: Pass) -> None:
    """What is left where thumbnails are wanted in another format, and other features."""
    changed = replace(run.app.services.settings, thumbnail_formats=("jpeg", "webp"), vision_features=("Faces",))
    with services.replaced(run.app.services._replace(settings=changed)):
        for name in ("well.jpg", "pending.jpg"):
            run.ask("ImagesHttp", "GET", path={"name": name})
    changed = replace(run.app.services.settings, text_mode="auto")
    with services.replaced(run.app.services._replace(settings=changed)):
        run.ask("ImagesHttp", "GET", path={"name": "pending.jpg"})


def every_state(run: Pass) -> None:
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
    _odd_ends(run)


def _odd_ends(run: Pass) -> None:
    """An image of which only the thumbnails are refused, and one whose text has to wait."""
    vision = run.app.vision

    def refuse(question: Question, image: object) -> None:
        if question.operation == "areaOfInterest":
            raise VisionRefusedError("No.")

    vision.at_call = refuse
    around = replace(run.app.services.settings, thumbnail_mode_set="area")
    with services.replaced(run.app.services._replace(settings=around)):
        run.store("uncut.jpg")
        run.ask("ImagesHttp", "GET", path={"name": "uncut.jpg"})
    vision.at_call = None
    run.store("slow.jpg")
    vision.failing = VisionUnavailableError("down", retry_after_seconds=60)
    _read_upload(run, "slow.jpg", steps=1)
    vision.failing = None


def _read_upload(run: Pass, name: str, steps: int = 400) -> None:
    """Read the text of an upload as its orchestration does."""
    blob = run.app.images.read(names.IMAGES, name)
    assert blob is not None
    source = Source(name, blob.info.etag, ImageBytes(blob.data))
    reading = ReadRun(run.app, from_image(source, run.app.services.settings, text_only=name.endswith(".tif")))
    for _ in range(steps):
        if not reading.is_over:
            reading.step()


def unfinished(run: Pass) -> None:
    """`unfinished`: the list, a retry of each kind, a comparison."""
    hub = run.hub
    every_state(run)
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
        {"name": "words.jpg"},
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
    run.ask("UnfinishedHttp", "GET", path=compare)
    run.ask("UnfinishedHttp", path=compare)
    run.ask("UnfinishedHttp", "GET", path=compare)
    run.ask("UnfinishedHttp", "GET", path=compare, other="1")
    run.ask("UnfinishedHttp", path=compare)
    run.ask("UnfinishedHttp", path=compare, body=b"x")
    run.ask("UnfinishedHttp", path=compare, headers={"Transfer-Encoding": "chunked"})
    for error in (StorageError("down"), RuntimeError("a mistake")):
        with run.failing(error):
            run.ask("UnfinishedHttp", "GET")
            run.ask("UnfinishedHttp", body={"all": True}, path=retry)
        with failing_hub(hub, error):
            run.ask("UnfinishedHttp", path=compare)
            run.ask("UnfinishedHttp", "GET", path=compare)
    hub.set("reconcile", "Completed", name="ReconcileOrchestrator")
    run.ask("UnfinishedHttp", "GET", path=compare)
    report = replace(run.app.services.settings, reconcile="report")
    with services.replaced(run.app.services._replace(settings=report)):
        run.ask("UnfinishedHttp", path=compare)
