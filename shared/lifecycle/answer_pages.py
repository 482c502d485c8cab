"""
The phases `forgetting` and `answers`: they delete answers that no image needs, and those that are too old to serve.

A claim goes by the ETag that was seen, without its lease. So a claim that is asked about now, or was answered since,
stays. An answer that goes is paid for again if it is asked for again, and nothing else comes of it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from shared import names
from shared.answers import claim_documents
from shared.images import ImageUrl
from shared.lifecycle import adoption, claim_deletion, pages, unowned
from shared.lifecycle import forgetting as marks
from shared.lifecycle.pages import Page, Place
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.services import App
from shared.storage.blobs import BlobInfo, Blobs

# The answer about an address serves five minutes. A Read that takes longer has its ticket in its history.
OF_ADDRESSES: Final = timedelta(days=1)
_PAGE: Final = 1000


class _Subject(NamedTuple):
    """
    The claims about one subject.

    Attributes:
        subject: the digest.
        claims: those on this page.
        whole: whether these are all.
        is_new: whether it begins on this page, so that nothing is decided about it as a whole yet.
    """

    subject: str
    claims: list[BlobInfo]
    whole: bool
    is_new: bool


class _Rules(NamedTuple):
    """What holds for all claims of a page: the time, and the setting; see `adoption.since` for *adopted*."""

    now: datetime
    lifetime: timedelta | None
    adopted: datetime | None

    def is_old(self, claim: BlobInfo) -> bool:
        """Whether the claim goes if its subject has no owner: earlier versions wrote claims without a mark."""
        if self.adopted is None or claim.modified is None or claim.modified > self.now - unowned.KEPT:
            return False
        return names.CLAIM_STATE in claim.metadata or claim.modified < self.adopted


def forgetting(app: App, work: PageWork) -> Page:
    """One page of the digests that no image may have any more: the answers about those that are due are forgotten."""
    place = Place.read(work["continuation"])
    listed = app.host.page(names.FORGETTING, limit=_PAGE, continuation=place.token)
    due = [mark for mark in listed.items if marks.is_due(app, mark)]
    gone = list(pages.in_parts(app, lambda mark: marks.forget_answers(app, mark.name, mark), due))
    counts = Counts(answers_forgotten=sum(gone))
    if len(gone) < len(due):
        # What cannot be forgotten yet is still there, and is passed over for this night.
        last = due[len(gone) - 1].name
        again = app.host.page(names.FORGETTING, limit=_PAGE, continuation=place.token)
        stay = sum(mark.name <= last for mark in again.items)
        return Page(pages.told(place.past(app.host, names.FORGETTING, stay)), counts)
    return Page(pages.told(Place(listed.continuation) if listed.continuation else None), counts)


def answers(app: App, work: PageWork) -> Page:
    """
    One page of claims, by their subjects.

    - A claim about an address goes after a day.
    - A claim goes when it is older than `ANSWER_LIFETIME_DAYS`, unless it is a refusal, which always serves.
    - All claims about bytes of no image go when the last one was written 30 days ago.

    Of a subject over the end of a page, what goes on its first page counts.
    """
    place = Place.read(work["continuation"])
    listed = app.host.page(names.CACHE, limit=_PAGE, continuation=place.token)
    days = app.settings.answer_lifetime_days
    lifetime = None if days is None else timedelta(days=days)
    rules = _Rules(app.clock.utc(), lifetime, adoption.since(app))
    subjects = list(_subjects(listed.items, decided=place.word, last=listed.continuation is None))
    may_go = [each.subject for each in subjects if each.is_new and all(map(rules.is_old, each.claims))]
    free = unowned.among(app, may_go, first=place.token is None, last=listed.continuation is None)
    done = list(pages.in_parts(app, partial(_cleaned, app, rules, free), subjects))
    counts = Counts(
        answers_forgotten=sum(bool(gone) and each.is_new for each, gone in zip(subjects, done, strict=False))
    )
    if len(done) == len(subjects):
        word = subjects[-1].subject if subjects else place.word
        return Page(listed.continuation and Place(listed.continuation, word).told(), counts)
    stay = sum(len(each.claims) for each in subjects[: len(done)]) - sum(done)
    past = place.past(app.host, names.CACHE, max(0, stay))
    return Page(past and past._replace(word=subjects[len(done) - 1].subject).told(), counts)


def _subjects(claims: list[BlobInfo], *, decided: str, last: bool) -> Iterator[_Subject]:
    groups = [(subject, list(found)) for subject, found in groupby(claims, key=lambda claim: names.subject(claim.name))]
    for number, (subject, found) in enumerate(groups, start=1):
        yield _Subject(subject, found, whole=last or number < len(groups), is_new=subject != decided)


def _cleaned(app: App, rules: _Rules, free: frozenset[str], subject: _Subject) -> int:
    """Delete those of a subject's claims that are to go; how many of this page are gone."""
    if subject.subject in free and not subject.subject.startswith(ImageUrl.PREFIX):
        claims = iter(subject.claims) if subject.whole else _all_if_old(app.host, rules, subject.subject)
        return min(claim_deletion.forget(app.host, subject.subject, claims), len(subject.claims))
    return sum(_is_over(app, rules, claim) and claim_deletion.delete(app.host, claim) for claim in subject.claims)


def _all_if_old(host: Blobs, rules: _Rules, subject: str) -> Iterator[BlobInfo]:
    """All claims about the subject, or none if one of them is young. No more than a page of them is in memory."""
    if all(map(rules.is_old, _claims(host, subject))):
        yield from _claims(host, subject)


def _claims(host: Blobs, subject: str) -> Iterator[BlobInfo]:
    token = None
    while True:
        page = host.page(names.CACHE, prefix=names.claims(subject), limit=_PAGE, continuation=token)
        yield from page.items
        token = page.continuation
        if token is None:
            return


def _is_over(app: App, rules: _Rules, claim: BlobInfo) -> bool:
    """Whether a claim serves no longer, even if an image has the bytes; only an earlier version's has to be read."""
    written, told = claim.modified or rules.now, claim.metadata
    if claim.name.startswith(ImageUrl.PREFIX):
        return written <= rules.now - OF_ADDRESSES
    if rules.lifetime is None or told.get(names.CLAIM_STATE) == "refused":
        return False
    ends = rules.now - rules.lifetime
    if told.get(names.CLAIM_STATE) == "answered" and (at := claim_documents.said_at(told)):
        return at <= ends
    # What it holds was said before it was written, or was never said: its holder died over the question.
    if written > ends:
        return False
    if told.get(names.CLAIM_STATE) == "asking":
        return True
    blob = app.host.read(names.CACHE, claim.name)
    document = claim_documents.read(blob.data) if blob and blob.info.etag == claim.etag else None
    if document is None or document["state"] == "asking":
        return blob is not None
    expired = claim_documents.is_expired
    return document["state"] == "answered" and expired(document, rules.now, rules.lifetime.total_seconds())
