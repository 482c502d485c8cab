"""Which blobs there are, from a few listings."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from hypothesis import given
from hypothesis import strategies as st

from shared.storage import listing


@pytest.mark.parametrize(
    ("page_names", "first", "last", "expected"),
    [
        ([], True, True, []),
        (["a", "b"], True, True, []),
        (["2026/a", "2026/b", "2026/c"], True, True, ["2026/"]),
        # What comes before or after could begin in the same way.
        (["2026/a", "2026/b", "2026/c"], False, False, []),
        (["a", "b1", "b2", "b3", "c"], False, False, ["b"]),
        (["b1", "b2", "b3", "c"], True, False, ["b"]),
        (["b1", "b2", "b3", "c"], False, False, []),
        (["a", "b1", "b2", "b3"], False, True, ["b"]),
        (["19", "200", "201", "202", "210", "211", "212", "22", "3"], False, False, ["2"]),
        (["199", "200", "201", "202", "210", "211", "212"], False, False, ["20"]),
        (["b", "ba", "bb", "bc"], False, True, []),
        (["b", "ba", "bb", "bc"], True, True, ["b"]),
    ],
)
def test_only_prefixes_that_lie_whole_on_the_page_are_listed(
    page_names: list[str], first: bool, last: bool, expected: list[str]
) -> None:
    assert list(listing.whole_prefixes(page_names, first=first, last=last)) == expected


@given(st.sets(st.text("ab/é", min_size=1, max_size=6), max_size=60), st.integers(0, 60), st.integers(1, 60))
def test_a_whole_prefix_finds_no_image_of_another_page(every: set[str], start: int, limit: int) -> None:
    ordered = sorted(every)
    page = ordered[start : start + limit]
    first, last = start == 0, start + limit >= len(ordered)
    for prefix in listing.whole_prefixes(page, first=first, last=last):
        assert [name for name in ordered if name.startswith(prefix)] == [n for n in page if n.startswith(prefix)]


def test_names_that_agree_for_long_are_no_difficulty() -> None:
    page = ["n" * length for length in range(1, 900, 4)]
    assert list(listing.whole_prefixes(page, first=False, last=False)) == []


@pytest.mark.parametrize(("most", "asked_for"), [(2000, []), (2, ["b/1", "b/3"])], ids=["whole", "cut off"])
def test_what_is_below_a_whole_listing_needs_no_look_of_its_own(
    most: int, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MAX_LISTED_BLOBS", most)
    blobs = MemoryBlobs(FakeClock())
    for name in ("a/1", "b/0", "b/01", "b/1"):
        blobs.write("c", name, b"", content_type="text/plain")
    heads: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        known = listing.list_below(blobs, "c", ["b"], pool)
    blobs.before = lambda operation, container, name: heads.append(name)
    there = [name for name in ("b/0", "b/1", "b/3") if known.head("c", name)]
    assert (there, heads) == (["b/0", "b/1"], asked_for)


def test_what_was_not_listed_is_asked_for() -> None:
    blobs = MemoryBlobs(FakeClock())
    for container, name in (("c", "a/1"), ("d", "b/1")):
        blobs.write(container, name, b"", content_type="text/plain")
    with ThreadPoolExecutor(2) as pool:
        known = listing.list_below(blobs, "c", ["b"], pool)
    assert [known.head(*place) is not None for place in (("c", "a/1"), ("d", "b/1"), ("c", "b/1"))] == [
        True,
        True,
        False,
    ]


def walked(blobs: MemoryBlobs, every: set[str], size: int) -> tuple[list[str], int]:
    """What walks beside pages of so many names find of their records, and how many listings they take."""
    listings: list[str] = []
    blobs.before = lambda operation, container, name: listings.append(operation)
    ordered, found, continuation = sorted(every), list[str](), None
    for start in range(0, len(ordered), size):
        page = ordered[start : start + size]
        wanted = {f"{name}.json" for name in page}
        walk = listing.walk(blobs, ("c", ""), continuation, page[-1], wanted.__contains__)
        continuation = walk.continuation
        found += walk.found
    return found, len(listings)


@pytest.mark.parametrize("listed", [1, 2, 5, 1000])
@given(st.sets(st.integers(0, 999), max_size=40), st.sets(st.integers(0, 999), max_size=40), st.integers(1, 9))
def test_a_walk_finds_the_records_of_each_page_whatever_others_lie_between(
    listed: int, images: set[int], others: set[int], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_WALKED_AT_ONCE", listed)
        blobs = MemoryBlobs(FakeClock())
        for number in images | others:
            blobs.write("c", f"{number:03}.jpg.json", b"", content_type="text/plain")
        every = {f"{number:03}.jpg" for number in images}
        found, listings = walked(blobs, every, size)
    assert sorted(found) == sorted(f"{name}.json" for name in every)
    # Each listing once, and the last one of a page once more.
    assert listings <= len(images | others) / listed + 2 * len(every) / size + 2


@pytest.mark.parametrize("listed", [1, 3, 1000])
@given(st.sets(st.integers(0, 99), max_size=30), st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_a_walk_tells_of_a_name_only_if_it_would_have_found_it(listed: int, there: set[int], ends: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_WALKED_AT_ONCE", listed)
        blobs = MemoryBlobs(FakeClock())
        for number in there:
            blobs.write("c", f"p/{number:02}", b"", content_type="text/plain")
        continuation, told = None, set[int]()
        for end in sorted(ends):
            walk = listing.walk(blobs, ("c", "p/"), continuation, f"{end:02}", lambda name: True)
            continuation = walk.continuation
            tells = {number for number in range(100) if walk.tells(f"p/{number:02}")}
            assert {f"p/{number:02}" for number in tells & there} == set(walk.found)
            told |= tells
            assert not walk.tells("q/01")
            assert not walk.tells("p/\u00e4")
        # Nothing between the pages is left open, but for what lies past the last run.
        assert set(range(max(ends) + 1)) <= told


def test_a_walk_through_very_many_others_ends_and_the_next_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_WALKED_AT_ONCE", 2)
    monkeypatch.setattr(listing, "_MOST_WALKED", 3)
    blobs = MemoryBlobs(FakeClock())
    for name in [*(f"b{number}" for number in range(10)), "c.json"]:
        blobs.write("c", name, b"", content_type="text/plain")
    first = listing.walk(blobs, ("c", ""), None, "c", lambda name: name == "c.json")
    second = listing.walk(blobs, ("c", ""), first.continuation, "c", lambda name: name == "c.json")
    assert (first.found, list(second.found)) == ({}, ["c.json"])


def test_a_walk_below_a_prefix_compares_what_follows_it() -> None:
    blobs = MemoryBlobs(FakeClock())
    for name in ("text/a.json", "text/b.json", "thumbnails/a.json"):
        blobs.write("c", name, b"", content_type="text/plain")
    walk = listing.walk(blobs, ("c", "text/"), None, "b", lambda name: True)
    assert list(walk.found) == ["text/a.json", "text/b.json"]
