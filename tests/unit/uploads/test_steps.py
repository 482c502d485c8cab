"""What happens to one uploaded image, one delivery after the other."""

import json
import logging
from collections import Counter
from contextlib import suppress
from unittest.mock import ANY

import pytest
from doubles.parts import parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun
from doubles.tiffs import Page, tiff

from shared import names
from shared.errors import (
    ImageRejectedError,
    StorageError,
    ThrottledError,
    VisionRefusedError,
    VisionUnauthorizedError,
)
from shared.images import ImageBytes
from shared.uploads import steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
TWO_PAGES = tiff(Page(60, 60), Page(60, 60))
RECORDS = {
    names.ANALYSIS: ["a.jpg.json"],
    names.THUMBNAILS: ["a.jpg/1024x768-smart.jpg", "a.jpg/200x150-smart.jpg"],
    names.UNFINISHED: [],
}


@pytest.fixture
def app():
    return parts()


def upload(app, name="a.jpg", data=RED):
    """Put an image into the container and return its ETag."""
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def process(app, name="a.jpg", data=None):
    """Deliver the event; return how each step ended."""
    return {outcome.step: outcome.state for outcome in steps.process(app.services, name, data)}


def records(app):
    return {container: list(app.images.contents(container)) for container in RECORDS}


def document(app, container, name):
    return json.loads(app.images.contents(container)[name])


def test_an_upload_gets_its_analysis_and_one_thumbnail_per_size(app):
    etag = upload(app)
    assert process(app, data=RED) == {"analysis": "done", "thumbnails": "done"}
    assert records(app) == RECORDS
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    for container in (names.ANALYSIS, names.THUMBNAILS):
        for name in app.images.contents(container):
            assert app.images.head(container, name).metadata[names.SOURCE_ETAG] == etag


def test_a_new_image_costs_storage_no_more_requests_than_it_has_to(app):
    """Storage is asked more than twenty times for each image, which is most of what an upload costs."""
    asked = []
    upload(app)
    app.images.before = app.host.before = lambda operation, container, name: asked.append((operation, container))
    process(app, data=RED)
    assert Counter(asked) == {
        ("digest", names.IMAGES): 1,  # which version it is
        ("head", names.IMAGES): 2,  # after each step that has written, whether it still is
        ("head", names.UNFINISHED): 5,  # before and after each step, and of the text
        ("head", names.ANALYSIS): 1,
        ("head", names.THUMBNAILS): 2,
        ("head", names.TEXT): 2,
        ("write", names.ANALYSIS): 1,
        ("write", names.THUMBNAILS): 2,
        ("page", names.CACHE): 1,  # what was paid for about the same bytes
        ("write", names.CACHE): 4,
        ("write", names.OWNERS): 1,  # whose bytes the answers are about
        ("acquire", names.CACHE): 2,
        ("read", names.QUOTA): 1,  # whether there is a backlog, which is known for a second
    }


def test_nobody_waits_for_what_an_upload_asks(app):
    upload(app)
    process(app, data=RED)
    assert app.vision.in_background == [True] * 2


def test_the_analysis_record_tells_source_request_result_service_and_time(app):
    etag = upload(app)
    process(app, data=RED)
    record = document(app, names.ANALYSIS, "a.jpg.json")
    assert record["source"]["name"] == "a.jpg"
    assert record["source"]["etag"] == etag
    assert record["source"]["bytes"] == len(RED)
    assert (record["source"]["width"], record["source"]["height"]) == (64, 64)
    assert record["source"]["contentType"] == "image/jpeg"
    assert record["request"]["language"] == "en"
    assert record["result"]["tags"] == [{"name": "outdoor", "confidence": 0.9}]
    billed = len(record["request"]["features"])
    assert record["service"] == {
        "requestId": "request-1",
        "modelVersion": "2021-05-01",
        "calls": 1,
        "billed": billed,
        "usage": {"Transaction": billed},
    }
    assert record["text"] == "none"
    assert record["at"].startswith("2026-")


def test_a_redelivery_costs_nothing_and_writes_nothing(app):
    upload(app)
    process(app, data=RED)
    before = {container: app.images.page(container).items for container in RECORDS}
    asked = len(app.vision.asked)
    assert process(app, data=RED) == {"analysis": "skipped", "thumbnails": "skipped"}
    assert len(app.vision.asked) == asked
    assert {container: app.images.page(container).items for container in RECORDS} == before


