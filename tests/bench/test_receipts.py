from typing import Any

import pytest

from bench.receipts import compare

PAID = {"id": "a", "operation": "analyze", "status": 200, "transactions": 3}
FAILED = {"id": "b", "operation": "analyze", "status": 500, "transactions": 1}
CUT = {"id": "c", "operation": "read", "status": None, "transactions": None}
POLL = {"id": "p", "operation": "readResult", "status": 200, "transactions": 0}


def receipt(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"calls": list(calls), "totals": {"transactions": sum(call["transactions"] or 0 for call in calls)}}


@pytest.mark.parametrize(
    ("heard", "billed"),
    [
        ([PAID, FAILED, POLL], 4),
        # It was sent and billed, and its answer was lost.
        ([PAID, FAILED, {**CUT, "status": 202, "transactions": 2}], 6),
    ],
)
def test_receipts_add_up_where_each_call_is_in_one_and_a_call_without_an_answer_may_have_come(
    heard: list[dict[str, Any]], billed: int
) -> None:
    found = compare({"a.jpg": receipt(PAID, CUT), "b.jpg": receipt(FAILED)}, heard, billed)
    assert (found.problems, found.receipts, found.without_answer, found.transactions) == ([], 2, 1, billed)


@pytest.mark.parametrize(
    ("receipts", "heard", "problem"),
    [
        ([receipt(PAID)], [PAID, FAILED], "calls in no receipt: 1: analyze"),
        ([receipt(PAID, FAILED)], [PAID], "calls that the service never had: 1: b"),
        ([receipt(PAID), receipt(PAID)], [PAID], "calls in several receipts: 1: a"),
        ([receipt({**PAID, "transactions": 2})], [PAID], "calls that are told in another way: 1: a "),
        ([receipt({**PAID, "status": 429})], [PAID], "calls that are told in another way: 1: a "),
        ([receipt(PAID)], [{**PAID, "transactions": 4}], "transactions of receipts and lost calls: 3 instead of 4"),
    ],
)
def test_whatever_does_not_add_up_is_named(
    receipts: list[dict[str, Any]], heard: list[dict[str, Any]], problem: str
) -> None:
    billed = sum(each["transactions"] for each in heard)
    found = compare({str(number): each for number, each in enumerate(receipts)}, heard, billed)
    assert any(each.startswith(problem) for each in found.problems)
