"""An upload that was given up leaves for each step that is unaccounted for an unfinished record and an appointment."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from doubles.documents import text_pdf
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.answers.tickets import ReadTicket
from shared.api import image_states, unfinished_entries
from shared.durable import read_job
from shared.errors import BadRequestError, BusyError, StorageError, ThrottledError, VisionRefusedError
from shared.images import ImageBytes
from shared.ocr import reading
from shared.records import by_step, versions
from shared.uploads import rescue, steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def app() -> Iterator[Parts]:
    app = parts(THUMBNAIL_SIZES="100x50")
    yield app
    app.services.threads.shutdown()


def upload(app: Parts, data: bytes = RED, name: str = "a.jpg") -> str:
    """Put an image into the container and return its ETag."""
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def message(etag: str = "", name: str = "a.jpg", **changes: object) -> bytes:
    """A message as the platform writes it."""
    content = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.AnalyzeOnUpload",
        "BlobType": "BlockBlob",
        "ContainerName": "images",
        "BlobName": name,
        "ETag": f'"{etag}"',
        **changes,
    }
    return json.dumps(content, indent=2).encode()


def rescued(app: Parts, etag: str = "", name: str = "a.jpg", **changes: object) -> list[str]:
    """The steps that get an appointment."""
    found = rescue.rescue(app.services, message(etag, name, **changes))
    assert {(appointment.name, appointment.seconds) for appointment in found} <= {(name, 60.0)}
    return [step for appointment in found for step in appointment.steps]


def note(app: Parts, step: str, name: str = "a.jpg") -> dict[str, object]:
    found: dict[str, object] = json.loads(app.images.contents(names.UNFINISHED)[f"{step}/{name}.json"])
    return found


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Why messages were dropped, by the log."""
    lines = [record.getMessage() for record in caplog.records if "rescue.dropped" in record.getMessage()]
    return [line.partition("reason=")[2].split()[0] for line in lines]


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_an_upload_without_any_record_is_deferred_in_every_step_that_applies(app: Parts) -> None:
    etag = upload(app)
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    state = image_states.of_image(app.services, "a.jpg")
    assert state["state"] == "deferred"
    for problem in (state["analysis"]["problem"], state["thumbnails"][0]["problem"]):
        assert (problem["code"], problem["attempts"]) == ("upload_interrupted", 5)
        assert "5 times" in problem["message"]
        assert "tried again by itself" in problem["action"]
        assert datetime.fromisoformat(problem["until"]) - app.clock.utc() == timedelta(seconds=60)
    assert app.vision.asked == []


def test_the_appointment_is_the_one_that_the_step_would_make_itself(app: Parts) -> None:
    etag = upload(app)
    (first, _) = rescue.rescue(app.services, message(etag))
    app.vision.failing = ThrottledError("slow")
    (outcome, _) = steps.process(app.services, "a.jpg", None)
    assert outcome.appointment
    assert first.instance_id == outcome.appointment.instance_id


def test_a_rescue_that_died_before_its_appointment_was_handed_over_is_done_again(app: Parts) -> None:
    etag = upload(app)
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    before = note(app, "analysis")
    app.clock.advance(600)
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    assert {**note(app, "analysis"), "until": before["until"]} == before
    until = datetime.fromisoformat(note(app, "analysis")["until"])
    assert until - app.clock.utc() == timedelta(seconds=60)


def test_a_step_that_was_deferred_by_a_worker_that_died_then_gets_its_appointment(app: Parts) -> None:
    etag = upload(app)
    app.vision.failing = ThrottledError("slow")
    steps.process(app.services, "a.jpg", None)
    before = note(app, "analysis")
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    assert note(app, "analysis") == before


def test_the_record_tells_which_version_and_which_questions_it_is_about(app: Parts) -> None:
    etag = upload(app)
    rescued(app, etag)
    found = note(app, "analysis")
    assert found["state"] == "deferred"
    assert found["source"] == {
        "name": "a.jpg",
        "etag": etag,
        "sha256": ImageBytes(RED).subject,
        "bytes": len(RED),
    }
    assert found["request"] == [by_step.specs(app.services.settings, "analysis", "a.jpg")[0].question.text]


