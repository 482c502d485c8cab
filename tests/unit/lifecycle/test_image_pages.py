"""Which images have neither records nor a reason, and what becomes of them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles import whole_life
from doubles.documents import text_pdf
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names
from shared.errors import ImageArchivedError, StorageError, VisionUnavailableError
from shared.lifecycle import first_start, image_pages, plans, reconcile_page
from shared.lifecycle.reconcile_loop import begin, work_of
from shared.records import analysis

RED, BLUE, GREEN = (picture(colour=colour) for colour in ((200, 0, 0), (0, 0, 200), (0, 200, 0)))
LETTER = text_pdf("Dear reader,")
Counts = dict[str, int]


def begun(**settings: str) -> TaskHub:
    """An app that has started a minute ago."""
    hub = TaskHub(parts(**{"THUMBNAIL_SIZES": "100x50", **settings}))
    first_start.note(hub.app.services)
    hub.app.clock.advance(60)
    return hub


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    hub = begun()
    with hub.running():
        yield hub


def put(app: Parts, name: str, data: bytes = RED) -> str:
    """An image whose event is lost."""
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def counts(hub: TaskHub) -> Counts:
    """What a comparison on a caller's wish finds, without what is 0."""
    ended = hub.reconcile()
    assert ended["state"] == "ended", ended
    return {name: count for name, count in ended["counts"].items() if count}


def later(hub: TaskHub, **settings: str) -> TaskHub:
    """The app after a restart with other settings."""
    return TaskHub(restarted(hub.app, **{"THUMBNAIL_SIZES": "100x50", **settings}))


def everything(app: Parts) -> dict[str, Any]:
    """Each blob with its ETag, but for the comparison's own books, which the marks are too."""
    places = ((app.images, (names.IMAGES, names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)),)
    places += ((app.host, (names.CACHE, names.FORGETTING, names.QUOTA)),)  # type: ignore[assignment]
    return {
        f"{container}/{info.name}": info.etag
        for blobs, containers in places
        for container in containers
        for info in blobs.page(container, limit=5000).items
    }


