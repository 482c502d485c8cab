"""
The client: one method per operation, `ask` beside them for an answer as it came.

Each method puts its question and types the answer; `_send` is the one way out.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

from shared import contract
from shared.clock import Clock, Deadline, SystemClock
from shared.errors import (
    BadRequestError,
    BlobsightError,
    BusyError,
    VisionError,
    VisionNotFoundError,
    VisionRefusedError,
)
from shared.pace import retry
from shared.pace.gate import Gate
from shared.pace.obstacles import refusal
from shared.pace.turn import Turn
from shared.transport import time_budget
from shared.transport.credentials import Credentials, Keys
from shared.transport.http import Reply, Transport
from shared.vision import billing, error_answers, exchange, questions
from shared.vision.exchange import Image, Request, json_object
from shared.vision.fields import Json
from shared.vision.models import Analysis, Answer, AreaOfInterest, DomainAnalysis, DomainModels
from shared.vision.questions import Question
from shared.vision.read_models import ReadOperation, ReadResult

_T = TypeVar("_T")
# Operations are UUIDs, and the service gives this one to none.
_NO_READ = "00000000-0000-0000-0000-000000000000"


class VisionClient:
    """
    Computer Vision v3.2 at one endpoint. Safe for threads.

    Args:
        endpoint: the resource's base address, such as `https://my-resource.cognitiveservices.azure.com`.
        credentials: one of the resource's keys, or `VisionKeys` or `VisionBearer`. Sent to that endpoint only.
        transport: carries the requests.
        timeout_seconds: the limit of one question, its waits and retries included.
        max_wait_seconds: the longest that a question waits for its turn, within that limit.
        clock: the time.
        gate: what every call passes; by default one of the client's own, without a pace.
    """

    def __init__(
        self,
        endpoint: str,
        credentials: Credentials | str,
        *,
        transport: Transport | None = None,
        timeout_seconds: float = 30.0,
        max_wait_seconds: float | None = None,
        clock: Clock | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._base = f"{contract.endpoint(endpoint)}/vision/v3.2"
        self.credentials = Keys(credentials) if isinstance(credentials, str) else credentials
        self._transport = transport or Transport(service="Computer Vision", connections=16)
        self._timeout_seconds = timeout_seconds
        self._max_wait_seconds = timeout_seconds if max_wait_seconds is None else max_wait_seconds
        self._clock = clock or SystemClock()
        self._gate = gate or Gate(self._clock)
        self._pages = billing.Pages()

    def analyze(
        self,
        image: Image,
        features: Iterable[str] = ("Categories",),
        *,
        details: Iterable[str] = (),
        language: str = "en",
        description_exclude: Iterable[str] = (),
        model_version: str = "latest",
    ) -> Analysis:
        """Ask for visual features such as `Tags` and `Description`."""
        question = questions.analyze(
            features,
            details=details,
            language=language,
            description_exclude=description_exclude,
            model_version=model_version,
        )
        return Analysis.of(self._json(question, image))

    def describe(
        self,
        image: Image,
        *,
        max_candidates: int = 1,
        language: str = "en",
        description_exclude: Iterable[str] = (),
        model_version: str = "latest",
    ) -> Analysis:
        """Ask for sentences that describe the image, best first."""
        question = questions.describe(
            max_candidates=max_candidates,
            language=language,
            description_exclude=description_exclude,
            model_version=model_version,
        )
        return Analysis.of(self._json(question, image))

    def generate_thumbnail(
        self,
        image: Image,
        width: int,
        height: int,
        *,
        smart_cropping: bool = False,
        model_version: str = "latest",
    ) -> Answer:
        """Ask for a JPEG of exactly that many pixels (1 to 1024 each); `body` holds it."""
        question = questions.thumbnail(width, height, smart_cropping=smart_cropping, model_version=model_version)
        return self.ask(question, image)

    def area_of_interest(self, image: Image, *, model_version: str = "latest") -> AreaOfInterest:
        """Ask for the rectangle that matters most."""
        return AreaOfInterest.of(self._json(questions.area_of_interest(model_version=model_version), image))

    def tag(self, image: Image, *, language: str = "en", model_version: str = "latest") -> Analysis:
        """Ask for words about the image."""
        return Analysis.of(self._json(questions.tag(language=language, model_version=model_version), image))

    def detect(self, image: Image, *, model_version: str = "latest") -> Analysis:
        """Ask for objects and where they are."""
        return Analysis.of(self._json(questions.detect(model_version=model_version), image))

    def analyze_by_domain(
        self, model: str, image: Image, *, language: str = "en", model_version: str = "latest"
    ) -> DomainAnalysis:
        """Ask a domain-specific model, `landmarks` or `celebrities` (the latter needs Microsoft's approval)."""
        question = questions.domain(model, language=language, model_version=model_version)
        return DomainAnalysis.of(self._json(question, image))

    def list_models(self, *, timeout_seconds: float | None = None) -> DomainModels:
        """Ask which domain-specific models there are. No image, and the cheapest way to try endpoint and key."""
        request = Request.get(f"{self._base}/models", "models")
        return DomainModels.of(self._send(request, json_object, timeout_seconds=timeout_seconds))

    def read(
        self,
        image: Image,
        *,
        language: str | None = None,
        pages: str | None = None,
        reading_order: str = "basic",
        model_version: str = "latest",
    ) -> ReadOperation:
        """Have the text of an image, a PDF or a TIFF read; `get_read_result` asks how far it is."""
        question = questions.read(
            language=language, pages=pages, reading_order=reading_order, model_version=model_version
        )
        return self.submit(question, image)

    def submit(self, question: Question, image: Image, *, background: bool = False) -> ReadOperation:
        """Have the text read that a question in its canonical form asks for; see `read`, and `ask` for *background*."""
        return self._send(Request.about(image, question, self._base), self._accepted, background=background)

    def get_read_result(
        self, operation: ReadOperation | str, *, timeout_seconds: float | None = None, background: bool = False
    ) -> ReadResult:
        """
        Ask how far a Read is.

        Args:
            operation: what `read` returned, or the address or the id alone. An address is followed as the service gave
                it, because services and containers differ in its path.
            timeout_seconds: the limit of this one question; the client's own by default.
            background: whether no caller waits for it; see `ask`.

        Raises:
            BadRequestError: the address is not on this endpoint.
            VisionError: an id that is unknown or older than 48 hours is a `VisionNotFoundError`.
        """
        url = operation.url if isinstance(operation, ReadOperation) else operation
        if "/" not in url:
            url = f"{self._base}/read/analyzeResults/{quote(url, safe='')}"
        elif not self._owns(url):
            raise BadRequestError("The Read's address is not on VISION_ENDPOINT, so the key is not sent there.")

        def check(reply: Reply, turn: Turn) -> ReadResult:
            result = ReadResult.of(json_object(reply, turn))
            turn.billed = turn.billed_described = self._pages.further(url, result)
            return result

        request = Request.get(url, "readResult")
        return self._send(request, check, timeout_seconds=timeout_seconds, background=background, key=url)

    def tells_of_reads(self, operation: str, *, timeout_seconds: float | None = None, background: bool = False) -> bool:
        """
        Whether the service answers about Reads other than *operation*: asked, for nothing, for one that never was.

        Its 404 is that answer, and so is a refusal, unless it is one of the key, of the pace or of the gate.
        """
        address = f"{operation.rpartition('/')[0]}/{_NO_READ}"
        try:
            self.get_read_result(address, timeout_seconds=timeout_seconds, background=background)
        except (VisionNotFoundError, VisionRefusedError):
            return True
        except BlobsightError:
            return False
        return True

    def ask(self, question: Question, image: Image, *, background: bool = False) -> Answer:
        """
        Ask one question about one image.

        Args:
            question, image: what is asked about what.
            background: whether no caller waits for the answer; at the gate, callers and the background take turns.

        Returns:
            The answer as it came, which is a JSON object or an image, as the question asks.

        Raises:
            ImageRejectedError, VisionError: see `shared.errors`.
        """
        read = exchange.json_answer if question.accept == exchange.JSON else exchange.image_answer
        request = Request.about(image, question, self._base)

        def check(reply: Reply, turn: Turn) -> Answer:
            return read(reply, turn)._replace(usage=billing.usage(reply, request.price))

        return self._send(request, check, background=background)

    def _json(self, question: Question, image: Image) -> Json:
        """The answer's JSON: to check it is to parse it, so it is parsed once."""
        return self._send(Request.about(image, question, self._base), json_object)

    def _send(
        self,
        request: Request,
        check: Callable[[Reply, Turn], _T],
        *,
        timeout_seconds: float | None = None,
        background: bool = False,
        key: str = "",
    ) -> _T:
        """Send until there is an answer; *check* reads a successful one, and what it refuses is sent again."""
        seconds = time_budget.left(timeout_seconds or self._timeout_seconds)
        deadline = Deadline.after(seconds, self._clock)
        seconds_for_turns = time_budget.left_for_turns(min(seconds, self._max_wait_seconds))
        if seconds_for_turns <= 0:
            raise refusal(BusyError, 0.0)
        limit = Deadline.after(seconds_for_turns, self._clock)
        turn = self._gate.turn(limit, price=request.price, background=background, key=key)
        turn.described = request.described({billing.TRANSACTION: request.price})

        def attempt(deadline: Deadline) -> _T:
            reply, call = exchange.send(self._transport, self.credentials, request, deadline)
            turn.billed, turn.billed_described = billing.billed(call.usage), request.described(call.usage)
            with call.judged():
                if 200 <= reply.status < 300:
                    return check(reply, turn)
                error = error_answers.error_of(
                    reply.status, reply.headers, reply.body, request.operation, request.address, now=self._clock.utc()
                )
                raise self.credentials.refused(error) if reply.status == 401 else error

        return retry.call(attempt, deadline, self._gate, turn)

    def _accepted(self, reply: Reply, _: Turn) -> ReadOperation:
        """The operation that an answer to a Read names; its key goes there, so it has to be on this endpoint."""
        url = reply.headers.get("Operation-Location", "")
        if not self._owns(url):
            named = exchange.origin(url) or "no address"
            # Not to be asked again: it was accepted, and is paid.
            raise VisionError(
                f"Computer Vision accepted the Read but named {named} for its result, which is not VISION_ENDPOINT.",
                code="operation_elsewhere",
                action="Set VISION_ENDPOINT to the address by which the service names itself.",
                request_id=reply.headers.get("apim-request-id"),
            )
        return ReadOperation(url, reply.headers.get("apim-request-id"))

    def _owns(self, url: str) -> bool:
        return exchange.origin(url) is not None and exchange.origin(url) == exchange.origin(self._base)