def test_no_document_that_is_too_large_to_be_read_is_digested(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_READ_BYTES", len(RED) - 1)
    etag = upload(app)
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    assert note(app, "analysis")["source"] == {"name": "a.jpg", "etag": etag, "bytes": len(RED)}


def test_an_image_of_any_size_is_rescued_without_being_held(app: Parts) -> None:
    """Its size may be what killed the worker."""
    etag = upload(app)

    def watch(operation: str, container: str, name: str) -> None:
        assert (operation, container) != ("read", names.IMAGES)

    app.images.before = watch
    assert rescued(app, etag) == ["analysis", "thumbnails"]


def test_a_step_that_has_its_records_is_left_alone(app: Parts) -> None:
    etag = upload(app)
    steps.process(app.services, "a.jpg", None)
    app.images.delete(names.THUMBNAILS, "a.jpg/100x50-smart.jpg")
    assert rescued(app, etag) == ["thumbnails"]
    assert list(app.images.contents(names.UNFINISHED)) == ["thumbnails/a.jpg.json"]


def test_of_an_image_with_all_its_records_nothing_is_written(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    etag = upload(app)
    steps.process(app.services, "a.jpg", None)
    before = {container: app.images.contents(container) for container in names.OUTPUTS}
    assert rescued(app, etag) == []
    assert {container: app.images.contents(container) for container in names.OUTPUTS} == before
    assert reasons(caplog) == ["accounted_for"]


def test_a_step_that_has_failed_keeps_its_reason(app: Parts) -> None:
    etag = upload(app)
    app.vision.failing = VisionRefusedError("no")
    steps.process(app.services, "a.jpg", None)
    before = note(app, "analysis")
    assert rescued(app, etag) == []
    assert note(app, "analysis") == before


def test_what_is_no_image_at_all_is_not_blamed_on_thumbnails_too(app: Parts) -> None:
    etag = upload(app, b"these are no pixels")
    steps.process(app.services, "a.jpg", None)
    assert rescued(app, etag) == []
    assert list(app.images.contents(names.UNFINISHED)) == ["analysis/a.jpg.json"]


def test_a_reason_of_an_earlier_version_does_not_count(app: Parts) -> None:
    upload(app)
    rescued(app)
    etag = upload(app, BLUE)
    assert rescued(app, etag) == ["analysis", "thumbnails"]
    assert note(app, "analysis")["attempts"] == 5


def test_of_a_document_only_its_text_is_missing(app: Parts) -> None:
    etag = upload(app, text_pdf("hello"), "a.pdf")
    assert rescued(app, etag, "a.pdf") == ["text"]
    state = image_states.of_image(app.services, "a.pdf")
    assert (state["state"], state["analysis"]["state"], state["thumbnails"]) == ("deferred", "none", [])
    assert state["text"]["problem"]["code"] == "upload_interrupted"


def test_text_that_the_analysis_has_found_is_missing_too() -> None:
    app = parts(THUMBNAIL_SIZES="100x50", TEXT_MODE="always")
    etag = upload(app)
    steps.process(app.services, "a.jpg", None)
    assert rescued(app, etag) == ["text"]


def test_the_success_of_a_read_that_was_under_way_takes_the_record_away(app: Parts) -> None:
    etag = upload(app, text_pdf("hello"), "a.pdf")
    source = versions.identify(app.images, "a.pdf", None)
    assert source is not None
    job = read_job.from_image(source, app.services.settings, text_only=True)
    ticket = ReadTicket.from_json(reading.submit(app.services, job, 0)["ticket"])
    assert rescued(app, etag, "a.pdf") == ["text"]
    assert reading.poll(app.services, job, ticket, 0)["state"] == "read"
    assert reading.store(app.services, job, 0)["state"] == "done"
    assert app.images.contents(names.UNFINISHED) == {}
    assert image_states.of_image(app.services, "a.pdf")["state"] == "complete"


def test_somebody_may_have_it_tried_again_at_once(app: Parts) -> None:
    """Nobody knows the digest of its bytes, so no refusal of theirs can be forgotten."""
    etag = upload(app)
    rescued(app, etag)
    entries = unfinished_entries.find(app.services, "a.jpg", None)
    assert [unfinished_entries.appointment(entry, 0.0).steps for entry in entries] == [("analysis",), ("thumbnails",)]
    assert all(unfinished_entries.reopen(app.services, entry, 0.0) for entry in entries)


def test_another_event_of_it_is_done_as_usual(app: Parts) -> None:
    etag = upload(app)
    rescued(app, etag)
    assert {outcome.state for outcome in steps.process(app.services, "a.jpg", None)} == {"done"}
    assert app.images.contents(names.UNFINISHED) == {}


def test_an_event_whose_version_nobody_knows_is_about_what_is_there_now(app: Parts) -> None:
    upload(app)
    assert rescued(app, ETag='""') == ["analysis", "thumbnails"]


def test_an_image_overwritten_a_moment_ago_waits_for_its_own_event(app: Parts) -> None:
    etag = upload(app)
    upload(app, BLUE)
    with pytest.raises(BusyError, match="overwritten a moment ago"):
        rescued(app, etag)
    assert app.images.contents(names.UNFINISHED) == {}


def test_an_overwritten_image_without_records_ten_minutes_later_is_given_up(app: Parts) -> None:
    etag = upload(app)
    upload(app, BLUE)
    app.clock.advance(601)
    assert rescued(app, etag) == ["analysis", "thumbnails"]


def test_an_image_that_is_gone_is_dropped(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    assert rescued(app, "0x1") == []
    assert reasons(caplog) == ["gone"]


def test_what_killed_workers_have_left_of_an_image_that_is_gone_goes(app: Parts) -> None:
    etag = upload(app)
    steps.process(app.services, "a.jpg", RED)
    app.images.delete(names.IMAGES, "a.jpg")
    assert rescued(app, etag) == []
    assert app.images.contents(names.ANALYSIS) == app.images.contents(names.THUMBNAILS) == {}
    assert app.host.contents(names.OWNERS) == {}


@pytest.mark.parametrize(("data", "reason"), [(None, "gone"), (BLUE, "overwritten")])
def test_an_image_that_changes_meanwhile_gets_no_record(
    app: Parts, data: bytes | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    etag = upload(app)

    def change(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.UNFINISHED):
            app.images.before = None
            app.images.delete(names.IMAGES, "a.jpg")
            if data:
                upload(app, data)

    app.images.before = change
    assert rescued(app, etag) == []
    assert reasons(caplog) == [reason]
    if reason == "gone":
        assert app.images.contents(names.UNFINISHED) == {}
    else:
        assert image_states.of_image(app.services, "a.jpg")["state"] == "pending"


def test_records_that_arrive_at_the_last_moment_win(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    etag = upload(app)

    def finish(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.UNFINISHED):
            app.images.before = None
            steps.process(app.services, "a.jpg", None)

    app.images.before = finish
    assert rescued(app, etag) == []
    assert app.images.contents(names.UNFINISHED) == {}
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"
    assert reasons(caplog) == ["accounted_for"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"FunctionId": "Host.Functions.Other"}, "other_function"),
        ({"ContainerName": "uploads"}, "other_container"),
        ({"Type": "QueueTrigger"}, "no_blob_message"),
        ({"BlobName": None}, "no_blob_message"),
        ({"BlobName": ""}, "no_blob_message"),
        ({"FunctionId": 7}, "no_blob_message"),
        ({"ETag": []}, "accounted_for"),
        ({"ETag": 7}, "no_blob_message"),
    ],
)
def test_a_message_that_is_not_about_an_upload_is_logged_and_dropped(
    app: Parts, changes: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    assert rescued(app, **changes) == []
    assert reasons(caplog) == [reason]
    assert app.images.contents(names.UNFINISHED) == {}


def test_a_name_that_storage_refuses_is_logged_and_dropped(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(operation: str, container: str, name: str) -> None:
        raise BadRequestError("That is no name.")

    app.images.before = refuse
    assert rescued(app, name="a\x00.jpg") == []
    assert reasons(caplog) == ["bad_name"]


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"hello", b"[]", b"null", b"7", b'"Type"', b"{}", b"[" * 9000])
def test_garbage_is_logged_and_dropped(app: Parts, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert rescue.rescue(app.services, body) == []
    assert reasons(caplog) == ["no_blob_message"]


def test_storage_that_does_not_answer_is_told_so_that_the_message_comes_again(app: Parts) -> None:
    etag = upload(app)

    def fail(operation: str, container: str, name: str) -> None:
        if operation == "write":
            raise StorageError("no answer")

    app.images.before = fail
    with pytest.raises(StorageError):
        rescued(app, etag)


def test_as_many_tries_are_told_of_as_host_json_allows() -> None:
    host = json.loads((PROJECT / "host.json").read_text())
    assert host["extensions"]["blobs"]["poisonBlobThreshold"] == rescue.MOST_DELIVERIES
