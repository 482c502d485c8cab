"""
One call from its first header to its answer, checked in the service's order.

    path and version 404 -> key 401 -> rate 429 -> media type 415 -> parameters 400 -> URL 400 -> size, format,
    dimensions 400

then the work, the faults that were asked for, the hold, the count, and last the answer.
"""

import hmac
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus

from local.vision import refusals
from local.vision.body import BodyReader
from local.vision.calls import CallLedger
from local.vision.faults import FaultDice, Faults, Strike
from local.vision.hold import Hold
from local.vision.intake import CheckedImage, media_type, take_image
from local.vision.operations import MISSING, Operation, Route, find_route
from local.vision.parameters import MODELS, Question, parse_question
from local.vision.rate import Rate, RateLimit
from local.vision.replies import Reply, json_reply, service_headers
from local.vision.results import Json, compose_result
from local.vision.scripted import ScriptedAnswers, ScriptError
from local.vision.throttling import throttled

KEY_HEADER = "Ocp-Apim-Subscription-Key"
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
    """What the work came to: an answer, what it is billed as, and the image it was paid for."""

    reply: Reply
    billed: tuple[str, ...] = ()
    paid_sha256: str | None = None
    is_gateway: bool = False


class VisionService:
    """The service behind the socket; safe for many threads."""

    def __init__(
        self,
        *,
        key: str,
        rate: Rate | None = None,
        ledger: CallLedger,
        scripts: ScriptedAnswers,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._key, self._tier_rate = key, rate
        self.ledger, self.hold = ledger, Hold()
        self._scripts, self._wall_clock = scripts, wall_clock
        self._limit = RateLimit(rate, clock)
        self._dice = FaultDice(Faults())
        self.stopping = threading.Event()
        # Decoding and measuring take a whole core and much memory each: more of it at once makes nothing faster.
        self._workers = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self._dice.faults

    def set_faults(self, faults: Faults) -> None:
        """Put *faults* in force instead of those before; without a rate of their own the tier's holds."""
        self._limit.set(faults.rate if faults.has_rate else self._tier_rate)
        self._dice = FaultDice(faults)

    def stop(self) -> None:
        """Let calls in flight come to their end: nothing is held or delayed any more."""
        self.stopping.set()
        self.hold.close()

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
            self.ledger.record(route.operation, outcome.reply.status, paid_sha256=outcome.paid_sha256)
        milliseconds = None if outcome.is_gateway else round((time.perf_counter() - began) * 1000)
        headers = service_headers(request_id=request_id, milliseconds=milliseconds, billed=outcome.billed)
        return Delivery(outcome.reply, headers, strike)

    def _attend(self, request: Request, route: Route, request_id: str) -> tuple[Outcome, Strike]:
        try:
            self._check_key(request)
            strike = self._strike(route)
            if strike.status is not None:
                self._pause(strike.latency_seconds)
                raise self._injected(strike.status, route, request)
            outcome = self._serve(request, route, request_id)
        except refusals.Refusal as refusal:
            return _refused(refusal), NO_STRIKE
        self._pause(strike.latency_seconds)
        if outcome.paid_sha256 is not None:
            self.hold.wait(route.operation)
        return outcome, strike

    def _check_key(self, request: Request) -> None:
        given = request.headers.get(KEY_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise refusals.access_denied(self._realm(request))

    def _strike(self, route: Route) -> Strike:
        """Let the call pass or refuse it: outage, rate, reset."""
        if self._wall_clock() < self.faults.outage_until:
            raise refusals.unavailable()
        wait_seconds = self._limit.wait_seconds()
        if wait_seconds > 0:
            raise throttled(
                route.operation, tier=self._tier(), wait_seconds=wait_seconds, told_as=self.faults.retry_after
            )
        strike = self._dice.strike()
        if strike.reset:
            raise refusals.ConnectionStruck
        return strike

    def _injected(self, status: int, route: Route, request: Request) -> refusals.Refusal:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return throttled(route.operation, tier=self._tier(), wait_seconds=1, told_as=self.faults.retry_after)
        return refusals.injected(status, realm=self._realm(request))

    def _tier(self) -> str:
        return self._limit.rate.tier if self._limit.rate else "S1"

    @staticmethod
    def _realm(request: Request) -> str:
        return f"http://{request.headers.get('Host', 'localhost')}/vision"

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.stopping.wait(seconds)

    def _serve(self, request: Request, route: Route, request_id: str) -> Outcome:
        if route.operation in MISSING:
            raise refusals.not_here(route.operation)
        if route.operation is Operation.MODELS:
            return Outcome(json_reply(200, _models()))
        media_type(request.headers)
        question = parse_question(route, request.query)
        image = take_image(request.headers, request.body)
        with self._workers:
            reply = self._look(question, image, request_id)
        return Outcome(reply, billed=question.billed, paid_sha256=image.sha256)

    def _look(self, question: Question, image: CheckedImage, request_id: str) -> Reply:
        try:
            if question.operation is Operation.THUMBNAIL:
                return _thumbnail(question, image)
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
        from local.vision.evidence.looking import Evidence
        from local.vision.evidence.pixels import decode

        picture = decode(image.data, image.header)
        script = self._scripts.find(image.sha256)
        return compose_result(question, Evidence(picture), script) | {
            "requestId": request_id,
            "metadata": {"height": picture.height, "width": picture.width, "format": image.header.format},
            "modelVersion": question.model_version,
        }


def _thumbnail(question: Question, image: CheckedImage) -> Reply:
    from local.vision.evidence.thumbnail import make_thumbnail

    made = make_thumbnail(
        image.data, image.header, width=question.width, height=question.height, smart=question.smart_cropping
    )
    return Reply(200, made, "image/jpeg")


def _models() -> Json:
    return {"models": [{"name": name, "categories": list(DOMAIN_CATEGORIES[name])} for name in MODELS]}


def _refused(refusal: refusals.Refusal) -> Outcome:
    return Outcome(refusal.reply, is_gateway=refusal.gateway)
