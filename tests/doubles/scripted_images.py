"""One scripted pass over what is asked about images, and over thumbnails."""

from collections.abc import Callable
from typing import Any

import azure.functions as func
from doubles.pictures import picture
from doubles.scripted_pass import FEATURES, OF_VISION, Pass, busy, faults_of_images

from shared import names
from shared.contract import LANGUAGES
from shared.errors import (
    AnswerTooLargeError,
    BusyError,
    CallsStoppedError,
    ConflictError,
    ImageRejectedError,
    NoTimeLeftError,
    NoTokenError,
    QuotaExhaustedError,
    StorageDeniedError,
    StorageError,
    StorageIdentityError,
    StorageNameTakenError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionNotFoundError,
    VisionRefusedError,
    VisionUnauthorizedError,
)


def images_asked_about(run: Pass) -> None:
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
    for error in OF_VISION:
        run.app.vision.failures = [error()]  # type: ignore[list-item]
        run.ask("DomainsHttp", "GET")
        run.app.vision.failures = []
    _refusals(run)
    for folder, path in (("AnalyzeHttp", {}), ("DescribeHttp", {}), ("DomainsHttp", {"model": "landmarks"})):
        faults_of_images(
            run, lambda body, folder=folder, path=path, **more: run.ask(folder, body=body, path=path, **more)
        )


def _refusals(run: Pass) -> None:
    """Images that are refused, and what Computer Vision and its client say besides."""
    app = run.app
    for error in (
        VisionRefusedError("no"),
        VisionRefusedError("no", code="image_url_refused"),
        VisionRefusedError("no", code="vision_approval_missing"),
        ImageRejectedError("no", code="image_size_refused"),
        ImageRejectedError("no", code="image_not_supported"),
        ImageRejectedError("no", code="image_unreadable"),
        VisionUnauthorizedError("no", code="vision_forbidden"),
        NoTokenError("no token"),
        VisionNotFoundError("none"),
        VisionNotFoundError("gone", code="vision_api_retired"),
        ThrottledError("used up", code="vision_quota_exhausted"),
        QuotaExhaustedError("used up"),
        CallsStoppedError("stopped"),
        BusyError("late", code="turn_too_late", retry_after_seconds=1),
        NoTimeLeftError("late"),
        UnexpectedAnswerError("odd"),
        AnswerTooLargeError("large"),
        busy(),
    ):
        app.vision.failing = error
        run.ask("DomainsHttp", body=run.image(), path={"model": "landmarks"})
        app.vision.failing = None
    for body in (
        b"dear diary",
        picture("GIF", 10, 10),
        b"\xff\xd8\xff\xe0",
        picture("PDF"),
        {"url": "no address"},
        {"url": "http://127.0.0.1/a.jpg"},
        {"name": "empty.jpg"},
        {"name": "copied.jpg"},
        {"name": "copy.jpg"},
    ):
        for name, told in _STATES_OF_BLOBS.items():
            run.store(name, b"", process=False)
            app.images.tell(names.IMAGES, name, **told)
        run.ask("AnalyzeHttp", body=body)
    run.ask("AnalyzeHttp", body=b"<html><body>photo</body></html>", headers={"Content-Type": "text/html"})
    run.ask("AnalyzeHttp", body=picture(), headers={"If-None-Match": "x" * 9000})
    run.ask("AnalyzeHttp", body=picture("PNG", 17_000, 60))
    denied = StorageDeniedError("denied")
    for failure in (denied, StorageIdentityError("no token"), ConflictError("changed"), StorageNameTakenError("taken")):
        with run.failing(failure):
            run.ask("ThumbnailHttp", body=run.image(), width="10", height="10", mode="center")


_STATES_OF_BLOBS: dict[str, dict[str, str | None]] = {
    "empty.jpg": {},
    "copied.jpg": {"copy_status": "failed"},
    "copy.jpg": {"copy_status": "pending"},
}


def thumbnails(run: Pass) -> None:
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
    for more in ({"mode": "auto"}, {"mode": "area"}, {"mode": "vision"}, {"mode": "center"}):
        run.ask("ThumbnailHttp", body=image, **size, **more)
    run.ask("ThumbnailHttp", body=run.image(), **size, mode="center", format="webp")
    for more in ({"format": "jpeg"}, {"smartCropping": "true"}, {"smartCropping": "false"}):
        run.ask("ThumbnailHttp", body=image, **size, **more)

    def make(body: Any = b"", **more: Any) -> func.HttpResponse:
        return run.ask("ThumbnailHttp", body=body, **{**size, **more})

    faults_of_images(run, make)
    _faults_of_thumbnails(run, lambda **more: make(run.image(), **more))


def _faults_of_thumbnails(run: Pass, ask: Callable[..., func.HttpResponse]) -> None:
    """Those of Computer Vision, which is asked for another size each time."""
    for number, error in enumerate([*OF_VISION, busy]):
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
