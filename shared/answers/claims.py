"""
One paid call per subject and question, whoever asks.

Before any paid call a claim is made: the blob `cache/{subject}/{question}.json`, created on the condition that there is
none, and leased while the call is under way. Whoever loses that race waits for the answer; if the lease lapses, because
its holder died, the next one takes over. The answer is stored in the claim before anything else is done with it. So ten
deliveries of one event, a copy under another name, an upload of the same bytes, an HTTP caller and a restart all meet
in one paid call; only a call that was in flight when its process was killed, or whose answer was lost, is paid again.

A claim blob holds JSON with one of three states:
    asking    {"state", "question", "by", "since", "until"}
    answered  {"state", "question", "at", "expires", "requestId", "contentType", "body" or "base64"}
    refused   {"state", "question", "at", "requestId", "code", "message", "action", "tooLarge"}
The lease, not `until`, decides who holds the claim: its time is the storage service's, the same for everybody.
"""

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared import log, names, threads
from shared.clock import Clock, Deadline
from shared.errors import (
    BlobsightError,
    BusyError,
    ConflictError,
    ImageRejectedError,
    PayloadTooLargeError,
    StorageError,
)
from shared.images import ImageUrl
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
        lifetime_seconds: the age from which no answer serves anybody; None is no such age. Looked at when an answer is
            found, so that it holds for all that are there.
    """

    def __init__(self, blobs: Blobs, clock: Clock, *, lifetime_seconds: float | None = None) -> None:
        self._blobs = blobs
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds
        # What the service said and storage has not taken yet, by the claim's name. It may serve others already.
        self._unstored: dict[str, dict[str, Any]] = {}

    def ask(
        self,
        subject: str,
        question: Question,
        call: Callable[[], Answer],
        *,
        wait_seconds: float,
        lifetime_seconds: float | None = None,
    ) -> Answer:
        """
        The answer to the question about the subject, from the claim if it is there, else by *call*.

        Args:
            subject: what the question is about: a digest of the bytes or of the address.
            question: the question.
            call: asks the service; called at most once.
            wait_seconds: how long to wait for somebody else's answer.
            lifetime_seconds: how long the answer may serve others; None is for ever.

        Raises:
            BusyError: somebody else is asking and did not finish in time.
            BlobsightError: what *call* raised. An image that the service refused stays refused, without another call.
        """
        name = names.claim(subject, question.key)
        deadline = Deadline.after(time_budget.left(wait_seconds), self._clock)
        pause = _FIRST_PAUSE_SECONDS
        found: _Held | Answer | None = None if name in self._unstored else self._create(name, question)
        while True:
            found = found or self._look(name, question)
            if isinstance(found, Answer):
                return found
            if found is not None:
                return self._work(found, question, call, lifetime_seconds)
            if deadline.remaining() <= 0:
                raise BusyError(
                    f"Somebody else is asking the same ({question.operation}) and has not finished.",
                    retry_after_seconds=_BUSY_RETRY_SECONDS,
                )
            self._clock.sleep(min(pause, deadline.remaining()))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def find(self, subject: str, question: Question) -> Answer | None:
        """The answer if it is there, without asking anybody."""
        blob = self._blobs.read(names.CACHE, names.claim(subject, question.key))
        stored = _parsed(blob.data) if blob else {}
        return _answer(stored) if stored.get("state") == "answered" and not self._expired(stored) else None

    def keep(self, subject: str, question: Question, answer: Answer, *, lifetime_seconds: float | None = None) -> None:
        """
        Store an answer that came by another way than `ask`, over whatever is there.

        Raises:
            StorageError: it could not be stored.
        """
        self._write(names.claim(subject, question.key), self._answered(question, answer, lifetime_seconds))

    def drop(self, subject: str, question: Question, answer: Answer) -> None:
        """Forget the answer if it still is this one, so that the next one who asks pays for another."""
        name = names.claim(subject, question.key)
        blob = self._blobs.read(names.CACHE, name)
        stored = _parsed(blob.data) if blob else {}
        if blob and stored.get("state") == "answered" and _answer(stored).body == answer.body:
            with suppress(ConflictError):  # somebody has asked anew meanwhile
                self._blobs.delete(names.CACHE, name, etag=blob.info.etag)

    def forget_refusal(self, subject: str, question: Question) -> None:
        """Let the service be asked again about bytes that it refused."""
        name = names.claim(subject, question.key)
        blob = self._blobs.read(names.CACHE, name)
        if blob and _parsed(blob.data).get("state") == "refused":
            with suppress(ConflictError):
                self._blobs.delete(names.CACHE, name, etag=blob.info.etag)

    def _create(self, name: str, question: Question) -> _Held | None:
        """Claim what nobody has claimed."""
        lease = _lease_id()
        try:
            etag = self._write(name, self._asking(question, lease), condition=IfEtag(None))
        except ConflictError:
            return None
        return self._hold(name, lease, etag)

    def _look(self, name: str, question: Question) -> _Held | Answer | None:
        """Look at a claim that is there: take its answer, or take it over if its holder is gone."""
        stored, etag = self._unstored.get(name), ""
        if stored is None:
            blob = self._blobs.read(names.CACHE, name)
            if blob is None:
                return self._create(name, question)
            stored, etag = _parsed(blob.data), blob.info.etag
        if stored.get("state") == "refused" or (stored.get("state") == "answered" and not self._expired(stored)):
            return _said(stored)
        return self._hold(name, _lease_id(), etag)

    def _hold(self, name: str, lease: str, etag: str) -> _Held | None:
        # On the condition that the claim is still the one that was read: an answer stored since changes its ETag.
        return _Held(name, lease) if self._blobs.acquire(names.CACHE, name, lease, LEASE_SECONDS, etag=etag) else None

    def _expired(self, stored: dict[str, Any]) -> bool:
        ends = [datetime.fromisoformat(stored["expires"])] if stored.get("expires") else []
        if self._lifetime_seconds is not None:
            ends.append(datetime.fromisoformat(stored["at"]) + timedelta(seconds=self._lifetime_seconds))
        return any(end <= self._clock.utc() for end in ends)

    def _work(
        self, held: _Held, question: Question, call: Callable[[], Answer], lifetime_seconds: float | None
    ) -> Answer:
        with self._kept(held):
            known = self._unstored.get(held.name)
            if known is not None:
                # Said to another caller of this process, whose lease has lapsed before storage took it.
                self._store(held, known, release=True)
                return _said(known)
            try:
                answer = call()
            except (ImageRejectedError, PayloadTooLargeError) as error:
                # Addresses may show something else in a minute; bytes stay what they are.
                if not held.name.startswith(ImageUrl.PREFIX):
                    self._store(held, self._refused(question, error), release=True)
                else:
                    self._abandon(held)
                raise
            except BaseException:
                self._abandon(held)
                raise
            # Nobody writes where an answer stands for ever, so the lease may lapse by itself: a request less.
            self._store(held, self._answered(question, answer, lifetime_seconds), release=lifetime_seconds is not None)
        return answer

    @contextmanager
    def _kept(self, held: _Held) -> Iterator[None]:
        """Renew the lease until the work is done."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(RENEW_SECONDS):
                with suppress(StorageError):
                    if not self._blobs.renew(names.CACHE, held.name, held.lease):
                        log.event(_logger, "claim.lost", level=logging.WARNING, claim=held.name)
                        return

        thread = threads.begin(f"claim {held.lease}", renew)
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _store(self, held: _Held, document: dict[str, Any], *, release: bool) -> None:
        """Keep what the service said; whatever goes wrong here, the caller still gets it."""
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

    def _is_stored(self, held: _Held, document: dict[str, Any], *, release: bool) -> bool:
        """Write it. False if storage did not take it and may later; who has taken the claim over keeps it."""
        try:
            self._write_held(held, document)
            if release:
                self._blobs.release(names.CACHE, held.name, held.lease)
        except StorageError as error:
            log.event(_logger, "claim.not_stored", level=logging.WARNING, claim=held.name, problem=error.message)
            return not error.transient or isinstance(error, ConflictError)
        return True

    def _write_held(self, held: _Held, document: dict[str, Any]) -> None:
        try:
            self._write(held.name, document, lease=held.lease)
        except ConflictError:
            # If the lease lapsed while storage did not answer, it is renewed, unless another holder has come between.
            if not self._blobs.renew(names.CACHE, held.name, held.lease):
                raise
            self._write(held.name, document, lease=held.lease)

    def _abandon(self, held: _Held) -> None:
        """Let the next one ask, at once instead of when the lease lapses."""
        with suppress(StorageError), time_budget.overtime():
            self._blobs.delete(names.CACHE, held.name, lease=held.lease)

    def _write(
        self, name: str, document: dict[str, Any], *, condition: IfEtag | None = None, lease: str | None = None
    ) -> str:
        data = json.dumps(document, ensure_ascii=False).encode()
        return self._blobs.write(names.CACHE, name, data, content_type=names.JSON, condition=condition, lease=lease)

    def _asking(self, question: Question, lease: str) -> dict[str, Any]:
        since = self._clock.utc()
        until = since + timedelta(seconds=LEASE_SECONDS)
        return {
            "state": "asking",
            "question": question.text,
            "by": lease,
            "since": since.isoformat(),
            "until": until.isoformat(),
        }

    def _answered(self, question: Question, answer: Answer, lifetime_seconds: float | None) -> dict[str, Any]:
        at = self._clock.utc()
        is_json = answer.content_type == names.JSON
        content = {"body": answer.json()} if is_json else {"base64": base64.b64encode(answer.body).decode()}
        return {
            "state": "answered",
            "question": question.text,
            "at": at.isoformat(),
            "expires": None if lifetime_seconds is None else (at + timedelta(seconds=lifetime_seconds)).isoformat(),
            "requestId": answer.request_id,
            "contentType": answer.content_type,
            **content,
        }

    def _refused(self, question: Question, error: BlobsightError) -> dict[str, Any]:
        return {
            "state": "refused",
            "question": question.text,
            "at": self._clock.utc().isoformat(),
            "requestId": error.request_id,
            "code": error.code,
            "message": error.message,
            "action": error.action,
            "tooLarge": isinstance(error, PayloadTooLargeError),
        }


def _lease_id() -> str:
    """A lease's id, which Azure Storage wants to be a GUID."""
    import uuid  # here, because it asks for the platform when imported; the storage SDK has done so long since

    return str(uuid.uuid4())


def _parsed(data: bytes) -> dict[str, Any]:
    """A claim's document; one that cannot be read counts as a claim whose holder is gone."""
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _answer(stored: dict[str, Any]) -> Answer:
    body = json.dumps(stored["body"]).encode() if "body" in stored else base64.b64decode(stored["base64"])
    return Answer(stored["contentType"], body, stored["requestId"], paid=False)


def _said(stored: dict[str, Any]) -> Answer:
    """The answer of a claim; raises what the service refused."""
    if stored["state"] == "refused":
        raise _refusal(stored)
    return _answer(stored)


def _refusal(stored: dict[str, Any]) -> BlobsightError:
    kind = PayloadTooLargeError if stored.get("tooLarge") else ImageRejectedError
    return kind(stored["message"], code=stored["code"], action=stored["action"], request_id=stored["requestId"])
