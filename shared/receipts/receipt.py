"""
The receipt of an image: every call about its bytes, every decision about its steps, and what they add up to.

It is put together when it is asked for, from the claims about the image's bytes, its records and the settings of now.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypedDict

from shared import names
from shared.answers import owners
from shared.images import asker
from shared.json_types import Json
from shared.receipts import decisions, prices, told
from shared.receipts.decisions import Decision
from shared.receipts.prices import Transactions
from shared.receipts.told import Call
from shared.records import by_step
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo

# Owners of the same bytes whose names are looked through for the one that asked.
_MOST_OWNERS = 1000


class Totals(TypedDict):
    """
    What calls add up to.

    Attributes:
        calls: how many were made; those of a worker that was killed may not have been sent.
        untold: how many of them ended and tell no transactions, because an earlier version made them.
        unknown: how many had no answer, so that they may have been billed or not.
        polls: how often the service was asked for what was read, for nothing.
        transactions, price: the sums of those that are told.
    """

    calls: int
    untold: int
    unknown: int
    polls: int
    transactions: int
    price: float


class Receipt(TypedDict):
    """
    Attributes:
        sha256: of the image's bytes; None where they were not read, as of one that is too large. There are no calls
            then.
        totals: of all calls about these bytes.
        own: of those that this image asked for. Images with the same bytes asked for the others, or a caller who
            sent the bytes, or an earlier version, which told no name.
        currency: of all prices, and of what they are made by (VISION_PRICES).
    """

    sha256: str | None
    calls: list[Json]
    decisions: list[Decision]
    totals: Totals
    own: Totals
    currency: str


def of_image(app: App, name: str, state: Mapping[str, Any]) -> Receipt:
    """
    The receipt of an image.

    Args:
        app, name: the app, and the image.
        state: as `GET /api/images/{name}` tells it without a receipt.

    Raises:
        NotFoundError: there is no such image any more.
        StorageError: storage did not answer.
    """
    info = image_blobs.require_image(app.images, name)
    analysis = _analysis(app, name)
    sha256 = _sha256(app, info, analysis)
    found = _calls(app, sha256, analysis)
    asked_by = _askers(app, sha256, name, found)
    own = asker(name)
    rates = app.settings.vision_prices
    return {
        "sha256": sha256,
        "calls": [{**call.priced(rates), "image": asked_by.get(call.image)} for call in found],
        "decisions": decisions.of_image(app, state, analysis),
        "totals": _totals(app, found),
        "own": _totals(app, [call for call in found if call.image == own]),
        "currency": rates.currency,
    }


def _analysis(app: App, name: str) -> Json | None:
    blob = app.images.read(names.ANALYSIS, names.analysis(name))
    with suppress(ValueError):
        content = json.loads(blob.data) if blob else None
        return content if isinstance(content, dict) else None
    return None


def _sha256(app: App, info: BlobInfo, analysis: Json | None) -> str | None:
    """The digest of the bytes, by a record of them; else they are read, unless they are too many or archived."""
    image = SeenVersion(info)
    for container, record in by_step.places(app.settings, info.name):
        head = app.images.head(container, record)
        if head and image.is_source_of(app.images, head) and names.SOURCE_SHA256 in head.metadata:
            return head.metadata[names.SOURCE_SHA256]
    if info.size > app.settings.max_upload_bytes or image_blobs.problem(info):
        return None
    digest = image_blobs.digest(app.images, info.name)
    return digest.sha256 if digest else None


def _calls(app: App, sha256: str | None, analysis: Json | None) -> list[Call]:
    """The calls about these bytes: those that claims tell, and that of the analysis record if its claim is gone."""
    if sha256 is None:
        return []
    found = told.calls(told.claims(app.host, sha256), told.usage_of_record(analysis), app.clock.utc())
    of_bytes = analysis if analysis and analysis.get("source", {}).get("sha256") == sha256 else {}
    return told.with_record(found, of_bytes)


def _askers(app: App, sha256: str | None, name: str, found: Sequence[Call]) -> dict[str, str]:
    """The names of the images that asked, by their digests; of those that still have these bytes."""
    known = {asker(name): name}
    wanted = {call.image for call in found if call.image} - known.keys()
    if not wanted or not sha256:
        return known
    for number, mark in enumerate(listing.all_below(app.host, names.OWNERS, names.owners(sha256))):
        if not wanted or number == _MOST_OWNERS:
            break
        other = names.owners_image(mark.name) or owners.image_of(app.host, mark.name)
        if other and asker(other) in wanted:
            wanted.discard(asker(other))
            known[asker(other)] = other
    return known


def _totals(app: App, found: Sequence[Call]) -> Totals:
    spent = Transactions()
    for call in found:
        spent = spent.plus(call.transactions or Transactions())
    return {
        "calls": sum(call.told["calls"] for call in found),
        "untold": sum(call.transactions is None and not call.unknown for call in found),
        "unknown": sum(call.unknown for call in found),
        "polls": sum(call.told["polls"] or 0 for call in found),
        "transactions": spent.total,
        "price": prices.cost(spent, app.settings.vision_prices),
    }
