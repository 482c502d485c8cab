import pytest

from shared.configuration.parse import Prices
from shared.receipts.prices import Transactions, cost, of_usage
from shared.vision import billing, questions

PRICES = Prices(1.0, 1.5, "USD")
ANALYSIS = questions.analyze(("Tags", "Description", "Objects")).text


@pytest.mark.parametrize(
    ("question", "usage", "others", "description_and_text"),
    [
        (ANALYSIS, {"Tags": 1, "Description": 1, "Objects": 1, "Transaction": 1}, 2, 1),
        (ANALYSIS, {"Transaction": 3}, 2, 1),
        (ANALYSIS, {"Transaction": 1}, 1, 0),
        (ANALYSIS, {}, 0, 0),
        (questions.analyze(("Description",)).text, {"Transaction": 1}, 0, 1),
        (questions.analyze(("Tags",)).text, {"Tags": 1, "Transaction": 1}, 1, 0),
        (questions.describe().text, {"Describe": 1, "Transaction": 1}, 0, 1),
        (questions.read().text, {"Transaction": 1}, 0, 1),
        (questions.read_result(questions.read()).text, {"Transaction": 12}, 0, 12),
        (questions.area_of_interest().text, {"Transaction": 1}, 1, 0),
        (questions.thumbnail(20, 30).text, {"Transaction": 1}, 1, 0),
        (questions.domain("landmarks").text, {"Landmarks": 1, "Transaction": 1}, 1, 0),
    ],
)
def test_an_answers_transactions_are_of_two_classes_and_lose_none(
    question: str, usage: dict[str, int], others: int, description_and_text: int
) -> None:
    found = of_usage(question, usage)
    assert found == Transactions(others, description_and_text)
    assert found.total == billing.billed(usage)


def test_a_thousand_transactions_cost_what_the_setting_says() -> None:
    assert cost(Transactions(1000, 0), PRICES) == 1.0
    assert cost(Transactions(0, 1000), PRICES) == 1.5
    assert cost(Transactions(2, 1).plus(Transactions(1, 0)), PRICES) == 0.0045
    assert cost(Transactions(1, 0), Prices(0.65, 1.5, "EUR")) == 0.00065
    assert cost(Transactions(), PRICES) == 0.0
