"""The activities as the platform calls them: JSON in and out, asynchronous, patient for a few seconds."""

import asyncio
import json
import logging
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from doubles.http_requests import invocation
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import job_of

from OcrPoll import main as poll_function
from OcrStore import main as store_function
from OcrSubmit import main as submit_function
from shared import names, services
from shared.durable.read_job import Job
from shared.errors import ThrottledError
from shared.ocr import activities, poll_loop, reading

RED = picture(colour=(200, 0, 0))


@pytest.fixture
def app() -> Iterator[Parts]:
    app = parts()
    with services.replaced(app.services):
        yield app


@pytest.fixture
def job(app: Parts) -> Job:
    return job_of(app, RED)


def work(job: Job, **more: Any) -> dict[str, Any]:
    return {"job": job.to_json(), "ticket": None, "wait": 0.0, "polls": 0, "failures": 0, "crash": None, **more}


def run(activity: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run it; what it returns travels as JSON."""
    outcome: dict[str, Any] = json.loads(json.dumps(asyncio.run(activity)))
    return outcome


def submitted(app: Parts, job: Job, *statuses: str) -> dict[str, Any]:
    """The work of a poll of a Read whose polls find these statuses."""
    app.vision.reads = [list(statuses)]
    return work(job, ticket=reading.submit(app.services, job, 0)["ticket"])


def poll(app: Parts, given: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    """Poll on the app's clock; returns the outcome and how long was waited before each question."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        app.clock.advance(seconds)

    return run(activities.poll(given, sleep=sleep)), slept


def test_the_three_functions_read_a_document(app: Parts, job: Job) -> None:
    submitted = run(submit_function(work(job), invocation()))
    assert submitted["state"] == "submitted"
    assert run(poll_function(work(job, ticket=submitted["ticket"]), invocation()))["state"] == "read"
    assert run(store_function(work(job, ticket=submitted["ticket"]), invocation()))["state"] == "done"
    assert app.images.contents(names.TEXT)["a.jpg.txt"] == b"HELLO\n"


def test_a_poll_waits_as_it_was_told_and_asks_once(app: Parts, job: Job) -> None:
    outcome, slept = poll(app, submitted(app, job, "succeeded") | {"wait": 1.8})
    assert (outcome, slept) == ({"state": "read", "polls": 1}, [1.8])


def test_what_the_way_to_the_first_poll_has_taken_is_not_waited_once_more(app: Parts, job: Job) -> None:
    given = submitted(app, job, "succeeded") | {"wait": 1.8}
    app.clock.advance(0.3)
    assert poll(app, given)[1] == [pytest.approx(1.5)]


def test_a_later_wait_is_taken_as_it_was_said(app: Parts, job: Job) -> None:
    given = submitted(app, job, "succeeded") | {"wait": 1.3, "polls": 2}
    app.clock.advance(3.0)
    assert poll(app, given)[1] == [1.3]


def test_short_waits_are_taken_here(app: Parts, job: Job) -> None:
    """A timer would cost eight events of history."""
    outcome, slept = poll(app, submitted(app, job, "notStarted", "running", "succeeded") | {"wait": 1.8})
    assert (outcome["state"], outcome["polls"]) == ("read", 3)
    assert slept == [1.8, 1.3, 1.3]


def test_patience_ends_and_the_next_wait_is_handed_back(app: Parts, job: Job) -> None:
    outcome, slept = poll(app, submitted(app, job, "running") | {"wait": 1.8})
    assert (outcome["state"], outcome["seconds"]) == ("running", pytest.approx(1.3))
    assert sum(slept) <= poll_loop.PATIENCE_SECONDS
    assert outcome["polls"] == len(slept) == 3


def test_a_long_wait_is_handed_back_at_once(app: Parts, job: Job) -> None:
    given = submitted(app, job, "running")
    app.clock.advance(600.0)
    outcome, slept = poll(app, given)
    assert (outcome, slept) == ({"state": "running", "seconds": 60.0, "polls": 1}, [0.0])


def test_trouble_is_handed_back_at_once_with_the_polls_so_far(app: Parts, job: Job) -> None:
    given = submitted(app, job, "running", "running", "succeeded")
    app.vision.failures = []
    calls = 0

    def trouble(seconds: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            app.vision.failures = [ThrottledError("later", retry_after_seconds=1.0)]

    async def sleep(seconds: float) -> None:
        trouble(seconds)

    outcome = run(activities.poll(given | {"wait": 1.0}, sleep=sleep))
    assert (outcome["state"], outcome["seconds"], outcome["polls"]) == ("wait", 1.0, 1)
    assert len(app.vision.polled) == 2


@pytest.mark.parametrize("activity", [activities.submit, activities.poll, activities.store])
def test_wrong_settings_are_waited_for(job: Job, activity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's document is to blame."""
    monkeypatch.setattr("shared.services._current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    given = work(job, ticket={"operation": "https://vision.invalid/1", "submitted": "2026-01-01T00:00:00+00:00"})
    outcome = run(activity(given))
    assert (outcome["state"], outcome["seconds"]) == ("wait", 60.0)
    assert outcome["problem"]["code"] == "settings_invalid"
    assert "VISION_ENDPOINT" in outcome["problem"]["message"]


def test_the_number_of_failures_makes_the_waits_longer(app: Parts, job: Job) -> None:
    app.vision.failing = ThrottledError("later")
    assert [run(activities.submit(work(job, failures=count)))["seconds"] for count in (0, 1, 5)] == [2.0, 4.0, 5.0]


def test_a_crash_is_recorded_by_the_store(app: Parts, job: Job) -> None:
    crash = {"code": "internal_error", "status": 500, "message": "oh", "action": "look", "requestId": None}
    outcome = run(store_function(work(job, crash=crash), invocation()))
    assert (outcome["state"], outcome["problem"]["message"]) == ("failed", "oh")
    assert "text/a.jpg.json" in app.images.contents(names.UNFINISHED)


def test_surprises_are_raised_so_that_the_platform_tries_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("shared.ocr.reading.submit", broken)
    with pytest.raises(ZeroDivisionError):
        run(submit_function(work(job), invocation()))


def test_the_event_loop_is_free_while_the_service_is_asked(app: Parts, job: Job) -> None:
    released = threading.Event()
    app.vision.at_call = lambda *_: released.wait(110)

    async def both() -> None:
        working = asyncio.create_task(activities.submit(work(job)))
        while not app.vision.asked:
            await asyncio.sleep(0.001)
        assert not working.done()
        released.set()
        assert (await working)["state"] == "submitted"

    asyncio.run(both())


def test_everything_logged_carries_the_instance(app: Parts, job: Job, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(submit_function(work(job), invocation()))
    lines = [line for line in caplog.messages if line.startswith("text.")]
    assert lines
    assert all(line.endswith(f"correlation={job.instance_id}") for line in lines)
