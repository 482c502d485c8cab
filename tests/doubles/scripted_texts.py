"""One scripted pass over `ocr`: what is read, how far it is, and what can come of it."""

from typing import Any

from doubles.documents import several
from doubles.http_requests import Hub, parsed
from doubles.read_runs import ReadRun
from doubles.scripted_pass import Pass, failing_hub, faults_of_images

from shared import names
from shared.durable.read_job import Job
from shared.errors import (
    AnswerTooLargeError,
    BlobsightError,
    PayloadTooLargeError,
    ReadFailedError,
    StorageError,
    StorageNameTakenError,
    VisionError,
    VisionRefusedError,
)
from shared.ocr.error_outcomes import problem_of


def texts(run: Pass) -> None:
    """`ocr`: what is read, how far it is, and what can come of it."""
    app, hub = run.app, run.hub
    every = {"language": "de", "pages": "1-3", "readingOrder": "basic", "model_version": "2022-04-30"}

    def read(body: Any, **more: str) -> str:
        """Have it read to its end; its id."""
        started = str(parsed(run.ask("OcrHttp", body=body, **more))["id"])
        hub.set(started, "Completed", output=ReadRun(app, job(hub)).finish())
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
            with failing_hub(hub, error):
                run.ask("OcrHttp", method, path={"id": waiting})
    app.images.tell(names.IMAGES, "a.jpg", size=600 * 1024**2)
    run.ask("OcrHttp", body={"name": "a.jpg"})
    _deleted_meanwhile(run)
    faults_of_images(run, lambda body, **more: run.ask("OcrHttp", body=body, **more), vision=False)


def _deleted_meanwhile(run: Pass) -> None:
    """A text that is known, and whose record goes before it is read."""
    app, hub = run.app, run.hub
    image = run.image()
    identifier = parsed(run.ask("OcrHttp", body=image))["id"]
    hub.set(identifier, "Completed", output=ReadRun(app, job(hub)).finish())

    def delete(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("read", names.TEXT):
            app.images.delete(container, name)

    app.images.before = delete
    run.ask("OcrHttp", body=image)
    app.images.before = None


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
            outcome = ReadRun(app, job(hub)).finish()
            app.vision.failing = None
        hub.set(identifier, "Completed", output=outcome)
        run.ask("OcrHttp", "GET", path={"id": identifier})
    identifier = parsed(run.ask("OcrHttp", body=run.image()))["id"]
    for deleted in (True, False):
        hub.set(identifier, "Completed", output={"state": "superseded", "deleted": deleted})
        run.ask("OcrHttp", "GET", path={"id": identifier})
    hub.set(identifier, "Completed", output=ReadRun(app, job(hub)).finish())
    for name in app.images.contents(names.TEXT):
        app.images.delete(names.TEXT, name)
    run.ask("OcrHttp", "GET", path={"id": identifier})


def job(hub: Hub) -> Job:
    """The one that was started last."""
    return Job.from_json(hub.started[-1][2])
