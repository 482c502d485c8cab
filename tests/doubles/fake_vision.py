"""Computer Vision without a wire: answers at once, counts what it is asked, fails as it is told."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable

from shared.errors import BlobsightError
from shared.images import ImageBytes, ImageUrl
from shared.vision.client import VisionClient
from shared.vision.models import Answer, DomainModels
from shared.vision.questions import Question


class FakeVision(VisionClient):
    """
    A client whose answers tell what they were asked about. Safe for threads.

    A JSON answer's caption is the image's digest and the question's operation; a thumbnail is a JPEG's signature and
    the question's canonical form with the digest.

    Attributes:
        asked: every question with the subject it was about, in order, those that failed included.
        failures: errors to raise, one for each of the next calls.
        failing: an error to raise at every call.
        tags: the tags of every JSON answer, by name with their confidence.
        at_call: called as `at_call(question, image)` while a call is under way: where a test holds it, or lets the
            world change meanwhile.
    """

    def __init__(self) -> None:
        super().__init__("https://vision.invalid", "no key")
        self._guard = threading.Lock()
        self.asked: list[tuple[Question, str]] = []
        self.failures: list[BlobsightError] = []
        self.failing: BlobsightError | None = None
        self.tags: dict[str, float] = {"outdoor": 0.9}
        self.at_call: Callable[[Question, ImageBytes | ImageUrl], object] | None = None

    def ask(self, question: Question, image: ImageBytes | ImageUrl) -> Answer:
        with self._guard:
            self.asked.append((question, image.subject))
            self._fail()
            identifier = f"request-{len(self.asked)}"
        if self.at_call:
            self.at_call(question, image)
        if question.operation == "generateThumbnail":
            return Answer("image/jpeg", thumbnail_bytes(question, image), identifier)
        document = {
            "description": {
                "tags": list(self.tags),
                "captions": [{"text": f"{question.operation} {image.subject}", "confidence": 0.5}],
            },
            "tags": [{"name": name, "confidence": confidence} for name, confidence in self.tags.items()],
            "categories": [],
            "requestId": identifier,
            "modelVersion": "2021-05-01",
            "metadata": {"width": 64, "height": 64, "format": "Jpeg"},
        }
        return Answer("application/json", json.dumps(document).encode(), identifier)

    def list_models(self, *, timeout_seconds: float | None = None) -> DomainModels:
        with self._guard:
            self._fail()
        return DomainModels.of({"models": [{"name": "landmarks", "categories": ["outdoor_", "building_"]}]})

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.failing:
            raise self.failing

    def count(self) -> Counter[str]:
        """How often each operation was asked."""
        with self._guard:
            return Counter(question.operation for question, _ in self.asked)


def thumbnail_bytes(question: Question, image: ImageBytes | ImageUrl) -> bytes:
    """The thumbnail that `FakeVision` makes of an image."""
    return b"\xff\xd8\xff" + hashlib.sha256(f"{question.text} {image.subject}".encode()).digest()
