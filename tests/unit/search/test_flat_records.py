import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.index_lines import append, line
from doubles.memory import MemoryBlobs
from doubles.parts import ENVIRONMENT

from shared import names
from shared.errors import StorageError
from shared.index import fold, places
from shared.index.entry import Line
from shared.search import flat_records
from shared.search.flat_records import Compared, FlatRecords
from shared.settings import Settings

NOW = EPOCH.timestamp()
DAY = 86_400.0


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class World:
    """Both accounts, and an index of images in it."""

    def __init__(self, pool: Executor) -> None:
        self.clock = FakeClock()
        self.images, self.host = MemoryBlobs(self.clock), MemoryBlobs(self.clock)
        self._pool = pool
        self.lines = 0

    def append(self, *lines: Line) -> None:
        self.lines += 1
        append(self.host, f"w{self.lines}", lines)

    def keep(self, *, wanted: bool = True) -> Compared | None:
        """A fold, and what follows it."""
        settings = Settings.from_env({**ENVIRONMENT, "SEARCH_RECORDS": str(wanted).lower()})
        records = FlatRecords(self.images, self.host, settings, self.clock, self._pool)
        fold.fold(self.host, self.clock, records.changed if wanted else None)
        return records.compare()

    def record(self, stem: str) -> Any:
        return json.loads(self.images.contents(names.SEARCH)[f"{stem}.json"])

    def metadata(self, stem: str) -> dict[str, str]:
        info = self.images.head(names.SEARCH, f"{stem}.json")
        assert info
        return dict(info.metadata)


@pytest.fixture
def world(pool: Executor) -> World:
    return World(pool)


def image(stem: str, at: float = NOW, **parts: Any) -> Line:
    return line(stem, at, image={"bytes": 3, "kind": "jpeg", "width": 40, "height": 30}, **parts)


def test_a_record_has_all_that_is_known_of_an_image_and_corrections_win(world: World) -> None:
    world.images.write(names.TEXT, "a/über weg.jpg.txt", "Straße\nzu".encode(), content_type=names.PLAIN)
    parts: dict[str, Any] = {
        "analysis": {"caption": "a cat", "tags": ["cat", "grass"], "people": True},
        "plain": {"words": "Straße"},
        "correction": {"alt": "our cat", "caption": "Mia", "added": ["Mia"], "removed": ["grass"]},
        "thumbnail:a": {"look": "0f0f0f0f0f0f0f0f", "colour": "green"},
    }
    told = image("a/über weg.jpg", **parts)
    told["parts"]["image"] |= {"uploaded": "2026-11-24T04:33:56+00:00", "taken": "2026-11-01T10:00:00"}  # type: ignore[operator, index]
    world.append(told)
    world.keep()
    assert world.record("a/über weg.jpg") == {
        "id": "52147704444bdf75553af7ed6d267d77d3b0f21ceec62af59ad99ceb5f362f6e",
        "name": "a/über weg.jpg",
        "folder": "a",
        "kind": "jpeg",
        "state": "pending",
        "caption": "Mia",
        "alt": "our cat",
        "tags": ["Mia", "cat"],
        "people": True,
        "colour": "green",
        "width": 40,
        "height": 30,
        "bytes": 3,
        "uploaded": "2026-11-24T04:33:56+00:00",
        "taken": "2026-11-01T10:00:00+00:00",
        "date": "2026-11-01T10:00:00+00:00",
        "text": "Straße\nzu",
    }


def test_an_entry_that_changes_has_its_record_written_by_the_same_fold(world: World) -> None:
    world.append(image("a.jpg"), image("b.jpg"))
    assert world.keep() == Compared()
    world.append(image("a.jpg", NOW + 1, analysis={"caption": "a cat"}))
    asked: list[str] = []
    world.images.before = lambda operation, container, name: asked.append(f"{operation} {name}")
    assert world.keep() is None
    assert asked == ["write a.jpg.json"]
    assert (world.record("a.jpg")["caption"], world.record("b.jpg")["caption"]) == ("a cat", None)


def test_the_record_of_a_deleted_image_is_emptied_and_marked_and_goes_a_week_later(world: World) -> None:
    world.append(image("a.jpg"), image("b.jpg"))
    world.keep()
    identifier = world.record("a.jpg")["id"]
    world.append(line("a.jpg", NOW + 5, gone=True), line("never.jpg", NOW + 5, gone=True))
    world.keep()
    assert (world.record("a.jpg"), world.metadata("a.jpg")) == ({"id": identifier}, {"deleted": "true"})
    world.clock.advance(6 * DAY)
    assert world.keep() == Compared()
    world.clock.advance(1.1 * DAY)
    assert world.keep() == Compared(records_deleted=1)
    assert list(world.images.contents(names.SEARCH)) == ["b.jpg.json"]


