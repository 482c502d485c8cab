"""Images whose bytes cannot be had for a while: archived ones, and copies that are not whole yet."""

import json
import logging
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of

from shared import names
from shared.api import image_states, unfinished_entries
from shared.durable.appointments import Appointment
from shared.ocr import poll_loop
from shared.records import versions
from shared.records.versions import WithheldVersion
from shared.services import App
from shared.uploads import rescue, retry_step, steps
from shared.uploads.steps import StepOutcome

RED = picture(colour=(200, 0, 0))
DAY = 86_400.0


@pytest.fixture
def app() -> Parts:
    return parts(THUMBNAIL_SIZES="100x50")


def upload(app: Parts, data: bytes = RED, name: str = "a.jpg", **known: str) -> str:
    """Put an image into the container, archived unless *known* says something else of it; returns its ETag."""
    etag = app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    app.images.tell(names.IMAGES, name, **(known or {"tier": "Archive"}))
    return etag


def bring_back(app: Parts, name: str = "a.jpg") -> None:
    app.images.tell(names.IMAGES, name, tier="Hot", archive_status=None, copy_status=None)


def rescued(app: Parts, name: str = "a.jpg") -> list[Appointment]:
    """What RescueUpload hands over, after the platform could not read the image for its event."""
    message = {"Type": "BlobTrigger", "FunctionId": "AnalyzeOnUpload", "ContainerName": "images", "BlobName": name}
    return rescue.rescue(app.services, json.dumps(message).encode())


def told(outcomes: list[StepOutcome]) -> list[tuple[str, str, str | None]]:
    return [(outcome.step, outcome.state, outcome.code) for outcome in outcomes]


def work(appointment: Appointment, attempts: int) -> dict[str, Any]:
    return {**appointment.to_json(), "attempts": attempts, "crash": None}


def tried(services: App, work: Any) -> Any:
    """The outcome of a try."""
    return retry_step._retry(services, work)[0]


def stored(app: Parts) -> dict[str, dict[str, bytes]]:
    return {container: app.images.contents(container) for container in names.OUTPUTS}


def test_an_archived_image_is_deferred_with_what_brings_it_back(app: Parts) -> None:
    upload(app)
    found = rescued(app)
    assert [(each.steps, each.seconds) for each in found] == [(("analysis",), 300.0), (("thumbnails",), 300.0)]
    state = image_states.of_image(app.services, "a.jpg")
    assert state["state"] == "deferred"
    problem = state["analysis"]["problem"]
    assert (problem["code"], problem["attempts"]) == ("image_archived", 1)
    assert "az storage blob set-tier" in problem["action"]
    assert "hours" in problem["action"]
    listed = unfinished_entries.find(app.services, "a.jpg", None)
    assert [(entry.step, entry.document["code"]) for entry in listed] == [
        ("analysis", "image_archived"),
        ("thumbnails", "image_archived"),
    ]
    assert app.vision.asked == []


def test_it_is_looked_at_less_and_less_often_and_never_given_up(app: Parts) -> None:
    upload(app)
    (appointment, _) = rescued(app)
    waits, attempts = [appointment.seconds], 1
    for _ in range(30):
        app.clock.advance(waits[-1])
        outcome = tried(app.services, work(appointment, attempts))
        assert outcome["state"] == "deferred"
        waits.append(outcome["seconds"])
        attempts = outcome["attempts"]
    assert waits[:4] == [300.0, 600.0, 1200.0, 2400.0]
    assert waits == sorted(waits)
    assert waits[-1] == DAY
    assert app.vision.asked == []
    assert app.services.quota.backlog_seconds() == 0.0


def test_it_is_done_by_itself_when_it_is_back(app: Parts) -> None:
    upload(app)
    found = rescued(app)
    bring_back(app)
    for appointment in found:
        assert tried(app.services, work(appointment, 1))["state"] == "ended"
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"
    assert app.images.contents(names.UNFINISHED) == {}
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}


def test_while_it_is_brought_back_the_reason_says_so_and_it_is_looked_at_every_hour(app: Parts) -> None:
    upload(app, tier="Archive", archive_status="rehydrate-pending-to-hot")
    for _ in range(5):
        outcomes = steps.process(app.services, "a.jpg", None)
        assert told(outcomes)[0] == ("analysis", "deferred", "image_archived")
        assert [outcome.appointment and outcome.appointment.seconds for outcome in outcomes] == [3600.0, 3600.0]
    problem = image_states.of_image(app.services, "a.jpg")["analysis"]["problem"]
    assert "rehydrate-pending-to-hot" in problem["message"]
    assert "set-tier" not in problem["action"]


def test_a_rescue_that_comes_again_makes_the_same_appointments(app: Parts) -> None:
    upload(app)
    assert [each.instance_id for each in rescued(app)] == [each.instance_id for each in rescued(app)]


