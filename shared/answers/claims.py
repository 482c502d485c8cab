"""
One paid call for each subject and question: a distributed single flight, with the answer as the idempotency record.

Before any paid call a claim is made: the blob `cache/{subject}/{question}.json`, created on the condition that there is
none, and leased while the call is under way. An asker that loses that race waits for the answer; if the lease lapses,
because its holder died, the next one takes over. The answer is stored in the claim before anything else is done with
it. So ten deliveries of one event, a copy under another name, an upload of the same bytes, an HTTP caller and a restart
all meet in one paid call; only a call that was in flight when its process was killed, or whose answer was lost, is paid
again.

`claim_documents` says what a claim holds. The lease, not `until`, decides who holds the claim: its time is the storage
service's, the same for all.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from shared import log, names, threads
from shared.answers import claim_documents
from shared.answers.claim_documents import Answered, ClaimDocument, Said
from shared.clock import Clock, Deadline
from shared.errors import BusyError, ConflictError, ImageRejectedError, PayloadTooLargeError, StorageError
from shared.images import ImageUrl
from shared.storage import listing
from shared.storage.blobs import Blobs, IfEtag
from shared.transport import time_budget
from shared.vision.models import Answer
from shared.vision.questions import Question

# Azure Storage takes 15 to 60. The shortest, because it is how long an image waits after a crash.
LEASE_SECONDS = 15
RENEW_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
_BUSY_RETRY_SECONDS = 2.0

_logger = logging.getLogger(__name__)
_Call = Callable[[], Answer]


class _Held(NamedTuple):
    """A claim that this call holds: the blob's name and the lease's id."""

    name: str
    lease: str


class Claims:
    """
    Claims in the host account.

    Args:
        blobs: that account.
        clock: the time.
        lifetime_seconds: the age from which no answer serves any more; None is no such age. Looked at when an answer is
            found, so that it holds for all that are there.
    """

    def __init__(self, blobs: Blobs, clock: Clock, *, lifetime_seconds: float | None = None) -> None:
        self.blobs = blobs
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds
        # What the service said and storage has not taken yet, by the claim's name. It may serve others already.
        self._unstored: dict[str, Said] = {}

    def ask(
        self,
        subject: str,
        question: Question,
        call: _Call,
        *,
        wait_seconds: float,
        lifetime_seconds: float | None = None,
        look_first: bool = True,
        droppable: bool = False,
    ) -> Answer:
        """
        The answer to the question about the subject, from the claim if it is there, else by *call*.

        Args:
            subject: what the question is about: a digest of the bytes or of the address.
            question: the question.
            call: asks the service; called at most once.
            wait_seconds: how long to wait for the answer that another caller asks for.
            lifetime_seconds: how long the answer may serve others; None is for ever.
            look_first: whether the answer may well be there. A known answer then costs one storage operation, the
                look. To claim first saves that look where there is no answer, and costs one operation more where there
                is one. Neither pays more calls.
            droppable: whether `drop` may come for the answer before its lease lapses; it is given back then, which is
                one operation more.

        Raises:
            BusyError: another caller is asking and did not finish in time.
            BlobsightError: what *call* raised. An image that the service refused stays refused, without another call.
        """
        name = names.claim(subject, question.key)
        deadline = Deadline.after(time_budget.left(wait_seconds), self._clock)
        pause = _FIRST_PAUSE_SECONDS
        found: _Held | Answer | None = None
        if not look_first and name not in self._unstored:
            found = self._create(name, question)
        while True:
            found = found or self._look(name, question)
            if isinstance(found, Answer):
                return found
            if found is not None:
                return self._work(found, question, call, lifetime_seconds, droppable)
            if deadline.remaining() <= 0:
                raise BusyError(
                    f"Another caller is asking the same ({question.operation}) and has no answer yet.",
                    retry_after_seconds=_BUSY_RETRY_SECONDS,
                )
            self._clock.sleep(min(pause, deadline.remaining()))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def find(self, subject: str, question: Question) -> Answer | None:
        """The answer if it is there and still serves. Nothing is asked, and a refusal is none."""
        with suppress(ImageRejectedError, PayloadTooLargeError):
            return self.known(subject, question)
        return None

    def known(self, subject: str, question: Question) -> Answer | None:
        """The same, but that a refusal is raised."""
        return self._said(self._read(names.claim(subject, question.key))[0])

    def keys(self, subject: str) -> frozenset[str]:
        """The keys of the questions about the subject that have a claim, whatever is in it; mostly by one listing."""
        claims = listing.all_below(self.blobs, names.CACHE, names.claims(subject))
        return frozenset(names.question_key(each.name) for each in claims)

    def keep(self, subject: str, question: Question, answer: Answer, *, lifetime_seconds: float | None = None) -> None:
        """Store an answer that came by another way than `ask`, over any claim; StorageError if it could not be."""
        self._write(names.claim(subject, question.key), self._answered(question, answer, lifetime_seconds))

    def drop(self, subject: str, question: Question, answer: Answer) -> None:
        """Forget the answer if it still is this one, so that the next one who asks pays for another."""
        self._forget(
            names.claim(subject, question.key),
            lambda stored: stored["state"] == "answered" and claim_documents.answer(stored).body == answer.body,
        )

    def forget_refusal(self, subject: str, question: Question) -> None:
        """Let the service be asked again about bytes that it refused."""
        self._forget(names.claim(subject, question.key), lambda stored: stored["state"] == "refused")

    def _forget(self, name: str, is_meant: Callable[[ClaimDocument], bool]) -> None:
        stored, etag = self._read(name)
        if stored and is_meant(stored):
            with suppress(ConflictError):  # another one has asked anew meanwhile
                self.blobs.delete(names.CACHE, name, etag=etag)

    def _read(self, name: str) -> tuple[ClaimDocument | None, str | None]:
        """What a claim holds, None if that cannot be read; and its ETag, None if there is no such claim."""
        blob = self.blobs.read(names.CACHE, name)
        return (claim_documents.read(blob.data), blob.info.etag) if blob else (None, None)

    def _said(self, stored: ClaimDocument | None) -> Answer | None:
        """The answer that a claim has for all who ask; None if it has none, or none any more. Raises a refusal."""
        if stored is None or stored["state"] == "asking":
            return None
        if stored["state"] == "answered" and claim_documents.is_expired(
            stored, self._clock.utc(), self._lifetime_seconds
        ):
            return None
        return claim_documents.said(stored)

    def _create(self, name: str, question: Question) -> _Held | None:
        """Claim a question that has no claim yet; None if it has one by now."""
        lease = _lease_id()
        asking = claim_documents.asking(question, lease=lease, since=self._clock.utc(), seconds=LEASE_SECONDS)
        try:
            etag = self._write(name, asking, condition=IfEtag(None))
        except ConflictError:
            return None
        return self._hold(name, lease, etag)

    def _look(self, name: str, question: Question) -> _Held | Answer | None:
        """Take the claim's answer; make the claim if there is none, or take it over if its holder is gone."""
        stored: ClaimDocument | None = self._unstored.get(name)
        etag: str | None = ""
        if stored is None:
            stored, etag = self._read(name)
        if etag is None:
            if held := self._create(name, question):
                return held
            # Another asker was faster, or the storage client met its own write, whose answer was lost.
            stored, etag = self._read(name)
            if etag is None:
                return None
        return self._said(stored) or self._hold(name, _lease_id(), etag)

    def _hold(self, name: str, lease: str, etag: str) -> _Held | None:
        # On the condition that the claim is still the one that was read: an answer stored since changes its ETag.
        return _Held(name, lease) if self.blobs.acquire(names.CACHE, name, lease, LEASE_SECONDS, etag=etag) else None

    def _work(
        self, held: _Held, question: Question, call: _Call, lifetime_seconds: float | None, droppable: bool
    ) -> Answer:
        with self._kept(held):
            known = self._unstored.get(held.name)
            if known is not None:
                # Said to another caller of this process, whose lease has lapsed before storage took it.
                self._store(held, known, release=True)
                return claim_documents.said(known)
            try:
                answer = call()
            except (ImageRejectedError, PayloadTooLargeError) as error:
                # Addresses may show something else in a minute; bytes stay what they are.
                if not held.name.startswith(ImageUrl.PREFIX):
                    self._store(held, claim_documents.refused(question, error, at=self._clock.utc()), release=True)
                else:
                    self._abandon(held)
                raise
            except BaseException:
                self._abandon(held)
                raise
            # What stands for minutes or for ever outlasts the lease, which may lapse by itself: a request less.
            self._store(held, self._answered(question, answer, lifetime_seconds), release=droppable)
        return answer

    def _answered(self, question: Question, answer: Answer, lifetime_seconds: float | None) -> Answered:
        return claim_documents.answered(question, answer, at=self._clock.utc(), lifetime_seconds=lifetime_seconds)

    @contextmanager
    def _kept(self, held: _Held) -> Iterator[None]:
        """Renew the lease until the work is done."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(RENEW_SECONDS):
                with suppress(StorageError):
                    if not self.blobs.renew(names.CACHE, held.name, held.lease):
                        log.event(_logger, "claim.lost", level=logging.WARNING, claim=held.name)
                        return

        thread = threads.begin(f"claim {held.lease}", renew)
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _store(self, held: _Held, document: Said, *, release: bool) -> None:
        """Keep what the service said. The caller gets it even if storage does not take it."""
        self._unstored[held.name] = document
        with time_budget.overtime():
            stored = self._is_stored(held, document, release=release)
        if stored:
            self._unstored.pop(held.name, None)
            return

        def later() -> None:
            with time_budget.apart():
                self._is_stored(held, document, release=release)
            self._unstored.pop(held.name, None)

        threads.begin(f"store {held.lease}", later)

    def _is_stored(self, held: _Held, document: Said, *, release: bool) -> bool:
        """Write it. False if storage did not take it and may later; who has taken the claim over keeps it."""
        try:
            self._write_held(held, document)
            if release:
                self.blobs.release(names.CACHE, held.name, held.lease)
        except StorageError as error:
            log.event(_logger, "claim.not_stored", level=logging.WARNING, claim=held.name, problem=error)
            return not error.transient or isinstance(error, ConflictError)
        return True

    def _write_held(self, held: _Held, document: Said) -> None:
        try:
            self._write(held.name, document, lease=held.lease)
        except ConflictError:
            # If the lease lapsed while storage did not answer, it is renewed, unless another holder has come between.
            if not self.blobs.renew(names.CACHE, held.name, held.lease):
                raise
            self._write(held.name, document, lease=held.lease)

    def _abandon(self, held: _Held) -> None:
        """Let the next one ask, at once instead of when the lease lapses."""
        with suppress(StorageError), time_budget.overtime():
            self.blobs.delete(names.CACHE, held.name, lease=held.lease)

    def _write(
        self, name: str, document: ClaimDocument, *, condition: IfEtag | None = None, lease: str | None = None
    ) -> str:
        data, told = claim_documents.write(document), claim_documents.metadata(document)
        return self.blobs.write(
            names.CACHE, name, data, content_type=names.JSON, metadata=told, condition=condition, lease=lease
        )


def _lease_id() -> str:
    """A lease's id, which Azure Storage wants to be a GUID."""
    import uuid  # here, because it asks for the platform when imported; the storage SDK has done so long since

    return str(uuid.uuid4())