def test_an_image_whose_event_was_lost_is_started_and_paid_once(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    assert counts(hub) == {"images": 1, "without_result": 1, "started": 1}
    hub.pass_time(60)
    assert whole_life.states(hub.app) == {"complete": 1}
    asked = len(hub.app.vision.asked)
    assert counts(hub) == {"images": 1}
    assert len(hub.app.vision.asked) == asked


def test_its_event_that_comes_late_finds_the_claim(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    counts(hub)
    hub.pass_time(60)
    asked = len(hub.app.vision.asked)
    hub.deliver("lost.jpg")
    assert len(hub.app.vision.asked) == asked
    whole_life.check(hub.app)


def test_each_kind_of_image_that_is_well_is_well(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    hub.upload("copy.jpg", RED)
    hub.upload("letter.pdf", LETTER)
    hub.upload("by-sha256/odd.jpg", BLUE)
    hub.upload(f"{'n' * 950}.jpg", GREEN)
    hub.app.vision.tags = {"text": 0.9}
    hub.upload("sign.jpg", picture(colour=(1, 2, 3)))
    hub.pass_time(60)
    assert counts(hub) == {"images": 6}
    whole_life.check(hub.app)


@pytest.mark.parametrize(
    "place",
    [
        (names.ANALYSIS, "sign.jpg.json"),
        (names.THUMBNAILS, "sign.jpg/100x50-smart.jpg"),
        (names.TEXT, ("sign.jpg.txt", "sign.jpg.json")),
    ],
)
def test_an_image_of_which_one_step_is_lost_is_started_and_nothing_is_paid_again(
    hub: TaskHub, place: tuple[str, Any]
) -> None:
    hub.app.vision.tags = {"text": 0.9}
    hub.upload("sign.jpg", RED)
    hub.pass_time(60)
    asked = len(hub.app.vision.asked)
    container, lost = place
    for name in (lost,) if isinstance(lost, str) else lost:
        hub.app.images.delete(container, name)
    assert counts(hub) == {"images": 1, "without_result": 1, "started": 1}
    hub.pass_time(60)
    whole_life.check(hub.app)
    assert len(hub.app.vision.asked) == asked


def test_a_document_without_its_text_is_started(hub: TaskHub) -> None:
    put(hub.app, "letter.pdf", LETTER)
    assert counts(hub)["started"] == 1
    hub.pass_time(60)
    assert sorted(hub.app.images.contents(names.TEXT)) == ["letter.pdf.json", "letter.pdf.txt"]
    assert counts(hub) == {"images": 1}


def test_what_is_deferred_or_has_failed_has_a_reason(hub: TaskHub) -> None:
    hub.upload("no-image.jpg", b"no image at all")
    hub.app.vision.failing = VisionUnavailableError("down")
    hub.upload("deferred.jpg", RED)
    assert whole_life.states(hub.app) == {"failed": 1, "deferred": 1}
    assert counts(hub) == {"images": 2}


def test_an_image_that_is_not_acceptable_needs_no_thumbnails_and_no_text(hub: TaskHub) -> None:
    hub.upload("empty.jpg", b"")
    hub.upload("broken.jpg", RED[:40])
    assert counts(hub) == {"images": 2}


def test_folders_are_no_images(hub: TaskHub) -> None:
    for name, metadata in (("folder", {"hdi_isfolder": "true"}), ("other_$folder$", {}), ("third/", {})):
        hub.app.images.write(names.IMAGES, name, b"", content_type="image/jpeg", metadata=metadata)
    assert counts(hub) == {}
    assert not [name for name in hub.instances if name != "reconcile"]


def test_an_archived_image_is_started_and_has_a_reason_from_then_on(hub: TaskHub) -> None:
    put(hub.app, "cold.jpg")
    hub.app.images.tell(names.IMAGES, "cold.jpg", tier="Archive")
    assert counts(hub) == {"images": 1, "without_result": 1, "started": 1}
    hub.pass_time(5)
    assert whole_life.states(hub.app) == {"deferred": 1}
    note = json.loads(hub.app.images.contents(names.UNFINISHED)["analysis/cold.jpg.json"])
    assert note["code"] == ImageArchivedError.code
    assert counts(hub) == {"images": 1}
    assert hub.app.vision.asked == []


def test_an_image_that_was_archived_after_it_was_processed_is_well(hub: TaskHub) -> None:
    hub.upload("cold.jpg", RED)
    hub.app.images.tell(names.IMAGES, "cold.jpg", tier="Archive")
    assert counts(hub) == {"images": 1}


@pytest.mark.parametrize("md5", ["kept", "lost"])
def test_an_image_that_was_edited_is_well_whether_properties_or_bytes_tell_it(hub: TaskHub, md5: str) -> None:
    hub.upload("edited.jpg", RED)
    hub.pass_time(5)
    asked = len(hub.app.vision.asked)
    hub.app.images.edit(names.IMAGES, "edited.jpg", metadata={"by": "me"}, **({} if md5 == "kept" else {"md5": None}))
    assert counts(hub) == {"images": 1}
    assert len(hub.app.vision.asked) == asked
    whole_life.check(hub.app)


def test_an_image_that_was_edited_before_its_first_comparison_and_is_lost_is_started_once(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    assert counts(hub)["started"] == 1
    hub.app.images.edit(names.IMAGES, "lost.jpg", metadata={"by": "me"})
    counts(hub)
    hub.pass_time(60)
    whole_life.check(hub.app)


def test_an_image_that_was_overwritten_without_an_event_is_started(hub: TaskHub) -> None:
    hub.upload("twice.jpg", RED)
    hub.pass_time(5)
    put(hub.app, "twice.jpg", BLUE)
    assert counts(hub)["started"] == 1
    hub.pass_time(60)
    counts(hub)
    whole_life.check(hub.app)


def test_one_that_was_overwritten_since_is_started_although_the_first_of_its_name_is_older_than_the_app(
    hub: TaskHub,
) -> None:
    hub.upload("twice.jpg", RED)
    created = hub.app.clock.utc().replace(year=2020)
    put(hub.app, "twice.jpg", BLUE)
    hub.app.images.tell(names.IMAGES, "twice.jpg", created=created)  # type: ignore[arg-type]  # a moment
    assert counts(hub)["started"] == 1


CHANGES: dict[str, dict[str, str]] = {
    "other features": {"VISION_FEATURES": "Tags,Color"},
    "another language": {"VISION_LANGUAGE": "de"},
    "one size more": {"THUMBNAIL_SIZES": "100x50,64x64"},
    "another size": {"THUMBNAIL_SIZES": "64x64"},
    "another way to cut": {"THUMBNAIL_MODE": "center"},
    "all text": {"TEXT_MODE": "always"},
    "another order of lines": {"TEXT_READING_ORDER": "basic"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_only_settings_make_pending_is_not_lost(hub: TaskHub, change: str) -> None:
    hub.upload("photo.jpg", RED)
    hub.upload("letter.pdf", LETTER)
    hub.app.vision.tags = {"text": 0.9}
    hub.upload("sign.jpg", BLUE)
    hub.pass_time(60)
    asked = len(hub.app.vision.asked)
    changed = later(hub, **CHANGES[change])
    with changed.running():
        assert counts(changed) == {"images": 3}
        assert set(changed.instances) == {"reconcile"}
    assert len(hub.app.vision.asked) == asked


def test_thumbnails_that_the_settings_did_not_name_before_are_not_lost() -> None:
    hub = begun(THUMBNAIL_SIZES=",")
    with hub.running():
        hub.upload("photo.jpg", RED)
    asked = len(hub.app.vision.asked)
    changed = later(hub, THUMBNAIL_SIZES="100x50")
    with changed.running():
        assert counts(changed) == {"images": 1}
        assert set(changed.instances) == {"reconcile"}
    assert len(hub.app.vision.asked) == asked


def test_after_a_change_of_sizes_an_image_costs_no_more_than_before(hub: TaskHub) -> None:
    for number in range(100):
        hub.upload(f"{number}.jpg", picture(colour=(number, 3, 7)))
    hub.pass_time(60)
    changed = later(hub, THUMBNAIL_SIZES="64x64")
    asked: list[str] = []
    for account in (changed.app.images, changed.app.host):
        account.before = lambda operation, container, name: asked.append(operation)
    with changed.running():
        assert counts(changed) == {"images": 100}
    assert len(asked) <= 3 * 100


def test_no_thumbnails_any_more_is_no_loss(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    changed = later(hub, THUMBNAIL_SIZES=",")
    put(hub.app, "lost.jpg", BLUE)
    with changed.running():
        assert counts(changed) == {"images": 2, "without_result": 1, "started": 1}


def test_images_older_than_the_app_are_counted_and_never_paid_for() -> None:
    app = parts(THUMBNAIL_SIZES="100x50")
    for number in range(7):
        put(app, f"old-{number}.jpg", picture(colour=(number, 0, 0)))
    app.clock.advance(60)
    hub = TaskHub(app)
    with hub.running():
        assert counts(hub) == {"images": 7, "older": 7}
        hub.upload("new.jpg", RED)
        hub.pass_time(86_400)
        asked = len(app.vision.asked)
        assert counts(hub) == {"images": 8, "older": 7}
        assert len(app.vision.asked) == asked


def test_an_image_older_than_the_app_takes_no_look_of_its_own() -> None:
    app = parts(THUMBNAIL_SIZES="100x50")
    for number in range(100):
        put(app, f"old-{number}.jpg", picture(colour=(number, 0, 0)))
    app.clock.advance(60)
    hub = TaskHub(app)
    asked: list[str] = []
    with hub.running():
        hub.upload("old-5.jpg.jpg", RED)
        app.images.before = lambda operation, container, name: asked.append(operation)
        assert counts(hub) == {"images": 101, "older": 100}
    assert len(asked) < 50


def test_an_earlier_moment_takes_older_ones_and_a_later_one_leaves_lost_ones(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    for moment, found in (("2026-01-01T00:02:00Z", "older"), ("2025-12-31", "started")):
        changed = later(hub, RECONCILE_SINCE=moment)
        changed.app.clock.advance(1)
        with changed.running():
            assert counts(changed)[found] == 1


def test_the_timer_leaves_out_what_is_younger_than_an_hour_and_a_caller_takes_it(hub: TaskHub) -> None:
    put(hub.app, "young.jpg")
    hub.keep_house()
    found = hub.instances["reconcile"].output["counts"]
    assert {name for name, count in found.items() if count} == {"images", "indexed", "index_changed"}
    assert counts(hub) == {"images": 1, "without_result": 1, "started": 1}


def test_the_timer_takes_it_when_it_is_older(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    hub.app.clock.advance(3601)
    hub.keep_house()
    assert hub.instances["reconcile"].output["counts"]["started"] == 1


def test_a_report_changes_nothing_and_tells_all() -> None:
    hub = begun(RECONCILE="report")
    with hub.running():
        hub.upload("well.jpg", RED)
        hub.upload("gone.jpg", RED)
        hub.upload("edited.jpg", GREEN)
        hub.pass_time(5)
        hub.app.images.edit(names.IMAGES, "edited.jpg", md5=None)
        put(hub.app, "lost.jpg", BLUE)
        hub.app.images.delete(names.IMAGES, "gone.jpg")
        before, asked = everything(hub.app), len(hub.app.vision.asked)
        assert counts(hub) == {"images": 3, "without_result": 1, "orphans": 1}
        hub.pass_time(60)
        assert everything(hub.app) == before
        assert len(hub.app.vision.asked) == asked
        assert set(hub.instances) == {"reconcile"}


def test_with_off_a_caller_may_repair() -> None:
    hub = begun(RECONCILE="off")
    with hub.running():
        put(hub.app, "lost.jpg")
        hub.app.clock.advance(7200)
        hub.keep_house()
        hub.pass_time(60)
        assert hub.app.vision.asked == []
        assert counts(hub)["started"] == 1


@pytest.mark.parametrize("setting", ["repair", "report"])
def test_an_image_without_a_mark_is_noted_as_the_owner_of_its_bytes(setting: str) -> None:
    hub = begun(RECONCILE=setting)
    with hub.running():
        hub.upload("photo.jpg", RED)
        hub.upload("letter.pdf", LETTER)
        hub.pass_time(60)
        before = whole_life.owner_marks(hub.app)
        for name in hub.app.host.contents(names.OWNERS):
            hub.app.host.delete(names.OWNERS, name)
        counts(hub)
        assert whole_life.owner_marks(hub.app) == before
        assert names.ADOPTED in hub.app.host.contents(names.OWNERS)


def older_analysis(app: Parts, name: str) -> None:
    """Have the analysis of an image tell what a version before has told."""
    info = app.images.head(names.ANALYSIS, names.analysis(name))
    assert info
    kept = {key: value for key, value in info.metadata.items() if key != names.TEXT_DUE}
    app.images.edit(names.ANALYSIS, info.name, metadata=kept)


def test_an_analysis_that_does_not_tell_of_text_is_read_once(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    older_analysis(hub.app, "photo.jpg")
    reads: list[str] = []
    hub.app.images.before = lambda operation, container, name: reads.append(name) if operation == "read" else None
    before = hub.app.images.head(names.ANALYSIS, "photo.jpg.json")
    assert counts(hub) == counts(hub) == {"images": 1}
    assert reads == ["photo.jpg.json"]
    assert hub.app.images.head(names.ANALYSIS, "photo.jpg.json") == before


def test_text_that_an_older_analysis_makes_due_and_that_was_not_read_is_lost(hub: TaskHub) -> None:
    hub.app.vision.tags = {"text": 0.9}
    hub.upload("sign.jpg", RED)
    hub.pass_time(60)
    older_analysis(hub.app, "sign.jpg")
    for name in ("sign.jpg.txt", "sign.jpg.json"):
        hub.app.images.delete(names.TEXT, name)
    assert counts(hub)["started"] == 1
    hub.pass_time(60)
    whole_life.check(hub.app)


def test_an_analysis_that_is_none_is_no_reason_to_give_up(hub: TaskHub) -> None:
    hub.upload("photo.jpg", RED)
    info = hub.app.images.head(names.ANALYSIS, "photo.jpg.json")
    assert info
    kept = {key: value for key, value in info.metadata.items() if key != names.TEXT_DUE}
    hub.app.images.write(names.ANALYSIS, info.name, b"no JSON", content_type=names.JSON, metadata=kept)
    assert counts(hub) == {"images": 1}


@pytest.mark.parametrize("mode", ["auto", "always", "never"])
@pytest.mark.parametrize("now", ["auto", "always", "never"])
def test_an_analysis_tells_by_its_properties_what_its_content_says_of_text(mode: str, now: str) -> None:
    app = parts(TEXT_MODE=mode)
    hub = TaskHub(app)
    with hub.running():
        hub.upload("photo.jpg", RED)
        app.vision.tags = {"text": 0.9}
        hub.upload("sign.jpg", BLUE)
        hub.upload("moving.gif", picture(kind="GIF"))
    for name in ("photo.jpg", "sign.jpg", "moving.gif"):
        blob = app.images.read(names.ANALYSIS, names.analysis(name))
        assert blob
        due = analysis.text_due_of(blob.info.metadata, now)
        assert due == (json.loads(blob.data)["text"] == "due", analysis.text_due(blob.data, now))


def test_a_page_that_takes_too_long_ends_early_and_the_next_goes_on_there(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.lifecycle.pages.PART", 2)
    monkeypatch.setattr("shared.lifecycle.pages.SECONDS", 0.0)
    for number in range(5):
        put(hub.app, f"lost-{number}.jpg", picture(colour=(number, 0, 0)))
    work = begin(plans.by_request(hub.app.services))
    work["number"] = 0
    found: list[tuple[int, list[str]]] = []
    while work["continuation"] is not None or not found:
        page = image_pages.page(hub.app.services, work_of(work))
        found.append((page.counts["images"], [each.name for each in page.left]))
        work["continuation"] = page.continuation
        if page.continuation is None:
            break
    assert [count for count, _ in found] == [2, 2, 1]
    assert [name for _, names_ in found for name in names_] == [f"lost-{number}.jpg" for number in range(5)]


def test_a_host_that_does_not_answer_fails_the_page_and_nothing_is_lost(hub: TaskHub) -> None:
    put(hub.app, "lost.jpg")
    state = begin(plans.by_request(hub.app.services))
    state["number"] = 0
    hub.failing = ConnectionError("refused")
    with pytest.raises(StorageError, match="refused"):
        asyncio.run(reconcile_page.page(work_of(state), "starter"))
    hub.failing = None
    assert asyncio.run(reconcile_page.page(work_of(state), "starter"))["counts"]["started"] == 1


def test_a_comparison_again_before_its_turn_has_come_makes_no_second_try_and_no_longer_backlog(hub: TaskHub) -> None:
    for number in range(40):
        put(hub.app, f"lost-{number}.jpg", picture(colour=(number, 0, 0)))
    plan = plans.by_request(hub.app.services)
    state = begin(plan)
    state["number"] = 0
    asyncio.run(reconcile_page.page(work_of(state), "starter"))
    begun, backlog = set(hub.instances), hub.app.services.quota.backlog_seconds()
    assert len(begun) == 40
    assert backlog > 0
    assert asyncio.run(reconcile_page.page(work_of(state), "starter"))["counts"]["started"] == 40
    assert set(hub.instances) == begun
    assert hub.app.services.quota.backlog_seconds() == backlog


def test_at_most_a_hundred_names_of_a_page_are_logged(hub: TaskHub, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(130):
        put(hub.app, f"lost-{number}.jpg", picture(colour=(number, 0, 0)))
    with caplog.at_level("INFO"):
        hub.reconcile()
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if line.startswith("image.without_result blob=lost-")]) == 100
    ended = next(line for line in lines if line.startswith("reconciliation.ended "))
    assert "without_result=130 started=130 older=0" in ended
