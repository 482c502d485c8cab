"""
The client: one method per operation, `ask` beneath them all.

`ask` sends a question about an image and returns the answer as it came; the methods put the question and type the
answer.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from shared import contract
from shared.clock import Clock, Deadline, SystemClock
from shared.errors import (
    BadRequestError,
    BlobsightError,
    BusyError,
    UnexpectedAnswerError,
    VisionError,
    VisionNotFoundError,
    VisionRefusedError,
)
from shared.images import ImageBytes, ImageUrl
from shared.pace import retry
from shared.pace.gate import Gate
from shared.pace.obstacles import refusal
from shared.pace.turn import Turn
from shared.pictures.inspection import kind_of
from shared.transport import time_budget
from shared.transport.credentials import Credentials, Keys
from shared.transport.http import Reply, Transport
from shared.vision import billing, error_answers, questions
from shared.vision.models import Analysis, Answer, AreaOfInterest, DomainAnalysis, DomainModels
from shared.vision.questions import Question
from shared.vision.read_models import ReadOperation, ReadResult

_T = TypeVar("_T")
Image = ImageBytes | ImageUrl
# Operations are UUIDs, and the service gives this one to none.
_NO_READ = "00000000-0000-0000-0000-000000000000"


class VisionClient:
    """
    Computer Vision v3.2 at one endpoint. Safe for threads.

    Args:
        endpoint: the resource's base address, such as `https://my-resource.cognitiveservices.azure.com`.
        credentials: one of the resource's keys, or `Keys` or `Identity`. Sent to that endpoint only.
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
        return Analysis.of(self._ask_json(question, image))

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
        return Analysis.of(self._ask_json(question, image))

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
        return AreaOfInterest.of(self._ask_json(questions.area_of_interest(model_version=model_version), image))

    def tag(self, image: Image, *, language: str = "en", model_version: str = "latest") -> Analysis:
        """Ask for words about the image."""
        return Analysis.of(self._ask_json(questions.tag(language=language, model_version=model_version), image))

    def detect(self, image: Image, *, model_version: str = "latest") -> Analysis:
        """Ask for objects and where they are."""
        return Analysis.of(self._ask_json(questions.detect(model_version=model_version), image))

    def analyze_by_domain(
        self, model: str, image: Image, *, language: str = "en", model_version: str = "latest"
    ) -> DomainAnalysis:
        """Ask a domain-specific model, `landmarks` or `celebrities` (the latter needs Microsoft's approval)."""
        question = questions.domain(model, language=language, model_version=model_version)
        return DomainAnalysis.of(self._ask_json(question, image))

    def list_models(self, *, timeout_seconds: float | None = None) -> DomainModels:
        """Ask which domain-specific models there are. No image, and the cheapest way to try endpoint and key."""
        url = f"{self._base}/models"
        headers = {"Accept": "application/json"}
        return DomainModels.of(self._exchange("GET", url, headers, None, "models", _parsed, timeout_seconds))

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
        """Have something read that is asked for in its canonical form; see `read`, and `ask` for *background*."""
        content_type, body = _body(image)
        return self._exchange(
            "POST",
            self._url(question),
            {"Content-Type": content_type, "Accept": "application/json"},
            body,
            question.operation,
            self._accepted,
            background=background,
            address=_address(image),
        )

    def get_read_result(
        self, operation: ReadOperation | str, *, timeout_seconds: float | None = None, background: bool = False
    ) -> ReadResult:
        """
        Ask how far a Read is.

        Args:
            operation: what `read` returned, or the address or the id alone. An address is followed as the service gave
                it, because services and containers differ in its path.
            timeout_seconds: the limit of this one question; the client's own by default.
            background: whether nobody waits for it; see `ask`.

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
            result = ReadResult.of(_parsed(reply, turn))
            turn.billed = self._pages.further(url, result)
            return result

        headers = {"Accept": "application/json"}
        return self._exchange(
            "GET", url, headers, None, "readResult", check, timeout_seconds, background=background, key=url
        )

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
            background: whether nobody waits for the answer; at the gate, callers and the background take turns.

        Returns:
            The answer as it came. A JSON answer has been checked to be a JSON object, another to be an image.

        Raises:
            ImageRejectedError, VisionError: see `shared.errors`.
        """
        check = _json if question.accept == "application/json" else _image
        return self._pose(question, image, check, background=background)

    def _ask_json(self, question: Question, image: Image) -> dict[str, Any]:
        """`ask`, for whoever needs the parsed body only: to check it is to parse it, which is done once."""
        return self._pose(question, image, _parsed)

    def _pose(
        self, question: Question, image: Image, check: Callable[[Reply, Turn], _T], *, background: bool = False
    ) -> _T:
        content_type, body = _body(image)
        headers = {"Content-Type": content_type, "Accept": question.accept}
        url = self._url(question)
        return self._exchange(
            "POST", url, headers, body, question.operation, check, background=background, address=_address(image)
        )

    def _url(self, question: Question) -> str:
        return f"{self._base}/{question.path or question.operation}?{urlencode(question.parameters)}"

    def _exchange(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        operation: str,
        check: Callable[[Reply, Turn], _T],
        timeout_seconds: float | None = None,
        *,
        background: bool = False,
        address: str = "",
        key: str = "",
    ) -> _T:
        """
        Send until there is an answer; *check* reads a successful one, and what it refuses is sent again.

        No error repeats what of *address*, the image's, may be a key. *key* is the gate's.
        """
        seconds = time_budget.left(timeout_seconds or self._timeout_seconds)
        deadline = Deadline.after(seconds, self._clock)
        limit = Deadline.after(time_budget.left_for_turns(min(seconds, self._max_wait_seconds)), self._clock)
        if limit.remaining() <= 0:
            raise refusal(BusyError, 0.0)
        turn = self._gate.turn(limit, paid=method == "POST", background=background, key=key)

        def attempt(deadline: Deadline) -> _T:
            for offer in self.credentials.offers(deadline):
                sent = {**headers, **offer}
                reply = self._transport.send(method, url, headers=sent, body=body, deadline=deadline)
                # A second key is tried in the same turn: that happens once when keys are rotated.
                if reply.status != 401:
                    self.credentials.worked(offer)
                    break
            turn.billed = billing.transactions(method, reply)
            if 200 <= reply.status < 300:
                return check(reply, turn)
            now = self._clock.utc()
            error = error_answers.error_of(reply.status, reply.headers, reply.body, operation, address, now=now)
            raise self.credentials.refused(error) if reply.status == 401 else error

        return retry.call(attempt, deadline, self._gate, turn)

    def _accepted(self, reply: Reply, _: Turn) -> ReadOperation:
        """The operation that an answer to a Read names; its key goes there, so it has to be on this endpoint."""
        url = reply.headers.get("Operation-Location", "")
        if not self._owns(url):
            # Not to be asked again: it was accepted, and is paid.
            raise VisionError(
                f"Computer Vision accepted the Read but named {_origin(url) or 'no address'} for its result, which is "
                "not VISION_ENDPOINT.",
                code="operation_elsewhere",
                action="Set VISION_ENDPOINT to the address by which the service names itself.",
                request_id=reply.headers.get("apim-request-id"),
            )
        return ReadOperation(url, reply.headers.get("apim-request-id"))

    def _owns(self, url: str) -> bool:
        return _origin(url) is not None and _origin(url) == _origin(self._base)


def _origin(url: str) -> str | None:
    """Scheme, host and port of an address; None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname and parts.username is None else None


def _body(image: Image) -> tuple[str, bytes]:
    if isinstance(image, ImageUrl):
        return "application/json", json.dumps({"url": image.url}).encode()
    return "application/octet-stream", image.data


def _address(image: Image) -> str:
    return image.url if isinstance(image, ImageUrl) else ""


def _answer(reply: Reply) -> Answer:
    content_type = reply.headers.get("Content-Type", "").split(";")[0].strip().lower()
    return Answer(content_type, reply.body, reply.headers.get("apim-request-id"))


def _json(reply: Reply, turn: Turn) -> Answer:
    _parsed(reply, turn)
    return _answer(reply)._replace(content_type="application/json")


def _parsed(reply: Reply, _: Turn) -> dict[str, Any]:
    return _answer(reply).json()


def _image(reply: Reply, _: Turn) -> Answer:
    kind = kind_of(reply.body)
    if kind is None:
        raise UnexpectedAnswerError(
            f"Computer Vision answered with {len(reply.body)} bytes that are no image.",
            request_id=reply.headers.get("apim-request-id"),
        )
    return _answer(reply)._replace(content_type=kind.content_type)
