from dataclasses import replace

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.index_lines import Mirror, append, line, merged, shown
from doubles.memory import MemoryBlobs

from shared import names
from shared.errors import StorageError
from shared.index import base, fold, places, push
from shared.index.entry import Line
from shared.index.reader import Added, Reader, Replaced, snapshot

NOW = EPOCH.timestamp()


@pytest.fixture
def host() -> MemoryBlobs:
    return MemoryBlobs(FakeClock())


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of at most ten entries, and three that wait beside them."""
    monkeypatch.setattr(push, "MOST_ENTRIES", 10)
    monkeypatch.setattr(fold, "MOST_RECENT", 3)


def images(begin: int, end: int, at: float = NOW) -> list[Line]:
    return [line(f"{number:02}.jpg", at, analysis={"e": f"{number} {at}"}) for number in range(begin, end)]


def folded(host: MemoryBlobs, clock: FakeClock) -> None:
    fold.fold(host, clock)


def asked(host: MemoryBlobs, reader: Reader) -> tuple[list[Replaced | Added], list[tuple[str, str]]]:
    """What a reader has told, and what it asked storage for."""
    found: list[tuple[str, str]] = []
    host.before = lambda operation, container, name: found.append((operation, name))
    changes = list(reader.changes())
    host.before = None
    return changes, found


def test_where_nothing_has_changed_one_listing_is_asked_for(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    append(host, "v", images(20, 22))
    reader = Reader(host)
    assert len(list(reader.changes())) == 3
    assert asked(host, reader) == ([], [("page", "")])


def test_of_a_tail_only_what_was_added_is_read(host: MemoryBlobs) -> None:
    reader = Reader(host)
    append(host, "w", images(0, 5))
    assert asked(host, reader)[0] == [Added(images(0, 5))]
    append(host, "w", images(5, 7))
    append(host, "v", images(7, 8))
    changes, operations = asked(host, reader)
    assert changes == [Added(images(7, 8)), Added(images(5, 7))]
    assert operations == [("page", ""), ("read_from", "tails/v.jsonl"), ("read_from", "tails/w.jsonl")]


def test_after_a_fold_only_the_ranges_that_changed_are_read(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    reader = Reader(host)
    first, second = list(reader.changes())
    assert isinstance(first, Replaced)
    assert isinstance(second, Replaced)
    assert (first.first, first.last, second.first, second.last) == ("", "10.jpg", "10.jpg", None)
    assert [entry.stem for entry in second.entries] == [f"{number}.jpg" for number in range(10, 20)]
    append(host, "w", images(12, 14, NOW + 1))
    folded(host, FakeClock())
    changes, operations = asked(host, reader)
    assert changes == [Added(images(12, 14, NOW + 1))]
    assert [name.partition("/")[0] for _, name in operations] == ["", places.MANIFEST, "base"]
    append(host, "w", images(14, 16, NOW + 1))
    folded(host, FakeClock())
    (change,) = asked(host, reader)[0]
    assert isinstance(change, Replaced)
    assert (change.first, change.last, len(change.entries)) == ("10.jpg", None, 10)


def test_what_was_not_taken_comes_again(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    append(host, "v", images(18, 22, NOW + 1))
    append(host, "w", images(0, 2, NOW + 1))
    expected = shown(merged([*images(2, 18), *images(18, 22, NOW + 1), *images(0, 2, NOW + 1)]))
    for taken in range(5):
        mirror = Mirror(host)
        changes = mirror.reader.changes()
        for _ in range(taken):
            mirror.take(next(changes))
        changes.close()  # type: ignore[attr-defined]
        append(host, "v", images(22, 22))
        assert mirror.refresh() == expected


def test_what_was_told_while_it_failed_comes_again(host: MemoryBlobs) -> None:
    """A consumer that fails with a change has not taken it."""
    append(host, "w", images(0, 3))
    reader = Reader(host)
    for _ in reader.changes():
        break
    assert list(reader.changes()) == [Added(images(0, 3))]


def test_storage_that_fails_at_any_operation_loses_nothing(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    clock = FakeClock()
    folded(host, clock)
    before = Mirror(host)
    before.refresh()
    append(host, "w", images(5, 16, NOW + 1))
    folded(host, clock)
    append(host, "w", images(30, 31))
    expected = shown(snapshot(host))
    count = len(asked(host, Reader(host))[1])
    for at in range(count):
        mirror = Mirror(host)
        mirror.entries = dict(before.entries)
        left = at

        def fails(operation: str, container: str, name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                host.before = None
                raise StorageError("Blob storage did not answer.")

        host.before = fails
        with pytest.raises(StorageError):
            mirror.refresh()
        host.before = None
        assert mirror.refresh() == expected


@pytest.mark.parametrize(("reads", "refreshed"), [("changes", False), ("changes", True), ("snapshot", False)])
def test_folds_at_any_moment_lose_nothing(reads: str, refreshed: bool) -> None:
    """A fold that takes tails and shards away between two operations of a reader."""
    at = 0
    while True:
        clock = FakeClock()
        host = MemoryBlobs(clock)
        lines = [*images(0, 20), *images(8, 12, NOW + 1)]
        append(host, "a", lines[:20])
        folded(host, clock)
        append(host, "b", lines[20:])
        mirror = Mirror(host)
        if refreshed:
            mirror.refresh()
            append(host, "b", images(30, 31))
            lines += images(30, 31)
        left = at

        def folds(
            operation: str, container: str, name: str, host: MemoryBlobs = host, clock: FakeClock = clock
        ) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                host.before = None
                for _ in range(2):
                    clock.advance(3700)
                    folded(host, clock)

        host.before = folds
        expected = shown(merged(lines))
        assert (mirror.refresh() if reads == "changes" else shown(snapshot(host))) == expected
        if host.before is not None:
            break
        assert mirror.refresh() == expected
        at += 1
    assert at >= (2 if refreshed else 5)


def test_an_index_that_never_stands_still_says_so(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())

    def loses(operation: str, container: str, name: str) -> None:
        if operation == "read" and name.startswith(places.SHARDS):
            told = base.read(host)
            shards = tuple(replace(shard, id=f"{shard.id}x") for shard in told.manifest.shards)
            base.write(host, replace(told.manifest, shards=shards), told.etag)
            host.delete(names.INDEX, name)

    host.before = loses
    with pytest.raises(StorageError, match="faster"):
        list(Reader(host).changes())
    with pytest.raises(StorageError, match="faster"):
        snapshot(host)


def test_an_index_that_was_deleted_is_empty(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    mirror = Mirror(host)
    assert len(mirror.refresh()) == 20
    for name in host.contents(names.INDEX):
        host.delete(names.INDEX, name)
    assert mirror.refresh() == shown(snapshot(host)) == {}
    append(host, "x", images(0, 1))
    assert len(mirror.refresh()) == 1


def test_of_a_range_only_its_shards_are_read(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 40))
    folded(host, FakeClock())
    found: list[str] = []
    host.before = lambda operation, container, name: found.append(name)
    assert list(snapshot(host, "12.jpg", "15.jpg")) == ["12.jpg", "13.jpg", "14.jpg"]
    assert list(snapshot(host, "20.jpg", "21.jpg")) == ["20.jpg"]
    host.before = None
    shards = [places.shard(shard.id) for shard in base.read(host).manifest.shards]
    assert [name for name in found if name in shards] == shards[1:3]


@pytest.mark.parametrize("data", [None, b"none", b""])
@pytest.mark.parametrize("which", [0, 1])
def test_a_shard_that_is_lost_hides_no_other_and_the_index_is_not_whole_until_it_was_healed(
    host: MemoryBlobs, data: bytes | None, which: int
) -> None:
    clock = FakeClock()
    append(host, "w", images(0, 20))
    folded(host, clock)
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    first, second = base.read(host).manifest.shards
    blob = places.shard((first, second)[which].id)
    if data is None:
        host.delete(names.INDEX, blob)
    else:
        host.write(names.INDEX, blob, data, content_type=names.JSON)
    left = [entry.stem for entry in base.load(host, (second, first)[which]).values()]
    reader = Reader(host)
    found = [entry.stem for change in reader.changes() if isinstance(change, Replaced) for entry in change.entries]
    assert (sorted(found), reader.is_built) == (left, False)
    assert sorted(snapshot(host, whole=False)) == left
    with pytest.raises(StorageError):
        snapshot(host)
    # What the comparison with the records finds missing comes again; the fold takes the rest for lost, too.
    append(host, "r", images(0, 20, NOW + 1))
    clock.advance(3700)
    folded(host, clock)
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    list(reader.changes())
    assert reader.is_built
    assert shown(snapshot(host)) == shown(merged(images(0, 20, NOW + 1)))


def test_a_fold_without_a_line_sees_that_a_shard_is_missing(host: MemoryBlobs) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    host.delete(names.INDEX, places.shard(base.read(host).manifest.shards[0].id))
    folded(host, FakeClock())
    assert host.head(names.INDEX, places.BUILT) is None
    assert len(base.read(host).manifest.shards) == 1


@pytest.mark.parametrize("data", [None, b"none"])
def test_without_its_manifest_the_index_is_not_whole(host: MemoryBlobs, data: bytes | None) -> None:
    append(host, "w", images(0, 20))
    folded(host, FakeClock())
    host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    if data is None:
        host.delete(names.INDEX, places.MANIFEST)
    else:
        host.write(names.INDEX, places.MANIFEST, data, content_type=names.JSON)
    reader = Reader(host)
    for _ in range(2):
        list(reader.changes())
        assert not reader.is_built
