"""
What the version before pictures were converted has left still holds: nothing is pending, and nothing is paid again.

`tests/fixtures/records/before_pictures.json` is what that version (a2b4eae) has left in both accounts of three
deployments, each with its settings, its time, the orchestrations that slept, and what OcrPoll was given last. It ran
with its own doubles, but for a Computer Vision that answered what it was asked for, in stored pixels: each red
rectangle is an object with a face in it. `posted` are the bytes that came over HTTP.
"""

import asyncio
import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles.http_requests import answered, invocation, parsed, request
from doubles.parts import parts
from doubles.stored_before import restore
from doubles.task_hub import TaskHub
from PIL import Image

import AnalyzeHttp
import DescribeHttp
import OcrHttp
import ThumbnailHttp
from shared import names
from shared.api import image_states
from shared.durable.read_job import Job
from shared.errors import ThrottledError
from shared.ocr import activities

BEFORE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "records" / "before_pictures.json").read_text()
)["deployments"]
DEFAULT = BEFORE["default"]
POSTED = {name: base64.b64decode(data) for name, data in DEFAULT["posted"].items()}
STATES: dict[str, str] = DEFAULT["states"]
COMPLETE = [name for name, state in STATES.items() if state == "complete"]
FAILED = [name for name, state in STATES.items() if state == "failed"]
DEFERRED = [name for name, state in STATES.items() if state == "deferred"]
# Uploaded while the app was stopped. The others that are pending are being read.
NEW = "new.jpg"
READING = [name for name, state in STATES.items() if state == "pending" and name != NEW]
# What the version before refused before any call, and this one takes.
TAKEN_NOW = {
    "old.webp": "format_not_supported",
    "phone.heic": "format_not_supported",
    "big.jpg": "image_too_large",
    "wide.png": "image_too_many_pixels",
}
RECORDS = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED)
# Where the red rectangle of turned.jpg is in the upright picture of 320x480. The version before was told 340,60 of
# 120x100 in the stored one of 480x320.
UPRIGHT = (160, 340, 100, 120)
ADDRESS = {"url": "https://pictures.example/cat.jpg"}


def hub_of(deployment: dict[str, Any], **settings: str) -> TaskHub:
    app = parts(**{**deployment["settings"], **settings})
    app.clock.advance(deployment["now_seconds"])
    restore(app.images, deployment["images"])
    restore(app.host, deployment["host"])
    for work in deployment["polls"]:
        app.vision.go_on_with(work["ticket"]["operation"])
    return TaskHub(app)


@contextmanager
def running(deployment: dict[str, Any], **settings: str) -> Iterator[TaskHub]:
    hub = hub_of(deployment, **settings)
    with hub.running():
        yield hub


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    """The app of today with the settings of the version before, which were its defaults."""
    with running(DEFAULT) as hub:
        yield hub


def go_on(hub: TaskHub) -> None:
    """Let the orchestrations go on that slept."""
    for each in DEFAULT["instances"]:
        asyncio.run(hub.start_new(each["name"], each["id"], each["input"]))


def listed(hub: TaskHub) -> dict[str, str]:
    return {each["name"]: each["state"] for each in image_states.page(hub.app.services, limit=200)["images"]}


def state(hub: TaskHub, name: str) -> Any:
    return image_states.of_image(hub.app.services, name)


def etags(hub: TaskHub) -> dict[tuple[str, str], str]:
    """The ETag of each record."""
    pages = ((container, hub.app.images.page(container, limit=1000).items) for container in RECORDS)
    return {(container, info.name): info.etag for container, infos in pages for info in infos}


def upload_copies(hub: TaskHub, image_names: list[str]) -> None:
    data = hub.app.images.contents(names.IMAGES)
    for name in image_names:
        hub.upload(f"copies/{name}", data[name])


