"""
What transactions cost, by VISION_PRICES: two classes, as Microsoft's price page has them.

Describe, the feature Description and Read are one class; all other questions and features are the other one. An
answer's usage (`vision.billing.usage`) names its features where the service did; where it did not, the question does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from shared.configuration.parse import Prices
from shared.vision import billing

# A millionth of the currency: a thousandth of what a transaction costs.
_DIGITS = 6
_PRICED_TOGETHER = 1000


class Transactions(NamedTuple):
    """How many transactions of each class: `others`, and `description_and_text`."""

    others: int = 0
    description_and_text: int = 0

    @property
    def total(self) -> int:
        """Of both classes."""
        return sum(self)

    def plus(self, more: "Transactions") -> "Transactions":
        """Both together."""
        return Transactions(self.others + more.others, self.description_and_text + more.description_and_text)


def of_usage(question: str, usage: Mapping[str, int]) -> Transactions:
    """
    The transactions of one answer, by class; their total is `billing.billed(usage)`.

    Args:
        question: what was asked, in its canonical form (`Question.text`), such as `analyze?visualFeatures=Tags`.
        usage: what the service billed, such as `{"Tags": 1, "Transaction": 1}`.
    """
    described = billing.described(question, usage)
    return Transactions(billing.billed(usage) - described, described)


def cost(transactions: Transactions, prices: Prices) -> float:
    """What they cost in the currency of the prices, to a millionth."""
    amount = transactions.others * prices.others + transactions.description_and_text * prices.description_and_text
    return round(amount / _PRICED_TOGETHER, _DIGITS)
