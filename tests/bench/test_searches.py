"""The searches of many images in small, and what the report says of them."""

import sys
from itertools import islice
from types import SimpleNamespace

import pytest
from doubles.parts import Parts, parts

from bench import searches
from bench.searches import QUERIES, Measured
from shared import names
from shared.index.reader import snapshot

MEGABYTE = 2**20
WELL = Measured(
    images=10_000,
    first=3.0,
    milliseconds={kind: [10.0, 20.0, 30.0] for kind in QUERIES},
    totals=dict.fromkeys(QUERIES, 7),
    operations={"first": 4, "nothing new": 0, "ten changes": 2},
    index_bytes=MEGABYTE,
    idle=60 * MEGABYTE,
    peak=100 * MEGABYTE,
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Parts:
    found = parts()
    monkeypatch.setattr(searches, "app_of", lambda connection: found.services)
    return found


def missed(*found: Measured) -> list[str]:
    return [goal.what for goal in searches.goals(found) if not goal.held]


def test_searches_that_keep_their_promises_miss_no_goal() -> None:
    assert missed(WELL) == []


@pytest.mark.parametrize(
    ("broken", "goal"),
    [
        (WELL._replace(milliseconds={"all images": [501.0] * 3}), "p95 of a search of 10000 images"),
        (WELL._replace(operations={**WELL.operations, "ten changes": 5}), "storage operations of a search after"),
        (WELL._replace(peak=661 * MEGABYTE), "memory beyond what the process had"),
    ],
)
def test_each_broken_promise_is_a_missed_goal(broken: Measured, goal: str) -> None:
    (what,) = missed(broken)
    assert what.startswith(goal)


def test_the_report_has_a_row_for_each_number_of_images_and_one_for_each_query() -> None:
    text = searches.report([WELL, WELL._replace(images=20_000)])
    assert [line.split(" | ")[0] for line in text.splitlines()[2:4]] == ["| 10000", "| 20000"]
    assert all(f"`{asked}` | 7 | 20 | 30 |" in text for asked in QUERIES.values() if asked)


def test_lines_are_the_same_at_every_run() -> None:
    assert list(searches.lines(5, 7)) == list(islice(searches.lines(20), 7, 12))


def test_every_line_is_in_the_index(app: Parts) -> None:
    searches.fill(app.services, 30, 0)
    searches.fill(app.services, 20, 30)
    assert sorted(snapshot(app.host)) == sorted(line["stem"] for line in searches.lines(50))
    assert not [name for name in app.host.contents(names.INDEX) if name.startswith("bench")]


@pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc")
def test_every_kind_of_query_is_asked(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    searches.fill(app.services, 30, 0)
    monkeypatch.setattr(searches, "_ROUNDS", 1)
    # The clock of the world does not go by itself.
    monkeypatch.setattr(searches, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=app.clock.advance))
    found = searches.search("")
    assert set(found["totals"]) == set(QUERIES)
    assert found["totals"]["all images"] == 30
    assert found["totals"]["nothing"] == 0
    assert {kind: len(each) for kind, each in found["milliseconds"].items()} == dict.fromkeys(QUERIES, 1)
    assert found["index_bytes"] > 0
