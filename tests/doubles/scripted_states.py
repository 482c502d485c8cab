"""One scripted pass over the states of images, and over what is unfinished."""

from doubles.documents import several
from doubles.http_requests import parsed
from doubles.read_runs import ReadRun
from doubles.scripted_pass import Pass, failing_hub

from shared import names
from shared.durable.read_job import from_image
from shared.errors import (
    StorageError,
    VisionRefusedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes
from shared.records.versions import Source


def states(run: Pass) -> None:
    """`images`: every state of an image and of its steps."""
    app = run.app
    every_state(run)
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


def _read_upload(run: Pass, name: str) -> None:
    """Read the text of an upload as its orchestration does."""
    blob = run.app.images.read(names.IMAGES, name)
    assert blob is not None
    source = Source(name, blob.info.etag, ImageBytes(blob.data))
    ReadRun(run.app, from_image(source, run.app.services.settings, text_only=name.endswith(".tif"))).finish()


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
        with failing_hub(hub, error):
            run.ask("UnfinishedHttp", path=compare)
