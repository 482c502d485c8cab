"""
One exchange with Computer Vision: the request, but for its credentials, and the checks of a successful reply.

A check takes the reply and the turn of its question. What it refuses is an error that the client may ask again after.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.clock import Deadline
from shared.errors import UnexpectedAnswerError
from shared.images import ImageBytes, ImageUrl
from shared.pace.turn import Turn
from shared.pictures.inspection import kind_of
from shared.transport.credentials import Credentials
from shared.transport.http import Reply, Transport
from shared.vision import billing, calls
from shared.vision.calls import Call
from shared.vision.fields import Json
from shared.vision.models import Answer
from shared.vision.questions import Question

Image = ImageBytes | ImageUrl
JSON = "application/json"


class Request(NamedTuple):
    """
    One request.

    Attributes:
        method, url: the HTTP method, and the address with its query.
        operation: its name in errors.
        headers: all but the credentials.
        body: the image, or JSON with its address; None with a GET.
        address: the image's, where that is sent. No error repeats what of it may be a key.
        price: transactions that it is expected to cost; 0 where it is free.
        asked: the question in its canonical form; empty where there is none.
    """

    method: str
    url: str
    operation: str
    headers: Mapping[str, str]
    body: bytes | None = None
    address: str = ""
    price: int = 0
    asked: str = ""

    def described(self, usage: Mapping[str, int]) -> int:
        """How many transactions of a usage are of the class of descriptions and text."""
        return billing.described(self.asked, usage)

    @classmethod
    def get(cls, url: str, operation: str) -> "Request":
        """Ask for JSON, without an image."""
        return cls("GET", url, operation, {"Accept": JSON})

    @classmethod
    def about(cls, image: Image, question: Question, base: str) -> "Request":
        """Ask a question about an image, of the service at the address *base*."""
        if isinstance(image, ImageUrl):
            content_type, body, address = JSON, json.dumps({"url": image.url}).encode(), image.url
        else:
            content_type, body, address = "application/octet-stream", image.data, ""
        headers = {"Content-Type": content_type, "Accept": question.accept}
        price = billing.price(question)
        return cls("POST", f"{base}/{question.text}", question.operation, headers, body, address, price, question.text)


def send(transport: Transport, credentials: Credentials, request: Request, deadline: Deadline) -> tuple[Reply, Call]:
    """
    Send the request with the credentials that it has, the next one where one is refused; the last answer and its call.

    Each is a call with an id of its own, in the turn of one: a key is refused once when keys are rotated.
    """
    for offer in credentials.offers(deadline):
        with calls.made() as call:
            headers = {**request.headers, **offer, calls.HEADER: call.id}
            reply = transport.send(request.method, request.url, headers=headers, body=request.body, deadline=deadline)
            call.answered(reply.status, billing.usage(reply, request.price), reply.headers.get("apim-request-id"))
        if reply.status != 401:
            credentials.worked(offer)
            break
    return reply, call


def json_answer(reply: Reply, _: Turn) -> Answer:
    """The answer as it came, if it is a JSON object; UnexpectedAnswerError otherwise."""
    answer = _answer(reply, JSON)
    answer.json()
    return answer


def json_object(reply: Reply, _: Turn) -> Json:
    """The JSON object of the answer; UnexpectedAnswerError if it is none."""
    return _answer(reply, JSON).json()


def image_answer(reply: Reply, _: Turn) -> Answer:
    """The answer as it came, if it is an image; UnexpectedAnswerError otherwise."""
    kind = kind_of(reply.body)
    if kind is None:
        raise UnexpectedAnswerError(
            f"Computer Vision answered with {len(reply.body)} bytes that are no image.",
            request_id=reply.headers.get("apim-request-id"),
        )
    return _answer(reply, kind.content_type)


def origin(url: str) -> str | None:
    """Scheme, host and port of an address; None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname and parts.username is None else None


def _answer(reply: Reply, content_type: str) -> Answer:
    return Answer(content_type, reply.body, reply.headers.get("apim-request-id"))
