"""
The calls that claims tell of the bytes of an image, each in the form of the receipt.

A claim of an earlier version tells no calls: its answer is one call, whose transactions only a record may know.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from shared import clock, names
from shared.answers import claim_documents
from shared.answers.claim_documents import ClaimDocument
from shared.configuration.parse import Prices
from shared.json_types import Json
from shared.receipts import prices
from shared.receipts.prices import Transactions
from shared.records import by_step
from shared.storage import listing
from shared.storage.blobs import Blobs
from shared.vision import billing
from shared.vision.calls import unanswered

# An answer that serves; an error or a refusal; no end yet; a worker that was killed over it; several old calls.
Outcome = Literal["answered", "failed", "open", "lost", "several"]
_STEPS = {
    "analyze": by_step.ANALYSIS,
    "areaOfInterest": by_step.THUMBNAILS,
    "generateThumbnail": by_step.THUMBNAILS,
    "read": by_step.TEXT,
}
_READ, _READ_RESULT = "read-", "readResult-"
# No function runs longer (host.json, functionTimeout), so whose call has no end by then was killed.
_LONGEST_CALL = timedelta(minutes=10)


class Claimed(NamedTuple):
    """A claim with the key of its question, such as `analyze-2c34...`."""

    key: str
    document: ClaimDocument


class Call(NamedTuple):
    """
    One call, as the receipt tells it.

    Attributes:
        told: its members but for who asked and the price.
        image: a digest of the name of the image that asked (`images.asker`); empty where that is not known.
        transactions: None where nothing tells them.
        unknown: how many had no answer, so that they may have been billed or not: of one call 0 or 1.
    """

    told: Json
    image: str
    transactions: Transactions | None
    unknown: int

    def priced(self, prices_: Prices) -> Json:
        """Its members with transactions and price."""
        known = self.transactions is not None
        return {
            **self.told,
            "transactions": self.transactions.total if self.transactions is not None else None,
            "price": prices.cost(self.transactions or Transactions(), prices_) if known else None,
        }


def claims(host: Blobs, sha256: str) -> list[Claimed]:
    """All claims about these bytes, in the order of their questions' keys; one listing, and the read of each."""
    found = []
    for info in listing.all_below(host, names.CACHE, names.claims(sha256)):
        blob = host.read(names.CACHE, info.name)
        document = claim_documents.read(blob.data) if blob else None
        if document is not None:
            found.append(Claimed(names.question_key(info.name), document))
    return found


def calls(found: Sequence[Claimed], usages: Mapping[str, Mapping[str, int]], now: datetime) -> list[Call]:
    """
    The calls of these claims, the first one first.

    Args:
        found: the claims.
        usages: what records tell of answers, by the service's own id of the call.
        now: the time, by which it is known that a call without an end has none any more.
    """
    results = {each.key.removeprefix(_READ_RESULT): each for each in found if each.key.startswith(_READ_RESULT)}
    made = [
        call
        for each in found
        if not each.key.startswith(_READ_RESULT)
        for call in _of_claim(each, results.get(each.key.removeprefix(_READ)), usages, now)
    ]
    return sorted(_each_once(made), key=lambda call: call.told["begun"] or call.told["ended"] or "")


def _each_once(made: Iterable[Call]) -> Iterator[Call]:
    """One call where an earlier version kept an answer under two questions, as one that was asked for more features."""
    made = list(made)
    known = {call.told["requestId"] for call in made if call.told["id"]} - {None}
    for call in made:
        request_id = call.told["requestId"]
        if call.told["id"] or request_id not in known:
            yield call
        if request_id:
            known.add(request_id)


def _of_claim(
    claim: Claimed, result: Claimed | None, usages: Mapping[str, Mapping[str, int]], now: datetime
) -> Iterator[Call]:
    document = claim.document
    told = [_known_now(each, usages, now) for each in _calls_of(document)]
    accepted = _last_answered(told)
    operation, question = claim.key.partition("-")[0], str(document.get("question", ""))
    for number, each in enumerate(told):
        yield _call(operation, question, _sent(document), each, result if number == accepted else None)


def _last_answered(told: Sequence[Json]) -> int | None:
    numbers = [number for number, each in enumerate(told) if each.get("status") in (None, 200, 202) and "ended" in each]
    return numbers[-1] if numbers else None


def _call(operation: str, question: str, sent: Json | None, told: Json, read: Claimed | None) -> Call:
    unknown = unanswered(told)
    usage = None if "untold" in told or (unknown and "count" not in told) else told.get("usage", {})
    spent = None if usage is None else prices.of_usage(question, usage)
    pages = _pages(read)
    if spent is not None and pages > spent.total > 0:
        # Each further page of a Read is a transaction, which the service bills without a line.
        spent = Transactions(0, pages)
    begun, ended = told.get("begun"), told.get("ended")
    members: Json = {
        "id": told.get("id"),
        "step": _STEPS.get(operation),
        "operation": operation,
        "question": question,
        "outcome": _outcome(told),
        "begun": begun,
        "ended": ended,
        "seconds": _seconds(begun, ended),
        "status": told.get("status"),
        "problem": told.get("problem"),
        "requestId": told.get("requestId"),
        "usage": [{"name": name, "count": count} for name, count in (usage or {}).items()],
        "calls": told.get("count", 1),
        "polls": _polls(read),
        **({"sent": sent} if sent and _outcome(told) == "answered" else {}),
    }
    return Call(members, str(told.get("image", "")), spent, unknown)