def test_the_same_bytes_under_three_names_are_paid_once_per_question(app):
    for name in ("a.jpg", "b.jpg", "folder/c.jpg"):
        upload(app, name)
        assert set(process(app, name).values()) == {"done"}
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    assert [document(app, names.ANALYSIS, f"{name}.json")["service"]["calls"] for name in ("a.jpg", "b.jpg")] == [1, 0]


def test_the_same_bytes_uploaded_again_are_the_same_version(app):
    first = upload(app)
    process(app)
    before = {container: app.images.contents(container) for container in RECORDS}
    second = upload(app)
    assert first != second
    assert process(app) == {"analysis": "skipped", "thumbnails": "skipped"}
    assert {container: app.images.contents(container) for container in RECORDS} == before
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}


def test_an_overwritten_image_ends_with_the_records_of_its_new_bytes(app):
    upload(app)
    process(app)
    etag = upload(app, data=BLUE)
    process(app, data=BLUE)
    assert document(app, names.ANALYSIS, "a.jpg.json")["source"]["etag"] == etag
    assert app.vision.count() == {"analyze": 2, "areaOfInterest": 2}


def test_bytes_of_a_version_that_is_gone_are_not_taken_for_the_current_one(app):
    upload(app, data=BLUE)
    process(app, data=RED)
    assert {subject for _, subject in app.vision.asked} == {ImageBytes(BLUE).subject}


def test_an_event_for_an_image_that_is_gone_does_nothing(app):
    assert process(app, data=RED) == {}
    assert app.vision.asked == []
    assert not any(records(app).values())


def test_a_file_that_is_no_image_is_recorded_with_reason_and_never_asked(app):
    etag = upload(app, data=b"just text, called .jpg")
    assert process(app) == {"analysis": "failed"}
    assert app.vision.asked == []
    assert records(app)[names.UNFINISHED] == ["analysis/a.jpg.json"]
    record = document(app, names.UNFINISHED, "analysis/a.jpg.json")
    assert (record["state"], record["code"], record["attempts"]) == ("failed", "not_an_image", 1)
    assert record["source"]["etag"] == etag
    assert record["message"]
    assert record["action"]


def test_a_failure_is_final_until_the_image_changes(app):
    upload(app, data=b"just text")
    process(app)
    assert process(app) == {"analysis": "failed"}
    assert document(app, names.UNFINISHED, "analysis/a.jpg.json")["attempts"] == 1
    upload(app, data=RED)
    assert process(app) == {"analysis": "done", "thumbnails": "done"}
    assert records(app) == RECORDS


def test_records_of_an_earlier_version_do_not_stand_for_one_that_failed(app):
    upload(app)
    process(app)
    upload(app, data=b"just text")
    process(app)
    assert records(app) == {
        names.ANALYSIS: [],
        names.THUMBNAILS: [],
        names.UNFINISHED: ["analysis/a.jpg.json"],
    }


def test_an_image_that_the_service_refuses_is_paid_for_nothing_more(app):
    app.vision.failures = [ImageRejectedError("no image", code="image_unreadable", request_id="r1")]
    upload(app)
    assert process(app) == {"analysis": "failed"}
    upload(app, "copy.jpg")
    assert process(app, "copy.jpg") == {"analysis": "failed"}
    assert app.vision.count() == {"analyze": 1}
    assert document(app, names.UNFINISHED, "analysis/copy.jpg.json")["requestId"] == "r1"


def test_a_refused_question_does_not_keep_the_other_steps_from_their_records(app):
    app.vision.failures = [VisionRefusedError("no such language")]
    upload(app)
    assert process(app) == {"analysis": "failed", "thumbnails": "done"}
    assert records(app)[names.THUMBNAILS] == RECORDS[names.THUMBNAILS]
    assert records(app)[names.UNFINISHED] == ["analysis/a.jpg.json"]


def test_one_thumbnail_that_fails_does_not_keep_the_other_from_being_made():
    app = parts(THUMBNAIL_MODE="vision")

    def at_call(question, image):
        if "200" in question.text:
            raise VisionRefusedError("not this size")

    app.vision.at_call = at_call
    upload(app)
    assert process(app) == {"analysis": "done", "thumbnails": "failed"}
    assert records(app)[names.THUMBNAILS] == ["a.jpg/1024x768-smart.jpg"]


