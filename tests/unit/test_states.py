import json

import pytest
from doubles.fake_vision import thumbnail_bytes
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names, states, steps
from shared.errors import BadRequestError, NotFoundError, ThrottledError, VisionRefusedError
from shared.images import ImageBytes
from shared.vision import questions

RED = picture(colour=(200, 0, 0))
SIZES = ["200x150", "1024x768"]


@pytest.fixture
def app() -> Parts:
    return parts()


def upload(app: Parts, name: str = "a.jpg", data: bytes = RED) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def test_an_image_nobody_has_looked_at_is_pending(app: Parts) -> None:
    etag = upload(app)
    assert states.of_image(app.services, "a.jpg") == {
        "name": "a.jpg",
        "state": "pending",
        "source": {"etag": etag, "bytes": len(RED), "contentType": "image/jpeg"},
        "analysis": {"state": "pending", "caption": None, "captionConfidence": None, "tags": []},
        "thumbnails": [{"size": size, "state": "pending"} for size in SIZES],
        "text": None,
    }


def test_an_image_with_every_record_is_complete(app: Parts) -> None:
    upload(app)
    app.vision.tags = {"text": 0.9, "sky": 0.4}
    steps.process(app.services, "a.jpg", None)
    found = states.of_image(app.services, "a.jpg")
    assert found["state"] == "complete"
    assert found["analysis"] == {
        "state": "done",
        "caption": f"analyze {ImageBytes(RED).subject}",
        "captionConfidence": 0.5,
        "tags": ["text", "sky"],
        "record": "analysis/a.jpg.json",
    }
    assert found["thumbnails"] == [
        {"size": size, "state": "done", "record": f"thumbnails/a.jpg/{size}-smart.jpg"} for size in SIZES
    ]
    assert found["text"] == "due"


