"""What the bench of the page counts, and which goals it misses when."""

import pytest

from bench import gallery
from bench.gallery import Measured, Scroll, Visit

WELL = Measured(
    visit=Visit({"files": 60_000, "data": 20_000, "pictures": 150_000}, names=900.0, pictures=1400.0, shift=0.0),
    keystrokes=[120.0, 140.0, 900.0],
    words=[150.0, 160.0],
    scrolls=[Scroll(name, [16.7] * 99 + [40.0]) for name in gallery.SPEEDS],
    jumps=[200.0, 300.0],
)


def missed(found: Measured) -> list[str]:
    return [goal.what for goal in gallery.goals(found) if not goal.held]


def test_a_page_that_keeps_its_promises_misses_no_goal() -> None:
    assert missed(WELL) == []


@pytest.mark.parametrize(
    ("worse", "what"),
    [
        (WELL._replace(keystrokes=[320.0, 310.0, 100.0]), "keystroke"),
        (WELL._replace(visit=WELL.visit._replace(received={**WELL.visit.received, "files": 150_001})), "files"),
        (WELL._replace(visit=WELL.visit._replace(shift=0.2)), "shift"),
        (WELL._replace(scrolls=[Scroll("slowly", [40.0] * 6 + [16.7] * 94), *WELL.scrolls[1:]]), "33.3 ms"),
    ],
)
def test_each_goal_is_missed_by_what_is_over_it(worse: Measured, what: str) -> None:
    [only] = missed(worse)
    assert what in only


def test_a_frame_that_the_clock_makes_a_little_longer_is_not_late() -> None:
    assert Scroll("slowly", [16.9, 17.2, 33.4, 50.0]).share_over(gallery.FRAME_MILLISECONDS) == 0.5
    assert Scroll("slowly", [16.9, 17.2, 33.4, 50.0]).share_over(2 * gallery.FRAME_MILLISECONDS) == 0.25


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("http://127.0.0.1:1/api/gallery?q=data/thumbnail", "files"),
        ("http://127.0.0.1:1/api/gallery/app.0123456789ab.js", "files"),
        ("http://127.0.0.1:1/api/gallery/data/search?q=a", "data"),
        ("http://127.0.0.1:1/api/gallery/data/thumbnail?name=a.jpg", "pictures"),
        ("http://127.0.0.1:1/api/gallery/data/picture?name=a.jpg", "pictures"),
    ],
)
def test_bytes_are_counted_by_what_an_address_answers_with(address: str, kind: str) -> None:
    assert gallery.kind_of(address) == kind


def test_the_report_has_every_measure() -> None:
    told = gallery.report(WELL)
    for shown in (
        "| files, kB | 60.0 |",
        "| one letter | 3 | 140 |",
        "| layout shift | 0.000 |",
        "12000 pixels a second",
    ):
        assert shown in told
