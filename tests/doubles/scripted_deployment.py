"""One scripted pass over health, the contract, wrong deployments, and what the platform answers by itself."""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.exchanges import of_wire
from doubles.host_in_process import InProcessHost, host_in_process
from doubles.judged_answers import contract
from doubles.scripted_pass import KEY, Pass

from shared import names, services, settings
from shared.api import health, retention
from shared.errors import (
    PythonMismatchError,
    StorageError,
    VisionUnavailableError,
)
from shared.services import App, build
from shared.settings import Settings


def health_told(run: Pass) -> None:
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
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retention.Retention, "warning", lambda self: ("It keeps versions.", retention.ACTION))
        look()
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


def contract_served(run: Pass) -> None:
    """`openapi.json`."""
    run.ask("OpenApiHttp", "GET")
    run.ask("OpenApiHttp", "GET", other="1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings, "public_address", _mistake_at_once)
        run.ask("OpenApiHttp", "GET")


def _mistake_at_once() -> str:
    raise RuntimeError("a mistake")


def misdeployed(run: Pass) -> None:
    """Every function where settings are missing, and where the packages are those of another Python."""
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("AnalyzeHttp", "POST", {"body": run.image()}),
        *(
            ("CorrectionsHttp", method, {**where, "body": {"caption": "A zebra"} if method == "PUT" else b""})
            for method in ("GET", "PUT", "DELETE")
            for where in ({"name": "a.jpg"}, {"path": {"name": "a.jpg"}})
        ),
        ("DescribeHttp", "POST", {"body": run.image()}),
        ("DomainsHttp", "GET", {}),
        ("DomainsHttp", "POST", {"body": run.image(), "path": {"model": "landmarks"}}),
        ("HealthHttp", "GET", {"headers": {"x-functions-key": KEY}}),
        ("ImagesHttp", "GET", {}),
        ("ImagesHttp", "GET", {"name": "a.jpg"}),
        ("ImagesHttp", "GET", {"path": {"name": "a.jpg"}}),
        *(
            ("ImagesHttp", method, {**where, "body": run.image() if method == "PUT" else b""})
            for method in ("PUT", "DELETE")
            for where in ({"name": "a.jpg"}, {"path": {"name": "a.jpg"}})
        ),
        ("OcrHttp", "POST", {"body": run.image()}),
        ("OcrHttp", "GET", {"path": {"id": _READ}}),
        ("OcrHttp", "DELETE", {"path": {"id": _READ}}),
        ("OpenApiHttp", "GET", {}),
        ("OperationsHttp", "GET", {"path": {"id": _OPERATION}}),
        ("SearchHttp", "GET", {}),
        ("SearchHttp", "POST", {"path": {"action": "rebuild"}}),
        ("SearchHttp", "GET", {"path": {"action": "rebuild"}}),
        ("SkillsHttp", "POST", {"path": {"skill": "describe"}, "body": {"values": []}}),
        ("SkillsHttp", "POST", {"path": {"skill": "analyze"}, "body": {"values": []}}),
        ("SkillsHttp", "POST", {"path": {"skill": "read"}, "body": {"values": []}}),
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
                run.hub.set(
                    _OPERATION, "Completed", name="OperationOrchestrator", output={"state": "done", "job": _JOB}
                )
                run.hub.set(_READ, "Running" if method == "DELETE" else "Completed", output=_DONE)
                health._health = health.Health(FakeClock())
                run.ask(folder, method, **more)


_READ = f"ocr-{'0' * 40}"
_OPERATION = f"op-{'0' * 40}"
_JOB: dict[str, Any] = {}
_DONE = {"state": "done", "record": "text/a.json", "plain": "text/a.txt"}


def _missing_settings() -> App:
    return build(Settings.from_env({}))


def _other_python() -> App:
    raise PythonMismatchError("The packages were built for Python 3.11, and this is 3.13.")


def of_platform(run: Pass) -> None:
    """What the platform answers before the app is asked: no key."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        for name in ("ImagesStorage", "AzureWebJobsStorage"):
            patched.setenv(name, "UseDevelopmentStorage=true")
        with host_in_process(Path(folder), enable_auth=True) as host:
            for operation in contract().operations:
                query = "&".join(f"{name}=1" for name in operation.parameters("query"))
                target = f"/api{re.sub(r'{[^}]+}', 'x', operation.path)}?{query}"
                if operation.spec["security"]:
                    _send(run, host, operation.method, target)
                if operation.response(414):
                    _send(run, host, operation.method, f"{target}&long={'x' * 9000}")


def _send(run: Pass, host: InProcessHost, method: str, target: str) -> None:
    status, rest = host.send(method, target.encode(), [])
    head, _, body = rest.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    run.note(of_wire(method, target, status, sent={}, sent_body=b"", headers=headers, body=body))
