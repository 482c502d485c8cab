"""Submit, poll, store: every way that a document can take, and that none of them pays twice or loses it."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.fake_vision import read_text
from doubles.odd_headers import pdf_of_pages, tiff
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import BEFORE, SIGNED, ReadRun, job_of, upload

from shared import names
from shared.answers.tickets import ReadTicket
from shared.api import image_states, unfinished_entries
from shared.durable import inputs, read_job
from shared.durable.read_job import Job
from shared.errors import (
    AnswerTooLargeError,
    BadRequestError,
    BlobsightError,
    ImageRejectedError,
    PayloadTooLargeError,
    StorageError,
    ThrottledError,
    UnexpectedAnswerError,
    VisionError,
    VisionNotFoundError,
    VisionRefusedError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)
from shared.images import ImageBytes, ImageUrl
from shared.ocr import poll_loop, reading
from shared.records import text
from shared.uploads import steps
from shared.vision.read_models import ReadResult

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
PDF = picture("PDF")
HOUR = 3600.0
WAITING = [
    ThrottledError("later", retry_after_seconds=7.0),
    ThrottledError("later, nobody knows when"),
    VisionUnavailableError("down"),
    VisionUnauthorizedError("wrong key (401)"),
    UnexpectedAnswerError("half an answer"),
]
FAILING = [VisionUnavailableError("FailedToProcess (500)"), UnexpectedAnswerError("no JSON")]
FOR_GOOD = [
    VisionRefusedError("Computer Vision refused readResult (400 BadArgument)"),
    ImageRejectedError("Computer Vision refused the image (400 InvalidImage)"),
    PayloadTooLargeError("Computer Vision found the image too large (413)"),
    AnswerTooLargeError("100 MB"),
]


@pytest.fixture
def app() -> Parts:
    return parts()


def of_bytes(app: Parts, data: bytes = RED, **parameters: str) -> Job:
    """A job whose bytes came over HTTP."""
    return inputs.keep(app.host, read_job.from_request(ImageBytes(data), app.services.settings, parameters), data)


def of_url(app: Parts, url: str = "https://example.invalid/a.jpg") -> Job:
    return inputs.keep(app.host, read_job.from_request(ImageUrl(url), app.services.settings, {}), url.encode())


def kept(app: Parts) -> tuple[int, int]:
    """How much of what was sent is kept: inputs, keys."""
    return len(app.host.contents(names.INPUTS)), len(app.host.contents(names.KEYS))


def texts(app: Parts) -> list[str]:
    return list(app.images.contents(names.TEXT))


def submits(app: Parts) -> int:
    return app.vision.count()["read"]


def note(app: Parts, name: str = "a.jpg") -> dict[str, Any] | None:
    data = app.images.contents(names.UNFINISHED).get(f"text/{name}.json")
    return json.loads(data) if data else None


def record(app: Parts, name: str = "a.jpg.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(app.images.contents(names.TEXT)[name])
    return document


def fail_storage(app: Parts, *operations: str, container: str | None = None) -> None:
    """Have these operations of both accounts fail from now on."""

    def before(operation: str, where: str, name: str) -> None:
        if operation in operations and container in (None, where):
            raise StorageError("the account is down")

    app.images.before = app.host.before = before


def mend_storage(app: Parts) -> None:
    app.images.before = app.host.before = None


# What comes of a Read.


def test_an_upload_is_read_and_its_text_stored_in_two_forms(app: Parts) -> None:
    job = job_of(app, RED)
    run = ReadRun(app, job)
    assert run.finish() == {
        "state": "done",
        "record": "text/a.jpg.json",
        "plain": "text/a.jpg.txt",
        "etag": job.etag,
    }
    assert run.steps == ["OcrSubmit:submitted", "OcrPoll:read", "OcrStore:done"]
    assert app.images.contents(names.TEXT)["a.jpg.txt"] == b"HELLO\n"
    stored = record(app)
    version = {"name": "a.jpg", "etag": job.etag, "sha256": job.subject, "bytes": len(RED)}
    assert stored["source"] == {**version, "uploaded": job.uploaded}
    assert stored["request"] == {"readingOrder": "natural", "model-version": "latest"}
    assert stored["analyzeResult"] == read_text("HELLO")
    assert stored["service"]["modelVersion"] == "2022-04-30"
    assert stored["at"].startswith("2026-")
    for name in texts(app):
        assert app.images.head(names.TEXT, name).metadata[names.SOURCE_ETAG] == job.etag  # type: ignore[union-attr]
    assert note(app) is None
    assert submits(app) == 1


def test_somebody_waits_for_what_came_over_http_and_nobody_for_an_uploads_text(app: Parts) -> None:
    ReadRun(app, job_of(app, RED)).finish()
    assert app.vision.in_background == [True, True]
    ReadRun(app, of_url(app)).finish()
    assert app.vision.in_background[2:] == [False, False]


def test_the_first_poll_comes_just_before_the_median(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED))
    assert run.step()["seconds"] == pytest.approx(0.9 * app.services.median.seconds)


def test_a_document_that_takes_long_is_polled_until_it_is_done(app: Parts) -> None:
    app.vision.reads = [["notStarted", "running", "running", "succeeded"]]
    run = ReadRun(app, job_of(app, RED))
    run.finish()
    assert run.steps == ["OcrSubmit:submitted", *["OcrPoll:running"] * 3, "OcrPoll:read", "OcrStore:done"]
    assert run.state["polls"] == 4
    assert len(set(app.vision.polled)) == 1


def test_the_median_is_learned_from_the_services_own_times(app: Parts) -> None:
    """The fake's Reads take three seconds by their timestamps, whatever the polls say."""
    before = app.services.median.seconds
    ReadRun(app, job_of(app, RED)).finish()
    assert before < app.services.median.seconds < 3.0


