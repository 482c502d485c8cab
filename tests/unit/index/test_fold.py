import json
from collections.abc import Mapping

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.index_lines import Mirror, append, line, merged, shown
from doubles.memory import MemoryBlobs
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import names
from shared.errors import StorageError
from shared.index import base, fold, places, push
from shared.index.entry import Entry, Line
from shared.index.reader import snapshot

NOW = EPOCH.timestamp()


class Killed(BaseException):
    """The worker is killed."""


class Index:
    """An index in memory, and every line that was ever written to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.host = MemoryBlobs(self.clock)
        self.lines: list[Line] = []

    def append(self, writer: str, *lines: Line) -> None:
        """Add lines to a tail; a writer begins another one every five minutes."""
        append(self.host, f"{writer}{int(self.clock.now() // 300)}", lines)
        self.lines.extend(lines)

    def fold(self) -> fold.Folded:
        return fold.fold(self.host, self.clock)

    def images(self, count: int, *, writer: str = "w", begin: int = 0) -> None:
        at = NOW + self.clock.now()
        self.append(
            writer,
            *(line(f"{number:05}.jpg", at, analysis={"e": str(number)}) for number in range(begin, begin + count)),
        )

    def stored(self) -> list[str]:
        return list(self.host.contents(names.INDEX))

    @property
    def manifest(self) -> base.Manifest:
        return base.read(self.host).manifest


@pytest.fixture
def index() -> Index:
    return Index()


def test_lines_of_several_tails_are_in_the_base_and_the_tails_go_when_no_writer_uses_them(index: Index) -> None:
    index.append("a", line("x.jpg", NOW, image={"bytes": 3}), line("y.jpg", NOW, plain={"words": "y"}))
    index.append("b", line("x.jpg", NOW + 1, analysis={"caption": "an x"}))
    assert index.fold() == fold.Folded(lines=3, shards=2)
    assert [each for each in index.stored() if each.startswith("tails/")] == ["tails/a0.jsonl", "tails/b0.jsonl"]
    index.clock.advance(8 * 60)
    assert index.fold() == fold.Folded(tails=2)
    assert shown(snapshot(index.host)) == {
        "x.jpg": {"image": {"bytes": 3}, "analysis": {"caption": "an x"}},
        "y.jpg": {"plain": {"words": "y"}},
    }


def test_a_quiet_index_is_listed_and_its_manifest_read_and_nothing_else(index: Index) -> None:
    index.images(3)
    index.fold()
    index.clock.advance(8 * 60)
    index.fold()
    asked: list[str] = []
    index.host.before = lambda operation, container, name: asked.append(operation)
    index.fold()
    assert asked == ["page", "read"]


def test_a_writer_that_goes_on_after_a_fold_loses_no_line(index: Index) -> None:
    index.images(2)
    index.fold()
    index.images(2, begin=2)
    assert len(snapshot(index.host)) == 4
    index.clock.advance(8 * 60)

    def add_late(operation: str, container: str, name: str) -> None:
        if (operation, name) == ("delete", "tails/w0.jsonl"):
            late = line("late.jpg", NOW, image={"bytes": 1})
            append(index.host, "w0", [late])
            index.lines.append(late)

    index.host.before = add_late
    index.fold()
    index.host.before = None
    assert len(snapshot(index.host)) == 5
    index.clock.advance(8 * 60)
    index.fold()
    assert not [each for each in index.stored() if each.startswith("tails/")]
    assert shown(snapshot(index.host)) == shown(merged(index.lines))


def test_what_waits_goes_into_shards_where_there_is_much_of_it_or_after_an_hour(index: Index) -> None:
    index.images(fold.MOST_RECENT + 1)
    index.fold()
    assert index.manifest.recent is None
    assert [shard.entries for shard in index.manifest.shards] == [fold.MOST_RECENT + 1]
    index.clock.advance(60)
    index.images(2, begin=5000)
    index.fold()
    assert index.manifest.waiting == 2
    index.clock.advance(3600)
    index.fold()
    assert index.manifest.recent is None
    assert [shard.entries for shard in index.manifest.shards] == [fold.MOST_RECENT + 3]
    assert shown(snapshot(index.host)) == shown(merged(index.lines))


def test_a_shard_with_too_many_entries_is_cut_and_only_what_changed_is_written(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MOST_ENTRIES", 100)
    monkeypatch.setattr(fold, "MOST_RECENT", 5)
    index.images(350)
    index.fold()
    assert [shard.entries for shard in index.manifest.shards] == [87, 88, 87, 88]
    assert [shard.first for shard in index.manifest.shards] == ["", "00087.jpg", "00175.jpg", "00262.jpg"]
    before = index.manifest.shards
    index.append("w", *(line(f"0009{number}.jpg", NOW + 1, plain={"words": "w"}) for number in range(6)))
    assert index.fold().shards == 1
    after = index.manifest.shards
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True, True]
    assert shown(snapshot(index.host, "00090.jpg", "00092.jpg")) == {
        f"0009{number}.jpg": {"analysis": {"e": str(90 + number)}, "plain": {"words": "w"}} for number in range(2)
    }


def test_many_lines_are_taken_in_portions(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.index.tails.MOST_BYTES", 500)
    index.images(100, writer="a")
    index.images(100, writer="b", begin=100)
    assert index.fold().lines == 200
    assert shown(snapshot(index.host)) == shown(merged(index.lines))


def test_what_is_gone_for_an_hour_leaves_no_trace(index: Index) -> None:
    index.images(2)
    index.fold()
    index.append("w", line("00001.jpg", NOW + 5, gone=True))
    index.fold()
    index.clock.advance(3700)
    index.fold()
    stored = b"".join(
        base.gzip.decompress(data)
        for name, data in index.host.contents(names.INDEX).items()
        if name in index.manifest.blobs
    )
    assert b"00000.jpg" in stored
    assert b"00001.jpg" not in stored
    index.clock.advance(3700)
    index.fold()
    assert index.stored() == [places.MANIFEST, *index.manifest.blobs]


def test_a_tombstone_in_a_shard_goes_after_an_hour_though_nothing_else_happens(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_RECENT", 1)
    index.images(3)
    index.append("w", line("00001.jpg", NOW + 5, gone=True))
    index.fold()
    (shard,) = index.manifest.shards
    assert base.load(index.host, shard)["00001.jpg"].gone_at == NOW + 5
    index.clock.advance(3700)
    index.fold()
    (shard,) = index.manifest.shards
    assert list(base.load(index.host, shard)) == ["00000.jpg", "00002.jpg"]
    assert shard.settles is None


def test_where_all_images_go_no_shard_stays(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MOST_RECENT", 1)
    monkeypatch.setattr(push, "MOST_ENTRIES", 10)
    index.images(40)
    index.fold()
    mirror = Mirror(index.host)
    assert len(mirror.refresh()) == 40
    assert len(index.manifest.shards) == 4
    index.append("w", *(line(f"{number:05}.jpg", NOW + 5, gone=True) for number in range(10)))
    index.fold()
    index.clock.advance(3700)
    index.fold()
    assert [shard.first for shard in index.manifest.shards] == ["", "00020.jpg", "00030.jpg"]
    assert len(mirror.refresh()) == 30
    index.append("w", *(line(f"{number:05}.jpg", NOW + 5, gone=True) for number in range(40)))
    index.fold()
    assert index.manifest.shards == ()
    assert mirror.refresh() == shown(snapshot(index.host)) == {}


def test_after_a_long_stop_a_deletion_still_beats_what_another_tail_tells_of_before(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_RECENT", 0)
    index.append("b", line("x.jpg", NOW, image={"bytes": 1}))
    index.append("a", line("x.jpg", NOW + 1, gone=True))
    index.clock.advance(5 * 3600)
    index.fold()
    assert shown(snapshot(index.host)) == {}


def test_a_late_line_counts_less_than_what_was_written_after_it(index: Index) -> None:
    index.append("a", line("x.jpg", NOW + 60, analysis={"caption": "new"}))
    index.fold()
    index.append("b", line("x.jpg", NOW, analysis={"caption": "old"}, plain={"words": "w"}))
    index.fold()
    assert shown(snapshot(index.host)) == {"x.jpg": {"analysis": {"caption": "new"}, "plain": {"words": "w"}}}


def test_the_lines_of_an_old_entry_have_no_times_and_still_hold_against_late_ones(index: Index) -> None:
    index.images(1)
    index.clock.advance(3700)
    index.fold()
    index.clock.advance(3700)
    index.fold()
    (shard,) = index.manifest.shards
    (stored,) = base.gzip.decompress(index.host.contents(names.INDEX)[places.shard(shard.id)]).splitlines()
    assert json.loads(stored)["at"] == NOW
    index.append("late", line("00000.jpg", NOW - 1, analysis={"e": "older"}))
    index.fold()
    assert shown(snapshot(index.host)) == {"00000.jpg": {"analysis": {"e": "0"}}}


def operations(index: Index) -> int:
    """How many operations a fold of all that waits takes, the last included."""
    count = 0

    def counted(operation: str, container: str, name: str) -> None:
        nonlocal count
        count += 1

    index.host.before = counted
    index.fold()
    index.host.before = None
    return count


def prepared() -> Index:
    """An index with shards, what waits beside them, tails that are old, and garbage."""
    index = Index()
    index.images(30)
    index.fold()
    index.clock.advance(3700)
    index.fold()
    index.images(10, begin=25)
    index.append("w", line("00003.jpg", NOW + 3700, gone=True), line("00004.jpg", NOW + 3701, analysis=None))
    index.fold()
    index.clock.advance(3700)
    index.images(3, writer="v", begin=60)
    index.append("w", line("00060.jpg", NOW + 7401, plain={"words": "\u2028 \u0085 \ud800"}))
    return index


@pytest.mark.parametrize("after", [False, True])
def test_a_fold_that_is_killed_at_any_operation_is_made_good_by_the_next_one(
    after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MOST_ENTRIES", 10)
    for at in range(operations(prepared())):
        index = prepared()
        expected = shown(merged(index.lines))
        mirror = Mirror(index.host)
        assert mirror.refresh() == expected
        with pytest.raises(Killed):
            fold.fold(_Dying(index.host, at, after), index.clock)  # type: ignore[arg-type]
        assert shown(snapshot(index.host)) == expected
        assert mirror.refresh() == expected
        index.fold()
        assert shown(snapshot(index.host)) == mirror.refresh() == expected
        for _ in range(3):
            index.clock.advance(3700)
            index.fold()
        assert shown(snapshot(index.host)) == mirror.refresh() == expected
        assert set(index.stored()) == {places.MANIFEST, *index.manifest.blobs}


class _Dying:
    """An account of which the process does not survive one operation: before it reaches storage, or after."""

    def __init__(self, host: MemoryBlobs, at: int, after: bool) -> None:
        self._host, self._left, self._after = host, at, after

    def __getattr__(self, name: str) -> object:
        found = getattr(self._host, name)
        if not callable(found):
            return found

        def operation(*args: object, **options: object) -> object:
            self._left -= 1
            if self._left >= 0:
                return found(*args, **options)
            if self._after:
                found(*args, **options)
            raise Killed

        return operation


def test_two_folds_at_once_do_no_harm_at_whatever_operation_the_other_comes() -> None:
    for at in range(operations(prepared())):
        index = prepared()
        left = at

        def other(operation: str, container: str, name: str, index: Index = index) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                index.host.before = None
                index.fold()

        index.host.before = other
        index.fold()
        assert shown(snapshot(index.host)) == shown(merged(index.lines))


def test_folds_that_are_always_slower_say_so(index: Index) -> None:
    def other(operation: str, container: str, name: str) -> None:
        if (operation, name) == ("write", places.MANIFEST):
            index.images(1)
            index.fold()
            index.images(1)

    index.images(1)
    index.host.before = other
    with pytest.raises(StorageError, match="faster"):
        index.fold()


@pytest.mark.parametrize("lost", ["shard", "garbled shard", "garbled manifest", "manifest"])
def test_a_base_that_has_lost_a_part_goes_on_and_is_compared_with_the_records_once_more(
    lost: str, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MOST_ENTRIES", 10)
    monkeypatch.setattr(fold, "MOST_RECENT", 1)
    index.images(20)
    index.fold()
    index.host.write(names.INDEX, places.BUILT, b"{}", content_type="application/json")
    blob = places.shard(index.manifest.shards[1].id) if "shard" in lost else places.MANIFEST
    if "garbled" in lost:
        index.host.write(names.INDEX, blob, b"none", content_type="application/json")
    else:
        index.host.delete(names.INDEX, blob)
    index.clock.advance(3700)
    index.append("w", *(line(f"000{number}.jpg", NOW + 3700, plain={"words": "w"}) for number in ("00", "19")))
    index.fold()
    assert places.BUILT not in index.stored()
    index.images(20, writer="rebuild")
    index.fold()
    assert shown(snapshot(index.host)) == shown(merged(index.lines))


def test_what_is_no_line_is_left_out(index: Index) -> None:
    for data in (b"\n", b"{\n", b"[1]\n", b'{"stem": "x"}\n', b'{"stem": "x", "at": "y", "parts": {"a": {}}}\n'):
        index.host.begin_appends(names.INDEX, places.tail("w"))
        index.host.append(names.INDEX, places.tail("w"), data)
    index.images(1)
    assert index.fold().lines == 1
    assert list(snapshot(index.host)) == ["00000.jpg"]


def test_each_changed_entry_is_told_whole_before_its_lines_count(index: Index) -> None:
    told: list[dict[str, dict[str, object]]] = []

    def changed(entries: Mapping[str, Entry]) -> None:
        assert base.read(index.host).manifest == before
        told.append(shown(dict(entries)) | {stem: {} for stem, entry in entries.items() if not entry.is_there})

    before = index.manifest
    index.images(3)
    fold.fold(index.host, index.clock, changed)
    assert told.pop() == {f"0000{number}.jpg": {"analysis": {"e": str(number)}} for number in range(3)}
    before = index.manifest
    index.append("w", line("00001.jpg", NOW + 1, plain={"words": "w"}), line("00002.jpg", NOW + 1, gone=True))
    index.clock.advance(3700)
    fold.fold(index.host, index.clock, changed)
    assert told == [{"00001.jpg": {"analysis": {"e": "1"}, "plain": {"words": "w"}}, "00002.jpg": {}}]
    before = index.manifest
    fold.fold(index.host, index.clock, changed)
    assert len(told) == 1


LINES = st.lists(
    st.builds(
        lambda stem, at, part, content, gone: line(stem, NOW + at, **({} if gone else {part: content}), gone=gone),
        st.sampled_from(["a", "a/b", "b", "ä", "\U0001f600"]),
        st.integers(0, 3000),
        st.sampled_from(["image", "analysis", "plain"]),
        st.one_of(st.none(), st.dictionaries(st.sampled_from(["e", "words"]), st.text(max_size=3), max_size=2)),
        st.booleans(),
    ),
    max_size=30,
)


@given(LINES, st.data())
@settings(deadline=None, max_examples=150)
def test_lines_in_any_order_and_twice_with_folds_in_between_make_the_same_entries(
    lines: list[Line], data: st.DataObject
) -> None:
    index = Index()
    mirror = Mirror(index.host)
    left = data.draw(
        st.permutations(lines + data.draw(st.lists(st.sampled_from(lines), max_size=5) if lines else st.just([])))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "MOST_RECENT", 2)
        patch.setattr(push, "MOST_ENTRIES", 2)
        while left:
            count = data.draw(st.integers(1, len(left)))
            index.append(data.draw(st.sampled_from(["a", "b"])), *left[:count])
            left = left[count:]
            step = data.draw(st.sampled_from(["", "fold", "read", "fold and read"]))
            index.clock.advance(data.draw(st.sampled_from([0, 300])))
            if "fold" in step:
                index.fold()
            if "read" in step:
                mirror.refresh()
    expected = shown(merged(sorted(lines, key=lambda each: each["at"])))
    assert shown(snapshot(index.host)) == mirror.refresh() == expected
