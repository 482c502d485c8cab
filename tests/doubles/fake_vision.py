"""Computer Vision without a wire: answers at once, counts what it is asked, fails as it is told."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable

from shared.errors import BlobsightError, VisionNotFoundError
from shared.images import ImageBytes, ImageUrl
from shared.vision import billing, calls
from shared.vision.client import VisionClient
from shared.vision.models import Answer, DomainModels
from shared.vision.questions import Question
from shared.vision.read_models import ReadOperation, ReadResult


class FakeVision(VisionClient):
    """
    A client whose answers tell what they were asked about. Safe for threads.

    A JSON answer's caption is the image's digest and the question's operation; a thumbnail is a JPEG's signature and
    the question's canonical form with the digest.

    Attributes:
        asked: every question with the subject it was about, in order, those that failed included.
        failures: errors to raise, one for each of the next calls.
        failing: an error to raise at every call.
        failing_polls: an error to raise at every poll of a Read that there is.
        tags: the tags of every JSON answer, by name with their confidence.
        objects: the objects of every JSON answer, as the service writes them.
        area: the rectangle that is the area of interest of every image.
        reads: for each of the next Reads, the statuses that its polls find, the last one again and again; one that is
            not listed has succeeded at its first poll.
        text: the line that every Read finds, on each of its `pages`.
        polled: the address of every poll, in order.
        in_background: of every call, polls too, whether nobody waited for it.
        at_call: called as `at_call(question, image)` while a call is under way: where a test holds it, or lets the
            world change meanwhile.
        before_call: called before each call and each poll, also before one that fails.
    """

    def __init__(self) -> None:
        super().__init__("https://vision.invalid", "no key")
        self._guard = threading.Lock()
        self.asked: list[tuple[Question, str]] = []
        self.failures: list[BlobsightError] = []
        self.failing: BlobsightError | None = None
        self.failing_polls: BlobsightError | None = None
        self.tags: dict[str, float] = {"outdoor": 0.9}
        self.objects: list[dict[str, object]] = []
        self.area = {"x": 16, "y": 16, "w": 32, "h": 32}
        self.reads: list[list[str]] = []
        self.text = "HELLO"
        self.pages = 1
        self.polled: list[str] = []
        self.in_background: list[bool] = []
        self._read: dict[str, list[str]] = {}
        self.at_call: Callable[[Question, ImageBytes | ImageUrl], object] | None = None
        self.before_call: Callable[[], object] = lambda: None

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        with calls.made() as call:
            answer = self._ask(question, image, background=background)
            call.answered(200, answer.usage, answer.request_id)
        return answer

    def _ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool) -> Answer:
        self.before_call()
        with self._guard:
            self.asked.append((question, image.subject))
            self.in_background.append(background)
            self._fail()
            identifier = f"request-{len(self.asked)}"
        if self.at_call:
            self.at_call(question, image)
        usage = {billing.TRANSACTION: billing.price(question)}
        if question.operation == "generateThumbnail":
            return Answer("image/jpeg", thumbnail_bytes(question, image), identifier, usage=usage)
        document = {
            **self._found(question, image),
            "requestId": identifier,
            "modelVersion": "2021-05-01",
            "metadata": {"width": 64, "height": 64, "format": "Jpeg"},
        }
        return Answer("application/json", json.dumps(document).encode(), identifier, usage=usage)

    def _found(self, question: Question, image: ImageBytes | ImageUrl) -> dict[str, object]:
        """What callers are handed has what v3.2 answers; an analysis tells more than it is asked for."""
        if question.operation == "domain":
            return {"result": {question.path.split("/")[1]: []}}
        captions = [{"text": f"{question.operation} {image.subject}", "confidence": 0.5}]
        description: dict[str, object] = {"description": {"tags": list(self.tags), "captions": captions}}
        if question.operation == "describe":
            return description
        tags = [{"name": name, "confidence": confidence} for name, confidence in self.tags.items()]
        area: dict[str, object] = {"areaOfInterest": self.area} if question.operation == "areaOfInterest" else {}
        return {**description, "tags": tags, "categories": [], "objects": self.objects, **area}

    def accepted_before(self, url: str) -> None:
        """Have a Read that was submitted earlier, and paid for."""
        self._read[url] = ["succeeded"]

    def submit(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> ReadOperation:
        with calls.made() as call:
            accepted = self._submit(question, image, background=background)
            call.answered(202, {billing.TRANSACTION: billing.price(question)}, accepted.request_id)
        return accepted

    def _submit(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool) -> ReadOperation:
        self.before_call()
        with self._guard:
            self.asked.append((question, image.subject))
            self.in_background.append(background)
            self._fail()
            url = f"https://vision.invalid/vision/v3.2/read/analyzeResults/{len(self.asked)}"
            self._read[url] = self.reads.pop(0) if self.reads else ["succeeded"]
        if self.at_call:
            self.at_call(question, image)
        return ReadOperation(url, url.rpartition("/")[2])

    def get_read_result(
        self, operation: ReadOperation | str, *, timeout_seconds: float | None = None, background: bool = False
    ) -> ReadResult:
        url = operation if isinstance(operation, str) else operation.url
        self.before_call()
        with self._guard:
            self.polled.append(url)
            self.in_background.append(background)
            self._fail()
            if url not in self._read:
                raise VisionNotFoundError("There is no readResult of Computer Vision v3.2 at VISION_ENDPOINT (404)")
            if self.failing_polls:
                raise self.failing_polls
            left = self._read[url]
            status = left.pop(0) if len(left) > 1 else left[0]
        body: dict[str, object] = {
            "status": status,
            "createdDateTime": "2026-01-01T00:00:00Z",
            "lastUpdatedDateTime": "2026-01-01T00:00:03Z",
        }
        return ReadResult.of(
            body | ({"analyzeResult": read_text(self.text, self.pages)} if status == "succeeded" else {})
        )

    def tells_of_reads(self, operation: str, *, timeout_seconds: float | None = None, background: bool = False) -> bool:
        """A question like others; but while there are `failures`, which are meant for others, it fails like them."""
        return not self.failures and super().tells_of_reads(operation)

    def go_on_with(self, url: str) -> None:
        """Let the Read of that address have succeeded, which another process has submitted."""
        with self._guard:
            self._read[url] = ["succeeded"]

    def forget(self) -> None:
        """Forget every Read, as the service does after two days."""
        with self._guard:
            self._read.clear()

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


def read_text(text: str, pages: int = 1) -> dict[str, object]:
    """The `analyzeResult` of so many pages with one line each."""
    box = [10, 10, 90, 10, 90, 30, 10, 30]
    words = [{"boundingBox": box, "text": word, "confidence": 0.98} for word in text.split()]
    line = {"boundingBox": box, "text": text, "words": words}
    page = {"angle": 0.0, "width": 100, "height": 50, "unit": "pixel", "lines": [line] if text else []}
    found = [{"page": number, **page} for number in range(1, pages + 1)]
    return {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": found}


def thumbnail_bytes(question: Question, image: ImageBytes | ImageUrl) -> bytes:
    """The thumbnail that `FakeVision` makes of an image."""
    return b"\xff\xd8\xff" + hashlib.sha256(f"{question.text} {image.subject}".encode()).digest()
