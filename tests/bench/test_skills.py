import base64
import json

import pytest

from bench import skills
from bench.pictures import Picture
from bench.skills import Plan, Result, Run

PLAN = Plan(records=200, bad=10, rate=10, seconds=230)
WELL = Result(
    paid_before=40,
    first=Run(seconds=40.0, answered=180, refused=20, paid=180),
    again=Run(seconds=1.0, answered=180, refused=20, paid=180),
    paid_twice=0,
    throttled=0,
)


def test_a_batch_has_every_picture_and_each_tenth_is_cut_short() -> None:
    given = [Picture(f"{number}.png", bytes([number]) * 100, None) for number in range(20)]
    values = json.loads(skills.batch(given, 10))["values"]
    assert [each["recordId"] for each in values] == [str(number) for number in range(20)]
    whole = [base64.b64encode(each.data).decode() for each in given]
    sent = [each["data"]["image"]["data"] for each in values]
    assert [number for number in range(20) if sent[number] != whole[number]] == [0, 10]


def test_records_are_counted_by_what_they_have() -> None:
    bad = {"data": {}, "errors": [{"message": "x"}]}
    assert skills.counted([{"data": {"caption": "a"}, "errors": None}, bad, bad]) == (1, 2)


def test_a_run_that_keeps_its_promises_misses_no_goal() -> None:
    assert [goal for goal in WELL.goals(PLAN) if not goal.held] == []
    assert "180 calls paid, 40 of them for the caller that hung up" in skills.report(PLAN, WELL)


@pytest.mark.parametrize(
    ("result", "missed"),
    [
        (WELL._replace(first=WELL.first._replace(seconds=231)), "seconds until the batch was answered"),
        (WELL._replace(first=WELL.first._replace(answered=179)), "records with data"),
        (WELL._replace(first=WELL.first._replace(refused=21)), "records with an error"),
        (WELL._replace(paid_before=0), "calls paid for the caller that hung up"),
        (WELL._replace(again=WELL.again._replace(paid=181)), "calls paid for the same batch again"),
        (WELL._replace(paid_twice=1), "questions paid twice"),
    ],
)
def test_each_broken_promise_is_a_missed_goal(result: Result, missed: str) -> None:
    assert [goal.what for goal in result.goals(PLAN) if not goal.held] == [missed]
