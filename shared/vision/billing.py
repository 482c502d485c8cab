"""
What an answer cost, in transactions: the unit that Azure bills and that the app's limits count.

By Microsoft's price page each feature is a transaction, asked for alone or together with others. The service tells it
in the header CSP-Billing-Usage, as in
`CognitiveServices.ComputerVision.Tags=1,CognitiveServices.ComputerVision.Transaction=1`; a Read, and an image that is
refused, name `Transaction` alone. A look at how far a Read is has the header too, and is free of charge. Each further
page of a Read is a transaction of its own.
"""

import re
from collections import deque
from collections.abc import Mapping
from urllib.parse import parse_qs

from shared.transport.http import Reply
from shared.vision.questions import Question
from shared.vision.read_models import ReadResult

TRANSACTION = "Transaction"
# No answer is billed as more than a Read of the most pages, which are 2,000.
_ENTRY = r"([A-Za-z]\w{0,63})\s*=\s*(\d{1,4})"
_MOST_ENTRIES = 64
_DESCRIPTION, _DESCRIBED_WHOLE = "description", ("describe", "read")
_REMEMBERED_READS = 1000


def price(question: Question) -> int:
    """How many transactions an answer to this question is expected to cost: one, or one for each feature and detail."""
    if question.operation != "analyze":
        return 1
    asked = dict(question.parameters)
    return sum(bool(part) for name in ("visualFeatures", "details") for part in asked.get(name, "").split(","))


def usage(reply: Reply, price: int) -> Mapping[str, int]:
    """
    What the service billed for this answer, such as `{"Tags": 1, "Transaction": 1}`; empty if nothing.

    Args:
        reply: the answer, of any status.
        price: what was expected, which counts where the answer is a success and does not tell. With 0 it is free,
            whatever it tells.
    """
    if not price:
        return {}
    told = _told(reply.headers.get("CSP-Billing-Usage", ""))
    if told:
        return told
    return {TRANSACTION: price} if 200 <= reply.status < 300 else {}


def billed(usage: Mapping[str, int]) -> int:
    """How many transactions that is: the sum of the named entries, or `Transaction` if that is more."""
    named = sum(count for name, count in usage.items() if name != TRANSACTION)
    return max(named, usage.get(TRANSACTION, 0))


def described(question: str, usage: Mapping[str, int]) -> int:
    """
    How many transactions of a usage are of the class of descriptions and text, which has a price of its own.

    Args:
        question: what was asked, in its canonical form (`Question.text`), such as `analyze?visualFeatures=Tags`.
        usage: what the service billed. Where it names no features, those that were asked for count.
    """
    path, _, query = question.partition("?")
    total = billed(usage)
    if path.partition("/")[0] in _DESCRIBED_WHOLE:
        return total
    named = {name.lower(): count for name, count in usage.items() if name != TRANSACTION}
    if not named:
        asked = ",".join(parse_qs(query).get("visualFeatures", [])).lower().split(",")
        if asked == [_DESCRIPTION]:
            return total
        # A single transaction is that of a refusal.
        named = {_DESCRIPTION: asked.count(_DESCRIPTION) if total > 1 else 0}
    return min(total, named.get(_DESCRIPTION, 0))


def _told(header: str) -> dict[str, int]:
    """The entries of the header: the last part of each dotted name, in the spelling that came first, and its number."""
    found: dict[str, int] = {}
    names = {TRANSACTION.lower(): TRANSACTION}
    for entry in header.split(",")[:_MOST_ENTRIES]:
        matched = re.fullmatch(_ENTRY, entry.rpartition(".")[2].strip(), re.ASCII)
        if matched:
            name = names.setdefault(matched[1].lower(), matched[1])
            found[name] = found.get(name, 0) + int(matched[2])
    return found


class Pages:
    """The pages of finished Reads, each counted once by this process."""

    def __init__(self) -> None:
        self._counted: deque[str] = deque(maxlen=_REMEMBERED_READS)

    def further(self, url: str, result: ReadResult) -> int:
        """How many transactions the result adds to the one that was paid when the Read was accepted."""
        if result.status != "succeeded" or url in self._counted:
            return 0
        self._counted.append(url)
        return max(0, len(result.pages) - 1)
