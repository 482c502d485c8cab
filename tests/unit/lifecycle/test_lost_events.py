"""A whole comparison: events off, kills in between, and what it costs in operations and in memory."""

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import pytest
from doubles import whole_life
from doubles.documents import text_pdf
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import KilledError, TaskHub

from shared import names
from shared.lifecycle import first_start, image_pages, reconcile_loop, record_pages, report

UPLOADS, DELETIONS, OLD = 200, 50, 500


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    hub = TaskHub(parts(THUMBNAIL_SIZES="64x64", VISION_RATE="1000/1", TEXT_MODE="auto"))
    with hub.running():
        yield hub


def content(number: int) -> bytes:
    return picture(width=50, height=50, colour=(number % 256, number // 256, 77))


def put(hub: TaskHub, name: str, data: bytes) -> None:
    hub.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def test_uploads_and_deletions_without_events_are_completed_and_removed_in_spite_of_three_kills(hub: TaskHub) -> None:
    first_start.note(hub.app.services)
    hub.app.clock.advance(60)
    for number in range(DELETIONS):
        hub.upload(f"gone/{number}.jpg", content(1000 + number))
    hub.pass_time(30)
    # From here on no event comes.
    for number in range(DELETIONS):
        hub.app.images.delete(names.IMAGES, f"gone/{number}.jpg")
    for number in range(UPLOADS - 1):
        put(hub, f"{number % 7}/new-{number}.jpg", content(number))
    put(hub, "letter.pdf", text_pdf("Dear reader,"))
    done, killed = Counter[str](), list[str]()

    def kill(operation: str, container: str, name: str) -> None:
        done[f"{operation} {container}"] += 1
        for moment in ("page thumbnails 1", "head images 20", "delete analysis 30"):
            if moment == f"{operation} {container} {done[f'{operation} {container}']}":
                killed.append(moment)
                raise KilledError

    hub.app.images.before = kill
    ended = hub.reconcile()
    hub.pass_time(60)
    hub.app.images.before = None
    assert len(killed) == 3
    assert ended["state"] == "ended"
    assert ended["counts"]["images"] == UPLOADS
    assert ended["counts"]["without_result"] == ended["counts"]["started"] == UPLOADS
    # What a killed page has deleted is not there to be counted when it is done again.
    assert ended["counts"]["orphans"] <= DELETIONS
    assert whole_life.states(hub.app) == {"complete": UPLOADS}
    whole_life.check(hub.app)
    # A late event costs nothing.
    asked = len(hub.app.vision.asked)
    for name in ("0/new-0.jpg", "letter.pdf"):
        hub.deliver(name)
    hub.pass_time(30)
    assert len(hub.app.vision.asked) == asked
    assert hub.reconcile()["counts"].get("without_result", 0) == 0


def test_a_full_container_before_the_first_start_costs_nothing_and_health_and_log_say_how_many_wait(
    hub: TaskHub, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(OLD):
        put(hub, f"{number}.jpg", content(number))
    hub.app.clock.advance(60)
    with caplog.at_level("INFO"):
        hub.keep_house()
    hub.pass_time(86_400)
    assert hub.app.vision.asked == []
    section = report.section(hub.app.services)
    assert section is not None
    assert (section["imagesWithoutResult"], section["images"], section["waitForBackfill"]) == (0, OLD, OLD)
    (ended,) = [each.getMessage() for each in caplog.records if each.getMessage().startswith("reconciliation.ended")]
    assert f"older={OLD}" in ended
    assert set(hub.instances) == {"reconcile"}


def world_of_all_kinds(hub: TaskHub, count: int) -> None:
    """Images with and without text, documents, copies; names in folders and beside each other."""
    first_start.note(hub.app.services)
    hub.app.clock.advance(60)
    for number in range(count):
        kind = number % 6
        hub.app.vision.tags = {"text": 0.9} if kind == 1 else {"outdoor": 0.9}
        name = (f"{number}.jpg", f"signs/{number}.jpg", f"{number:04}/photo.jpg", f"写真{number}.jpg")[number % 4]
        if kind == 2:
            hub.upload(f"{number}.pdf", text_pdf(f"Letter {number}"))
        else:
            hub.upload(name, content(number if kind != 3 else 0))
    hub.pass_time(120)
    assert set(whole_life.states(hub.app)) == {"complete"}


@pytest.mark.parametrize("size", [100, 500])
def test_an_image_that_is_well_costs_at_most_three_operations_in_the_whole_run(
    hub: TaskHub, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world_of_all_kinds(hub, 300)
    monkeypatch.setattr(image_pages, "_IMAGES", size)
    monkeypatch.setattr(record_pages, "_RECORDS", size)
    operations = Counter[str]()
    for blobs in (hub.app.images, hub.app.host):
        blobs.before = lambda operation, container, name: operations.update([f"{operation} {container}"])
    ended = hub.reconcile()
    for blobs in (hub.app.images, hub.app.host):
        blobs.before = None
    assert ended["counts"]["images"] == 300
    assert ended["counts"].get("without_result", 0) == 0
    # The marks, the reports, and the beginning over HTTP are once in a run.
    assert sum(operations.values()) <= 3 * 300, operations
    assert operations["head owners"] == 300
    assert not [each for each in operations if each.startswith(("write images", "delete", "digest", "read images"))]


def peak_of(count: int) -> int:
    """The most bytes that a comparison of so many images takes beside what is stored."""
    hub = TaskHub(parts(THUMBNAIL_SIZES="64x64", VISION_RATE="1000/1"))
    with hub.running():
        first_start.note(hub.app.services)
        hub.app.clock.advance(60)
        data = content(1)
        hub.upload("0.jpg", data)
        for number in range(1, count):
            _copy_everything(hub, "0.jpg", f"{number}.jpg", data)
        hub.reconcile()  # modules are loaded, and marks are written
        hub.app.clock.advance(1)
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            assert hub.reconcile()["counts"]["images"] == count
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


def _copy_everything(hub: TaskHub, source: str, name: str, data: bytes) -> None:
    """An image that is well, without its event."""
    images = hub.app.images
    put(hub, name, data)
    for container, record, place in (
        (names.ANALYSIS, names.analysis(source), names.analysis(name)),
        (names.THUMBNAILS, f"{source}/64x64-smart.jpg", f"{name}/64x64-smart.jpg"),
    ):
        blob = images.read(container, record)
        assert blob
        images.write(container, place, blob.data, content_type="image/jpeg", metadata=blob.info.metadata)


def test_memory_does_not_grow_with_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((image_pages, "_IMAGES"), (record_pages, "_RECORDS")):
        monkeypatch.setattr(module, name, 50)
    monkeypatch.setattr("shared.storage.listing._WALKED_AT_ONCE", 100)
    monkeypatch.setattr("shared.lifecycle.owner_pages._PAGE", 50)
    monkeypatch.setattr("shared.lifecycle.answer_pages._PAGE", 50)
    small, large = peak_of(200), peak_of(1600)
    # Eight times as many; threads and collections of garbage are worth a third.
    assert large < 2 * small, (small, large)


def test_a_run_of_more_pages_than_one_history_holds_ends_and_counts_each_image_once(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_pages, "_IMAGES", 1)
    count = 2 * reconcile_loop.MAX_PAGES + 7
    for number in range(count):
        put(hub, f"{number}.jpg", content(number))
    hub.app.clock.advance(60)
    assert hub.reconcile()["counts"]["older"] == count
