"""
What the version before operations has begun for callers, and has answered them, still holds: nothing is paid again.

`tests/fixtures/records/before_operations.json` is what that version (16394be) has left in both accounts, and the states
of OcrOrchestrator as histories have them. It ran with its own doubles. It was asked over HTTP about bytes: a
description, an analysis, and thumbnails of both kinds. It has read a document to its end. Two documents and two signed
addresses were under way: one of each was not submitted, and one was.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.http_requests import Hub, answered, request
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun
from doubles.stored_before import restore

import AnalyzeHttp
import DescribeHttp
import OcrHttp
import ThumbnailHttp
from shared import names, services
from shared.durable.read_job import Job

BEFORE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "records" / "before_operations.json").read_text()
)
RED, GREEN = picture(colour=(200, 0, 0)), picture(colour=(0, 150, 0))
ANSWERED = {
    "describe": (DescribeHttp, {"maxCandidates": "3"}),
    "analyze": (AnalyzeHttp, {"visualFeatures": "Tags,Color"}),
    "thumbnail": (ThumbnailHttp, {"width": "100", "height": "50", "mode": "vision"}),
    "center": (ThumbnailHttp, {"width": "20", "height": "20", "mode": "center"}),
}
UPGRADE_SECONDS = 60.0


@pytest.fixture
def app() -> Iterator[Parts]:
    app = parts()
    app.clock.advance(BEFORE["now_seconds"] + UPGRADE_SECONDS)
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    with services.replaced(app.services):
        yield app


@pytest.mark.parametrize("prefer", [None, "respond-async"])
@pytest.mark.parametrize("asked", ANSWERED)
def test_what_was_answered_is_answered_again_at_once_and_unpaid(app: Parts, asked: str, prefer: str | None) -> None:
    folder, params = ANSWERED[asked]
    headers = {"Prefer": prefer} if prefer else {}
    response = answered(folder.main, request(body=RED, params=params, headers=headers))
    told = BEFORE["answers"][asked]
    expected = base64.b64decode(told) if folder is ThumbnailHttp else told.encode()
    assert (response.status_code, response.get_body()) == (200, expected)
    assert app.vision.asked == []


def test_a_document_that_was_read_is_not_read_again(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    assert answered(OcrHttp.main, request(body=GREEN)).status_code == 200
    assert (hub.started, app.vision.count()) == ([], {})


@pytest.mark.parametrize("under_way", BEFORE["jobs"])
def test_a_read_that_was_under_way_ends_and_is_submitted_once(app: Parts, under_way: str) -> None:
    before = BEFORE["jobs"][under_way]
    state = before.get("state")
    run = ReadRun(app, Job.from_json(state["job"] if state else before["job"]))
    if state:
        run.state = state
        app.vision.accepted_before(state["ticket"]["operation"])
    else:
        # The id by which the platform knows it, and under which its document lies.
        assert any(each["name"] == run.job.input_name for each in BEFORE["host"])
    assert app.host.contents(names.INPUTS)[run.job.input_name]
    assert run.finish()["state"] == "done"
    assert app.vision.count().get("read", 0) == (0 if state else 1)
    for container in (names.INPUTS, names.KEYS):
        assert run.job.input_name not in app.host.contents(container)
