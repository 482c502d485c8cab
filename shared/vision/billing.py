"""
What an answer cost, in transactions.

The service tells it in the header CSP-Billing-Usage, as in
`CognitiveServices.ComputerVision.Tags=1,CognitiveServices.ComputerVision.Transaction=1`; without it, every success of a
POST is one. Asking how far a Read is carries the header too, but is free of charge, while each further page of a Read
is a transaction of its own.
"""

import re
from collections import deque

from shared.transport.http import Reply
from shared.vision.read_models import ReadResult

_TRANSACTIONS = re.compile(r"\.Transaction=(\d{1,9})\b")
_REMEMBERED_READS = 1000


def transactions(method: str, reply: Reply) -> int:
    """How many transactions were paid for this answer."""
    if method != "POST":
        return 0
    told = _TRANSACTIONS.findall(reply.headers.get("CSP-Billing-Usage", ""))
    return sum(map(int, told)) if told else int(200 <= reply.status < 300)


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
