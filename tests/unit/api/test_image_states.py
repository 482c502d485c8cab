import gc
import itertools
import json
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.azurite import Azurite
from doubles.parts import ENVIRONMENT, Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of
from doubles.tiffs import Page, tiff

from shared import names
from shared.api import image_states, pending_reasons
from shared.errors import (
    BadRequestError,
    NotFoundError,
    ThrottledError,
    VisionRefusedError,
    VisionUnauthorizedError,
)
from shared.images import ImageBlob, ImageBytes
from shared.records import by_step
from shared.records.thumbnails import Thumbnail
from shared.services import App, build
from shared.settings import Settings
from shared.storage import listing
from shared.thumbnails import on_demand
from shared.uploads import steps

RED = picture(colour=(200, 0, 0))
SIZES = ["200x150", "1024x768"]
TWO_PAGES = tiff(Page(60, 60), Page(60, 60))


@pytest.fixture
def app() -> Parts:
    return parts()


def upload(app: Parts, name: str = "a.jpg", data: bytes = RED) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def pending(code: Any) -> dict[str, Any]:
    """A step that is pending for that reason."""
    return {"state": "pending", "reason": pending_reasons.reason(code)}


def with_settings(app: Parts, **settings: str) -> App:
    """The services after a change of the settings."""
    return app.services._replace(settings=Settings.from_env({**ENVIRONMENT, **settings}))


def reasons(services: App, name: str = "a.jpg") -> dict[str, str | None]:
    """Each step that is pending, with the reason."""
    found = image_states.of_image(services, name)
    steps: list[tuple[str, Any]] = [(each["size"], each) for each in found["thumbnails"]]
    steps += [("analysis", found["analysis"]), ("text", found["text"])]
    assert all(("reason" in each) == (each["state"] == "pending") for _, each in steps)
    return {step: each["reason"]["code"] for step, each in steps if each["state"] == "pending"}


def test_an_image_nobody_has_looked_at_is_pending(app: Parts) -> None:
    etag = upload(app)
    assert image_states.of_image(app.services, "a.jpg") == {
        "name": "a.jpg",
        "state": "pending",
        "source": {"etag": etag, "bytes": len(RED), "contentType": "image/jpeg"},
        "analysis": {**pending("not_made"), "caption": None, "captionConfidence": None, "tags": []},
        "thumbnails": [{"size": size, "format": "jpeg", **pending("not_made")} for size in SIZES],
        "text": pending("waits_for_analysis"),
    }


def test_an_image_with_every_record_is_complete(app: Parts) -> None:
    upload(app)
    app.vision.tags = {"outdoor": 0.9, "sky": 0.4}
    steps.process(app.services, "a.jpg", None)
    found = image_states.of_image(app.services, "a.jpg")
    assert found["state"] == "complete"
    assert found["analysis"] == {
        "state": "done",
        "caption": f"analyze {ImageBytes(RED).subject}",
        "captionConfidence": 0.5,
        "tags": ["outdoor", "sky"],
        "record": "analysis/a.jpg.json",
    }
    assert found["thumbnails"] == [
        {"size": size, "format": "jpeg", "state": "done", "record": f"thumbnails/a.jpg/{size}-smart.jpg"}
        for size in SIZES
    ]
    assert found["text"] == {"state": "none"}


