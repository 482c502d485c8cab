"""
What transactions cost, by VISION_PRICES: two classes, as Microsoft's price page has them.

Describe, the feature Description and Read are one class; all other questions and features are the other one. An
answer's usage (`vision.billing.usage`) names its features where the service did; where it did not, the question does.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from shared.configuration.parse import Prices
from shared.vision import billing

_DESCRIPTION = "description"
_WHOLE_CLASS = ("describe", "read")
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
    path, _, query = question.partition("?")
    total = billing.billed(usage)
    if path.partition("/")[0] in _WHOLE_CLASS:
        return Transactions(0, total)
    named = {name.lower(): count for name, count in usage.items() if name != billing.TRANSACTION}
    if not named and total > 1:
        # Nothing but a total, as of a service without the header: each feature that was asked for is one.
        named = {each.lower(): 1 for each in ",".join(parse_qs(query).get("visualFeatures", [])).split(",")}
    described = min(total, named.get(_DESCRIPTION, 0))
    if not named and path == "analyze" and parse_qs(query).get("visualFeatures") == ["Description"]:
        described = total
    return Transactions(total - described, described)


def cost(transactions: Transactions, prices: Prices) -> float:
    """What they cost in the currency of the prices, to a millionth."""
    amount = transactions.others * prices.others + transactions.description_and_text * prices.description_and_text
    return round(amount / _PRICED_TOGETHER, _DIGITS)
