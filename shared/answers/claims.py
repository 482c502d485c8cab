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

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from shared import names
from shared.answers import claim_documents
from shared.answers.claim_documents import Answered, Asking, ClaimDocument
from shared.answers.claim_store import ClaimStore
from shared.answers.held import LEASE_SECONDS, Held, keeping, lease_id
from shared.clock import Clock, Deadline
from shared.errors import BusyError, ConflictError, ImageRejectedError, PayloadTooLargeError, StorageError
from shared.images import ImageUrl
from shared.json_types import Json
from shared.storage import listing
from shared.storage.blobs import Blobs, IfEtag
from shared.transport import time_budget
from shared.vision import calls
from shared.vision.calls import Calls
from shared.vision.models import Answer
from shared.vision.questions import Question

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
_BUSY_RETRY_SECONDS = 2.0

_Call = Callable[[], Answer]


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
        self._store = ClaimStore(blobs)

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
        image: str = "",
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
            image: who asks, for the calls that the claim tells (`images.asker`).

        Raises:
            BusyError: another caller is asking and did not finish in time.
            BlobsightError: what *call* raised. An image that the service refused stays refused, without another call.
        """
        name = names.claim(subject, question.key)
        deadline = Deadline.after(time_budget.left(wait_seconds), self._clock)
        pause = _FIRST_PAUSE_SECONDS
        found: Held | Answer | None = None
        if not look_first and name not in self._store.unstored:
            found = self._create(name, question, image)
        while True:
            found = found or self._look(name, question, image)
            if isinstance(found, Answer):
                return found
            if found is not None:
                return self._work(found, question, call, lifetime_seconds, droppable, image)
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

    def keep(
        self,
        subject: str,
        question: Question,
        answer: Answer,
        *,
        lifetime_seconds: float | None = None,
        polls: int = 0,
    ) -> None:
        """
        Store an answer that came by another way than `ask`, over any claim, with how many polls it took.

        Raises:
            StorageError: it could not be stored.
        """
        document = self._answered(question, answer, lifetime_seconds, polls=polls)
        self._store.write(names.claim(subject, question.key), document)

    def drop(self, subject: str, question: Question, answer: Answer) -> None:
        """Forget the answer if it still is this one, so that the next one who asks pays for another."""
        self._forget(
            subject,
            question,
            lambda stored: stored["state"] == "answered" and claim_documents.answer(stored).body == answer.body,
        )

    def forget_refusal(self, subject: str, question: Question) -> None:
        """Let the service be asked again about bytes that it refused."""
        self._forget(subject, question, lambda stored: stored["state"] == "refused")

    def _forget(self, subject: str, question: Question, is_meant: Callable[[ClaimDocument], bool]) -> None:
        """Leave no answer; the calls stay, in a claim that the next one who asks takes over."""
        name = names.claim(subject, question.key)
        stored, etag = self._read(name)
        if not stored or not is_meant(stored):
            return
        told = claim_documents.calls_taken_over(stored)
        if told and stored["state"] == "answered":
            told[-1] = {**told[-1], "dropped": True}
        with suppress(ConflictError):  # another one has asked anew meanwhile
            if told:
                self._store.write(name, self._asking(Held(name, ""), question, told), condition=IfEtag(etag))
            else:
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

    def _create(self, name: str, question: Question, image: str) -> Held | None:
        """Claim a question that has no claim yet; None if it has one by now."""
        new = Held(name, lease_id(), is_new=True)
        asking = self._asking(new, question, Calls(self._clock, new.lease, image=image).planned())
        try:
            etag = self._store.write(name, asking, condition=IfEtag(None))
        except ConflictError:
            return None
        return self._hold(new, etag)

    def _look(self, name: str, question: Question, image: str) -> Held | Answer | None:
        """Take the claim's answer; make the claim if there is none, or take it over if its holder is gone."""
        stored: ClaimDocument | None = self._store.unstored.get(name)
        etag: str | None = ""
        if stored is None:
            stored, etag = self._read(name)
        if etag is None:
            if new := self._create(name, question, image):
                return new
            # Another asker was faster, or the storage client met its own write, whose answer was lost.
            stored, etag = self._read(name)
            if etag is None:
                return None
        if answer := self._said(stored):
            return answer
        # No receipt tells the calls about an address.
        before = [] if name.startswith(ImageUrl.PREFIX) else claim_documents.calls_taken_over(stored)
        return self._hold(Held(name, lease_id(), before), etag)

    def _hold(self, held: Held, etag: str) -> Held | None:
        # On the condition that the claim is still the one that was read: an answer stored since changes its ETag.
        return held if self.blobs.acquire(names.CACHE, held.name, held.lease, LEASE_SECONDS, etag=etag) else None

    def _work(
        self,
        held: Held,
        question: Question,
        call: _Call,
        lifetime_seconds: float | None,
        droppable: bool,
        image: str,
    ) -> Answer:
        with keeping(self.blobs, held):
            known = self._store.unstored.get(held.name)
            if known is not None:
                # Said to another caller of this process, whose lease has lapsed before storage took it.
                self._store.keep(held, known, release=True)
                return claim_documents.said(known)
            made = Calls(
                self._clock, held.lease, image=image, before=held.calls, note=partial(self._note, held, question)
            )
            if not held.is_new and not held.name.startswith(ImageUrl.PREFIX):
                self._note(held, question, made)
            try:
                with calls.kept(made):
                    answer = call()
            except (ImageRejectedError, PayloadTooLargeError) as error:
                # Addresses may show something else in a minute; bytes stay what they are.
                if not held.name.startswith(ImageUrl.PREFIX):
                    refused = claim_documents.refused(question, error, at=self._clock.utc(), calls=made.told())
                    self._store.keep(held, refused, release=True)
                else:
                    self._abandon(held, question, made)
                raise
            except BaseException:
                self._abandon(held, question, made)
                raise
            # What stands for minutes or for ever outlasts the lease, which may lapse by itself: a request less.
            answered = self._answered(question, answer, lifetime_seconds, made.told())
            self._store.keep(held, answered, release=droppable)
        return answer

    def _answered(
        self,
        question: Question,
        answer: Answer,
        lifetime_seconds: float | None,
        told: Sequence[Json] | None = None,
        polls: int = 0,
    ) -> Answered:
        at = self._clock.utc()
        return claim_documents.answered(
            question, answer, at=at, lifetime_seconds=lifetime_seconds, calls=told, polls=polls
        )

    def _asking(self, held: Held, question: Question, told: Sequence[Json]) -> Asking:
        now = self._clock.utc()
        return claim_documents.asking(question, lease=held.lease, since=now, seconds=LEASE_SECONDS, calls=told)

    def _note(self, held: Held, question: Question, made: Calls) -> None:
        """
        Tell the id of the next call before it is sent, where the claim does not yet: after a call that failed, and
        after a holder that is gone. Where storage does not take it, the answer tells it later.
        """
        with suppress(StorageError):
            self._store.write(held.name, self._asking(held, question, made.planned()), lease=held.lease)

    def _abandon(self, held: Held, question: Question, made: Calls) -> None:
        """Let the next one ask, at once instead of when the lease lapses; the claim stays for the calls it tells."""
        told = made.told()
        with suppress(StorageError), time_budget.overtime():
            if not told or held.name.startswith(ImageUrl.PREFIX):
                self.blobs.delete(names.CACHE, held.name, lease=held.lease)
                return
            self._store.write(held.name, self._asking(held, question, told), lease=held.lease)
            self.blobs.release(names.CACHE, held.name, held.lease)