def test_an_overwritten_image_is_pending_again(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    upload(app, data=picture(colour=(0, 0, 200)))
    found = image_states.of_image(app.services, "a.jpg")
    assert found["state"] == found["analysis"]["state"] == "pending"
    assert found["analysis"]["caption"] is None
    assert [each["state"] for each in found["thumbnails"]] == ["pending", "pending"]


def test_a_changed_setting_makes_the_image_pending_again(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    other = parts(VISION_FEATURES="Faces").services.settings
    changed = app.services._replace(settings=other)
    assert image_states.of_image(changed, "a.jpg")["analysis"]["state"] == "pending"


def test_what_waiting_can_help_is_deferred_and_says_why(app: Parts) -> None:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.", request_id="id-1")
    steps.process(app.services, "a.jpg", None)
    app.clock.advance(60)
    steps.process(app.services, "a.jpg", None)
    found = image_states.of_image(app.services, "a.jpg")
    assert found["state"] == found["analysis"]["state"] == "deferred"
    problem = found["analysis"]["problem"]
    assert (problem["code"], problem["message"], problem["attempts"]) == ("vision_throttled", "Slow down.", 2)
    assert problem["action"].startswith("Nothing: it is tried again by itself.")
    assert problem["first"] < problem["last"]
    assert {each["state"] for each in found["thumbnails"]} == {"deferred"}


def test_one_failed_step_makes_the_image_failed(app: Parts) -> None:
    upload(app)
    app.vision.failures = [VisionRefusedError("No such model.")]
    steps.process(app.services, "a.jpg", None)
    found = image_states.of_image(app.services, "a.jpg")
    assert (found["state"], found["analysis"]["state"]) == ("failed", "failed")
    assert found["analysis"]["problem"]["message"] == "No such model."
    assert {each["state"] for each in found["thumbnails"]} == {"done"}


def test_what_failed_needs_more_attention_than_what_is_deferred() -> None:
    app = parts(THUMBNAIL_MODE="area")
    upload(app)
    app.vision.failures = [ThrottledError("Slow down."), VisionRefusedError("No."), VisionRefusedError("No.")]
    steps.process(app.services, "a.jpg", None, from_backlog=True)
    found = image_states.of_image(app.services, "a.jpg")
    assert found["analysis"]["state"] == "deferred"
    assert {each["state"] for each in found["thumbnails"]} == {"failed"}
    assert found["state"] == "failed"


def test_one_missing_thumbnail_tells_itself_apart(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    app.images.delete(names.THUMBNAILS, "a.jpg/1024x768-smart.jpg")
    found = image_states.of_image(app.services, "a.jpg")
    assert [each["state"] for each in found["thumbnails"]] == ["done", "pending"]
    assert found["state"] == "pending"


def test_what_is_no_image_failed_and_misses_no_thumbnails(app: Parts) -> None:
    upload(app, "notes.jpg", b"dear diary")
    steps.process(app.services, "notes.jpg", None)
    found = image_states.of_image(app.services, "notes.jpg")
    assert found["state"] == "failed"
    assert found["analysis"]["problem"]["code"] == "not_an_image"
    assert found["thumbnails"] == []


def test_without_thumbnail_sizes_the_analysis_is_all(app: Parts) -> None:
    none = app.services._replace(settings=parts(THUMBNAIL_SIZES=",").services.settings)
    upload(app)
    steps.process(none, "a.jpg", None)
    assert image_states.of_image(none, "a.jpg")["state"] == "complete"


@pytest.mark.parametrize("name", ["missing.jpg", "a.jp"])
def test_no_such_image_is_not_found(app: Parts, name: str) -> None:
    upload(app)
    with pytest.raises(NotFoundError) as caught:
        image_states.of_image(app.services, name)
    assert repr(name) in caught.value.message


def test_a_name_that_leads_elsewhere_is_refused(app: Parts) -> None:
    with pytest.raises(BadRequestError):
        image_states.of_image(app.services, "../analysis/a.jpg.json")


def test_pages_follow_each_other_in_the_order_of_the_names(app: Parts) -> None:
    for number in range(5):
        upload(app, f"{number}.jpg")
    steps.process(app.services, "3.jpg", None)
    seen: list[tuple[str, str]] = []
    continuation = None
    for _ in range(3):
        page = image_states.page(app.services, limit=2, continuation=continuation)
        seen += [(image["name"], image["state"]) for image in page["images"]]
        continuation = page["continuation"]
    assert continuation is None
    assert [name for name, _ in seen] == [f"{number}.jpg" for number in range(5)]
    assert [name for name, state in seen if state == "complete"] == ["3.jpg"]
    assert json.loads(json.dumps(page)) == page


def test_a_page_may_be_limited_to_a_prefix(app: Parts) -> None:
    for name in ("2025/a.jpg", "2026/a.jpg"):
        upload(app, name)
    assert [image["name"] for image in image_states.page(app.services, limit=9, prefix="2026/")["images"]] == [
        "2026/a.jpg"
    ]


def test_no_images_are_an_empty_page(app: Parts) -> None:
    assert image_states.page(app.services, limit=1) == {"images": [], "continuation": None}


@pytest.mark.parametrize("limit", [0, 201])
def test_a_limit_out_of_range_is_refused(app: Parts, limit: int) -> None:
    with pytest.raises(BadRequestError, match="1 to 200"):
        image_states.page(app.services, limit=limit)


# Why a step is pending.

SMALL, LARGE = SIZES


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"VISION_FEATURES": "Faces"}, {"analysis": "settings_changed", "text": "waits_for_analysis"}),
        ({"THUMBNAIL_SIZES": "64x64"}, {"64x64": "settings_changed"}),
        ({"THUMBNAIL_SIZES": "200x150,64x64"}, {"64x64": "settings_changed"}),
        ({"THUMBNAIL_SMART": "false"}, {SMALL: "settings_changed", LARGE: "settings_changed"}),
        ({"TEXT_MODE": "always"}, {"text": "settings_changed"}),
        ({"TEXT_READING_ORDER": "basic"}, {}),
    ],
)
def test_what_a_change_of_settings_leaves_is_said_to_be_that(
    app: Parts, settings: dict[str, str], expected: dict[str, str]
) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    assert reasons(with_settings(app, **settings)) == expected


