"""
One call from its first header to its answer, checked in the service's order.

    path and version 404 -> key 401 -> rate 429 -> media type 415 -> parameters 400 -> URL 400 -> size, format,
    dimensions 400

then the work, the faults that were asked for, the hold, the count, and last the answer.
"""

import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import TYPE_CHECKING

from local.vision import refusals
from local.vision.admission import Admission
from local.vision.body import BodyReader
from local.vision.calls import CallLog, Poll
from local.vision.faults import Strike
from local.vision.hold import Hold
from local.vision.intake import CheckedImage, media_type, take_image
from local.vision.operations import MISSING, Operation, Route, find_route
from local.vision.parameters import MODELS, Question, parse_question
from local.vision.read_api import ReadApi
from local.vision.reading.documents import check_media_type, take_document
from local.vision.reading.question import parse_read
from local.vision.reading.read_queue import ReadQueue
from local.vision.recognition.loading import no_models
from local.vision.recognition.seen import Captioner, Recognizers
from local.vision.replies import Reply, json_reply, service_headers, transactions
from local.vision.results import Json, compose_result
from local.vision.scripted import ScriptedAnswers, ScriptError

if TYPE_CHECKING:
    # Not at run time: the service listens before numpy is loaded.
    from local.vision.decoding.pixels import Rgb

NO_STRIKE = Strike()
# The service lists each name in other languages too; these are the ones that its documentation shows.
DOMAIN_CATEGORIES = {"celebrities": ("people_", "人_"), "landmarks": ("outdoor_", "屋外_", "building_")}


@dataclass(frozen=True)
class Request:
    """One request; *path* is without its query."""

    method: str
    path: str
    query: str
    headers: Message
    body: BodyReader


@dataclass(frozen=True)
class Delivery:
    """An answer with all its headers, and what is to go wrong while it is sent."""

    reply: Reply
    headers: Mapping[str, str] = field(default_factory=dict)
    strike: Strike = NO_STRIKE


@dataclass(frozen=True)
class Outcome:
    """
    What the work came to: an answer, what it is billed as, the image it was paid for, and the Read it told of.

    Of a Read that was accepted, *pages* are those that it reads, which the billing line does not tell.
    """

    reply: Reply
    billed: tuple[str, ...] = ()
    paid_sha256: str | None = None
    poll: Poll | None = None
    pages: int = 0
    is_gateway: bool = False


class PatientCaptioner:
    """Waits for a caption without keeping one of the *workers* from other pictures."""

    def __init__(self, captioner: Captioner, workers: threading.Semaphore) -> None:
        self._captioner, self._workers = captioner, workers

    def caption(self, pixels: "Rgb") -> str | None:
        """Return what the captioner says; called by a worker, which is one again afterwards."""
        self._workers.release()
        try:
            return self._captioner.caption(pixels)
        finally:
            self._workers.acquire()