def test_a_throttled_step_is_deferred_and_done_at_the_next_delivery(app):
    app.vision.failing = ThrottledError("later")
    upload(app)
    for attempt in (1, 2):
        assert process(app) == {"analysis": "deferred", "thumbnails": "deferred"}
        record = document(app, names.UNFINISHED, "analysis/a.jpg.json")
        assert (record["state"], record["code"], record["attempts"]) == ("deferred", "vision_throttled", attempt)
        app.clock.advance(60)
    assert record["first"] < record["last"]
    app.vision.failing = None
    assert process(app) == {"analysis": "done", "thumbnails": "done"}
    assert records(app) == RECORDS


def test_the_log_tells_when_a_step_is_tried_again_and_how_long_its_records_took(app, caplog):
    caplog.set_level(logging.INFO)
    app.vision.failing = ThrottledError("later", retry_after_seconds=41.0)
    upload(app)
    process(app)
    app.clock.advance(60)
    app.vision.failing = None
    process(app)
    process(app)
    told = [line.removesuffix(" correlation=-") for line in caplog.messages if line.startswith("step.")]
    assert [line for line in told if "step=analysis" in line] == [
        "step.deferred blob=a.jpg step=analysis code=vision_throttled seconds=41",
        "step.done blob=a.jpg step=analysis seconds=60",
        "step.skipped blob=a.jpg step=analysis",
    ]


def test_a_wrong_key_is_nobodys_images_fault(app):
    app.vision.failing = VisionUnauthorizedError("Computer Vision refused the key of VISION_KEY (401)")
    upload(app)
    assert process(app) == {"analysis": "deferred", "thumbnails": "deferred"}
    assert "VISION_KEY" in document(app, names.UNFINISHED, "analysis/a.jpg.json")["action"]


def test_a_changed_setting_makes_the_step_run_again(app):
    upload(app)
    process(app)
    other = parts(app.clock, VISION_FEATURES="Tags,Faces")
    changed = app.services._replace(settings=other.services.settings)
    outcomes = steps.process(changed, "a.jpg", None)
    assert [outcome.state for outcome in outcomes] == ["done", "skipped"]
    assert app.vision.count()["analyze"] == 2


@pytest.mark.parametrize(
    ("tags", "mode", "data", "text"),
    [
        ({"text": 0.5}, "auto", RED, "due"),
        ({"text": 0.49}, "auto", RED, "none"),
        ({"cat": 0.9}, "always", RED, "due"),
        ({"text": 0.9}, "never", RED, "none"),
        ({"text": 0.9}, "always", picture("GIF"), "none"),
    ],
)
def test_text_is_due_by_the_tags_and_the_setting_and_never_for_a_gif(tags, mode, data, text):
    app = parts(TEXT_MODE=mode)
    app.vision.tags = tags
    upload(app, data=data)
    process(app)
    assert document(app, names.ANALYSIS, "a.jpg.json")["text"] == text


def test_what_cannot_even_be_noted_is_raised_so_that_the_event_comes_again(app):
    def before(operation, container, name):
        if operation == "write":
            raise StorageError("the account is down")

    upload(app)
    app.images.before = before
    with pytest.raises(StorageError):
        process(app)


def test_an_unfinished_record_that_cannot_be_read_is_replaced(app):
    upload(app, data=b"just text")
    app.images.write(names.UNFINISHED, "analysis/a.jpg.json", b"{", content_type=names.JSON)
    process(app)
    assert document(app, names.UNFINISHED, "analysis/a.jpg.json")["code"] == "not_an_image"


# Text: handed over as a job where it is due.


def outcome_of_text(app, name="a.jpg", data=None):
    """Deliver the event; return how the text ended, or None if there is none to read."""
    return next((each for each in steps.process(app.services, name, data) if each.step == "text"), None)


def with_text(**settings):
    """An app whose images all have text."""
    app = parts(**settings)
    app.vision.tags = {"text": 0.9}
    return app


def read(app, outcome):
    """Let the job that was handed over come to its end."""
    return ReadRun(app, outcome.job).finish()