def _calls_of(document: ClaimDocument) -> list[Json]:
    """The calls that a claim tells; of an earlier version the one call that its answer or its refusal was."""
    if "calls" in document or document["state"] == "asking":
        return claim_documents.calls_of(document)
    return claim_documents.calls_taken_over(document)


def _known_now(told: Json, usages: Mapping[str, Mapping[str, int]], now: datetime) -> Json:
    """A call with the facts beside its claim: a record may tell the usage, and the time that it was lost."""
    if "untold" in told and (usage := usages.get(told.get("requestId", ""))) is not None:
        return {**{name: value for name, value in told.items() if name != "untold"}, "usage": usage}
    with suppress(KeyError, ValueError, TypeError):  # damaged: no time, or one without a zone
        if _outcome(told) == "open" and datetime.fromisoformat(told["begun"]) < now - _LONGEST_CALL:
            return {**told, "lost": True}
    return told


def _outcome(told: Json) -> Outcome:
    if "count" in told:
        return "several"
    if told.get("lost"):
        return "lost"
    if "ended" not in told:
        return "open"
    return "failed" if "problem" in told or not 200 <= told.get("status", 200) < 300 else "answered"


def _seconds(begun: str | None, ended: str | None) -> float | None:
    if begun is None or ended is None:
        return None
    return clock.short((datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())


def _pages(read: Claimed | None) -> int:
    if read is None or read.document["state"] != "answered":
        return 0
    body: Any = read.document.get("body", {})
    pages = body.get("analyzeResult", {}).get("readResults", []) if isinstance(body, dict) else []
    return len(pages) if isinstance(pages, list) else 0


def _polls(read: Claimed | None) -> int | None:
    """How often the service was asked for what was read, for nothing; None where that is not told."""
    return read.document.get("polls") if read is not None and read.document["state"] == "answered" else None


def _sent(document: ClaimDocument) -> Json | None:
    """Which copy was sent; of a Read its ticket tells it. None where the image itself was, or that is not told."""
    if document["state"] != "answered":
        return None
    body: Any = document.get("body", {})
    sent = document.get("sent") or (body.get("sent") if isinstance(body, dict) else None)
    return dict(sent) if isinstance(sent, Mapping) else None


def with_record(found: Sequence[Call], record: Json) -> list[Call]:
    """
    The calls that claims tell, and the one that an analysis record was made of where they do not tell that.

    A claim that was taken over has it as a lost one: whose lease lapsed while storage did not answer made a record of
    its answer all the same.
    """
    known = {call.told["requestId"] for call in found}
    calls = list(found)
    for call in _of_record(record):
        if call.told["requestId"] in known:
            continue
        lost = [number for number, each in enumerate(calls) if _may_be(each, call)]
        if not lost:
            calls.append(call)
            continue
        before = calls[lost[-1]]
        # A record is made of an answer of no other status.
        same = {**{name: before.told[name] for name in ("id", "question", "begun")}, "status": 200}
        seconds = _seconds(same["begun"], call.told["ended"])
        calls[lost[-1]] = call._replace(told={**call.told, **same, "seconds": seconds}, image=before.image)
    return calls


def _may_be(lost: Call, call: Call) -> bool:
    """Whether a lost call may be the one of a record: its answer came before the record was made."""
    told = lost.told
    is_like = (told["outcome"], told["operation"], told["requestId"]) == ("lost", call.told["operation"], None)
    return is_like and (told["begun"] or "") <= (call.told["ended"] or "")


def _of_record(record: Json) -> Iterator[Call]:
    """The call that an analysis record was made of; none if its answer was known."""
    asked, sent = record.get("request", {}), record.get("sent")
    question = f"analyze?visualFeatures={','.join(asked.get('features', ()))}"
    for request_id, usage in usage_of_record(record).items():
        call = {"requestId": request_id, "usage": usage, "ended": record.get("at")}
        yield _call("analyze", question, sent, call, None)


def usage_of_record(record: Json | None) -> dict[str, Mapping[str, int]]:
    """What an analysis record tells of the call that it was made of, by the service's own id; empty if it was known."""
    service = (record or {}).get("service", {})
    usage = service.get("usage") or ({billing.TRANSACTION: service["billed"]} if service.get("billed") else None)
    request_id = service.get("requestId")
    return {request_id: usage} if request_id and usage and service.get("calls") else {}
