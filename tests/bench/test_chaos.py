from collections import Counter
from pathlib import Path

import pytest

from bench import chaos
from bench.burst_stack import Answered, goals
from bench.burst_stack import Result as Burst
from bench.chaos import Plan, Result
from bench.outcome import SIZES, Left, expected
from bench.pictures import pictures
from bench.receipts import Compared

ANALYZED = ("5" * 64, "analyze")
WELL = Result(
    seconds=60.0,
    wanted={"analysis/a.png.json"},
    there={"analysis/a.png.json"},
    questions=Counter({ANALYZED: 1}),
    paid=Counter({ANALYZED: 1}),
    in_flight=Counter(),
    statuses=Counter({"200": 1}),
    states=Counter(complete=1),
    unfinished={},
    wrong_texts=[],
    left=Left(0, 0, 0),
    receipts=Compared(1, 1, 0, 3, []),
)
PLAN = Plan(uploads=300, kills=10, seed=1, duplicate=False)


def test_a_run_in_which_all_is_well_has_no_problem_and_what_was_in_flight_at_a_kill_may_be_paid_again() -> None:
    assert WELL.problems() == []
    assert WELL._replace(paid=Counter({ANALYZED: 3}), in_flight=Counter({ANALYZED: 2})).problems() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"there": set()}, "records missing: 1: analysis/a.png.json"),
        ({"there": WELL.wanted | {"text/a.png.txt"}}, "records that nobody asked for: 1: text/a.png.txt"),
        ({"paid": Counter({ANALYZED: 2})}, "paid twice: 1: analyze 55555555"),
        ({"paid": Counter({ANALYZED: 3}), "in_flight": Counter({ANALYZED: 1})}, "paid twice: 1: analyze 55555555"),
        ({"paid": Counter()}, "not paid: 1: analyze 55555555"),
        ({"unfinished": {"text/a.png.json": "busy"}}, "unfinished: 1: text/a.png.json (busy)"),
        ({"wrong_texts": ["a.png"]}, "texts that are wrong: 1: a.png"),
        ({"states": Counter(complete=1, pending=2)}, "images that are pending: 2"),
        ({"left": Left(1, 0, 0)}, "instances or messages left, unended: 1"),
        ({"left": Left(0, 2, 0)}, "instances or messages left, failed: 2"),
        ({"left": Left(0, 0, 3)}, "instances or messages left, poison: 3"),
        ({"receipts": Compared(1, 2, 0, 3, ["calls in no receipt: 1: tag"])}, "calls in no receipt: 1: tag"),
    ],
)
def test_whatever_is_off_is_a_problem_and_is_named(changes: dict[str, object], problem: str) -> None:
    assert WELL._replace(**changes).problems() == [problem]  # type: ignore[arg-type]


def test_the_host_is_killed_at_moments_of_the_seed_while_there_is_work() -> None:
    moments = chaos.moments(PLAN, 1000)
    assert moments == chaos.moments(PLAN, 1000) == sorted(set(moments))
    assert moments != chaos.moments(PLAN._replace(seed=2), 1000)
    assert (len(moments), 0 < moments[0] < 250, moments[-1] < 900) == (10, True, True)
    assert chaos.moments(PLAN._replace(kills=0), 1000) == []


def test_the_report_has_a_line_for_each_operation() -> None:
    lines = chaos.report(PLAN, WELL).splitlines()
    assert "| analyze | 1 | 1 | 0 | 0 | 0 |" in lines
    assert "| records | 1 of 1 |" in lines


def test_all_pictures_differ_and_some_have_text_that_is_asked_for(tmp_path: Path) -> None:
    given = list(pictures(1000, tmp_path))
    assert len({picture.sha256 for picture in given}) == 1000
    assert {path.stem for path in tmp_path.iterdir()} == {picture.sha256 for picture in given}
    with_text = [picture for picture in given if picture.text]
    assert expected(given).total() == 2000 + len(with_text)
    assert {len(picture.records(SIZES)) for picture in given} == {3, 5}
    assert 300 < len(with_text) < 400


def test_a_burst_is_measured_by_time_refusals_losses_and_the_callers_wait() -> None:
    well = Burst(rate=10, seconds=100.0, paid=1000, refused=0, lost=0, paid_twice=0, answers=[Answered(200, 0.5)] * 20)
    assert all(goal.held for goal in goals(well))
    for changes, missed in (
        ({"seconds": 120.0}, 1),
        ({"refused": 20}, 1),
        ({"lost": 1}, 1),
        ({"paid_twice": 1}, 1),
        ({"answers": [Answered(429, 0.5)]}, 1),
        ({"answers": [Answered(200, 3.0)]}, 1),
    ):
        assert sum(not goal.held for goal in goals(well._replace(**changes))) == missed, changes  # type: ignore[arg-type]
