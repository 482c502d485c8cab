import asyncio
import json
from typing import Any

import pytest
from doubles.http_requests import Hub, invocation
from doubles.parts import Parts
from doubles.pictures import picture

from RetryStep import main
from shared import names
from shared.durable.read_job import Job
from shared.errors import StorageError, VisionUnavailableError
from shared.uploads import steps

RED = picture(colour=(200, 0, 0))


def store(app: Parts, data: bytes = RED, name: str = "a.jpg") -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def work(*which: str, **changes: Any) -> dict[str, Any]:
    return {"name": "a.jpg", "steps": list(which), "key": "k", "attempts": 1, "crash": None, **changes}


def run(work: dict[str, Any]) -> dict[str, Any]:
    return asyncio.run(main(work, "starter", invocation()))


def test_the_one_step_is_done_as_if_the_image_had_just_arrived(app: Parts) -> None:
    store(app)
    assert run(work("thumbnails")) == {"state": "ended", "steps": {"thumbnails": "done"}, "job": None}
    assert app.vision.count() == {"areaOfInterest": 1}


def test_the_unfinished_record_goes_with_success(app: Parts) -> None:
    store(app)
    app.vision.failing = VisionUnavailableError("down")
    steps.process(app.services, "a.jpg", None)
    app.vision.failing = None
    run(work("analysis"))
    assert list(app.images.contents(names.UNFINISHED)) == ["thumbnails/a.jpg.json"]


def test_what_still_cannot_be_done_is_deferred_for_longer(app: Parts) -> None:
    store(app)
    app.vision.failing = VisionUnavailableError("down")
    waits = [run(work("analysis")) for _ in range(3)]
    assert [each["attempts"] for each in waits] == [1, 2, 3]
    assert [round(each["seconds"]) for each in waits] == [5, 10, 20]


def test_its_turn_has_come_so_it_does_not_join_the_backlog_again(app: Parts) -> None:
    store(app)
    app.services.quota.postpone(calls=1000)
    assert app.services.quota.backlog_seconds() > 0
    assert run(work("analysis"))["steps"] == {"analysis": "done"}


def test_text_that_became_due_is_handed_over_with_the_id_of_its_job(app: Parts, task_hub: Hub) -> None:
    """So that who sends the same finds this one, and so do GET and DELETE."""
    store(app)
    app.vision.tags = {"text": 0.9}
    outcome = run(work("analysis"))
    assert outcome == {"state": "ended", "steps": {"analysis": "done", "text": "due"}, "job": None}
    ((orchestrator, instance, given),) = task_hub.started
    job = Job.from_json(given)
    assert (orchestrator, instance, job.kind, job.name) == ("OcrOrchestrator", job.instance_id, "image", "a.jpg")


def test_text_that_somebody_is_having_read_is_not_read_by_another_orchestration(app: Parts, task_hub: Hub) -> None:
    store(app)
    app.vision.tags = {"text": 0.9}
    for _ in range(2):
        assert run(work("analysis"))["state"] == "ended"
    assert len(task_hub.started) == 1


def test_text_that_became_due_does_not_wait_for_a_step_that_is_deferred(app: Parts, task_hub: Hub) -> None:
    store(app)
    app.vision.tags = {"text": 0.9}
    app.vision.at_call = lambda *_: app.vision.failures.append(VisionUnavailableError("down"))
    assert run(work("analysis", "thumbnails"))["state"] == "deferred"
    assert [orchestrator for orchestrator, _, _ in task_hub.started] == ["OcrOrchestrator"]


def test_text_that_cannot_be_handed_over_is_handed_over_later_and_nothing_is_paid_again(
    app: Parts, task_hub: Hub
) -> None:
    store(app)
    app.vision.tags = {"text": 0.9}
    task_hub.failing = ConnectionError("refused")
    assert run(work("analysis")) == {"state": "deferred", "seconds": 10.0, "attempts": 2}
    task_hub.failing = None
    assert run(work("analysis", attempts=2))["steps"]["text"] == "due"
    assert len(task_hub.started) == 1
    assert app.vision.count() == {"analyze": 1}


def test_an_image_that_is_gone_needs_nothing(app: Parts) -> None:
    assert run(work("analysis")) == {"state": "ended", "steps": {}, "job": None}


def test_while_storage_is_out_it_waits(app: Parts) -> None:
    def before(operation: str, container: str, name: str) -> None:
        raise StorageError("the account is down")

    store(app)
    app.images.before = before
    assert run(work("analysis", attempts=2)) == {"state": "deferred", "seconds": 20.0, "attempts": 3}


def test_while_the_settings_are_wrong_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._current", None)
    monkeypatch.delenv("VISION_ENDPOINT", raising=False)
    assert run(work("analysis")) == {"state": "deferred", "seconds": 60.0, "attempts": 1}


def test_a_crash_is_recorded_for_what_is_missing(app: Parts) -> None:
    store(app)
    run(work("thumbnails"))
    run(work("analysis", "thumbnails", crash="ZeroDivisionError: boom"))
    assert list(app.images.contents(names.UNFINISHED)) == ["analysis/a.jpg.json"]
    note = json.loads(app.images.contents(names.UNFINISHED)["analysis/a.jpg.json"])
    assert (note["state"], note["code"], note["message"]) == ("failed", "app_crashed", "ZeroDivisionError: boom")
