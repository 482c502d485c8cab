"""The search of a process: one reading for all callers, no longer than they wait, and never half of a change."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from doubles.parts import ENVIRONMENT

from shared import names
from shared.errors import StorageError
from shared.index import places
from shared.index.entry import Line
from shared.search import engine as engines
from shared.search import search
from shared.search.engine import Engine
from shared.search.search import FRESH_SECONDS, Search, Searched
from shared.settings import Settings
from shared.transport import time_budget

TAIL = places.tail("writer")


class World:
    """Two accounts, the search of one process, and a writer of the index."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.images, self.host = MemoryBlobs(self.clock), MemoryBlobs(self.clock)
        self.settings = Settings.from_env(ENVIRONMENT)
        self.search = self.another()

    def another(self) -> Search:
        """The search of another process."""
        return Search(self.images, self.host, self.clock, self.settings)

    def upload(self, name: str, data: bytes = b"x") -> None:
        """Store an image."""
        self.images.write(names.IMAGES, name, data, content_type="image/jpeg")

    def note(self, *lines: Line, tail: str = TAIL) -> None:
        """Store lines, and let the next search look."""
        from json import dumps

        self.host.begin_appends(names.INDEX, tail)
        assert self.host.append(names.INDEX, tail, "".join(f"{dumps(line)}\n" for line in lines).encode())
        self.clock.advance(FRESH_SECONDS)


def line(name: str, at: float = 1.0, **parts: Any) -> Line:
    return {"stem": name, "at": at, "parts": {"image": {"kind": "jpeg"}, **parts}}


def named(searched: Searched) -> list[str]:
    return sorted(hit.entry.name for hit in searched.found.hits)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def hold(account: MemoryBlobs, operation: str, until: threading.Event) -> threading.Event:
    """Let an operation wait for an event; returns the event that is set once it has begun."""
    begun = threading.Event()

    def before(asked: str, *_: str) -> None:
        if asked == operation:
            begun.set()
            assert until.wait(30)

    account.before = before
    return begun


def test_nothing_is_read_before_the_first_search(world: World) -> None:
    asked: list[str] = []
    world.host.before = lambda operation, *_: asked.append(operation)
    world.another()
    assert asked == []


def test_a_caller_waits_no_longer_than_its_time_and_the_reading_goes_on(
    world: World, released: threading.Event
) -> None:
    world.note(line("a.jpg"))
    begun = hold(world.host, "page", released)
    with time_budget.request(0.05), pytest.raises(StorageError, match="being read") as raised:
        world.search.find("")
    assert raised.value.retry_after_seconds == 2.0
    assert begun.wait(30)
    released.set()
    # The same reading: no other one is begun.
    world.host.before = None
    assert named(world.search.find("")) == ["a.jpg"]


def test_callers_that_wait_for_the_index_hold_no_thread(world: World, released: threading.Event) -> None:
    world.note(line("a.jpg"))
    begun = hold(world.host, "page", released)

    async def wait() -> int:
        callers = [asyncio.create_task(world.search.ready()) for _ in range(5)]
        await asyncio.to_thread(begun.wait, 30)
        reading = [thread for thread in threading.enumerate() if thread.name == "index"]
        assert not any(caller.done() for caller in callers)
        released.set()
        await asyncio.gather(*callers)
        return len(reading)

    assert asyncio.run(wait()) == 1
    assert named(world.search.find("")) == ["a.jpg"]


def test_a_caller_whose_time_is_over_leaves_the_reading_to_the_others(world: World, released: threading.Event) -> None:
    world.note(line("a.jpg"))
    hold(world.host, "page", released)
    with time_budget.request(0.05):
        asyncio.run(world.search.ready())
    released.set()
    assert named(world.search.find("")) == ["a.jpg"]


def test_a_fault_in_the_middle_of_a_reading_loses_no_line(world: World) -> None:
    world.note(line("a.jpg"))
    world.search.find("")
    for number in range(3):
        world.note(line(f"{number}.jpg"), tail=places.tail(f"writer-{number}"))
    reads = 0

    def second_fails(operation: str, *_: str) -> None:
        nonlocal reads
        reads += operation == "read_from"
        if reads == 3:
            raise StorageError("down")

    world.host.before = second_fails
    with pytest.raises(StorageError, match="down"):
        world.search.find("")
    world.host.before = None
    assert reads == 3
    assert named(world.search.find("")) == ["0.jpg", "1.jpg", "2.jpg", "a.jpg"]


def test_an_engine_that_broke_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.note(line("a.jpg"))
    world.search.find("")
    world.note(line("b.jpg"))
    closed: list[Engine] = []
    with monkeypatch.context() as patched:

        def breaks(self: Engine, lines: object) -> None:
            raise MemoryError("no memory")

        patched.setattr(engines.Engine, "apply", breaks)
        patched.setattr(engines.Engine, "close", lambda self: closed.append(self))
        with pytest.raises(MemoryError):
            world.search.find("")
    assert len(closed) == 1
    assert named(world.search.find("")) == ["a.jpg", "b.jpg"]


