from collections import Counter

import pytest

from bench.chaos import Result
from bench.hang import Answered, Hang, Plan, report
from bench.outcome import Left
from bench.receipts import Compared

PLAN = Plan(uploads=30, seconds=120, max_wait=20)
WELL = Hang(
    answers=[Answered("state", 503, 21.9, 0.0), Answered("health", 503, 5.9, 0.0), Answered("refused", 400, 0.1, 0.0)],
    during=[Answered("health", 503, 5.9, 0.0)],
    settled=True,
    result=Result(
        seconds=60.0,
        wanted={"analysis/a.png.json"},
        there={"analysis/a.png.json"},
        questions=Counter({("5" * 64, "analyze"): 1}),
        paid=Counter({("5" * 64, "analyze"): 1}),
        in_flight=Counter(),
        statuses=Counter({"200": 1}),
        states=Counter(complete=1),
        unfinished={},
        wrong_texts=[],
        left=Left(0, 0, 0),
        receipts=Compared(1, 1, 0, 3, []),
    ),
)


def test_a_run_in_which_every_promise_held_has_no_problem() -> None:
    assert WELL.problems(PLAN) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"answers": [Answered("state", 503, 22.1, 0.0)]}, "late: state after 22.1 s (503)"),
        ({"answers": [Answered("health", 200, 6.1, 0.0)]}, "late: health after 6.1 s (200)"),
        ({"answers": [Answered("list", 0, 90.0, 0.0)]}, "late: list after 90.0 s (0)"),
        ({"answers": [Answered("list", 500, 1.0, 0.0)]}, "answered 500: list"),
        ({"answers": [Answered("refused", 503, 1.0, 0.0)]}, "answered 503: refused"),
        ({"settled": False}, "not complete 60 s after storage went on"),
        ({"result": WELL.result._replace(left=Left(1, 0, 0))}, "instances or messages left, unended: 1"),
    ],
)
def test_each_promise_that_was_broken_is_named(changes: dict[str, object], problem: str) -> None:
    assert WELL._replace(**changes).problems(PLAN) == [problem]  # type: ignore[arg-type]


def test_the_report_has_a_line_for_each_kind_of_caller() -> None:
    assert "| health | 1 | 1 x 503 | 5.9 | 6 |" in report(PLAN, WELL)
