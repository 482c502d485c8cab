"""The polls of `GET /api/images?since=` in small, and what the report says of them."""

import sys
from collections import Counter

import pytest
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from bench import new_results
from bench.new_results import Measured
from bench.pictures import Picture

MEGABYTE = 2**20
WELL = Measured(
    images=250,
    records=1250,
    told=250,
    polls=2,
    longest=4.0,
    first=1,
    idle_operations=4,
    operations=Counter({"HEAD images": 250, "GET analysis": 2000, "LIST text": 10}),
    idle_seconds=0.5,
    seconds=8.0,
    idle=60 * MEGABYTE,
    peak=80 * MEGABYTE,
)


def missed(*found: Measured) -> list[str]:
    return [goal.what for goal in new_results.goals(found) if not goal.held]


def test_polls_that_keep_their_promises_miss_no_goal() -> None:
    assert missed(WELL, WELL._replace(images=500, operations=WELL.operations + WELL.operations)) == []


@pytest.mark.parametrize(
    ("broken", "goal"),
    [
        (
            WELL._replace(idle_operations=5),
            "storage operations of a poll with nothing new, beyond one for 2,000 records",
        ),
        (WELL._replace(operations=Counter({"HEAD images": 2501})), "storage operations of an image told"),
        (WELL._replace(first=2), "the first poll from long ago that tells an image"),
        (
            WELL._replace(peak=121 * MEGABYTE),
            "memory beyond what the process had, of any of these numbers of images",
        ),
    ],
)
def test_each_broken_promise_is_a_missed_goal(broken: Measured, goal: str) -> None:
    assert missed(broken) == [goal]


def test_a_promise_that_fewer_images_break_is_a_missed_goal_too() -> None:
    assert len(missed(WELL._replace(first=2, peak=121 * MEGABYTE), WELL)) == 2


def test_the_report_has_a_row_for_each_number_of_images_and_the_operations_of_the_last() -> None:
    text = new_results.report([WELL, WELL._replace(images=500)])
    assert [line.split(" | ")[0] for line in text.splitlines()[2:4]] == ["| 250", "| 500"]
    assert "| GET analysis | 2000 |" in text


@pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc")
def test_every_copy_is_told_with_the_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = TaskHub(parts())
    hub.app.vision.tags = {"text": 0.99}
    monkeypatch.setattr(new_results, "app_of", lambda connection: hub.app.services)
    monkeypatch.setattr(new_results, "_LIMIT", 2)
    with hub.running():
        hub.upload("a.png", picture())
        hub.pass_time(10)
    copies = ["b.png", "c.png", "d.png", "e.png"]
    assert new_results.copy("", Picture("a.png", picture(), "HELLO"), copies) == 5
    hub.app.clock.advance(10)
    found = new_results.poll("")
    assert (found["told"], found["names"], found["first"]) == (5, 5, 1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" in ")[0] for line in lines[:4]] == [
        "poll 1: 0 images",
        "poll 1: 2 images",
        "poll 2: 2 images",
        "poll 3: 1 images",
    ]
    assert len(lines) == 1 + found["polls"]