def test_records_that_are_there_count_although_the_image_was_archived_later(
    app: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    upload(app, tier="Hot")
    steps.process(app.services, "a.jpg", RED)
    before = stored(app)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"
    assert image_states.page(app.services, limit=10)["images"][0]["state"] == "complete"
    assert [outcome.state for outcome in steps.process(app.services, "a.jpg", None)] == ["skipped", "skipped"]
    assert rescued(app) == []
    assert any("reason=accounted_for" in line for line in caplog.messages)
    assert stored(app) == before


def test_an_image_that_was_archived_since_its_event_waits_because_its_bytes_cannot_be_compared(app: Parts) -> None:
    upload(app)
    assert [outcome.state for outcome in steps.process(app.services, "a.jpg", RED)] == ["deferred", "deferred"]
    assert app.vision.asked == []
    app.images.tell(names.IMAGES, "a.jpg", tier="Hot")
    assert [outcome.state for outcome in steps.process(app.services, "a.jpg", None)] == ["done", "done"]


def test_text_that_the_analysis_has_found_waits_too() -> None:
    app = parts(THUMBNAIL_SIZES="100x50")
    app.vision.tags = {"text": 0.9}
    upload(app, tier="Hot")
    steps.process(app.services, "a.jpg", RED)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    outcomes = steps.process(app.services, "a.jpg", None)
    assert [outcome.state for outcome in outcomes] == ["skipped", "skipped", "deferred"]
    assert told(outcomes)[2] == ("text", "deferred", "image_archived")
    bring_back(app)
    appointment = outcomes[2].appointment
    assert appointment
    (job,) = retry_step._retry(app.services, work(appointment, 1))[1]
    assert job.name == "a.jpg"


def test_a_document_that_was_read_stays_complete(app: Parts) -> None:
    run = ReadRun(app, job_of(app, text_pdf("hello"), "a.pdf", text_only=True))
    run.finish()
    app.images.tell(names.IMAGES, "a.pdf", tier="Archive")
    assert told(steps.process(app.services, "a.pdf", None)) == [("text", "skipped", None)]
    assert rescued(app, "a.pdf") == []
    assert image_states.of_image(app.services, "a.pdf")["state"] == "complete"


def test_a_document_whose_text_waits_is_known_as_one(app: Parts) -> None:
    run = ReadRun(app, job_of(app, text_pdf("hello"), "a.pdf", text_only=True))
    app.images.tell(names.IMAGES, "a.pdf", tier="Archive")
    outcome = run.step()
    assert (outcome["state"], outcome["seconds"]) == ("wait", 300.0)
    assert outcome["problem"]["code"] == "image_archived"
    assert told(steps.process(app.services, "a.pdf", None)) == [("text", "deferred", "image_archived")]
    state = image_states.of_image(app.services, "a.pdf")
    assert (state["state"], state["analysis"]["state"], state["thumbnails"]) == ("deferred", "none", [])
    bring_back(app, "a.pdf")
    assert run.until(poll_loop.END).finish()["state"] == "done"
    assert app.images.contents(names.UNFINISHED) == {}


def test_an_archive_that_turns_out_to_be_a_document_leaves_no_note_of_other_steps(app: Parts) -> None:
    upload(app, text_pdf("hello"), "a.pdf")
    found = rescued(app, "a.pdf")
    assert [each.steps for each in found] == [("analysis",), ("thumbnails",)]
    bring_back(app, "a.pdf")
    jobs = [job for each in found for job in retry_step._retry(app.services, work(each, 1))[1]]
    assert [job.name for job in jobs] == ["a.pdf", "a.pdf"]
    assert app.images.contents(names.UNFINISHED) == {}


def test_an_image_that_is_archived_between_two_looks_is_deferred(app: Parts) -> None:
    upload(app, tier="Hot")

    def archive(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("read", names.IMAGES):
            app.images.before = None
            app.images.tell(names.IMAGES, "a.jpg", tier="Archive")

    app.images.before = archive
    assert told(steps.process(app.services, "a.jpg", None))[0] == ("analysis", "deferred", "image_archived")


def test_an_image_that_is_brought_back_between_two_looks_is_deferred_once_more(app: Parts) -> None:
    upload(app)

    def back(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("head", names.IMAGES):
            app.images.before = None
            bring_back(app)

    app.images.before = back
    found = versions.identify(app.images, "a.jpg", None)
    assert isinstance(found, WithheldVersion)
    assert found.problem.code == "image_archived"


def test_a_copy_that_is_not_whole_is_deferred_and_looked_at_soon(app: Parts) -> None:
    upload(app, b"", copy_status="pending")
    waits = []
    for data in (b"", None, None):
        outcomes = steps.process(app.services, "a.jpg", data)
        assert told(outcomes)[0] == ("analysis", "deferred", "image_incomplete")
        assert outcomes[0].appointment
        waits.append(outcomes[0].appointment.seconds)
        app.clock.advance(waits[-1])
    assert waits == [5.0, 10.0, 20.0]
    assert image_states.of_image(app.services, "a.jpg")["state"] == "deferred"
    upload(app, RED, copy_status="success")
    for outcome in outcomes:
        assert outcome.appointment
        assert tried(app.services, work(outcome.appointment, 3))["state"] == "ended"
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"
    assert app.images.contents(names.UNFINISHED) == {}


@pytest.mark.parametrize("status", ["failed", "aborted"])
def test_a_copy_that_came_to_nothing_is_no_image_and_says_why(app: Parts, status: str) -> None:
    upload(app, b"", copy_status=status)
    assert told(steps.process(app.services, "a.jpg", b"")) == [("analysis", "failed", "image_copy_failed")]
    problem = image_states.of_image(app.services, "a.jpg")["analysis"]["problem"]
    assert status in problem["message"]
    assert problem["action"].startswith("Copy it to 'a.jpg' again")
    assert app.vision.asked == []


def test_a_copy_that_failed_over_bytes_is_judged_by_them(app: Parts) -> None:
    upload(app, RED, copy_status="failed")
    assert [outcome.state for outcome in steps.process(app.services, "a.jpg", RED)] == ["done", "done"]
