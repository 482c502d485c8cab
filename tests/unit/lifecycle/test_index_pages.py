"""
The index is made from the records at the first start, at night and by request, and heals all that was lost.

`tests/fixtures/records/before_index.json` is what the version before an index (1f6d07f5) has left in both accounts, its
settings, its time, the state of each image as it told it, and the orchestrations that slept. It ran with its own
doubles. It was given photographs, a copy that was edited, a sign with text, a PDF, a TIFF of two pages, long and odd
names, a file that is no picture, an image that was overwritten, a refused one, a deferred one, one without an event,
and two that were deleted: the records of `late.jpg` are still there.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from doubles import index_checks
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.stored_before import restore
from doubles.task_hub import KilledError, TaskHub

from shared import names
from shared.api import image_states
from shared.errors import StorageError
from shared.index import derive, places, reader, states
from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, THUMBNAIL, UNFINISHED, Line
from shared.lifecycle import index_pages, pages, rebuild
from shared.lifecycle.reconcile_loop import INDEX_ID
from shared.uploads import steps

BEFORE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "records" / "before_index.json").read_text()
)
STATES: dict[str, str] = BEFORE["states"]
LONG = f"{'l' * 950}.jpg"
DAY = 86_400.0


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    app = parts(THUMBNAIL_SIZES="100x50")
    app.vision.tags = {"text": 0.9}
    hub = TaskHub(app)
    with hub.running():
        yield hub


@contextmanager
def upgraded(**settings: str) -> Iterator[TaskHub]:
    """The accounts as an earlier version has left them, which knew no index."""
    app = parts(**{**BEFORE["settings"], **settings})
    app.clock.advance(BEFORE["now_seconds"] + 60)
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    hub = TaskHub(app)
    with hub.running():
        yield hub


def begin_due(hub: TaskHub) -> bool:
    return asyncio.run(rebuild.begin_due(hub.app.services, hub))  # type: ignore[arg-type]  # a durable client


def begin(hub: TaskHub) -> bool:
    return asyncio.run(rebuild.begin(hub.app.services, hub))  # type: ignore[arg-type]


def state(hub: TaskHub) -> Any:
    return asyncio.run(rebuild.state(hub.app.services, hub))  # type: ignore[arg-type]


def run(hub: TaskHub) -> Any:
    """What the timer begins, to its end; its counts."""
    assert begin_due(hub)
    return hub.finish(INDEX_ID)


def fill(hub: TaskHub, *, count: int = 6) -> None:
    for number in range(count):
        hub.upload(f"{number}/photo.jpg", picture(colour=(20 * number, 90, 0)))
    hub.upload(LONG, picture(colour=(0, 0, 90)))
    hub.upload("über/Straße.jpg", picture(colour=(0, 90, 90)))
    hub.upload("letter.pdf", picture("PDF"))
    hub.upload("notes.txt", b"no picture at all")
    hub.pass_time(120)


def test_records_of_the_version_before_are_in_the_index_after_the_first_start_for_nothing() -> None:
    with upgraded() as hub:
        ended = run(hub)
        assert (ended["state"], ended["counts"]["indexed"]) == ("ended", len(STATES))
        known = index_checks.entries(hub.app)
        assert known.keys() == STATES.keys()
        settings = hub.app.services.settings
        assert {name: states.state_of(entry, settings) for name, entry in known.items()} == STATES
        assert known["photo.jpg"].part(ANALYSIS)["caption"]
        assert known["letter.pdf"].part(PLAIN)["words"] == "HELLO"
        kinds = {name: known[name].part(IMAGE)["kind"] for name in ("photo.jpg", "sign.png", "scan.tif")}
        assert kinds == {"photo.jpg": "jpeg", "sign.png": "png", "scan.tif": "tiff"}
        found = hub.app.services.search.find("strasse").found
        assert [hit.entry.name for hit in found.hits] == ["über weg/Straße.jpg"]
        assert hub.app.vision.asked == []
        assert not begin_due(hub)
        index_checks.check(hub.app)


def test_thumbnails_that_an_earlier_version_made_have_their_look_in_the_index() -> None:
    with upgraded() as hub:
        run(hub)
        parts = index_checks.entries(hub.app)["photo.jpg"].parts
        looks = [part.get("look") for name, part in parts.items() if name.startswith(THUMBNAIL) and part]
        assert len([look for look in looks if look]) == 1
        assert len(looks) > 1


def test_the_first_run_begins_once_and_tells_how_far_it_is(hub: TaskHub) -> None:
    fill(hub)
    index_checks.lose(hub.app)
    assert state(hub)["state"] == "never"
    assert begin_due(hub)
    assert not begin_due(hub)
    assert not begin(hub)
    told = state(hub)
    assert (told["state"], told["began"]) == ("running", hub.app.clock.utc().isoformat())
    hub.finish(INDEX_ID)
    told = state(hub)
    assert (told["state"], told["images"], told["changed"], told["problem"]) == ("ended", 10, 10, None)
    assert told["ended"] >= told["began"]


def test_a_second_run_writes_nothing(hub: TaskHub) -> None:
    fill(hub)
    run(hub)
    hub.app.host.delete(names.INDEX, places.BUILT)
    before = reader.snapshot(hub.app.host)
    counts = run(hub)["counts"]
    assert (counts["indexed"], counts["index_changed"], counts["index_gone"]) == (10, 0, 0)
    assert reader.snapshot(hub.app.host) == before


def test_a_run_that_is_given_up_is_begun_again(hub: TaskHub) -> None:
    fill(hub, count=1)
    index_checks.lose(hub.app)

    def before(operation: str, container: str, name: str) -> None:
        if container == names.INDEX and operation != "head":
            raise StorageError("Nothing comes.")

    assert begin_due(hub)
    hub.app.host.before = before
    assert hub.finish(INDEX_ID)["state"] == "failed"
    hub.app.host.before = None
    told = state(hub)
    assert (told["state"], told["problem"]) == ("failed", "Nothing comes.")
    run(hub)
    assert state(hub)["state"] == "ended"
    index_checks.check(hub.app)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_of_any_size_make_the_same_index(hub: TaskHub, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(index_pages, "_IMAGES", size)
    fill(hub)
    index_checks.lose(hub.app)
    assert run(hub)["counts"]["indexed"] == 10
    index_checks.check(hub.app)


def test_a_page_that_takes_too_long_ends_early_and_the_next_goes_on(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PART", 2)
    fill(hub)
    index_checks.lose(hub.app)
    hub.app.images.before = lambda *given: hub.app.clock.advance(pages.SECONDS / 5)
    counts = run(hub)["counts"]
    hub.app.images.before = None
    assert counts["indexed"] == 10
    index_checks.check(hub.app)


def test_with_directories_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pages, "_IMAGES", 4)
    app = parts(THUMBNAIL_SIZES="100x50")
    app.images.has_directories = True
    hub = TaskHub(app)
    with hub.running():
        fill(hub)
        index_checks.lose(app)
        run(hub)
        assert index_checks.entries(app).keys() == {
            name for name, info in index_checks.images(app).items() if "hdi_isfolder" not in info.metadata
        }


@pytest.mark.parametrize("moment", range(0, 150, 3))
def test_a_run_that_is_killed_at_any_moment_heals(hub: TaskHub, moment: int) -> None:
    """The durable functions begin the page again, and what was written counts once."""
    fill(hub, count=2)
    index_checks.lose(hub.app)
    left = moment

    def before(operation: str, container: str, name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            hub.app.images.before = hub.app.host.before = None
            raise KilledError

    assert begin_due(hub)
    hub.app.images.before = hub.app.host.before = before
    assert hub.finish(INDEX_ID)["state"] == "ended"
    hub.app.images.before = hub.app.host.before = None
    index_checks.check(hub.app)
    assert hub.app.vision.asked == list(dict.fromkeys(hub.app.vision.asked))


def test_entries_whose_image_is_gone_go_also_those_of_long_names(hub: TaskHub) -> None:
    fill(hub)
    run(hub)
    for name in ("0/photo.jpg", LONG, "über/Straße.jpg"):
        hub.app.images.delete(names.IMAGES, name)
    hub.pass_time(2)
    hub.app.host.delete(names.INDEX, places.BUILT)
    counts = run(hub)["counts"]
    assert counts["index_gone"] == 3
    index_checks.check(hub.app)


@pytest.mark.parametrize("settings", [{}, {"RECONCILE": "off"}, {"RECONCILE": "report"}], ids=str)
def test_every_night_the_index_is_made_true(settings: dict[str, str]) -> None:
    app = parts(THUMBNAIL_SIZES="100x50", **settings)
    hub = TaskHub(app)
    with hub.running():
        fill(hub)
        for _ in range(2):  # where the comparison is off, the first one adopts
            hub.app.clock.advance(DAY)
            hub.keep_house()
            hub.pass_time(5)
        index_checks.lose(app)
        hub.app.clock.advance(DAY)
        hub.keep_house()
        hub.pass_time(5)
        index_checks.check(app)


def test_a_run_of_the_index_alone_is_no_comparison(hub: TaskHub) -> None:
    fill(hub)
    hub.keep_house()
    hub.pass_time(60)
    last = hub.app.host.contents(names.RECONCILIATION)
    hub.app.host.delete(names.INDEX, places.BUILT)
    run(hub)
    assert hub.app.host.contents(names.RECONCILIATION) == last


def test_a_caller_s_run_derives_what_no_etag_tells(hub: TaskHub) -> None:
    fill(hub)
    run(hub)
    entry = index_checks.entries(hub.app)["0/photo.jpg"]
    wrong = {**entry.part(ANALYSIS), "caption": "a line of another program"}
    line: Line = {"stem": entry.stem, "at": max(entry.at.values()), "parts": {ANALYSIS: wrong}}
    hub.app.services.index_writer.note(line)
    hub.app.services.index_writer.flush()
    hub.pass_time(2)
    hub.app.host.delete(names.INDEX, places.BUILT)
    assert run(hub)["counts"]["index_changed"] == 0
    assert begin(hub)
    assert hub.finish(INDEX_ID)["counts"]["index_changed"] == 10
    index_checks.check(hub.app)


def test_a_record_that_is_written_meanwhile_counts(hub: TaskHub) -> None:
    """The run has seen the records before; what it tells of them is older than the line of the new one."""
    fill(hub, count=1)
    index_checks.lose(hub.app)
    before = image_states.of_image(hub.app.services, "0/photo.jpg")["analysis"]["caption"]

    def overwrite(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("read", names.ANALYSIS):
            hub.app.images.before = None
            hub.app.clock.advance(1)
            hub.upload("0/photo.jpg", picture(colour=(1, 2, 3)))

    assert begin_due(hub)
    hub.app.images.before = overwrite
    hub.finish(INDEX_ID)
    hub.pass_time(60)
    assert index_checks.entries(hub.app)["0/photo.jpg"].part(ANALYSIS)["caption"] != before
    index_checks.check(hub.app)


def test_a_new_process_goes_on_with_the_index_that_is_there(hub: TaskHub) -> None:
    fill(hub)
    run(hub)
    app: Parts = restarted(hub.app, THUMBNAIL_SIZES="100x50")
    later = TaskHub(app)
    with later.running():
        assert not begin_due(later)
        index_checks.check(app)


def test_a_night_costs_a_few_listings_and_the_first_run_a_read_of_what_each_record_tells(hub: TaskHub) -> None:
    hub.app.vision.tags = {}
    for number in range(60):
        hub.upload(f"{number:02}.jpg", picture(colour=(4 * number, 90, 0)))
    index_checks.lose(hub.app)
    asked: list[str] = []
    hub.app.images.before = lambda operation, container, name: asked.append(f"{operation} {container}")
    run(hub)
    # The analyses; what a thumbnail tells is in its metadata.
    assert sorted(set(asked) - {"page images"}) == [
        *("page analysis", "page corrections", "page text", "page thumbnails", "page unfinished", "read analysis"),
    ]
    assert asked.count("read analysis") == 60
    asked.clear()
    hub.app.host.delete(names.INDEX, places.BUILT)
    run(hub)
    assert {each.partition(" ")[0] for each in asked} == {"page"}
    assert len(asked) < 15


def told_on_its_way(hub: TaskHub, at: float) -> None:
    """The line of a correction that was being written at that moment, and that no listing has shown."""
    writer = hub.app.services.index_writer
    writer.note({"stem": "0/photo.jpg", "at": at, "parts": {CORRECTION: {"e": "abcde", "caption": "mine"}}})
    writer.flush()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_record_that_is_on_its_way_while_records_are_listed_is_not_told_to_be_gone(
    hub: TaskHub, is_known: bool
) -> None:
    fill(hub)
    at = hub.app.clock.utc().timestamp()
    if is_known:
        # Something else of the image differs.
        writer = hub.app.services.index_writer
        writer.note({"stem": "0/photo.jpg", "at": at - 1, "parts": {ANALYSIS: None}})
        writer.flush()
    else:
        index_checks.lose(hub.app)
    hub.app.clock.advance(1)
    run(hub)
    told_on_its_way(hub, at)
    entry = index_checks.entries(hub.app)["0/photo.jpg"]
    assert entry.part(CORRECTION).get("caption") == "mine"
    assert entry.part(ANALYSIS)["caption"]


def test_what_is_told_after_a_kill_leaves_out_what_has_gone_and_beats_nothing_that_is_on_its_way(hub: TaskHub) -> None:
    fill(hub)
    app, clock = hub.app.services, hub.app.clock
    note: Line = {"stem": "0/photo.jpg", "at": clock.utc().timestamp(), "parts": {f"{UNFINISHED}text": {"e": "12345"}}}
    app.index_writer.note(note)
    clock.advance(60)
    at = clock.utc().timestamp()
    clock.advance(1)
    for line in derive.lines_of(hub.app.images, app.settings, clock, "0/photo.jpg"):
        app.index_writer.note(line)
    told_on_its_way(hub, at)
    entry = index_checks.entries(hub.app)["0/photo.jpg"]
    assert entry.part(CORRECTION).get("caption") == "mine"
    assert entry.parts[f"{UNFINISHED}text"] is None


def test_an_entry_tells_its_other_parts_as_they_were_told(hub: TaskHub) -> None:
    """A record that is overwritten while records are listed is told by its own line, of a moment before."""
    fill(hub)
    app, clock = hub.app.services, hub.app.clock
    app.index_writer.note({"stem": "0/photo.jpg", "at": clock.utc().timestamp(), "parts": {ANALYSIS: None}})
    app.index_writer.flush()
    clock.advance(1)
    entry = reader.snapshot(hub.app.host)["0/photo.jpg"]
    line = derive.line_of(hub.app.images, app.settings, clock, "0/photo.jpg", entry)
    assert line["parts"].keys() == {ANALYSIS}


def test_what_the_version_before_writes_beside_the_first_run_comes_an_hour_later() -> None:
    with upgraded() as hub:
        run(hub)
        # Its records leave no line.
        hub.app.images.write(names.IMAGES, "late-upload.jpg", picture(), content_type="image/jpeg")
        older = hub.app.services._replace(images=hub.app.images)
        steps.process(older, "late-upload.jpg", picture())
        assert "late-upload.jpg" not in index_checks.entries(hub.app)
        assert not begin_due(hub)
        hub.app.clock.advance(3600)
        assert begin_due(hub)
        assert hub.finish(INDEX_ID)["state"] == "ended"
        assert index_checks.entries(hub.app)["late-upload.jpg"].part(ANALYSIS)["caption"]
        hub.app.clock.advance(3600)
        assert not begin_due(hub)