def test_an_overwritten_image_is_pending_again(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    upload(app, data=picture(colour=(0, 0, 200)))
    found = states.of_image(app.services, "a.jpg")
    assert found["state"] == found["analysis"]["state"] == "pending"
    assert found["analysis"]["caption"] is None
    assert [each["state"] for each in found["thumbnails"]] == ["pending", "pending"]


def test_a_changed_setting_makes_the_image_pending_again(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    other = parts(VISION_FEATURES="Tags").services.settings
    changed = app.services._replace(settings=other)
    assert states.of_image(changed, "a.jpg")["analysis"]["state"] == "pending"


def test_what_waiting_can_help_is_deferred_and_says_why(app: Parts) -> None:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.", request_id="id-1")
    steps.process(app.services, "a.jpg", None)
    app.clock.advance(60)
    steps.process(app.services, "a.jpg", None)
    found = states.of_image(app.services, "a.jpg")
    assert found["state"] == found["analysis"]["state"] == "deferred"
    problem = found["analysis"]["problem"]
    assert (problem["code"], problem["message"], problem["attempts"]) == ("vision_throttled", "Slow down.", 2)
    assert problem["action"] == ThrottledError.action
    assert problem["first"] < problem["last"]
    assert {each["state"] for each in found["thumbnails"]} == {"deferred"}


def test_one_failed_step_makes_the_image_failed(app: Parts) -> None:
    upload(app)
    app.vision.failures = [VisionRefusedError("No such model.")]
    steps.process(app.services, "a.jpg", None)
    found = states.of_image(app.services, "a.jpg")
    assert (found["state"], found["analysis"]["state"]) == ("failed", "failed")
    assert found["analysis"]["problem"]["message"] == "No such model."
    assert {each["state"] for each in found["thumbnails"]} == {"done"}


def test_what_failed_needs_more_attention_than_what_is_deferred(app: Parts) -> None:
    upload(app)
    app.vision.failures = [ThrottledError("Slow down."), VisionRefusedError("No."), VisionRefusedError("No.")]
    steps.process(app.services, "a.jpg", None)
    found = states.of_image(app.services, "a.jpg")
    assert found["analysis"]["state"] == "deferred"
    assert {each["state"] for each in found["thumbnails"]} == {"failed"}
    assert found["state"] == "failed"


def test_one_missing_thumbnail_tells_itself_apart(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    app.images.delete(names.THUMBNAILS, "a.jpg/1024x768-smart.jpg")
    found = states.of_image(app.services, "a.jpg")
    assert [each["state"] for each in found["thumbnails"]] == ["done", "pending"]
    assert found["state"] == "pending"


def test_what_is_no_image_failed_and_misses_no_thumbnails(app: Parts) -> None:
    upload(app, "notes.jpg", b"dear diary")
    steps.process(app.services, "notes.jpg", None)
    found = states.of_image(app.services, "notes.jpg")
    assert found["state"] == "failed"
    assert found["analysis"]["problem"]["code"] == "not_an_image"
    assert found["thumbnails"] == []


def test_without_thumbnail_sizes_the_analysis_is_all(app: Parts) -> None:
    none = app.services._replace(settings=parts(THUMBNAIL_SIZES=",").services.settings)
    upload(app)
    steps.process(none, "a.jpg", None)
    assert states.of_image(none, "a.jpg")["state"] == "complete"


@pytest.mark.parametrize("name", ["missing.jpg", "a.jp"])
def test_no_such_image_is_not_found(app: Parts, name: str) -> None:
    upload(app)
    with pytest.raises(NotFoundError) as caught:
        states.of_image(app.services, name)
    assert repr(name) in caught.value.message


def test_a_name_that_leads_elsewhere_is_refused(app: Parts) -> None:
    with pytest.raises(BadRequestError):
        states.of_image(app.services, "../analysis/a.jpg.json")


def test_pages_follow_each_other_in_the_order_of_the_names(app: Parts) -> None:
    for number in range(5):
        upload(app, f"{number}.jpg")
    steps.process(app.services, "3.jpg", None)
    seen: list[tuple[str, str]] = []
    continuation = None
    for _ in range(3):
        page = states.page(app.services, limit=2, continuation=continuation)
        seen += [(image["name"], image["state"]) for image in page["images"]]
        continuation = page["continuation"]
    assert continuation is None
    assert [name for name, _ in seen] == [f"{number}.jpg" for number in range(5)]
    assert [name for name, state in seen if state == "complete"] == ["3.jpg"]
    assert json.loads(json.dumps(page)) == page


def test_a_page_may_be_limited_to_a_prefix(app: Parts) -> None:
    for name in ("2025/a.jpg", "2026/a.jpg"):
        upload(app, name)
    assert [image["name"] for image in states.page(app.services, limit=9, prefix="2026/")["images"]] == ["2026/a.jpg"]


def test_no_images_are_an_empty_page(app: Parts) -> None:
    assert states.page(app.services, limit=1) == {"images": [], "continuation": None}


@pytest.mark.parametrize("limit", [0, 201])
def test_a_limit_out_of_range_is_refused(app: Parts, limit: int) -> None:
    with pytest.raises(BadRequestError, match="1 to 200"):
        states.page(app.services, limit=limit)


def test_looking_changes_nothing_and_costs_nothing(app: Parts) -> None:
    upload(app)
    seen: list[str] = []
    app.images.before = lambda operation, *_: seen.append(operation)
    states.of_image(app.services, "a.jpg")
    states.page(app.services, limit=10)
    assert set(seen) <= {"head", "read", "page"}
    assert app.vision.asked == []


def test_the_records_of_a_very_long_name_are_found(app: Parts) -> None:
    name = "n" * 1000
    upload(app, name)
    steps.process(app.services, name, None)
    found = states.of_image(app.services, name)
    assert found["state"] == "complete"
    assert found["thumbnails"][0]["record"].startswith("thumbnails/long/")
    question = questions.thumbnail(200, 150, smart_cropping=True)
    assert thumbnail_bytes(question, ImageBytes(RED)) in app.images.contents("thumbnails").values()
