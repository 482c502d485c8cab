"""What happens to one uploaded image, one delivery after the other."""

import json

import pytest
from doubles.parts import parts
from doubles.pictures import picture

from shared import names, steps
from shared.errors import (
    ImageRejectedError,
    StorageError,
    ThrottledError,
    VisionRefusedError,
    VisionUnauthorizedError,
)

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
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
    assert app.vision.count() == {"analyze": 1, "generateThumbnail": 2}
    for container in (names.ANALYSIS, names.THUMBNAILS):
        for name in app.images.contents(container):
            assert app.images.head(container, name).metadata[names.SOURCE_ETAG] == etag


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
    assert record["service"] == {"requestId": "request-1", "modelVersion": "2021-05-01", "calls": 1}
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
    assert app.vision.count() == {"analyze": 1, "generateThumbnail": 2}
    assert [document(app, names.ANALYSIS, f"{name}.json")["service"]["calls"] for name in ("a.jpg", "b.jpg")] == [1, 0]


def test_the_same_bytes_uploaded_again_are_recorded_anew_but_not_paid_again(app):
    first = upload(app)
    process(app)
    second = upload(app)
    assert first != second
    assert process(app) == {"analysis": "done", "thumbnails": "done"}
    assert app.vision.count() == {"analyze": 1, "generateThumbnail": 2}
    assert document(app, names.ANALYSIS, "a.jpg.json")["source"]["etag"] == second


def test_an_overwritten_image_ends_with_the_records_of_its_new_bytes(app):
    upload(app)
    process(app)
    etag = upload(app, data=BLUE)
    process(app, data=BLUE)
    assert document(app, names.ANALYSIS, "a.jpg.json")["source"]["etag"] == etag
    assert app.vision.count() == {"analyze": 2, "generateThumbnail": 4}


def test_bytes_of_a_version_that_is_gone_are_not_taken_for_the_current_one(app):
    upload(app, data=BLUE)
    process(app, data=RED)
    assert {subject for _, subject in app.vision.asked} == {steps.records.ImageBytes(BLUE).subject}


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


def test_one_thumbnail_that_fails_does_not_keep_the_other_from_being_made(app):
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


def test_a_wrong_key_is_nobodys_images_fault(app):
    app.vision.failing = VisionUnauthorizedError("Computer Vision refused the key of VISION_KEY (401)")
    upload(app)
    assert process(app) == {"analysis": "deferred", "thumbnails": "deferred"}
    assert "VISION_KEY" in document(app, names.UNFINISHED, "analysis/a.jpg.json")["action"]


def test_a_changed_setting_makes_the_step_run_again(app):
    upload(app)
    process(app)
    other = parts(app.clock, VISION_FEATURES="Tags")
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
