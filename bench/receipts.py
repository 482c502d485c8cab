"""
Whether the receipts of images add up to what Computer Vision has had, call by call.

The service lists each call by the id that the app gave it (`/_control/calls`). Each of them has to be in one receipt,
with its status and its transactions; and a receipt may have no other call, but one without an answer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from bench.stack import Stack

Json = dict[str, Any]
# Free, and counted in a receipt instead of listed.
_FREE = ("readResult", "models")


class Compared(NamedTuple):
    """
    Receipts beside the service's list.

    Attributes:
        receipts: how many were compared.
        calls: that the service has had.
        without_answer: calls of receipts that had no answer: sent and lost, cut off, or never sent.
        transactions: that the service would bill.
        problems: what does not add up.
    """

    receipts: int
    calls: int
    without_answer: int
    transactions: int
    problems: list[str]


def of_stack(stack: Stack, names: Iterable[str]) -> Compared:
    """Compare the receipts of these images, which have no bytes in common, with all that the service has had."""
    found = {name: json.loads(stack.ask_host("GET", f"/api/images/{quote(name)}?explain=true")) for name in names}
    calls = json.loads(stack.ask_vision("GET", "/_control/calls"))["calls"]
    billed = sum(each["transactions"] for each in stack.vision_stats()["operations"].values())
    return compare({name: image["receipt"] for name, image in found.items()}, calls, billed)


def compare(receipts: Mapping[str, Json], calls: Sequence[Json], billed: int) -> Compared:
    """
    The same of receipts by image, of the service's list, and of what its statistics say that it would bill.

    Returns:
        With a problem for each id that is missing, twice, too many or told in another way, and for each sum.
    """
    heard = {each["id"]: each for each in calls if each["operation"] not in _FREE}
    told = [call for receipt in receipts.values() for call in receipt["calls"]]
    known = {call["id"]: call for call in told if call["status"] is not None}
    often = Counter(call["id"] for call in told)
    found = {
        "calls in no receipt": [heard[each]["operation"] for each in heard.keys() - often.keys()],
        "calls in several receipts": [each for each, count in often.items() if count > 1],
        "calls that the service never had": sorted(known.keys() - heard.keys()),
        "calls that are told in another way": [
            f"{each} {_told(known[each])} instead of {_told(heard[each])}"
            for each in known.keys() & heard.keys()
            if _told(known[each]) != _told(heard[each])
        ],
    }
    problems = [f"{what}: {len(which)}: {', '.join(which[:5])}" for what, which in found.items() if which]
    lost = [call["id"] for call in told if call["status"] is None]
    summed = sum(receipt["totals"]["transactions"] for receipt in receipts.values())
    summed += sum(heard[each]["transactions"] for each in lost if each in heard)
    if summed != billed:
        problems.append(f"transactions of receipts and lost calls: {summed} instead of {billed}")
    return Compared(len(receipts), len(heard), len(lost), billed, problems)


def _told(call: Json) -> tuple[object, ...]:
    return call["operation"], call["status"], call["transactions"]
