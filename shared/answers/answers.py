"""
The one way to an answer: check the image, claim the question, ask the service.

Uploads and HTTP callers come through here alike, so that none of them pays for what another has paid for already.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from shared import names
from shared.answers.claims import Claims
from shared.clock import Clock
from shared.errors import ImageRejectedError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.pictures import inspection
from shared.pictures.converter import Converter
from shared.storage import image_blobs
from shared.storage.blobs import Blobs
from shared.vision import questions
from shared.vision.client import VisionClient
from shared.vision.models import Answer
from shared.vision.questions import Question
from shared.vision.read_models import ReadResult

# What an address shows can change; minutes are enough to serve the callers who mean the same picture.
URL_ANSWER_SECONDS = 300.0
# The service keeps the result of a Read for 48 hours; no new caller is sent to one that is about to go.
OPERATION_SECONDS = 47 * 3600.0


class ReadTicket(NamedTuple):
    """An accepted and paid Read: the address to ask, as the service gave it, and when it was accepted."""

    operation: str
    submitted: datetime

    def to_json(self) -> dict[str, str]:
        """The form in which it is kept."""
        return {"operation": self.operation, "submitted": self.submitted.isoformat()}

    @classmethod
    def from_json(cls, document: dict[str, str]) -> "ReadTicket":
        """Read it back."""
        return cls(document["operation"], datetime.fromisoformat(document["submitted"]))

    @property
    def answer(self) -> Answer:
        """The form in which its claim keeps it."""
        return Answer(names.JSON, json.dumps(self.to_json()).encode())


class Answers:
    """
    Where questions are asked. Safe for threads.

    Args:
        vision: the service that is asked.
        claims: what keeps a question from being paid for twice.
        images: the account with the images, for those that are given by their names.
        clock: the time.
        converter: makes the copies that the service is sent of what it does not take.
        wait_seconds: how long a question waits for another caller who asks the same, unless it says so itself.
        most_bytes: of an image.
    """

    def __init__(
        self,
        vision: VisionClient,
        claims: Claims,
        images: Blobs,
        clock: Clock,
        converter: Converter,
        *,
        wait_seconds: float,
        most_bytes: int,
    ) -> None:
        self._vision = vision
        self._claims = claims
        self._images = images
        self._clock = clock
        self._converter = converter
        self._wait_seconds = wait_seconds
        self._most_bytes = most_bytes

    def ask(
        self,
        question: Question,
        image: ImageBytes | ImageUrl | ImageBlob,
        *,
        wait_seconds: float | None = None,
        background: bool = False,
        look_first: bool = True,
        before_call: Callable[[], None] | None = None,
    ) -> Answer:
        """
        The answer to one question about one image, however it was given, paid at most once.

        Args:
            question, image: what is asked about what.
            wait_seconds: how long to wait for another caller who asks the same; None is the wait of these answers.
            background: whether no caller waits for the answer; at the gate, callers and the background take turns.
            look_first: as in `Claims.ask`; False where the question is most likely new.
            before_call: may object by raising, if it comes to a call; an answer that is there already needs none.

        Raises:
            NotFoundError: there is no such blob; others that `image_blobs.read` raises.
            ImageRejectedError, PayloadTooLargeError: before any call if the bytes show it, else as the service said.
            BusyError: another caller asks the same and did not finish within *wait_seconds*.
            VisionError: the service refused or failed.
        """
        if isinstance(image, ImageBlob):
            image = ImageBytes(image_blobs.read(self._images, image.name).data)
        if isinstance(image, ImageBytes):
            inspection.inspect(image.data)

        def call() -> Answer:
            if before_call:
                before_call()
            return self._former(question, image.subject) or self._vision.ask(question, image, background=background)

        with _advised(image):
            return self._claims.ask(
                image.subject,
                question,
                call,
                wait_seconds=self._wait_seconds if wait_seconds is None else wait_seconds,
                lifetime_seconds=URL_ANSWER_SECONDS if isinstance(image, ImageUrl) else None,
                look_first=look_first,
            )

    def _former(self, question: Question, subject: str) -> Answer | None:
        """The answer that the version before has paid for, if it kept it in another place."""
        if not question.former_path:
            return None
        return self._claims.find(subject, question._replace(path=question.former_path))

    def submit(
        self,
        question: Question,
        image: ImageBytes | ImageUrl,
        *,
        wait_seconds: float,
        background: bool = False,
        before_call: Callable[[], None] | None = None,
    ) -> ReadTicket:
        """
        Have a document read, paid at most once: all who ask the same within two days get the same ticket.

        Raises:
            BlobsightError: as `ask`.
        """
        if isinstance(image, ImageBytes):
            inspection.inspect_for_text(image.data, pages=dict(question.parameters).get("pages", ""))

        def call() -> Answer:
            if before_call:
                before_call()
            accepted = self._vision.submit(question, image, background=background)
            return ReadTicket(accepted.url, self._clock.utc()).answer

        with _advised(image):
            answer = self._claims.ask(
                image.subject,
                question,
                call,
                wait_seconds=wait_seconds,
                lifetime_seconds=URL_ANSWER_SECONDS if isinstance(image, ImageUrl) else OPERATION_SECONDS,
                # The activity that submits has found no text, so there is hardly a ticket.
                look_first=False,
                droppable=True,
            )
        return ReadTicket.from_json(answer.json())

    def result(self, subject: str, question: Question) -> ReadResult | None:
        """What was read of a subject for that question, if it was."""
        found = self._claims.find(subject, questions.read_result(question))
        return ReadResult.of(found.json()) if found else None

    def keep_result(self, subject: str, question: Question, result: ReadResult) -> None:
        """Store what was read, so that it is not paid for again."""
        self._claims.keep(
            subject,
            questions.read_result(question),
            Answer(names.JSON, json.dumps(result.body).encode()),
            lifetime_seconds=URL_ANSWER_SECONDS if subject.startswith(ImageUrl.PREFIX) else None,
        )

    def drop(self, subject: str, question: Question, ticket: ReadTicket) -> None:
        """Forget a Read that failed, so that the next one who asks gets a new one."""
        self._claims.drop(subject, question, ticket.answer)

    def forget_refusal(self, subject: str, question: Question) -> None:
        """Let the service be asked again about bytes that it refused, because a caller wants it so."""
        self._claims.forget_refusal(subject, question)


@contextmanager
def _advised(image: ImageBytes | ImageUrl) -> Iterator[None]:
    """Let a refusal say what helps with these very bytes, also one that an earlier version of the app has kept."""
    try:
        yield
    except ImageRejectedError as error:
        if isinstance(image, ImageBytes):
            error.action = inspection.advice(image.data, error)
        raise