class VisionService:
    """The service behind the socket; safe for many threads."""

    def __init__(
        self,
        *,
        admission: Admission,
        ledger: CallLog,
        scripts: ScriptedAnswers,
        reads: ReadQueue,
        models: Callable[[], Recognizers] = no_models,
    ) -> None:
        self.models = models
        self.admission, self.ledger, self.hold = admission, ledger, Hold()
        self._scripts = scripts
        self._reads, self._read_api = reads, ReadApi(reads, scripts)
        # Decoding and measuring take a whole core and much memory each: more of it at once makes nothing faster.
        self._workers = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))

    @property
    def is_stopping(self) -> bool:
        """Whether the service comes to its end."""
        return self.admission.stopping.is_set()

    def stop(self) -> None:
        """Let calls in flight come to their end: nothing is held or delayed any more."""
        self.admission.stopping.set()
        self.hold.close()
        self._reads.stop()

    def close(self) -> None:
        """Let go of everything kept on disk, once no call is in flight any more."""
        self._reads.close()
        self.ledger.close()

    def answer(self, request: Request) -> Delivery:
        """Answer one call below /vision/. Raises ConnectionStruck, and BodyError when the body cannot be read."""
        began = time.perf_counter()
        request_id = str(uuid.uuid4())
        route = find_route(request.method, request.path)
        strike = NO_STRIKE
        if route is None:
            outcome = _refused(refusals.not_found())
        else:
            outcome, strike = self._attend(request, route, request_id)
        milliseconds = None if outcome.is_gateway else round((time.perf_counter() - began) * 1000)
        headers = service_headers(request_id=request_id, milliseconds=milliseconds, billed=outcome.billed)
        if route is not None:
            self.ledger.record(
                route.operation,
                outcome.reply.status,
                transactions=0 if request.method == "GET" else max(transactions(headers), outcome.pages),
                paid_sha256=outcome.paid_sha256,
                poll=outcome.poll,
                call_id=_client_id(request.headers),
            )
        return Delivery(outcome.reply, headers, strike)

    def _attend(self, request: Request, route: Route, request_id: str) -> tuple[Outcome, Strike]:
        try:
            strike = self.admission.admit(route.operation, request.headers)
            outcome = self._serve(request, route, request_id)
        except refusals.Refusal as refusal:
            return _refused(refusal), NO_STRIKE
        self.admission.pause(strike)
        if outcome.paid_sha256 is not None:
            self.hold.wait(route.operation)
        return outcome, strike

    def _serve(self, request: Request, route: Route, request_id: str) -> Outcome:
        if route.operation in MISSING:
            raise refusals.not_here(route.operation)
        if route.operation is Operation.MODELS:
            return Outcome(json_reply(200, _models()))
        if route.operation is Operation.READ_RESULT:
            reply, poll = self._read_api.report(route.read_id)
            return Outcome(reply, poll=poll)
        if route.operation is Operation.READ:
            return self._accept(request, request_id)
        media_type(request.headers)
        question = parse_question(route, request.query)
        image = take_image(request.headers, request.body)
        with self._workers:
            reply = self._look(question, image, request_id)
        return Outcome(reply, billed=question.billed, paid_sha256=image.sha256)

    def _accept(self, request: Request, request_id: str) -> Outcome:
        """Have a document read."""
        host = request.headers.get("Host", "127.0.0.1")
        try:
            check_media_type(request.headers)
            question = parse_read(request.query)
            document = take_document(request.headers, request.body)
            # At PDFs other processes work, and this one waits.
            with nullcontext() if document.kind == "pdf" else self._workers:
                fate = self.admission.read_fate()
                reply, pages = self._read_api.accept(
                    question, document, host=host, request_id=request_id, fate=fate, go_on=self._go_on
                )
        except refusals.Refusal as refusal:
            raise refusals.in_shape_of_read(refusal) from None
        except ScriptError as error:
            raise refusals.in_shape_of_read(refusals.failed_to_process(str(error))) from error
        return Outcome(reply, paid_sha256=document.sha256, pages=pages)

    def _go_on(self) -> None:
        if self.is_stopping:
            raise refusals.unavailable()

    def _look(self, question: Question, image: CheckedImage, request_id: str) -> Reply:
        try:
            if question.operation is Operation.THUMBNAIL:
                return self._thumbnail(question, image)
            return json_reply(200, self._result(question, image, request_id))
        except refusals.Refusal:
            raise
        except ScriptError as error:
            raise refusals.failed_to_process(str(error)) from error
        except Exception as error:
            # The caller gets the service's 500; whoever runs the stand-in needs the reason.
            traceback.print_exc(file=sys.stderr)
            raise refusals.failed_to_process("Failed to process the image.") from error

    def _result(self, question: Question, image: CheckedImage, request_id: str) -> Json:
        from local.vision.decoding.pixels import decode
        from local.vision.evidence.looking import Evidence

        picture = decode(image.data, image.header)
        script = self._scripts.find(image.sha256)
        return compose_result(question, Evidence(picture, self._recognizers()), script) | {
            "requestId": request_id,
            "metadata": {"height": picture.height, "width": picture.width, "format": image.header.format},
            "modelVersion": question.model_version,
        }

    def _recognizers(self) -> Recognizers:
        found = self.models()
        if found.captioner is None:
            return found
        return replace(found, captioner=PatientCaptioner(found.captioner, self._workers))

    def _thumbnail(self, question: Question, image: CheckedImage) -> Reply:
        from local.vision.evidence.thumbnail import make_thumbnail

        made = make_thumbnail(
            image.data,
            image.header,
            width=question.width,
            height=question.height,
            smart=question.smart_cropping,
            recognizers=self.models(),
        )
        return Reply(200, made, "image/jpeg")


def _models() -> Json:
    return {"models": [{"name": name, "categories": list(DOMAIN_CATEGORIES[name])} for name in MODELS]}


def _client_id(headers: Message) -> str | None:
    """The client's own id of a call, cut to the length of any that is meant."""
    given = headers.get("x-ms-client-request-id", "")
    return given[:100] if given else None


def _refused(refusal: refusals.Refusal) -> Outcome:
    return Outcome(refusal.reply, is_gateway=refusal.gateway)