def text_records(app):
    return list(app.images.contents(names.TEXT))


def test_an_image_with_text_has_a_job_handed_over_and_pays_nothing_yet():
    app = with_text()
    etag = upload(app)
    outcome = outcome_of_text(app)
    assert (outcome.state, outcome.code, outcome.appointment) == ("due", None, None)
    assert (outcome.job.name, outcome.job.etag, outcome.job.text_only) == ("a.jpg", etag, False)
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}


def test_an_image_without_text_has_no_such_step(app):
    upload(app)
    assert outcome_of_text(app) is None


def test_a_redelivery_whose_analysis_is_there_still_hands_over_text_that_is_due():
    """The process may have died between the analysis and the hand-over."""
    app = with_text()
    upload(app)
    first = outcome_of_text(app)
    again = outcome_of_text(app)
    assert again.state == "due"
    assert again.job == first.job
    assert app.vision.count()["analyze"] == 1


def test_text_that_is_stored_is_skipped():
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    assert process(app) == {"analysis": "skipped", "thumbnails": "skipped", "text": "skipped"}


@pytest.mark.parametrize("missing", ["a.jpg.txt", "a.jpg.json"])
def test_a_text_record_that_was_deleted_is_due_again_and_costs_nothing(missing):
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    app.images.delete(names.TEXT, missing)
    assert read(app, outcome_of_text(app))["state"] == "done"
    assert text_records(app) == ["a.jpg.json", "a.jpg.txt"]
    assert app.vision.count()["read"] == 1


def test_a_read_that_failed_is_final_until_the_image_changes():
    app = with_text()
    app.vision.reads = [["failed"]]
    upload(app)
    assert read(app, outcome_of_text(app))["state"] == "failed"
    again = outcome_of_text(app)
    assert (again.state, again.code, again.job) == ("failed", "read_failed", None)
    upload(app, data=BLUE)
    assert outcome_of_text(app).state == "due"


def test_a_read_that_failed_is_tried_again_with_other_settings():
    app = with_text()
    app.vision.reads = [["failed"]]
    upload(app)
    read(app, outcome_of_text(app))
    other = parts(TEXT_READING_ORDER="basic")
    changed = app.services._replace(settings=other.services.settings)
    assert steps.process(changed, "a.jpg", None)[-1].state == "due"


def test_a_deferred_text_is_handed_over_again_by_the_next_delivery():
    """Which is the same instance, so that it costs nothing."""
    app = with_text()
    upload(app)
    outcome = outcome_of_text(app)
    app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    ReadRun(app, outcome.job).step()
    assert records(app)[names.UNFINISHED] == ["text/a.jpg.json"]
    again = outcome_of_text(app)
    assert (again.state, again.job.instance_id) == ("due", outcome.job.instance_id)


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [("never", "always", "due"), ("never", "auto", "due"), ("auto", "never", None), ("always", "never", None)],
)
def test_a_change_of_the_text_mode_counts_without_another_analysis(before, after, state):
    app = with_text(TEXT_MODE=before)
    upload(app)
    process(app)
    changed = app.services._replace(settings=parts(TEXT_MODE=after).services.settings)
    outcomes = {outcome.step: outcome.state for outcome in steps.process(changed, "a.jpg", None)}
    assert outcomes.get("text") == state
    assert app.vision.count()["analyze"] == 1


@pytest.mark.parametrize("mode", ["auto", "always", "never"])
@pytest.mark.parametrize("data", [picture("PDF"), TWO_PAGES], ids=["PDF", "TIFF of two pages"])
def test_of_a_document_only_the_text_is_asked(data, mode):
    app = parts(TEXT_MODE=mode)
    upload(app, data=data)
    assert process(app) == {"text": "due"}
    assert app.vision.asked == []
    outcome = outcome_of_text(app)
    assert outcome.job.text_only
    assert read(app, outcome)["state"] == "done"
    assert process(app) == {"text": "skipped"}


def test_a_document_is_known_by_its_bytes_and_not_by_its_name(app):
    upload(app, "a.pdf", RED)
    assert process(app, "a.pdf") == {"analysis": "done", "thumbnails": "done"}
    upload(app, "a.jpg", picture("PDF"))
    assert process(app, "a.jpg") == {"text": "due"}


