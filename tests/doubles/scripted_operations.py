"""One scripted pass over what is not waited for: `Prefer: respond-async`, and `operations/{id}`."""

from collections.abc import Callable

import azure.functions as func
from doubles.http_requests import parsed
from doubles.operation_runs import run_in
from doubles.scripted_pass import FEATURES, Pass, busy, failing_hub

from shared import names
from shared.errors import (
    AnswerTooLargeError,
    BlobsightError,
    ImageRejectedError,
    PayloadTooLargeError,
    QuotaExhaustedError,
    StorageError,
    VisionRefusedError,
)

PREFER = {"Prefer": "respond-async"}
_SIZE = {"width": "50", "height": "50"}


def operations(run: Pass) -> None:
    """Every request that can be handed over, its progress, and each end."""
    every = ",".join([*FEATURES, "Description"])
    run.store("a.jpg", process=False)
    asked: list[Callable[..., func.HttpResponse]] = [
        lambda **more: run.ask("AnalyzeHttp", body=run.image(), visualFeatures=every, **more),
        lambda **more: run.ask("AnalyzeHttp", body=run.image(), visualFeatures="Tags", **more),
        lambda **more: run.ask("DescribeHttp", body=run.image(), **more),
        lambda **more: run.ask("DomainsHttp", body=run.image(), path={"model": "landmarks"}, **more),
        lambda **more: run.ask("DomainsHttp", body=run.image(), path={"model": "celebrities"}, **more),
        lambda **more: run.ask("ThumbnailHttp", body=run.image(), mode="center", **_SIZE, **more),
        lambda **more: run.ask("ThumbnailHttp", body=run.image(), mode="center", format="webp", **_SIZE, **more),
        lambda **more: run.ask("ThumbnailHttp", "GET", path={"name": "a.jpg"}, mode="center", **_SIZE, **more),
        lambda **more: run.ask("ThumbnailHttp", "GET", name="a.jpg", mode="area", **_SIZE, **more),
    ]
    for ask in asked:
        identifier = parsed(ask(headers=PREFER))["id"]
        _look(run, identifier)
        run_in(run.hub, run.app)
        _look(run, identifier)
    _progress(run)
    _ends(run)
    run.app.vision.failing = busy()
    run.ask("ThumbnailHttp", body=run.image(), mode="vision", **_SIZE)
    run.app.vision.failing = None


def _look(run: Pass, identifier: str, **more: str) -> None:
    run.ask("OperationsHttp", "GET", path={"id": identifier}, **more)


def _handed_over(run: Pass) -> str:
    return str(parsed(run.ask("DescribeHttp", body=run.image(), headers=PREFER))["id"])


def _progress(run: Pass) -> None:
    """What it waits for, and what keeps the app from telling."""
    identifier = _handed_over(run)
    problem = {"code": "vision_unavailable", "status": 503, "message": "m", "action": "a", "requestId": None}
    for said in ({"waitSeconds": 2, "problem": problem}, {"waitSeconds": 0, "problem": None}, None):
        run.hub.set(identifier, "Running", name="OperationOrchestrator", custom_status=said)
        _look(run, identifier)
    _look(run, identifier, other="1")
    _look(run, "op-0")
    for error in (StorageError("down"), RuntimeError("a mistake")):
        with failing_hub(run.hub, error):
            _look(run, identifier)


def _ends(run: Pass) -> None:
    """Operations that failed or were overtaken, and those whose answer is gone."""
    for error in (
        VisionRefusedError("no"),
        ImageRejectedError("no", code="image_size_refused"),
        PayloadTooLargeError("large"),
        AnswerTooLargeError("large"),
        QuotaExhaustedError("used up"),
        BlobsightError("a mistake"),
    ):
        identifier = _handed_over(run)
        run.app.vision.failing = error
        run_in(run.hub, run.app)
        run.app.vision.failing = None
        _look(run, identifier)
    run.store("archived.jpg", process=False)
    identifier = parsed(run.ask("DescribeHttp", body={"name": "archived.jpg"}, headers=PREFER))["id"]
    run.app.images.tell(names.IMAGES, "archived.jpg", tier="Archive")
    run_in(run.hub, run.app)
    _look(run, identifier)
    for output in ({"state": "superseded", "deleted": True}, {"state": "superseded", "deleted": False}):
        run.hub.set(identifier, "Completed", name="OperationOrchestrator", output=output)
        _look(run, identifier)
    run.hub.set(identifier, "Completed", name="OperationOrchestrator", output={})
    _look(run, identifier)
    run.hub.set(identifier, "Terminated", name="OperationOrchestrator")
    _look(run, identifier)