def test_an_image_that_is_there_again_has_a_record_again(world: World) -> None:
    world.append(image("a.jpg"))
    world.keep()
    world.append(line("a.jpg", NOW + 5, gone=True))
    world.keep()
    world.append(image("a.jpg", NOW + 6))
    world.keep()
    assert list(world.metadata("a.jpg")) == ["madeof"]
    assert world.record("a.jpg")["name"] == "a.jpg"


def test_where_the_setting_is_new_all_records_are_made(world: World) -> None:
    world.append(*(image(f"{number}.jpg") for number in range(30)))
    assert world.keep(wanted=False) is None
    assert world.images.contents(names.SEARCH) == {}
    assert world.keep() == Compared(records=30)
    assert len(world.images.contents(names.SEARCH)) == 30
    assert world.keep() is None


def test_where_the_setting_is_taken_back_all_records_go(world: World) -> None:
    world.append(*(image(f"{number}.jpg") for number in range(30)))
    world.keep()
    assert world.keep(wanted=False) == Compared(records_deleted=30)
    assert world.images.contents(names.SEARCH) == {}
    assert world.keep(wanted=False) is None


def test_once_a_day_records_are_compared_with_the_index_and_only_those_that_differ_are_written(world: World) -> None:
    world.append(*(image(f"{number}.jpg") for number in range(9)))
    world.keep()
    world.images.delete(names.SEARCH, "3.jpg.json")
    world.images.write(names.SEARCH, "4.jpg.json", b"{}", content_type=names.JSON)
    world.images.write(names.SEARCH, "none.jpg.json", b"{}", content_type=names.JSON)
    assert world.keep() is None
    world.clock.advance(DAY)
    assert world.keep() == Compared(records=2, orphans=1)
    assert (world.record("3.jpg")["name"], world.record("4.jpg")["name"]) == ("3.jpg", "4.jpg")
    assert world.metadata("none.jpg") == {"deleted": "true"}


def test_what_there_is_no_time_for_is_done_by_the_next_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_records, "_SECONDS_OF_CHANGES", 0.0)
    world.append(*(image(f"{number:02}.jpg") for number in range(20)))
    written: list[str] = []

    def slow(operation: str, container: str, name: str) -> None:
        if operation == "write":
            written.append(name)
            world.clock.advance(30.0)

    world.images.before = slow
    found = [world.keep(), world.keep(), world.keep()]
    assert [each and each.more for each in found] == [True, True, False]
    assert sorted(written) == [f"{number:02}.jpg.json" for number in range(20)]
    assert world.keep() is None


def test_a_failure_of_storage_holds_no_fold_up_and_the_next_comparison_writes_what_is_left(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.append(image("a.jpg"))
    world.keep()
    world.append(image("a.jpg", NOW + 1, analysis={"caption": "a cat"}))

    def fails(operation: str, container: str, name: str) -> None:
        raise StorageError("Blob storage did not answer.")

    world.images.before = fails
    with pytest.raises(StorageError):
        world.keep()
    assert "search.records_left" in caplog.text
    world.images.before = None
    assert world.keep() == Compared(records=1)
    assert world.record("a.jpg")["caption"] == "a cat"


@pytest.mark.parametrize("account", ["images", "host"])
def test_killed_at_any_operation_the_records_become_those_of_the_index(
    account: str, world: World, pool: Executor
) -> None:
    class Killed(BaseException):
        pass

    at = 0
    while True:
        world = World(pool)
        world.append(*(image(f"{number}.jpg") for number in range(3)))
        world.keep()
        world.append(image("0.jpg", NOW + 1, analysis={"caption": "new"}), line("1.jpg", NOW + 1, gone=True))
        left = at

        def dies(operation: str, container: str, name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        blobs = world.images if account == "images" else world.host
        blobs.before = dies
        try:
            world.keep()
        except Killed:
            at += 1
        else:
            break
        blobs.before = None
        world.keep()
        assert world.record("0.jpg")["caption"] == "new"
        assert world.metadata("1.jpg") == {"deleted": "true"}
    assert at >= 3


def test_a_garbled_note_and_a_taken_name_keep_no_record_from_being_written(world: World) -> None:
    world.images.has_directories = True
    world.host.write(names.INDEX, places.COMPARED, b"none", content_type=names.JSON)
    world.images.write(names.SEARCH, "a.json/b", b"", content_type=names.JSON)
    world.images.delete(names.SEARCH, "a.json/b")
    world.append(image("a"), image("b/c.jpg"))
    assert world.keep() == Compared(records=1)
    assert world.record("b/c.jpg")["name"] == "b/c.jpg"
    world.append(line("b/c.jpg", NOW + 5, gone=True))
    world.keep()
    world.clock.advance(8 * DAY)
    world.keep()
    assert "b" not in world.images.contents(names.SEARCH)