def test_a_photograph_overwritten_by_a_document_leaves_nothing_of_itself():
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    etag = upload(app, data=picture("PDF"))
    outcome = outcome_of_text(app)
    assert records(app) == {container: [] for container in RECORDS}
    read(app, outcome)
    assert document(app, names.TEXT, "a.jpg.json")["source"]["etag"] == etag


def test_a_document_overwritten_by_a_photograph_without_text_leaves_no_text(app):
    upload(app, data=picture("PDF"))
    read(app, outcome_of_text(app))
    upload(app)
    assert process(app) == {"analysis": "done", "thumbnails": "done"}
    assert text_records(app) == []
    assert records(app) == RECORDS


def test_a_document_that_failed_leaves_no_note_once_a_photograph_without_text_is_there(app):
    app.vision.reads = [["failed"]]
    upload(app, data=picture("PDF"))
    read(app, outcome_of_text(app))
    assert records(app)[names.UNFINISHED] == ["text/a.jpg.json"]
    upload(app)
    process(app)
    assert records(app)[names.UNFINISHED] == []


def test_an_image_that_lost_its_text_leaves_none():
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    app.vision.tags = {}
    upload(app, data=BLUE)
    assert outcome_of_text(app) is None
    assert text_records(app) == []


def test_an_image_that_is_gone_leaves_no_text():
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    app.images.delete(names.IMAGES, "a.jpg")
    assert process(app, data=RED) == {}
    assert text_records(app) == []


def test_without_an_analysis_only_a_setting_tells_that_there_is_text():
    for mode, expected in (("auto", None), ("always", "due"), ("never", None)):
        app = parts(TEXT_MODE=mode)
        app.vision.failures = [ThrottledError("later")]
        upload(app)
        outcomes = process(app)
        assert outcomes["analysis"] == "deferred"
        assert outcomes.get("text") == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (RED.ljust(2 * 1024 * 1024, b"\0"), "image_too_large"),
        (b"8BPS" + bytes(60), "format_not_supported"),
        (b"dear diary", "not_an_image"),
    ],
)
def test_what_is_no_image_for_analysis_has_no_text_handed_over_either(data, code):
    app = with_text(TEXT_MODE="always", MAX_UPLOAD_MEGABYTES="1")
    upload(app, data=data)
    (outcome,) = steps.process(app.services, "a.jpg", None)
    assert (outcome.step, outcome.state, outcome.code) == ("analysis", "failed", code)


def test_a_gif_has_no_text_whatever_the_setting():
    app = with_text(TEXT_MODE="always")
    upload(app, data=picture("GIF"))
    assert process(app) == {"analysis": "done", "thumbnails": "done"}
    app = with_text(TEXT_MODE="always")
    app.vision.failures = [ThrottledError("later")]
    upload(app, data=picture("GIF"))
    assert "text" not in process(app)


class Killed(BaseException):
    """The process is no more."""


def overwritten_by_one_without_text(moment=None):
    """
    An image with text is overwritten by one without, and the process dies before its operation number *moment*.

    Returns the app after the event has come again, and how many moments there were.
    """
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    app.vision.tags = {}
    upload(app, data=BLUE)
    count = 0

    def before(*_):
        nonlocal count
        count += 1
        if count - 1 == moment:
            app.images.before = app.host.before = None
            raise Killed

    app.images.before = app.host.before = before
    with suppress(Killed):
        process(app)
    app.images.before = app.host.before = None
    app.clock.advance(60)
    assert process(app) == {"analysis": ANY, "thumbnails": ANY}
    return app, count


@pytest.mark.parametrize("moment", range(overwritten_by_one_without_text()[1]))
def test_a_process_that_dies_at_any_moment_leaves_no_text_of_an_earlier_version(moment):
    app, _ = overwritten_by_one_without_text(moment)
    assert text_records(app) == []
    assert records(app) == RECORDS


def test_an_analysis_that_failed_leaves_no_text_of_an_earlier_version():
    app = with_text()
    upload(app)
    read(app, outcome_of_text(app))
    app.vision.failures = [VisionRefusedError("no such language")]
    upload(app, data=BLUE)
    assert process(app)["analysis"] == "failed"
    assert text_records(app) == []