def test_an_index_that_lacks_an_image_is_being_built_until_it_was_compared_with_the_records(world: World) -> None:
    world.upload("old.jpg")
    world.upload("folder/", b"")
    world.note(line("new.jpg"))
    assert world.search.find("").building
    world.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    world.clock.advance(FRESH_SECONDS)
    assert not world.search.find("").building


def test_an_index_that_has_every_image_is_whole_before_it_was_compared_with_anything(world: World) -> None:
    assert not world.search.find("").building
    world.upload("a.jpg")
    world.upload("folder/", b"")
    world.note(line("a.jpg"))
    assert not world.search.find("").building


@pytest.mark.parametrize("count", [search.MOST_COMPARED, search.MOST_COMPARED + 1])
def test_no_more_than_one_page_of_images_is_looked_at_for_that(world: World, count: int) -> None:
    for number in range(count):
        world.upload(f"{number}.jpg")
    world.note(*(line(f"{number}.jpg") for number in range(count)))
    pages: list[str] = []
    world.images.before = lambda operation, container, _: pages.append(container)
    assert world.search.find("").building is (count > search.MOST_COMPARED)
    assert pages == [names.IMAGES]


def test_an_index_that_is_lost_is_being_built_again(world: World) -> None:
    world.upload("a.jpg")
    world.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    assert not world.search.find("").building
    world.host.delete(names.INDEX, places.BUILT)
    world.clock.advance(FRESH_SECONDS)
    assert world.search.find("").building


def test_a_search_of_a_whole_index_does_not_look_at_images(world: World) -> None:
    world.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    asked: list[str] = []
    world.images.before = world.host.before = lambda operation, *_: asked.append(operation)
    world.search.find("")
    assert asked.count("head") == 0
    assert asked.count("page") == 1


def _fill_the_disk(search: Search) -> None:
    loaded = search._loaded
    assert loaded
    database = loaded.engine._store.database
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_told_and_the_index_is_read_anew(world: World) -> None:
    world.note(line("a.jpg"))
    world.search.find("")
    _fill_the_disk(world.search)
    world.note(*(line(f"{number}.jpg", analysis={"caption": f"{number} " * 500}) for number in range(50)))
    with pytest.raises(StorageError, match="temporary file") as raised:
        world.search.find("")
    assert "make room" in raised.value.action
    assert world.search.find("").found.total == 51


def test_a_text_for_which_the_disk_has_no_room_is_searched_after_the_index_was_read_anew(world: World) -> None:
    text = " ".join(f"word{number}" for number in range(50_000))
    world.images.write(names.TEXT, "a.jpg.txt", text.encode(), content_type=names.PLAIN)
    world.note(line("a.jpg", plain={"words": "word0", "more": True, "e": "12345"}))
    world.search.find("kind:jpeg")
    _fill_the_disk(world.search)
    with pytest.raises(StorageError, match="temporary file"):
        world.search.find("word9")
    assert named(world.search.find("word49999")) == ["a.jpg"]


def test_a_search_whose_engine_was_given_up_meanwhile_is_told_to_ask_again(world: World) -> None:
    world.note(line("a.jpg"))
    world.search.find("")
    loaded = world.search._loaded
    assert loaded
    loaded.engine.close()
    with pytest.raises(StorageError, match="temporary file"):
        world.search.find("")
    assert named(world.search.find("")) == ["a.jpg"]


def test_texts_are_read_for_words_alone_and_once(world: World) -> None:
    world.images.write(names.TEXT, "a.jpg.txt", b"first last", content_type=names.PLAIN)
    world.note(line("a.jpg", plain={"words": "first", "more": True, "e": "12345"}))
    read: list[str] = []
    world.images.before = lambda operation, _, name: read.append(name) if operation == "read" else None
    assert (world.search.find("kind:jpeg").unsearched, read) == (0, [])
    for _ in range(3):
        assert named(world.search.find("last")) == ["a.jpg"]
    assert read.count("a.jpg.txt") == 1


def test_texts_that_no_time_was_left_for_are_counted(world: World) -> None:
    """Each text takes a second of the request's ten, of which they have five."""
    for number in range(200):
        world.images.write(names.TEXT, f"{number:03}.txt", b"first last", content_type=names.PLAIN)
    plain = {"words": "first", "more": True, "e": "12345"}
    world.note(*(line(f"{number:03}", plain=plain) for number in range(200)))
    world.images.before = lambda *_: world.clock.advance(world.settings.max_wait_seconds)
    searched = world.search.find("last")
    assert searched.unsearched == 200 - searched.found.total > 0
    world.images.before = None
    assert world.search.find("last").unsearched == 0


def test_a_text_that_is_gone_is_wanted_no_more(world: World) -> None:
    world.note(line("a.jpg", plain={"words": "first", "more": True, "e": "12345"}))
    assert world.search.find("first").unsearched == 0