def test_a_size_that_was_added_is_told_from_one_that_is_being_made(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    more = with_settings(app, THUMBNAIL_SIZES="200x150,1024x768,64x64")
    # Perhaps the call for the third is under way.
    assert reasons(more) == {"64x64": "not_made"}
    app.clock.advance(60)
    assert reasons(more) == {"64x64": "settings_changed"}


def test_while_the_app_works_on_an_image_no_change_of_settings_is_claimed(app: Parts) -> None:
    upload(app)
    seen: list[dict[str, str | None]] = []
    app.vision.at_call = lambda question, image: seen.append(reasons(app.services))
    steps.process(app.services, "a.jpg", None)
    first, second = seen
    assert first == {"analysis": "not_made", SMALL: "not_made", LARGE: "not_made", "text": "waits_for_analysis"}
    assert second == {SMALL: "not_made", LARGE: "not_made"}


def test_thumbnails_that_callers_ask_for_are_no_change_of_settings() -> None:
    app = parts(THUMBNAIL_MODE="vision")
    upload(app)
    seen: list[dict[str, str | None]] = []

    def ask_for_more(*given: Any) -> None:
        app.vision.at_call = None
        for width, height in ((64, 64), (1024, 768)):
            on_demand.thumbnail(app.services, ImageBlob("a.jpg"), Thumbnail(width, height, "vision"))
        app.clock.advance(100)
        seen.append(reasons(app.services))

    app.vision.at_call = lambda *given: setattr(app.vision, "at_call", ask_for_more)
    steps.process(app.services, "a.jpg", None)
    assert seen == [{SMALL: "not_made"}]


def test_a_note_that_answers_other_settings_is_a_change_of_settings_too(app: Parts) -> None:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.")
    steps.process(app.services, "a.jpg", None)
    changed = with_settings(app, VISION_FEATURES="Faces", THUMBNAIL_SIZES="64x64")
    assert reasons(changed) == {
        "analysis": "settings_changed",
        "64x64": "settings_changed",
        "text": "waits_for_analysis",
    }


def test_a_reason_costs_a_look_only_where_a_step_is_pending_that_was_begun(app: Parts) -> None:
    counted: Counter[str] = Counter()

    def operations(services: App) -> Counter[str]:
        counted.clear()
        app.images.before = lambda operation, container, name: counted.update([f"{operation} {container}"])
        image_states.of_image(services, "a.jpg")
        app.images.before = None
        return Counter(counted)

    upload(app)
    fresh = operations(app.services)
    assert fresh["page thumbnails"] == 0
    steps.process(app.services, "a.jpg", None)
    looks = {"head images": 1, "read analysis": 1, "head thumbnails": 2, "read corrections": 1}
    assert operations(app.services) == looks
    assert operations(with_settings(app, THUMBNAIL_SIZES="64x64"))["page thumbnails"] == 1


def test_records_of_other_bytes_are_no_change_of_settings(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    upload(app, data=picture(colour=(0, 0, 200)))
    expected = {"analysis": "not_made", SMALL: "not_made", LARGE: "not_made", "text": "waits_for_analysis"}
    assert reasons(with_settings(app, VISION_FEATURES="Faces")) == expected


def test_thumbnails_of_images_further_down_are_no_image_s_own(app: Parts) -> None:
    upload(app, "a")
    upload(app, "a/b.jpg")
    for name in ("a", "a/b.jpg"):
        steps.process(app.services, name, None)
    app.images.delete(names.THUMBNAILS, "a/200x150-smart.jpg")
    app.images.delete(names.THUMBNAILS, "a/1024x768-smart.jpg")
    app.clock.advance(60)
    assert reasons(app.services, "a") == {SMALL: "not_made", LARGE: "not_made"}


def test_while_the_analysis_is_deferred_the_text_waits_for_it(app: Parts) -> None:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.")
    steps.process(app.services, "a.jpg", None)
    assert reasons(app.services) == {"text": "waits_for_analysis"}
    # Then it is read whatever the analysis says.
    assert reasons(with_settings(app, TEXT_MODE="always")) == {"text": "not_made"}


def test_a_document_whose_text_is_pending_has_nothing_else_to_wait_for(app: Parts) -> None:
    upload(app, data=picture("PDF"))
    read(app)
    changed = with_settings(app, TEXT_READING_ORDER="basic")
    assert reasons(changed) == {"text": "settings_changed"}
    found = image_states.of_image(changed, "a.jpg")
    assert (found["state"], found["analysis"]["state"], found["thumbnails"]) == ("pending", "none", [])


@pytest.mark.parametrize("code", ["settings_changed", "not_made"])
def test_a_reason_says_what_to_do(code: Any) -> None:
    assert 'POST /api/unfinished/retry with {"pending": true}' in pending_reasons.reason(code)["message"]


# Images in one state.


@pytest.fixture
def mixed(app: Parts) -> dict[str, str]:
    """Images in all states, by name."""
    for number in range(30):
        name = f"{number:02}.jpg"
        upload(app, name, picture(colour=(8 * number, 240 - 8 * number, 90)))
        if number % 3 == 0:
            steps.process(app.services, name, None)
        if number % 10 == 2:
            app.vision.failing = VisionRefusedError("No.") if number < 20 else ThrottledError("Slow down.")
            steps.process(app.services, name, None, from_backlog=True)
            app.vision.failing = None
    return {image["name"]: image["state"] for page in all_pages(app.services, 7) for image in page}


@pytest.mark.parametrize("limit", [1, 2, 7, 200])
@pytest.mark.parametrize("state", image_states.STATES)
def test_pages_of_one_state_together_are_all_images_in_that_state(
    app: Parts, mixed: dict[str, str], state: str, limit: int
) -> None:
    assert set(mixed.values()) == set(image_states.STATES)
    pages = list(all_pages(app.services, limit, state=state))
    assert max(map(len, pages)) <= limit
    found = [image for page in pages for image in page]
    assert [image["name"] for image in found] == [name for name, its in mixed.items() if its == state]
    assert {image["state"] for image in found} == {state}


def test_an_unknown_state_is_refused_with_those_that_there_are(app: Parts) -> None:
    with pytest.raises(BadRequestError, match="state='done' is none of complete, pending, deferred, failed") as caught:
        image_states.page(app.services, limit=5, state="done")
    assert caught.value.code == "bad_parameter"


MANY = 10_000


@pytest.fixture(scope="module")
def many() -> Parts:
    """An app with many images; every third has all records, the others none."""
    app = parts()
    for number in range(MANY):
        name = f"{number:05}.jpg"
        etag = upload(app, name, b"tiny")
        if number % 3 == 0:
            give_records(app.services, name, etag)
    return app


def give_records(services: App, name: str, etag: str) -> None:
    """Write what processing would, without asking anybody."""
    seen = {"tags": [{"name": "sky", "confidence": 0.9}]}
    analysis = json.dumps({"source": {"contentType": "image/jpeg"}, "result": seen, "text": "none"}).encode()
    for step in by_step.STEPS:
        for spec in by_step.specs(services.settings, step, name):
            services.images.write(
                spec.container,
                spec.name,
                analysis if step == by_step.ANALYSIS else b"thumbnail",
                content_type=spec.content_type,
                metadata={names.SOURCE_ETAG: etag, names.REQUEST: spec.question.key},
            )


def all_pages(services: App, limit: int, prefix: str = "", state: str | None = None) -> Iterator[list[dict[str, Any]]]:
    continuation = None
    while True:
        page = image_states.page(services, limit=limit, prefix=prefix, continuation=continuation, state=state)
        yield page["images"]
        continuation = page["continuation"]
        if continuation is None:
            return


def test_ten_thousand_images_are_each_on_one_page_with_their_state(many: Parts) -> None:
    found = [(image["name"], image["state"]) for page in all_pages(many.services, 200) for image in page]
    assert found == [(f"{number:05}.jpg", "pending" if number % 3 else "complete") for number in range(MANY)]


def test_a_page_asks_for_its_own_images_only_and_for_many_records_at_once(many: Parts) -> None:
    limit = 200
    first = image_states.page(many.services, limit=limit)
    own = {f"{number:05}.jpg" for number in range(limit, 2 * limit)}
    asked: list[tuple[str, str, str]] = []
    lock = threading.Lock()

    def note(operation: str, container: str, name: str) -> None:
        with lock:
            asked.append((operation, container, name))

    many.images.before = note
    try:
        page = image_states.page(many.services, limit=limit, continuation=first["continuation"])
    finally:
        many.images.before = None
    assert {image["name"] for image in page["images"]} == own
    singles = [
        name.rpartition("/")[2] for operation, container, name in asked if container in ("analysis", "unfinished")
    ]
    assert {name.removesuffix(".json") for name in singles} == own
    done = sum(image["state"] == "complete" for image in page["images"])
    counted = Counter((operation, container) for operation, container, _ in asked)
    assert counted["read", "analysis"] == limit
    assert counted["head", "unfinished"] == 3 * (limit - done)
    assert counted["head", "text"] == limit - done
    assert counted["page", "images"] == 1
    # By themselves they would be two HEADs for each image.
    assert counted["page", "thumbnails"] + counted["head", "thumbnails"] < 2 * limit / 5
    listed = [prefix for operation, container, prefix in asked if (operation, container) == ("page", "thumbnails")]
    assert all(any(name.startswith(prefix) for name in own) and len(prefix) >= 3 for prefix in listed)


@pytest.mark.parametrize(("limit", "most"), [(200, 400), (50, 400), (1, 16)])
def test_a_request_for_a_rare_state_looks_at_a_bounded_number_of_images(many: Parts, limit: int, most: int) -> None:
    asked: list[tuple[str, str]] = []
    many.images.before = lambda operation, container, name: asked.append((operation, container))
    try:
        page = image_states.page(many.services, limit=limit, state="failed")
    finally:
        many.images.before = None
    assert page["images"] == []
    assert page["continuation"]
    counted = Counter(asked)
    assert counted["read", "analysis"] == most
    assert counted["page", "images"] <= 16


def test_going_through_pages_holds_one_page_in_memory(many: Parts) -> None:
    limit = 200
    pages = all_pages(many.services, limit)
    for _ in range(3):
        next(pages)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(3):
            next(pages)
        three_pages_bytes = tracemalloc.get_traced_memory()[1]
        # Four times as many: if any were kept, they would be seen. Traced, a page takes a quarter of a second.
        count = sum(len(page) for page in itertools.islice(pages, 12))
        more_pages_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 12 * limit
    # Which of a page's listings are held at the same moment depends on the threads.
    assert more_pages_bytes < 2 * three_pages_bytes


def test_a_listing_that_other_thumbnails_cut_off_is_completed_one_by_one(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MAX_LISTED_BLOBS", 3)
    for number in range(4):
        name = f"{number}.jpg"
        give_records(app.services, name, upload(app, name))
        app.images.write(names.THUMBNAILS, f"{name}/1x1-plain.jpg", b"another's", content_type="image/jpeg")
    app.images.delete(names.THUMBNAILS, "3.jpg/200x150-smart.jpg")
    found = image_states.page(app.services, limit=9)["images"]
    assert [image["state"] for image in found] == ["complete", "complete", "complete", "pending"]


def test_a_page_tells_the_same_as_each_image_by_itself(app: Parts) -> None:
    for number in range(6):
        name = f"{'n' * 1000 if number == 5 else number}.jpg"
        etag = upload(app, name)
        if number != 1:
            give_records(app.services, name, etag if number != 2 else "of another version")
    app.images.delete(names.THUMBNAILS, "3.jpg/1024x768-smart.jpg")
    found = image_states.page(app.services, limit=9)["images"]
    assert found == [image_states.of_image(app.services, image["name"]) for image in found]
    assert [image["state"] for image in found] == ["complete", "pending", "pending", "pending", "complete", "complete"]


def test_the_pages_of_a_real_storage_hold_every_image_once(azurite: Azurite) -> None:
    services = real_services(azurite)
    expected = {f"pages/{number // 50}/{number:03} ä#%.jpg": number % 5 == 0 for number in range(300)}

    def put(name: str) -> None:
        etag = services.images.write(names.IMAGES, name, b"tiny", content_type="image/jpeg")
        if expected[name]:
            give_records(services, name, etag)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, expected))
    pages = list(all_pages(services, 70, prefix="pages/"))
    assert [len(page) for page in pages] == [70, 70, 70, 70, 20]
    found = [(image["name"], image["state"] == "complete") for page in pages for image in page]
    assert found == sorted(expected.items())


def real_services(azurite: Azurite) -> App:
    connection = azurite.connection_string
    return build(Settings.from_env({**ENVIRONMENT, "ImagesStorage": connection, "AzureWebJobsStorage": connection}))


def test_looking_changes_nothing_and_costs_nothing(app: Parts) -> None:
    upload(app)
    seen: list[str] = []
    app.images.before = lambda operation, *_: seen.append(operation)
    image_states.of_image(app.services, "a.jpg")
    image_states.page(app.services, limit=10)
    assert set(seen) <= {"head", "read", "page"}
    assert app.vision.asked == []


def test_the_records_of_a_very_long_name_are_found(app: Parts) -> None:
    name = "n" * 1000
    upload(app, name)
    steps.process(app.services, name, None)
    found = image_states.of_image(app.services, name)
    assert found["state"] == "complete"
    assert found["thumbnails"][0]["record"].startswith("thumbnails/long/")
    assert len(app.images.contents("thumbnails")) == len(SIZES)


# Text.


@pytest.fixture
def wordy() -> Parts:
    """An app whose images all have text."""
    app = parts()
    app.vision.tags = {"text": 0.9}
    return app


def deliver(app: Parts, name: str = "a.jpg") -> ReadRun | None:
    """Process an image; returns the run of its text, if there is text to read."""
    jobs = [outcome.job for outcome in steps.process(app.services, name, None) if outcome.job]
    return ReadRun(app, jobs[0]) if jobs else None


def read(app: Parts, name: str = "a.jpg") -> None:
    run = deliver(app, name)
    assert run is not None
    run.finish()


def state_of(app: Parts, name: str = "a.jpg") -> dict[str, Any]:
    return image_states.of_image(app.services, name)


def test_text_that_is_being_read_is_pending(wordy: Parts) -> None:
    upload(wordy)
    deliver(wordy)
    found = state_of(wordy)
    assert (found["state"], found["analysis"]["state"], found["text"]) == ("pending", "done", pending("not_made"))


def test_text_that_was_read_is_named_with_its_beginning(wordy: Parts) -> None:
    upload(wordy)
    read(wordy)
    found = state_of(wordy)
    assert found["state"] == "complete"
    assert found["text"] == {
        "state": "done",
        "excerpt": "HELLO",
        "record": "text/a.jpg.json",
        "plain": "text/a.jpg.txt",
    }


@pytest.mark.parametrize("missing", ["a.jpg.txt", "a.jpg.json"])
def test_a_text_of_which_one_record_is_gone_is_pending(wordy: Parts, missing: str) -> None:
    upload(wordy)
    read(wordy)
    wordy.images.delete(names.TEXT, missing)
    assert state_of(wordy)["text"] == pending("not_made")


def test_text_that_waits_says_for_what_and_until_when(wordy: Parts) -> None:
    upload(wordy)
    run = deliver(wordy)
    assert run is not None
    wordy.vision.failures = [VisionUnauthorizedError("wrong key (401)")]
    run.step()
    found = state_of(wordy)
    assert (found["state"], found["text"]["state"]) == ("deferred", "deferred")
    assert found["text"]["problem"]["code"] == "vision_unauthorized"
    assert found["text"]["problem"]["until"] == "2026-01-01T00:05:00+00:00"
    run.finish()
    assert state_of(wordy)["state"] == "complete"


def test_text_that_failed_says_why(wordy: Parts) -> None:
    wordy.vision.reads = [["failed"]]
    upload(wordy)
    read(wordy)
    found = state_of(wordy)
    assert (found["state"], found["text"]["state"]) == ("failed", "failed")
    assert found["text"]["problem"]["code"] == "read_failed"
    assert found["text"]["problem"]["action"]
    assert found["analysis"]["state"] == "done"


@pytest.mark.parametrize("data", [picture("PDF"), TWO_PAGES], ids=["PDF", "TIFF of two pages"])
def test_of_a_document_nothing_but_the_text_applies(app: Parts, data: bytes) -> None:
    upload(app, data=data)
    read(app)
    found = state_of(app)
    assert found["state"] == "complete"
    assert found["analysis"]["state"] == "none"
    assert found["thumbnails"] == []
    assert found["text"]["state"] == "done"


def test_a_document_that_failed_or_waits_has_nothing_else_to_wait_for(app: Parts) -> None:
    app.vision.reads = [["failed"]]
    upload(app, data=picture("PDF"))
    read(app)
    failed = state_of(app)
    assert (failed["state"], failed["analysis"]["state"], failed["thumbnails"]) == ("failed", "none", [])
    upload(app, data=TWO_PAGES)
    run = deliver(app)
    assert run is not None
    app.vision.failures = [VisionUnauthorizedError("wrong key (401)")]
    run.step()
    waiting = state_of(app)
    assert (waiting["state"], waiting["analysis"]["state"], waiting["thumbnails"]) == ("deferred", "none", [])


def test_a_photograph_overwritten_by_a_document_and_back_is_always_told_as_what_it_is_now(wordy: Parts) -> None:
    for data, others in ((RED, "done"), (picture("PDF"), "none"), (RED, "done")):
        upload(wordy, data=data)
        assert state_of(wordy)["state"] == "pending"
        read(wordy)
        found = state_of(wordy)
        assert (found["state"], found["analysis"]["state"]) == ("complete", others)
        assert len(found["thumbnails"]) == (2 if others == "done" else 0)
        assert found["text"]["state"] == "done"


def test_a_change_of_the_text_mode_changes_what_is_missing(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    assert state_of(app)["state"] == "complete"
    always = with_settings(app, TEXT_MODE="always")
    assert image_states.of_image(always, "a.jpg")["text"] == pending("settings_changed")
    never = with_settings(app, TEXT_MODE="never")
    assert image_states.of_image(never, "a.jpg")["text"] == {"state": "none"}


def test_text_read_with_other_settings_is_pending(wordy: Parts) -> None:
    upload(wordy)
    read(wordy)
    other = with_settings(wordy, TEXT_READING_ORDER="basic")
    assert image_states.of_image(other, "a.jpg")["text"] == pending("settings_changed")


def test_an_image_that_analysis_refused_and_somebody_had_read_all_the_same_has_its_text() -> None:
    """Over HTTP, which reads documents of 500 MB by their names."""
    app = parts(MAX_UPLOAD_MEGABYTES="1")
    large = RED.ljust(2 * 1024 * 1024, b"\0")
    upload(app, data=large)
    steps.process(app.services, "a.jpg", None)
    assert state_of(app)["text"] == {"state": "none"}
    ReadRun(app, job_of(app, large)).finish()
    steps.process(app.services, "a.jpg", None)
    found = state_of(app)
    assert found["text"]["state"] == "done"
    assert (found["state"], found["analysis"]["problem"]["code"]) == ("failed", "image_too_large")


def test_a_page_tells_of_texts_what_each_image_tells(wordy: Parts) -> None:
    for name, data in (("a.jpg", RED), ("b.pdf", picture("PDF")), ("c.jpg", picture())):
        upload(wordy, name, data)
    for name in ("a.jpg", "b.pdf"):
        read(wordy, name)
    page = image_states.page(wordy.services, limit=10)
    assert page["images"] == [state_of(wordy, name) for name in ("a.jpg", "b.pdf", "c.jpg")]
    assert [image["text"]["state"] for image in page["images"]] == ["done", "done", "pending"]