@pytest.mark.parametrize(
    ("created", "updated"),
    [(None, None), ("yesterday", "today"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:05"), ("", "")],
)
def test_times_that_are_no_times_teach_nothing(app: Parts, created: str | None, updated: str | None) -> None:
    before = app.services.median.seconds
    body = {"status": "succeeded", "createdDateTime": created, "lastUpdatedDateTime": updated}
    result = ReadResult.of({key: value for key, value in body.items() if value is not None})
    reading._learn(app.services.median, result)
    assert app.services.median.seconds == before


def test_a_document_without_text_is_done_with_an_empty_text(app: Parts) -> None:
    app.vision.text = ""
    assert ReadRun(app, job_of(app, RED)).finish()["state"] == "done"
    assert app.images.contents(names.TEXT)["a.jpg.txt"] == b""
    assert record(app)["analyzeResult"]["readResults"][0]["lines"] == []


def test_bytes_over_http_are_read_and_stored_under_their_digest(app: Parts) -> None:
    job = of_bytes(app, RED)
    outcome = ReadRun(app, job).finish()
    assert outcome["record"] == f"text/by-sha256/{job.subject}/{job.question.key}.json"
    assert record(app, outcome["record"].removeprefix("text/"))["source"] == {"sha256": job.subject, "bytes": len(RED)}


def test_an_address_is_read_by_the_service_itself(app: Parts) -> None:
    job = of_url(app)
    outcome = ReadRun(app, job).finish()
    assert record(app, outcome["record"].removeprefix("text/"))["source"] == {
        "url": "https://example.invalid/a.jpg",
        "urlSha256": job.subject.removeprefix("url-"),
    }
    assert app.vision.asked[0][1].startswith("url-")


def test_a_documents_records_say_that_nothing_else_applies_to_it(app: Parts) -> None:
    ReadRun(app, job_of(app, PDF, text_only=True)).finish()
    for name in texts(app):
        assert app.images.head(names.TEXT, name).metadata[names.TEXT_ONLY] == "true"  # type: ignore[union-attr]


# Nothing is paid twice.


@pytest.mark.parametrize("error", WAITING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("times", [1, 3, 30])
def test_whatever_goes_wrong_while_polling_it_asks_again_and_never_submits_again(
    app: Parts, error: BlobsightError, times: int
) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failures = [error] * times
    assert run.finish()["state"] == "done"
    assert run.steps[1:-2] == ["OcrPoll:wait"] * times
    assert submits(app) == 1
    assert note(app) is None


@pytest.mark.parametrize("error", WAITING, ids=lambda error: type(error).__name__)
def test_whatever_goes_wrong_before_the_service_has_accepted_it_is_submitted_later(
    app: Parts, error: BlobsightError
) -> None:
    app.vision.failures = [error] * 3
    run = ReadRun(app, job_of(app, RED))
    assert run.finish()["state"] == "done"
    assert run.steps[:4] == ["OcrSubmit:wait"] * 3 + ["OcrSubmit:submitted"]


def test_the_log_tells_when_a_text_is_tried_again_and_how_long_its_records_took(
    app: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failures = [ThrottledError("later", retry_after_seconds=41.0)]
    run.finish()
    app.vision.reads = []
    ReadRun(app, of_bytes(app, BLUE)).finish()
    told = [line for line in caplog.messages if line.startswith(("text.deferred", "text.stored"))]
    subject = ImageBytes(RED).subject[:16]
    assert told == [
        f"text.deferred blob=a.jpg subject={subject} code=vision_throttled seconds=41 correlation=-",
        f"text.stored blob=a.jpg subject={subject} seconds={run.waited_seconds:.1f} correlation=-",
        f"text.stored blob=- subject={ImageBytes(BLUE).subject[:16]} seconds=- correlation=-",
    ]


def test_a_throttled_poll_waits_as_long_as_the_service_asks(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failures = [ThrottledError("later", retry_after_seconds=41.0)]
    assert run.step()["seconds"] == 41.0


def test_waits_double_up_to_a_limit_and_begin_anew_after_a_success(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.reads = []
    app.vision.failures = [VisionUnavailableError("down")] * 12
    seconds = [run.step()["seconds"] for _ in range(12)]
    assert seconds[:5] == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert seconds[-3:] == [300.0] * 3


def test_throttling_without_a_time_is_asked_again_within_seconds(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failures = [ThrottledError("later")] * 6
    assert [run.step()["seconds"] for _ in range(6)] == [2.0, 4.0, 5.0, 5.0, 5.0, 5.0]


def test_a_wrong_key_is_tried_after_minutes_and_never_more_than_an_hour_later(app: Parts) -> None:
    app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    run = ReadRun(app, job_of(app, RED))
    assert [run.step()["seconds"] for _ in range(6)] == [300.0, 600.0, 1200.0, 2400.0, 3600.0, 3600.0]
    app.vision.failing = None
    assert run.finish()["state"] == "done"


@pytest.mark.parametrize("error", FAILING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("hours", [1.0, 10.0, 46.0])
def test_an_outage_longer_than_the_deadline_does_not_end_a_read(
    app: Parts, error: BlobsightError, hours: float
) -> None:
    """The deadline is for documents, not for the service's bad days."""
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failing = error
    while run.waited_seconds < hours * HOUR:
        assert run.step()["state"] == "wait"
    app.vision.failing = None
    assert run.finish()["state"] == "done"
    assert submits(app) == 1


def test_a_crash_after_the_ticket_was_stored_leads_to_the_same_read(app: Parts) -> None:
    """The activity's outcome is lost, so the platform runs it again."""
    job = job_of(app, RED)
    first, again = reading.submit(app.services, job, 0), reading.submit(app.services, job, 0)
    assert first["ticket"] == again["ticket"]
    assert submits(app) == 1


def test_a_crash_of_any_activity_pays_nothing_more(app: Parts) -> None:
    """Every activity runs twice, as at least once allows."""
    job = job_of(app, RED)
    ticket = ReadTicket.from_json(reading.submit(app.services, job, 0)["ticket"])
    reading.submit(app.services, job, 0)
    for _ in range(2):
        assert reading.poll(app.services, job, ticket, 0)["state"] == "read"
    for _ in range(2):
        assert reading.store(app.services, job, 0, ticket=ticket)["state"] == "done"
    assert submits(app) == 1


def test_two_submitters_at_once_make_one_call(app: Parts) -> None:
    """Whoever loses the race gets the winner's ticket, or is told to wait for it."""
    job, started = job_of(app, RED), threading.Barrier(2)

    def submit() -> dict[str, Any]:
        started.wait(110)
        return reading.submit(app.services, job, 0)

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(submit), pool.submit(submit)]]
    assert submits(app) == 1
    assert "submitted" in [outcome["state"] for outcome in outcomes]
    tickets = {json.dumps(outcome["ticket"]) for outcome in outcomes if outcome["state"] == "submitted"}
    assert len(tickets) == 1


def test_whoever_waits_too_long_for_anothers_submit_comes_back_and_leaves_no_note(app: Parts) -> None:
    job, other = job_of(app, RED), []

    def at_call(*_: object) -> None:
        app.vision.at_call = None
        other.append(reading.submit(app.services, job, 0))

    app.vision.at_call = at_call
    reading.submit(app.services, job, 0)
    assert other[0]["state"] == "wait"
    assert other[0]["problem"]["code"] == "busy"
    assert note(app) is None
    assert submits(app) == 1


def test_copies_reuploads_and_bytes_over_http_share_one_read_and_have_records_of_their_own(app: Parts) -> None:
    for make in (job_of, lambda *_: job_of(app, RED, "copy.jpg"), job_of, of_bytes):
        assert ReadRun(app, make(app, RED)).finish()["state"] == "done"
    assert submits(app) == 1
    assert len(app.vision.polled) == 1
    assert len(texts(app)) == 6


def test_a_copy_that_comes_while_the_first_is_being_read_polls_the_same_read(app: Parts) -> None:
    app.vision.reads = [["running", "running", "running", "succeeded"]]
    first, copy = ReadRun(app, job_of(app, RED)), ReadRun(app, job_of(app, RED, "copy.jpg"))
    first.until(poll_loop.POLL).step()
    assert copy.step()["ticket"] == first.state["ticket"]
    assert copy.finish()["state"] == first.finish()["state"] == "done"
    assert submits(app) == 1


def test_a_copy_that_comes_late_is_asked_for_at_once(app: Parts) -> None:
    """Its Read has been under way for a while."""
    first, copy = ReadRun(app, job_of(app, RED)), ReadRun(app, job_of(app, RED, "copy.jpg"))
    first.step()
    app.clock.advance(60.0)
    assert copy.step()["seconds"] == 0.0


def test_other_parameters_are_another_read(app: Parts) -> None:
    for parameters in ({}, {"language": "de"}, {"pages": "1"}, {"reading_order": "basic"}):
        ReadRun(app, of_bytes(app, RED, **parameters)).finish()
    assert submits(app) == 4


def test_what_is_stored_already_is_done_without_a_call(app: Parts) -> None:
    job = job_of(app, RED)
    ReadRun(app, job).finish()
    run = ReadRun(app, job)
    assert run.finish()["state"] == "done"
    assert run.steps == ["OcrSubmit:done"]


@pytest.mark.parametrize("missing", ["a.jpg.txt", "a.jpg.json"])
def test_a_record_that_somebody_has_deleted_is_made_again_for_nothing(app: Parts, missing: str) -> None:
    job = job_of(app, RED)
    ReadRun(app, job).finish()
    app.images.delete(names.TEXT, missing)
    run = ReadRun(app, job)
    assert run.finish()["state"] == "done"
    assert texts(app) == ["a.jpg.json", "a.jpg.txt"]
    assert submits(app) == 1


def test_an_address_is_asked_for_again_after_minutes(app: Parts) -> None:
    """What it shows can have changed."""
    for seconds in (0.0, 10.0, 600.0):
        app.clock.advance(seconds)
        assert ReadRun(app, of_url(app)).finish()["state"] == "done"
    assert submits(app) == 2


def test_an_address_whose_result_ran_out_before_it_was_stored_is_polled_again_and_not_paid_again(app: Parts) -> None:
    run = ReadRun(app, of_url(app)).until(poll_loop.STORE)
    fail_storage(app, "write", container=names.TEXT)
    while run.waited_seconds < HOUR:
        run.step()
    assert "OcrStore:running" in run.steps
    mend_storage(app)
    assert run.finish()["state"] == "done"
    assert submits(app) == 1


# What cannot be read.


def test_a_read_that_the_service_reports_as_failed_is_noted_and_paid_anew_only_on_purpose(app: Parts) -> None:
    app.vision.reads = [["running", "failed"]]
    job = job_of(app, RED)
    outcome = ReadRun(app, job).finish()
    assert (outcome["state"], outcome["problem"]["code"]) == ("failed", "read_failed")
    noted = note(app)
    assert noted is not None
    assert (noted["state"], noted["code"], noted["until"]) == ("failed", "read_failed", None)
    assert noted["action"]
    assert noted["requestId"] == "1"
    assert texts(app) == []
    assert ReadRun(app, job).finish()["state"] == "done"
    assert submits(app) == 2
    assert note(app) is None


def test_a_document_that_is_too_slow_is_given_up_at_the_deadline(app: Parts) -> None:
    app.vision.reads = [["running"]]
    run = ReadRun(app, job_of(app, RED))
    assert run.finish()["problem"]["code"] == "read_too_slow"
    assert 1800.0 < run.waited_seconds < 2100.0
    noted = note(app)
    assert noted is not None
    assert noted["code"] == "read_too_slow"
    assert "TEXT_DEADLINE_SECONDS" in noted["action"]
    assert ReadRun(app, run.job).finish()["state"] == "done"
    assert submits(app) == 2


def test_the_deadline_is_a_setting(app: Parts) -> None:
    short = parts(TEXT_DEADLINE_SECONDS="60")
    short.vision.reads = [["running"]]
    run = ReadRun(short, job_of(short, RED))
    assert run.finish()["problem"]["code"] == "read_too_slow"
    assert 60.0 < run.waited_seconds < 75.0


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_a_poll_that_is_refused_ends_the_read_at_once_and_whoever_asks_again_gets_another(
    app: Parts, error: BlobsightError
) -> None:
    job = job_of(app, RED)
    run = ReadRun(app, job).until(poll_loop.POLL)
    app.vision.failures = [error]
    problem = run.finish()["problem"]
    assert (problem["code"], problem["status"], problem["requestId"]) == ("read_failed", 422, "1")
    assert error.message in problem["message"]
    assert run.steps == ["OcrSubmit:submitted", "OcrPoll:failed"]
    (entry,) = unfinished_entries.find(app.services, "a.jpg", None)
    assert unfinished_entries.reopen(app.services, entry, 0.0)
    assert ReadRun(app, job).finish()["state"] == "done"
    assert submits(app) == 2


@pytest.mark.parametrize("error", FAILING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [job_of, of_bytes], ids=["upload", "bytes"])
def test_a_read_that_alone_is_not_told_of_is_given_up_at_its_deadline(
    app: Parts, make: Callable[..., Job], error: BlobsightError
) -> None:
    run = ReadRun(app, make(app, RED)).until(poll_loop.POLL)
    app.vision.failing_polls = error
    problem = run.finish()["problem"]
    assert 1800.0 < run.waited_seconds < 1800.0 + 300.0
    assert problem["code"] == "read_failed"
    assert error.message in problem["message"]
    assert kept(app) == (0, 0)
    app.vision.failing_polls = None
    assert ReadRun(app, make(app, RED)).finish()["state"] == "done"
    assert submits(app) == 2


def test_what_fails_once_more_just_after_an_outage_is_not_taken_for_the_documents_fault(app: Parts) -> None:
    """It is asked for a second time, after the service has answered about another."""
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.clock.advance(HOUR)

    def well_by_now(*_: object, **__: object) -> bool:
        app.vision.failing_polls = None
        return True

    app.vision.failing_polls = VisionUnavailableError("still coming up")
    app.vision.tells_of_reads = well_by_now  # type: ignore[method-assign]
    assert run.step()["state"] == "wait"
    assert run.finish()["state"] == "done"
    assert submits(app) == 1


@pytest.mark.parametrize("error", [*WAITING, ThrottledError("later", retry_after_seconds=1e9)], ids=str)
def test_a_read_that_cannot_be_asked_for_as_long_as_it_is_kept_ends(app: Parts, error: BlobsightError) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failing = error
    problem = run.finish(1000)["problem"]
    assert 47 * HOUR <= run.waited_seconds < 47 * HOUR + 600.0
    assert problem["code"] == "read_lost"
    assert error.message in problem["message"]
    app.vision.failing = None
    assert ReadRun(app, run.job).finish()["state"] == "done"
    assert submits(app) == 2


def test_a_read_whose_polls_are_throttled_for_no_time_is_asked_for_less_and_less_often(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failing = ThrottledError("now", retry_after_seconds=0.0)
    while run.waited_seconds < HOUR:
        run.step()
    assert len(run.steps) < 100


def test_a_read_that_is_done_at_its_deadline_counts(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.clock.advance(10 * HOUR)
    assert run.finish()["state"] == "done"


def test_a_read_that_the_service_does_not_know_any_more_is_lost(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.forget()
    assert run.finish()["problem"]["code"] == "read_lost"
    noted = note(app)
    assert noted is not None
    assert (noted["state"], noted["code"]) == ("failed", "read_lost")
    assert ReadRun(app, run.job).finish()["state"] == "done"
    assert submits(app) == 2


def test_a_result_older_than_the_service_keeps_it_is_asked_for_anew(app: Parts) -> None:
    """The app was down for days; that is nobody's mistake, so nobody has to ask for it."""
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.clock.advance(49 * HOUR)
    app.vision.forget()
    assert run.finish()["state"] == "done"
    assert run.steps == ["OcrSubmit:submitted", "OcrPoll:again", "OcrSubmit:submitted", "OcrPoll:read", "OcrStore:done"]
    assert submits(app) == 2


def test_nobody_is_given_a_ticket_that_is_about_to_run_out(app: Parts) -> None:
    job = job_of(app, RED)
    reading.submit(app.services, job, 0)
    app.clock.advance(46.9 * HOUR)
    reading.submit(app.services, job, 0)
    assert submits(app) == 1
    app.clock.advance(0.2 * HOUR)
    reading.submit(app.services, job, 0)
    assert submits(app) == 2


def test_a_read_at_an_endpoint_that_is_no_longer_ours_is_submitted_at_the_new_one(app: Parts) -> None:
    """Its result cannot be had there, and while its ticket is kept nobody could read these bytes."""
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    app.vision.failures = [BadRequestError("The Read's address is not on VISION_ENDPOINT")]
    assert run.finish()["state"] == "done"
    assert run.steps[1] == "OcrPoll:again"
    assert submits(app) == 2


def test_a_wrong_endpoint_is_mended_in_the_settings_and_loses_nothing(app: Parts) -> None:
    app.vision.failures = [VisionNotFoundError("no such API")] * 3
    run = ReadRun(app, job_of(app, RED))
    assert run.finish()["state"] == "done"
    assert run.steps[:3] == ["OcrSubmit:wait"] * 3
    assert submits(app) == 4  # asked, of which one was accepted


def test_bytes_that_the_service_refuses_stay_refused_without_another_call(app: Parts) -> None:
    app.vision.failures = [ImageRejectedError("a PDF with a password", code="image_unreadable", request_id="r1")]
    for name in ("a.jpg", "copy.jpg"):
        outcome = ReadRun(app, job_of(app, RED, name)).finish()
        assert (outcome["state"], outcome["problem"]["code"]) == ("failed", "image_unreadable")
        noted = note(app, name)
        assert noted is not None
        assert (noted["state"], noted["requestId"]) == ("failed", "r1")
    assert submits(app) == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (picture("GIF"), "format_not_supported"),
        (picture("JPEG", 49, 49), "image_too_small"),
        (b"dear diary", "not_an_image"),
        (b"", "image_empty"),
    ],
)
def test_what_read_does_not_take_fails_without_a_call(app: Parts, data: bytes, code: str) -> None:
    assert ReadRun(app, job_of(app, data)).finish()["problem"]["code"] == code
    assert app.vision.asked == []


def test_an_operation_on_another_host_is_a_failure_that_is_noted(app: Parts) -> None:
    app.vision.failures = [VisionError("named another address", code="operation_elsewhere")]
    assert ReadRun(app, job_of(app, RED)).finish()["problem"]["code"] == "operation_elsewhere"
    noted = note(app)
    assert noted is not None
    assert noted["state"] == "failed"


@pytest.mark.parametrize("container", [names.INPUTS, names.KEYS])
@pytest.mark.parametrize("make", [of_bytes, of_url])
def test_what_was_sent_over_http_and_is_gone_is_to_be_sent_again(app: Parts, make: Any, container: str) -> None:
    job = make(app)
    app.host.delete(container, job.input_name)
    outcome = ReadRun(app, job).finish()
    if make is of_bytes and container == names.KEYS:
        assert outcome["state"] == "done"  # bytes have no key
        return
    assert outcome["problem"]["code"] == "input_gone"
    assert outcome["problem"]["action"] == "Send the document again."
    assert app.vision.asked == []
    assert kept(app) == (0, 0)


def test_a_crash_is_noted_with_its_message(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    run.state = poll_loop.advance(run.state, {"state": "crashed", "message": "ZeroDivisionError: division by zero"})
    outcome = run.finish()
    assert (outcome["state"], outcome["problem"]["code"]) == ("failed", "internal_error")
    noted = note(app)
    assert noted is not None
    assert "division by zero" in noted["message"]
    assert noted["action"]


def test_the_text_of_an_earlier_version_does_not_stand_beside_a_failure(app: Parts) -> None:
    ReadRun(app, job_of(app, RED)).finish()
    app.vision.reads = [["failed"]]
    assert ReadRun(app, job_of(app, BLUE)).finish()["state"] == "failed"
    assert texts(app) == []


# What is noted meanwhile.


def test_a_long_wait_is_noted_with_its_end_and_the_note_goes_with_the_success(app: Parts) -> None:
    app.vision.failures = [VisionUnauthorizedError("wrong key (401)")] * 2
    run = ReadRun(app, job_of(app, RED))
    run.step()
    noted = note(app)
    assert noted is not None
    assert (noted["state"], noted["code"], noted["attempts"]) == ("deferred", "vision_unauthorized", 1)
    assert noted["until"] == "2026-01-01T00:05:00+00:00"
    run.step()
    assert note(app)["attempts"] == 2  # type: ignore[index]
    run.finish()
    assert note(app) is None


def test_a_short_wait_is_not_noted(app: Parts) -> None:
    app.vision.failures = [ThrottledError("later", retry_after_seconds=4.9)]
    ReadRun(app, job_of(app, RED)).step()
    assert note(app) is None


def test_a_failure_that_was_there_before_does_not_end_a_read_that_has_to_wait(app: Parts) -> None:
    app.vision.reads = [["failed"]]
    assert ReadRun(app, job_of(app, RED)).finish()["state"] == "failed"
    app.vision.failures = [ThrottledError("later", retry_after_seconds=1.0)]
    run = ReadRun(app, job_of(app, RED))
    assert run.step()["state"] == "wait"
    assert note(app)["state"] == "deferred"  # type: ignore[index]
    assert run.finish()["state"] == "done"
    assert note(app) is None


def test_of_what_came_over_http_nothing_is_noted(app: Parts) -> None:
    app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    for job in (of_bytes(app, RED), of_url(app)):
        assert ReadRun(app, job).step()["state"] == "wait"
    assert app.images.contents(names.UNFINISHED) == {}


# Storage that fails.


@pytest.mark.parametrize("step", [poll_loop.SUBMIT, poll_loop.POLL, poll_loop.STORE])
@pytest.mark.parametrize("operation", ["head", "read", "write", "delete", "acquire", "release"])
def test_storage_that_is_down_for_a_while_delays_and_pays_nothing_more(app: Parts, step: str, operation: str) -> None:
    run = ReadRun(app, job_of(app, RED)).until(step)
    fail_storage(app, operation)
    for _ in range(3):
        if not run.is_over and run.state["step"] == step:
            assert run.step()["state"] in ("wait", "submitted", "read", "done")
    mend_storage(app)
    assert run.finish()["state"] == "done"
    assert texts(app) == ["a.jpg.json", "a.jpg.txt"]
    assert submits(app) == 1


def test_a_failure_that_cannot_be_noted_is_noted_later(app: Parts) -> None:
    app.vision.reads = [["failed"]]
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.POLL)
    fail_storage(app, "write", container=names.UNFINISHED)
    for _ in range(3):
        assert run.step()["state"] == "wait"
    assert note(app) is None
    mend_storage(app)
    assert run.finish()["state"] == "failed"
    assert note(app)["code"] == "read_failed"  # type: ignore[index]
    assert submits(app) == 1


# Texts that are known already, for HTTP callers.


def test_a_text_is_known_once_it_is_stored(app: Parts) -> None:
    job = job_of(app, RED)
    assert not reading.is_known(app.services, job)
    ReadRun(app, job).finish()
    assert reading.is_known(app.services, job)


def test_an_image_whose_text_a_caller_asks_for_by_name_has_its_bytes_noted_once(app: Parts) -> None:
    job = job_of(app, RED)
    reading.is_known(app.services, job)
    assert app.host.contents(names.OWNERS) == {names.owner(job.subject, "a.jpg"): b"a.jpg"}
    ReadRun(app, job).finish()
    asked: list[str] = []
    app.host.before = lambda operation, container, _: asked.append(container)
    assert reading.is_known(app.services, job)
    assert asked == []


def test_the_text_of_the_same_bytes_is_known_and_its_records_are_made_at_once(app: Parts) -> None:
    ReadRun(app, job_of(app, RED)).finish()
    copy = job_of(app, RED, "copy.jpg")
    assert reading.is_known(app.services, copy)
    assert "copy.jpg.json" in texts(app)
    assert submits(app) == 1


def test_a_text_whose_image_changes_while_its_records_are_made_is_not_known(app: Parts) -> None:
    ReadRun(app, job_of(app, RED)).finish()
    copy = job_of(app, RED, "copy.jpg")

    def before(operation: str, container: str, name: str) -> None:
        if operation == "write":
            app.images.before = None
            upload(app, BLUE, "copy.jpg")

    app.images.before = before
    assert not reading.is_known(app.services, copy)


# An image that changes meanwhile, before every single operation.


class Change:
    """Something that happens to the image before operation number *moment* of a run."""

    def __init__(self, moment: int, *, delete: bool, status: str = "succeeded", data: bytes = BLUE) -> None:
        self.app = parts()
        self.moments = 0
        self.happened_at: str | None = None
        self.data = data
        self._moment, self._delete = moment, delete
        self.app.vision.reads = [[status]] if status != "succeeded" else []
        self.job = job_of(self.app, RED)
        self.app.images.before = self.app.host.before = self._before
        self.app.vision.at_call = lambda *_: self._before("call", "vision", "")
        self.outcome = ReadRun(self.app, self.job).finish()
        self.app.images.before = self.app.host.before = self.app.vision.at_call = None

    def _before(self, operation: str, container: str, name: str) -> None:
        self.moments += 1
        if self.moments - 1 == self._moment:
            self.happened_at = f"{operation} {container}/{name}"
            if self._delete:
                self.app.images.delete(names.IMAGES, "a.jpg")
            else:
                upload(self.app, self.data)

    def left(self) -> list[str]:
        return [f"{each}/{name}" for each in (names.TEXT, names.UNFINISHED) for name in self.app.images.contents(each)]


MOMENTS = {status: range(Change(-1, delete=False, status=status).moments) for status in ("succeeded", "failed")}
CHANGES = [(status, moment) for status, moments in MOMENTS.items() for moment in moments]


@pytest.mark.parametrize(("status", "moment"), CHANGES)
def test_nothing_is_left_of_an_image_that_is_deleted_at_any_moment(status: str, moment: int) -> None:
    change = Change(moment, delete=True, status=status)
    assert change.outcome == {"state": "superseded", "deleted": True}, change.happened_at
    assert change.left() == [], change.happened_at


@pytest.mark.parametrize(("status", "moment"), CHANGES)
def test_no_record_of_a_version_is_left_that_was_overwritten_at_any_moment(status: str, moment: int) -> None:
    """The new version has an event of its own, and may have no text at all."""
    change = Change(moment, delete=False, status=status)
    assert change.outcome == {"state": "superseded", "deleted": False}, change.happened_at
    assert change.left() == [], change.happened_at


@pytest.mark.parametrize("moment", MOMENTS["succeeded"])
def test_an_image_uploaded_again_at_any_moment_is_paid_once(moment: int) -> None:
    change = Change(moment, delete=False, data=RED)
    version = change.app.images.head(names.IMAGES, "a.jpg")
    assert version is not None
    again = change.job._replace(etag=version.etag)
    assert ReadRun(change.app, again).finish()["state"] == "done"
    assert record(change.app)["source"]["sha256"] == change.job.subject
    assert submits(change.app) == 1


def test_storage_that_fails_while_a_superseded_version_is_cleared_away_is_waited_for(app: Parts) -> None:
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.STORE)

    def before(operation: str, container: str, name: str) -> None:
        if operation == "write" and name == "a.jpg.json":
            app.images.delete(names.IMAGES, "a.jpg")
        if operation == "delete" and container == names.TEXT:
            raise StorageError("the account is down")

    app.images.before = before
    assert run.step()["state"] == "wait"
    app.images.before = None
    assert run.finish() == {"state": "superseded", "deleted": True}
    assert texts(app) == []


def test_the_text_of_a_name_that_is_taken_again_stays(app: Parts) -> None:
    """Deleted and uploaded anew while the old version's Read was clearing away: what is new is left alone."""
    run = ReadRun(app, job_of(app, RED)).until(poll_loop.STORE)
    app.images.delete(names.IMAGES, "a.jpg")
    looked: list[str] = []

    def before(operation: str, container: str, name: str) -> None:
        if operation == "head" and container == names.IMAGES:
            looked.append(name)
            if len(looked) == 2:
                ReadRun(app, job_of(app, BLUE)).finish()

    app.images.before = before
    assert run.finish()["state"] == "superseded"
    app.images.before = None
    assert record(app)["source"]["sha256"] == ImageBytes(BLUE).subject


def test_the_excerpt_survives_a_trip_through_ascii(app: Parts) -> None:
    app.vision.text = "Zoë & co. €5 " * 40
    ReadRun(app, job_of(app, RED)).finish()
    info = app.images.head(names.TEXT, "a.jpg.json")
    assert info is not None
    assert all(value.isascii() for value in info.metadata.values())
    assert text.excerpt(info) == ("Zoë & co. €5 " * 40)[:160]


@pytest.mark.parametrize(("pages", "told"), [(2001, "first 2000 of 2001 pages"), (2000, None)])
def test_pages_that_the_service_left_out_are_told_in_record_and_state(app: Parts, pages: int, told: str | None) -> None:
    app.vision.pages = 2000
    source = upload(app, pdf_of_pages(pages), "a.pdf")
    (outcome,) = steps.process(app.services, source.name, None)
    assert outcome.job
    assert ReadRun(app, outcome.job).finish()["state"] == "done"
    seen = image_states.of_image(app.services, "a.pdf")
    notice = json.loads(app.images.contents(names.TEXT)["a.pdf.json"]).get("notice")
    assert seen["state"] == "complete"
    assert seen["text"].get("notice") == notice
    assert (told in notice["message"]) if told else notice is None


def test_a_job_of_the_last_version_which_counted_no_pages_is_read_to_its_end(app: Parts) -> None:
    app.vision.pages = 2000
    job = job_of(app, pdf_of_pages(2001), "a.pdf", text_only=True)
    written = {key: value for key, value in job.to_json().items() if key != "pages"}
    assert ReadRun(app, Job.from_json(written)).finish()["state"] == "done"
    assert "may have more" in image_states.of_image(app.services, "a.pdf")["text"]["notice"]["message"]


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (pdf_of_pages(1, trailer=b"/Encrypt 9 0 R"), "Remove the password"),
        (pdf_of_pages(9)[:300], "use the whole file"),
        (tiff((100, 100)), "save it anew as TIFF or PDF"),
        (RED, "save it anew as JPEG or PNG"),
        (RED[:-9], "use the whole file"),
    ],
)
def test_advice_on_what_the_service_refused_fits_the_kind(app: Parts, data: bytes, advice: str) -> None:
    refused = "Computer Vision refused the image (400 InvalidImageFormat)"
    app.vision.failures = [ImageRejectedError(refused, code="image_unreadable")]
    said = ReadRun(app, job_of(app, data)).finish()["problem"]["action"]
    assert advice in said
    # A refusal that is kept, also one kept by a version that had one advice for all, is told with what fits too.
    assert ReadRun(app, job_of(app, data, "b.jpg")).finish()["problem"]["action"] == said
    assert submits(app) == 1


@pytest.mark.parametrize("data", [tiff((900, 600), (30, 30)), tiff((30, 30), (900, 600), big=True)])
def test_a_page_that_is_too_small_is_named_before_anything_is_paid(app: Parts, data: bytes) -> None:
    said = ReadRun(app, job_of(app, data, "a.tif")).finish()
    assert (said["state"], said["problem"]["code"]) == ("failed", "image_too_small")
    assert "30x30" in said["problem"]["message"]
    assert submits(app) == 0
    others = of_bytes(app, data, pages="1" if data.startswith(b"II*") else "2")
    assert ReadRun(app, others).finish()["state"] == "done"


# What was sent over HTTP is kept as long as somebody needs it.

SECRETS = (b"hunter2", b"S3CRET", b"sv=2024")
BEFORE_ID = "ocr-84fd049cd74739f0de823ccec5b55fc595d17daa"


def told(app: Parts) -> bytes:
    """All that lies in both accounts: names and contents."""
    return b"".join(
        name.encode() + data
        for blobs in (app.images, app.host)
        for container in (names.IMAGES, *names.OUTPUTS)
        for name, data in blobs.contents(container).items()
    )


def secrets_in(found: bytes | str) -> list[bytes]:
    found = found.encode() if isinstance(found, str) else found
    return [secret for secret in SECRETS if secret in found]


def test_an_address_reaches_the_service_whole_and_nothing_else(app: Parts) -> None:
    sent: list[str] = []
    app.vision.at_call = lambda _, image: sent.append(image.url)  # type: ignore[union-attr]
    run = ReadRun(app, of_url(app, SIGNED))
    while not run.is_over:
        outcome = run.step()
        assert secrets_in(json.dumps([outcome, run.state])) == []
        assert secrets_in(told(app)) == []
    assert sent == [SIGNED]
    assert record(app, run.job.record)["source"]["url"] == "https://example.invalid/a.jpg"


def test_an_address_is_kept_until_its_submission_is_on_record(app: Parts) -> None:
    run = ReadRun(app, of_url(app)).until(poll_loop.POLL)
    assert kept(app) == (1, 1)
    app.vision.reads = []
    app.vision.failing = ThrottledError("later")
    run.step()
    assert kept(app) == (0, 0)
    app.vision.failing = None
    assert run.finish()["state"] == "done"


def test_a_submission_whose_outcome_is_lost_is_had_again_and_paid_once(app: Parts) -> None:
    """However late: what it had was the address that others may have for five minutes only."""
    job = of_url(app, SIGNED)
    assert reading.submit(app.services, job, 0)["state"] == "submitted"
    again = reading.submit(app.services, job, 0)
    assert again["state"] == "submitted"
    assert submits(app) == 1


@pytest.mark.parametrize("error", WAITING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [of_bytes, of_url])
def test_what_was_sent_is_there_for_every_further_try(app: Parts, make: Any, error: BlobsightError) -> None:
    app.vision.failures = [error] * 3
    run = ReadRun(app, make(app))
    for _ in range(3):
        assert run.step()["state"] == "wait"
        assert kept(app)[0] == 1
    assert run.finish()["state"] == "done"
    assert kept(app) == (0, 0)


@pytest.mark.parametrize(
    "failure",
    [
        ImageRejectedError("no"),
        VisionError("no"),
        BadRequestError("no"),
    ],
)
@pytest.mark.parametrize("make", [of_bytes, of_url])
def test_what_was_sent_and_cannot_be_read_is_not_kept(app: Parts, make: Any, failure: BlobsightError) -> None:
    app.vision.failures = [failure]
    assert ReadRun(app, make(app)).finish()["state"] == "failed"
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("statuses", [["failed"], ["running"], ["running", "succeeded"]])
def test_bytes_are_kept_until_they_are_read_and_stored_or_given_up(app: Parts, statuses: list[str]) -> None:
    """A ticket that runs out asks for them once more."""
    app.vision.reads = [statuses]
    run = ReadRun(app, of_bytes(app))
    while not run.is_over:
        assert kept(app) == (1, 0)
        run.step()
    assert kept(app) == (0, 0)


def test_an_address_whose_read_is_forgotten_is_to_be_sent_again(app: Parts) -> None:
    run = ReadRun(app, of_url(app)).until(poll_loop.POLL)
    app.clock.advance(49 * HOUR)
    app.vision.forget()
    assert run.finish()["problem"]["code"] == "input_gone"
    assert "address" in run.state["outcome"]["problem"]["message"]
    assert ReadRun(app, of_url(app)).finish()["state"] == "done"


def test_a_cancelled_read_keeps_nothing_of_what_was_sent(app: Parts) -> None:
    for job in (of_bytes(app), of_url(app)):
        reading.submit(app.services, job, 0)
        reading.note_cancelled(app.services, job)
    assert kept(app) == (0, 0)


def test_jobs_of_the_same_bytes_do_not_delete_each_others(app: Parts) -> None:
    german, all_of_it, again = of_bytes(app, language="de"), of_bytes(app), of_bytes(app)
    assert ReadRun(app, german).finish()["state"] == "done"
    assert ReadRun(app, all_of_it).finish()["state"] == "done"
    assert inputs.read(app.host, again) == RED
    assert ReadRun(app, again).finish()["state"] == "done"
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("make", [of_bytes, of_url])
def test_storage_that_does_not_delete_holds_nobody_up(app: Parts, make: Any) -> None:
    run = ReadRun(app, make(app))
    fail_storage(app, "delete", container=names.INPUTS)
    assert run.finish()["state"] == "done"
    assert kept(app) == (1, 0)


def test_bytes_that_the_version_before_has_stored_are_read_and_left_to_the_purge(app: Parts) -> None:
    """Other jobs that it has begun may need them."""
    app.host.write(names.INPUTS, ImageBytes(RED).subject, RED, content_type=names.BYTES)
    for parameters in ({}, {"language": "de"}):
        job = read_job.from_request(ImageBytes(RED), app.services.settings, parameters)
        assert ReadRun(app, job).finish()["state"] == "done"
    assert list(app.host.contents(names.INPUTS)) == [ImageBytes(RED).subject]


@pytest.mark.parametrize("step", [poll_loop.SUBMIT, poll_loop.POLL, poll_loop.STORE])
def test_a_read_that_the_version_before_has_begun_comes_to_its_end_and_spreads_no_secret(app: Parts, step: str) -> None:
    """As it lies in a history or, continued as new, in the input of the next execution."""
    begun = {
        "job": BEFORE,
        "step": step,
        "ticket": None if step == poll_loop.SUBMIT else ticket_of_before(app),
        "pause": 0.0,
        "wait": 0.0,
        "polls": 0,
        "failures": 0,
        "problem": None,
        "crash": None,
        "begun": "2026-01-01T00:00:00+00:00",
        "outcome": None,
    }
    run = ReadRun(app, Job.from_json(BEFORE))
    run.state = begun
    if step == poll_loop.STORE:
        app.services.answers.keep_result(
            run.job.subject, run.job.question, app.vision.get_read_result(begun["ticket"]["operation"])
        )
    assert run.job.instance_id == BEFORE_ID
    while not run.is_over:
        outcome = run.step()
        assert secrets_in(json.dumps(outcome) if run.is_over else json.dumps([outcome, run.state])) == []
        assert secrets_in(told(app)) == []
        assert run.is_over or Job.from_json(run.state["job"]).instance_id == BEFORE_ID
    assert run.state["outcome"]["state"] == "done"
    assert record(app, run.job.record)["source"]["url"] == "https://example.invalid/a.jpg"
    assert submits(app) == 1
    assert kept(app) == (0, 0)


def ticket_of_before(app: Parts) -> dict[str, str]:
    job = Job.from_json(BEFORE)
    return app.services.answers.submit(job.question, ImageUrl(SIGNED), wait_seconds=0).to_json()


@pytest.mark.parametrize("trouble", ["service", "storage"])
def test_a_read_of_the_version_before_that_has_to_wait_for_its_submission_is_submitted_later(
    app: Parts, trouble: str
) -> None:
    run = ReadRun(app, Job.from_json(BEFORE))
    if trouble == "storage":
        fail_storage(app, "write")
    app.vision.failures = [ThrottledError("later")]
    assert run.step()["state"] == "wait"
    mend_storage(app)
    assert (SIGNED in json.dumps(run.state)) == (trouble == "storage")
    assert run.finish()["state"] == "done"
    assert secrets_in(json.dumps(run.state) + told(app).decode("latin-1")) == []


def test_an_address_that_an_older_version_has_left_and_nobody_accepts_fails_as_one_of_today(app: Parts) -> None:
    app.vision.failures = [VisionError("no")]
    outcome = ReadRun(app, Job.from_json(BEFORE)).finish()
    assert set(outcome) == {"state", "problem"}
    assert kept(app) == (0, 0)
