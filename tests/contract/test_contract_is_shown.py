"""
The contract against one scripted pass over the app: it allows what came, and what it claims came.

A claim that nothing shows, and an answer that it does not allow, are each a lie. So a lie that is put into it is found.
"""

import functools
import json
import logging

import pytest
from doubles.conformance import Contract
from doubles.contract_coverage import Fact, documented, shown
from doubles.exchanges import Exchange
from doubles.judged_answers import DOCUMENT, contract
from doubles.lies import Lie, lies, spread
from doubles.scripted_exchanges import exchanges

CONTRACT = json.loads(DOCUMENT.read_text())
LIES = list(lies(CONTRACT))
OF_EACH_KIND = 3
# A 202 of a poll has no image; a test of its own shows those of a 200.
SHOWN_ELSEWHERE = {("item", "ImagesWithResults", "images")}


@functools.cache
def recorded() -> tuple[Exchange, ...]:
    logging.disable(logging.CRITICAL)
    try:
        return tuple(exchanges())
    finally:
        logging.disable(logging.NOTSET)


def unshown(judge: Contract) -> set[Fact]:
    return documented(judge) - shown(judge, recorded()) - SHOWN_ELSEWHERE


def test_no_answer_breaks_the_contract() -> None:
    assert [breach for exchange in recorded() for breach in contract().breaches(exchange)] == []


def test_all_that_the_contract_claims_comes() -> None:
    assert documented(contract()) - shown(contract(), recorded()) == SHOWN_ELSEWHERE


def test_a_poll_with_results_is_what_the_trigger_of_the_connector_says() -> None:
    """The contract has it under the list, whose path it shares."""
    polls = [each for each in recorded() if each.path == "/api/images" and "since" in dict(each.query)]
    told = [json.loads(each.body) for each in polls if each.status == 200]
    judge = contract()
    schema = judge.document["components"]["schemas"]["ImagesWithResults"]
    assert any(each["images"] for each in told)
    assert [problem for each in told for problem in judge.problems(schema, each)] == []


def is_found(lie: Lie) -> bool:
    judge = Contract(lie.told(CONTRACT))
    return any(judge.breaches(exchange) for exchange in recorded()) or bool(unshown(judge))


@pytest.mark.parametrize("lie", spread(LIES, OF_EACH_KIND), ids=str)
def test_a_lie_is_found(lie: Lie) -> None:
    assert is_found(lie)


def test_there_are_lies_of_every_kind() -> None:
    kinds = {lie.kind for lie in LIES}
    for what in (
        *("status", "header", "member", "required", "value", "null"),
        *("parameter", "parameter's value", "sent type", "sent body"),
    ):
        assert {f"{what} left out", f"{what} added"} <= kinds
    assert {"type turned", "content type turned", "operation left out"} <= kinds
    assert len(spread(LIES, OF_EACH_KIND)) >= 30