def called(main: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    answer = answered(main, request(*arguments, **more))
    assert answer.status_code == 200, answer.get_body()
    return answer


def analyzed(body: Any, *features: str) -> dict[str, Any]:
    return parsed(
        called(AnalyzeHttp.main, "POST", body, params={"visualFeatures": ",".join(features)} if features else {})
    )


def thumbnail(body: Any, width: int, height: int, **more: str) -> Any:
    params = {"width": str(width), "height": str(height), **more}
    if isinstance(body, str):
        return called(ThumbnailHttp.main, "GET", params=params, route={"name": body})
    return called(ThumbnailHttp.main, "POST", body, params=params)


def read(body: Any) -> Any:
    return asyncio.run(OcrHttp.main(request("POST", body), invocation(), starter="s"))  # type: ignore[arg-type]


def claimed(hub: TaskHub, subject: str, key: str) -> dict[str, Any]:
    """The answer that the version before has paid for."""
    document = json.loads(hub.app.host.contents(names.CACHE)[f"{subject}/{key}.json"])
    found: dict[str, Any] = document["body"]
    return found


def rectangles(answer: dict[str, Any]) -> list[tuple[int, ...]]:
    """Where the answer says that objects and faces are."""
    objects = [each["rectangle"] for each in answer.get("objects", [])]
    faces = [each["faceRectangle"] for each in answer.get("faces", [])]
    return [tuple(box[side] for side in "xywh") for box in objects] + [
        tuple(box[side] for side in ("left", "top", "width", "height")) for box in faces
    ]


def share_of_red(jpeg: bytes) -> float:
    """Which share of a picture is red."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        red, green, _ = np.moveaxis(np.asarray(picture.convert("RGB")), 2, 0)
    return float(np.mean((red > 150) & (green < 100)))


def test_every_image_has_the_state_that_it_had(hub: TaskHub) -> None:
    before = etags(hub)
    assert listed(hub) == STATES
    assert {name: state(hub, name)["state"] for name in STATES} == STATES
    assert etags(hub) == before
    assert hub.app.vision.asked == []


@pytest.mark.parametrize("deployment", ["plain", "features"])
def test_other_settings_that_stay_hold_too(deployment: str) -> None:
    with running(BEFORE[deployment]) as hub:
        before = etags(hub)
        assert listed(hub) == BEFORE[deployment]["states"]
        for name in BEFORE[deployment]["states"]:
            assert state(hub, name)["state"] == "complete"
            hub.deliver(name)
        assert etags(hub) == before
        assert hub.app.vision.asked == []
        assert hub.instances == {}


def test_a_document_stays_text_only(hub: TaskHub) -> None:
    for name in ("page.tiff", "pages.tiff"):
        found = state(hub, name)
        assert (found["analysis"]["state"], found["thumbnails"], found["text"]["state"]) == ("none", [], "done")


def test_events_that_come_again_pay_nothing_and_write_nothing(hub: TaskHub) -> None:
    before = etags(hub)
    for name in (*COMPLETE, *FAILED):
        hub.deliver(name)
    assert etags(hub) == before
    assert hub.app.vision.asked == []
    assert hub.instances == {}
    assert listed(hub) == STATES


def test_an_event_of_what_is_under_way_begins_nothing_beside_it(hub: TaskHub) -> None:
    go_on(hub)
    under_way = set(hub.instances)
    hub.app.vision.failing = ThrottledError("Computer Vision throttled analyze", retry_after_seconds=300.0)
    for name in (*DEFERRED, *READING):
        hub.deliver(name)
    assert set(hub.instances) == under_way
    # Of half.jpg the version before has paid for the analysis, which tells where the subject is: that needs no call.
    assert {name: state(hub, name)["state"] for name in DEFERRED} == {
        **dict.fromkeys(DEFERRED, "deferred"),
        "half.jpg": "complete",
    }


def test_what_slept_is_done_and_paid_once(hub: TaskHub) -> None:
    go_on(hub)
    hub.pass_time(900)
    done = dict.fromkeys((*DEFERRED, *READING), "complete")
    assert listed(hub) == {**STATES, **done}
    assert {name: state(hub, name)["state"] for name in STATES} == {**STATES, **done}
    assert all(each.is_over for each in hub.instances.values())
    assert hub.app.vision.count() == {"analyze": 2, "areaOfInterest": 2}
    assert [dict(question.parameters).get("visualFeatures") for question, _ in hub.app.vision.asked[:1]] == [
        "Tags,Description,Objects"
    ]


@pytest.mark.parametrize("work", DEFAULT["polls"], ids=lambda work: work["job"]["name"] or work["job"]["kind"])
def test_a_poll_with_the_ticket_of_then_ends_in_the_text(hub: TaskHub, work: dict[str, Any]) -> None:
    async def no_sleep(seconds: float) -> None:
        hub.app.clock.advance(seconds)

    polled = asyncio.run(activities.poll(work, sleep=no_sleep))  # type: ignore[arg-type]  # as JSON has it
    assert polled["state"] == "read"
    stored = asyncio.run(activities.store({**work, "polls": 1}))  # type: ignore[typeddict-item]
    assert stored["state"] == "done"
    assert hub.app.images.contents(names.TEXT)[Job.from_json(work["job"]).plain_record] == b"HELLO\n"
    assert hub.app.vision.asked == []


def test_thumbnails_that_callers_had_asked_for_are_there(hub: TaskHub) -> None:
    stored = hub.app.images.contents(names.THUMBNAILS)
    places = [name for name in stored if not name.startswith("by-sha256/")]
    for place in places:
        name, _, file = place.rpartition("/")
        sides, _, crop = file.removesuffix(".jpg").partition("-")
        width, height = map(int, sides.split("x"))
        answer = thumbnail(name, width, height, **({"smartCropping": "false"} if crop == "plain" else {}))
        info = hub.app.images.head(names.THUMBNAILS, place)
        assert info is not None
        assert answer.headers["ETag"] == f'"{info.etag}"'
        assert answer.get_body() == stored[place]
    assert {"photo.jpg/300x300-plain.jpg", "turned.jpg/120x180-smart.jpg"} <= {*places}
    for body in (POSTED["plain"], POSTED["turned"], ADDRESS):
        assert thumbnail(body, 90, 90).get_body() in stored.values()
    assert hub.app.vision.asked == []


def test_what_callers_had_asked_is_answered_again(hub: TaskHub) -> None:
    assert analyzed(POSTED["plain"], "Tags")["tags"]
    assert parsed(called(DescribeHttp.main, "POST", POSTED["plain"]))["description"]
    for body in (POSTED["letter"], POSTED["read_turned"]):
        assert parsed(read(body))["text"] == "HELLO\n"
    for name in ("sign.jpg", "turned-sign.jpg", "page.tiff", "pages.tiff"):
        assert parsed(read({"name": name}))["text"] == "HELLO\n"
    assert hub.app.vision.asked == []


@pytest.mark.parametrize("body", [POSTED["plain"], POSTED["turned"], ADDRESS], ids=["plain", "turned", "address"])
def test_an_analysis_of_more_features_answers_the_new_defaults(hub: TaskHub, body: Any) -> None:
    assert analyzed(body).keys() == {"tags", "description", "objects", "requestId", "metadata", "modelVersion"}
    assert hub.app.vision.asked == []


def test_boxes_of_the_version_before_are_told_upright(hub: TaskHub) -> None:
    # Stored as 300x200, with a thing at 20,30 of 60x60 and a face in it at 30,40 of 50x50; upright is a turn clockwise.
    found = analyzed(POSTED["turned"], "Objects", "Faces")
    assert rectangles(found) == [(110, 20, 60, 60), (110, 30, 50, 50)]
    assert (found["metadata"]["width"], found["metadata"]["height"]) == (200, 300)
    assert rectangles(analyzed(POSTED["turned"])) == [(110, 20, 60, 60)]
    assert hub.app.vision.asked == []


def test_copies_of_what_was_paid_for_cost_nothing(hub: TaskHub) -> None:
    copied = [name for name in COMPLETE if name not in ("page.tiff", "turned-sign.jpg")]
    upload_copies(hub, copied)
    hub.pass_time(60)
    assert {name: state(hub, f"copies/{name}")["state"] for name in copied} == dict.fromkeys(copied, "complete")
    assert hub.app.vision.asked == []


def test_a_copy_of_a_turned_picture_without_boxes_costs_one_area_of_interest(hub: TaskHub) -> None:
    """Nothing tells whether the service had turned the picture of which it made thumbnails."""
    upload_copies(hub, ["turned-sign.jpg"])
    hub.pass_time(60)
    assert state(hub, "copies/turned-sign.jpg")["state"] == "complete"
    assert state(hub, "copies/turned-sign.jpg")["text"]["excerpt"] == "HELLO"
    assert hub.app.vision.count() == {"areaOfInterest": 1}


def test_a_copy_of_one_page_is_a_photograph_whose_text_is_known(hub: TaskHub) -> None:
    upload_copies(hub, ["page.tiff"])
    hub.pass_time(60)
    assert state(hub, "copies/page.tiff")["state"] == "complete"
    assert state(hub, "copies/page.tiff")["text"]["excerpt"] == "HELLO"
    assert "read" not in hub.app.vision.count()


def test_a_copy_of_what_the_service_refused_is_refused_without_a_call(hub: TaskHub) -> None:
    upload_copies(hub, ["refused.jpg"])
    assert state(hub, "copies/refused.jpg")["analysis"]["problem"]["code"] == "image_unreadable"
    assert hub.app.vision.asked == []


def test_the_record_of_a_copy_has_its_boxes_upright() -> None:
    with running(BEFORE["features"]) as hub:
        upload_copies(hub, ["turned.jpg"])
        record = json.loads(hub.app.images.contents(names.ANALYSIS)["copies/turned.jpg.json"])
        x, y, _, _ = UPRIGHT
        # The face is 10 pixels from the thing's corner in stored pixels, of 50x50.
        assert rectangles(record["result"]) == [UPRIGHT, (x + 40, y + 10, 50, 50)]
        assert (record["source"]["width"], record["source"]["height"]) == (320, 480)
        assert hub.app.vision.asked == []


@pytest.mark.parametrize("name", ["turned.jpg", "thing.jpg"])
def test_a_new_size_is_cut_around_the_boxes_of_then(hub: TaskHub, name: str) -> None:
    cut = thumbnail(name, 60, 60).get_body()
    with Image.open(io.BytesIO(cut)) as picture:
        assert picture.size == (60, 60)
    # All of the thing; around the middle it is half of it, and around the stored pixels of turned.jpg nothing.
    assert share_of_red(cut) > {"turned.jpg": 0.1, "thing.jpg": 0.07}[name]
    assert hub.app.vision.asked == []


@pytest.mark.parametrize("deployment", ["plain", "features"])
def test_the_other_way_of_cropping_is_there_as_it_was(deployment: str) -> None:
    with running(BEFORE[deployment]) as hub:
        for place, data in hub.app.images.contents(names.THUMBNAILS).items():
            name, _, file = place.rpartition("/")
            sides, _, crop = file.removesuffix(".jpg").partition("-")
            width, height = map(int, sides.split("x"))
            smart = "false" if crop == "plain" else "true"
            assert thumbnail(name, width, height, smartCropping=smart).get_body() == data
        assert hub.app.vision.asked == []


def test_what_can_be_done_now_waits_for_a_retry_and_is_done_then(hub: TaskHub) -> None:
    for name, code in TAKEN_NOW.items():
        found = state(hub, name)
        assert (found["state"], found["analysis"]["problem"]["code"]) == ("failed", code)
    for code in sorted({*TAKEN_NOW.values()}):
        retried = parsed(hub.tell_again({"code": code}))["retried"]
        assert {each["name"] for each in retried} == {name for name, why in TAKEN_NOW.items() if why == code}
    hub.pass_time(400)
    assert {name: state(hub, name)["state"] for name in TAKEN_NOW} == dict.fromkeys(TAKEN_NOW, "complete")
    assert all(len(state(hub, name)["thumbnails"]) == 2 for name in TAKEN_NOW)
    assert hub.app.vision.count() == {"analyze": 4, "areaOfInterest": 4}


def test_a_retry_of_all_that_failed_tells_in_the_words_of_today(hub: TaskHub) -> None:
    hub.tell_again({"all": True})
    hub.pass_time(900)
    states = listed(hub)
    assert {name: states[name] for name in FAILED} == {
        **dict.fromkeys(FAILED, "complete"),
        "notes.jpg": "failed",
    }
    assert "HEIC" in state(hub, "notes.jpg")["analysis"]["problem"]["action"]
