"""
The client: one method per operation, `ask` beneath them all.

`ask` sends a question about an image and returns the answer as it came; the methods put the question and type the
answer.
"""

import json
from collections.abc import Iterable
from urllib.parse import urlencode

from shared.errors import UnexpectedAnswerError
from shared.images import ImageBytes, ImageUrl
from shared.retry import Clock, Deadline, SystemClock, call
from shared.vision import faults, questions
from shared.vision.models import Analysis, Answer, AreaOfInterest, DomainModel
from shared.vision.questions import Question
from shared.vision.transport import Reply, Transport

Image = ImageBytes | ImageUrl


class VisionClient:
    """
    Computer Vision v3.2 at one endpoint. Safe for threads.

    Args:
        endpoint: the resource's base address, such as `https://my-resource.cognitiveservices.azure.com`.
        key: one of the resource's keys. Sent to that endpoint only.
        transport: carries the requests.
        timeout_seconds: the limit of one question, its retries included.
        clock: the time.
    """

    def __init__(
        self,
        endpoint: str,
        key: str,
        *,
        transport: Transport | None = None,
        timeout_seconds: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._base = f"{endpoint.rstrip('/')}/vision/v3.2"
        self._key = key
        self._transport = transport or Transport(connections=16)
        self._timeout_seconds = timeout_seconds
        self._clock = clock or SystemClock()

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
        return Analysis.of(self.ask(question, image).json())

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
        return Analysis.of(self.ask(question, image).json())

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
        return AreaOfInterest.of(self.ask(questions.area_of_interest(model_version=model_version), image).json())

    def list_models(self, *, timeout_seconds: float | None = None) -> tuple[DomainModel, ...]:
        """Ask which domain-specific models there are. No image, and the cheapest way to try endpoint and key."""
        answer = self._exchange("GET", "/models", {}, None, "models", "application/json", timeout_seconds)
        return DomainModel.list_of(answer.json())

    def ask(self, question: Question, image: Image) -> Answer:
        """
        Ask one question about one image.

        Returns:
            The answer as it came. A JSON answer has been checked to be a JSON object.

        Raises:
            ImageRejectedError, VisionError: see `shared.errors`.
        """
        content_type, body = _body(image)
        path = f"/{question.operation}?{urlencode(question.parameters)}"
        return self._exchange("POST", path, {"Content-Type": content_type}, body, question.operation, question.accept)

    def _exchange(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None,
        operation: str,
        accept: str,
        timeout_seconds: float | None = None,
    ) -> Answer:
        sent = {**headers, "Accept": accept, "Ocp-Apim-Subscription-Key": self._key}

        def attempt(deadline: Deadline) -> Answer:
            reply = self._transport.send(method, self._base + path, headers=sent, body=body, deadline=deadline)
            return _answer(reply, operation, accept)

        return call(attempt, Deadline.after(timeout_seconds or self._timeout_seconds, self._clock))


def _body(image: Image) -> tuple[str, bytes]:
    if isinstance(image, ImageUrl):
        return "application/json", json.dumps({"url": image.url}).encode()
    return "application/octet-stream", image.data


def _answer(reply: Reply, operation: str, accept: str) -> Answer:
    if not 200 <= reply.status < 300:
        raise faults.error_of(reply.status, reply.headers, reply.body, operation)
    content_type = reply.headers.get("Content-Type", accept).split(";")[0].strip().lower()
    answer = Answer(content_type, reply.body, reply.headers.get("apim-request-id"))
    if accept == "application/json":
        answer.json()  # inside the attempt, so that a garbled answer is asked for again
    elif not reply.body.startswith(b"\xff\xd8\xff") and not reply.body.startswith(b"\x89PNG"):
        raise UnexpectedAnswerError(
            f"Computer Vision answered {operation} with {len(reply.body)} bytes that are no image.",
            request_id=answer.request_id,
        )
    return answer
