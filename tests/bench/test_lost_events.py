from collections import Counter

import pytest

from bench import lost_events
from bench.lost_events import Plan, Result

PLAN = Plan(old=60, uploads=1, deletions=1, kills=1, seed=1)
ANALYZED, OLD = ("5" * 64, "analyze"), ("6" * 64, "analyze")
WELL = Result(
    seconds=60.0,
    found={},
    questions=Counter({ANALYZED: 1}),
    paid=Counter({ANALYZED: 1}),
    in_flight=Counter(),
    first={},
    second={},
    health={"imagesWithoutResult": 0, "waitForBackfill": 60, "images": 61},
    late=0,
)


def test_a_run_in_which_all_is_well_has_no_problem() -> None:
    assert WELL.problems(PLAN) == []
    assert "| analyze | 1 | 1 | 0 | 0 |" in lost_events.report(PLAN, WELL).splitlines()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"found": {"records missing": ["text/a"]}}, "records missing: 1: text/a"),
        ({"paid": Counter({ANALYZED: 2})}, "paid twice, or for nothing: 1: analyze 55555555"),
        ({"paid": Counter({ANALYZED: 1, OLD: 1})}, "paid twice, or for nothing: 1: analyze 66666666"),
        ({"paid": Counter()}, "not paid: 1: analyze 55555555"),
        ({"late": 2}, "paid after the late events: 2"),
        (
            {"health": {**WELL.health, "waitForBackfill": 59}},
            "the health says waitForBackfill: 59 instead of 60",
        ),
        ({"health": {}}, "the health says imagesWithoutResult: None instead of 0"),
    ],
)
def test_whatever_is_off_is_a_problem(changes: dict[str, object], problem: str) -> None:
    assert problem in WELL._replace(**changes).problems(PLAN)  # type: ignore[arg-type]
