"""
The one way to an answer: check the image, claim the question, ask the service.

Uploads and HTTP callers come through here alike, so that none of them pays for what another has paid for already. An
image that the service does not take as it is, or would see sideways, is sent as a copy. The answer's places are mapped
to upright pixels of the image itself before it is kept, so all that comes from here tells of the image.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from shared import names
from shared.answers import former, owners, tickets
from shared.answers.claims import Claims
from shared.answers.refusals import OwnRefusalError, refusals_told
from shared.answers.tickets import OPERATION_SECONDS, ReadTicket
from shared.clock import Clock
from shared.errors import ImageRejectedError, PayloadTooLargeError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl, Owner
from shared.pictures import fitting, inspection
from shared.pictures.converter import Converter
from shared.pictures.fitting import ANALYSIS, FIT, READ, Limits, Sent
from shared.storage import image_blobs
from shared.storage.blobs import Blobs
from shared.vision import mapping, questions
from shared.vision.client import VisionClient
from shared.vision.mapping import Frame
from shared.vision.models import Answer
from shared.vision.questions import Question
from shared.vision.read_models import ReadResult

# What an address shows can change; minutes are enough to serve the callers who mean the same picture.
URL_ANSWER_SECONDS = 300.0


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
        image: Image,
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
                An image that is worked on there owns its answers, whether these are paid for now or were before.
            look_first: as in `Claims.ask`; False where the question is most likely new.
            before_call: may object by raising, if it comes to a call; an answer that is there already needs none.

        Raises:
            NotFoundError: there is no such blob; others that `image_blobs.read` raises.
            ImageRejectedError, PayloadTooLargeError: before any call if the bytes show it, else as the service said.
                The app's own refusal is not kept: another version or setting may take the image.
            BusyError: another caller asks the same and did not finish within *wait_seconds*.
            VisionError: the service refused or failed.
        """
        named = isinstance(image, ImageBlob)
        if isinstance(image, ImageBlob):
            blob = image_blobs.read(self._images, image.name, most=self._most_bytes)
            image = ImageBytes(blob.data, Owner(image.name, blob.info.etag))
        asked = self.fitted(question, image)
        if background:
            self.note_owner(image)

        def call() -> Answer:
            if known := former.find(self._claims, asked, image):
                return known
            if before_call:
                before_call()
            self.note_owner(image)
            return self._asked(asked, image, background=background)

        with refusals_told(image), self._owner_confirmed(image if named else None):
            answer = self._claims.ask(
                image.subject,
                asked,
                call,
                wait_seconds=self._wait_seconds if wait_seconds is None else wait_seconds,
                lifetime_seconds=URL_ANSWER_SECONDS if isinstance(image, ImageUrl) else None,
                look_first=look_first,
                image=image.asker,
            )
        if image.kept is not None:
            image.kept |= {asked.key}
        return answer

    def note_owner(self, image: ImageBytes | ImageUrl) -> None:
        """Note which image has these bytes, once: before the first claim about them, or the first paid call."""
        if isinstance(image, ImageBytes):
            owners.note_bytes(self._claims.blobs, image)

    @contextmanager
    def _owner_confirmed(self, image: ImageBytes | ImageUrl | None) -> Iterator[None]:
        """Look after the work whether an image that a caller has named still has the bytes that are noted of it."""
        try:
            yield
        finally:
            if isinstance(image, ImageBytes) and image.is_owned:
                owners.confirm(self._claims.blobs, self._images, image)

    def find(self, question: Question, image: ImageBytes | ImageUrl) -> Answer | None:
        """
        The answer to one question about one image if it was paid for already, also as a part of another answer.

        Costs one listing for each image, and the read of what there is.

        Raises:
            ImageRejectedError, PayloadTooLargeError: the bytes show that the image is not taken.
        """
        asked = self.fitted(question, image)
        if former.among(self._claims, (asked,), image) and (known := self._claims.find(image.subject, asked)):
            return known
        with suppress(ImageRejectedError, PayloadTooLargeError):
            return former.find(self._claims, asked, image)
        return None

    def kept(self, subject: str, asked: Question) -> Answer | None:
        """The answer about a subject to the very question that was asked (`fitted`), if it is kept and still serves."""
        return self._claims.find(subject, asked)

    def fitted(self, question: Question, image: ImageBytes | ImageUrl) -> Question:
        """The question as it is asked about an image that is checked: about itself, or about a copy."""
        if isinstance(image, ImageUrl):
            return question
        self.check(image)
        return question if fitting.takes(ANALYSIS, image.header, len(image.data)) else question._replace(fit=FIT)

    def check(self, image: ImageBytes) -> None:
        """
        Look at what an image's bytes show by themselves.

        Raises:
            ImageRejectedError, PayloadTooLargeError: as `ask` before any call.
        """
        size = len(image.data)
        if size > self._most_bytes:
            raise PayloadTooLargeError(
                f"The image has {size} bytes; at most {self._most_bytes} are taken"
                f" ({self._most_bytes // 1024**2} MB, MAX_UPLOAD_MEGABYTES).",
                action="Save it with fewer pixels, or compress it more; or raise MAX_UPLOAD_MEGABYTES.",
            )
        _ = image.header

    def _asked(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool) -> Answer:
        """The service's answer, with its places in upright pixels of the image."""
        if not question.fit or not isinstance(image, ImageBytes):
            return self._vision.ask(question, image, background=background)
        if image.sent is None:
            image.sent = self._copy(image, ANALYSIS)
        sent, header = image.sent, image.header
        answer = self._vision.ask(question, ImageBytes(sent.data), background=background)._replace(sent=sent.describe())
        if answer.content_type != names.JSON:
            return answer
        frame = Frame((sent.width, sent.height), (header.width, header.height))
        return answer._replace(body=json.dumps(mapping.mapped(answer.json(), frame)).encode())

    def _copy(self, image: ImageBytes, limits: Limits) -> Sent:
        try:
            return self._converter.sent(image.data, image.header, limits)
        except ImageRejectedError as error:
            raise OwnRefusalError(error) from error

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
        Have a document read (a copy, if the question has a fit), once for all who ask the same within two days.

        Raises:
            BlobsightError: as `ask`.
        """
        if isinstance(image, ImageBytes):
            inspection.inspect_for_text(image.data, pages=dict(question.parameters).get("pages", ""))

        def call() -> Answer:
            if known := former.find(self._claims, question, image):
                return tickets.as_stored(known, image)
            if before_call:
                before_call()
            return self._submitted(question, image, background=background)

        with refusals_told(image):
            answer = self._claims.ask(
                image.subject,
                question,
                call,
                wait_seconds=wait_seconds,
                lifetime_seconds=URL_ANSWER_SECONDS if isinstance(image, ImageUrl) else OPERATION_SECONDS,
                # The activity that submits has found no text, so there is hardly a ticket.
                look_first=False,
                droppable=True,
                image=image.asker,
            )
        return ReadTicket.from_json(answer.json())

    def _submitted(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool) -> Answer:
        """The ticket of a Read that the service has accepted now."""
        if not question.fit or not isinstance(image, ImageBytes):
            accepted = self._vision.submit(question, image, background=background)
            return ReadTicket(accepted.url, self._clock.utc()).answer
        sent, header = self._copy(image, READ), image.header
        accepted = self._vision.submit(question, ImageBytes(sent.data), background=background)
        return ReadTicket(accepted.url, self._clock.utc(), sent.describe(), (header.width, header.height)).answer

    def result(self, subject: str, question: Question) -> ReadResult | None:
        """What was read of a subject for that question, if it was."""
        found = self._claims.find(subject, questions.read_result(question))
        return ReadResult.of(found.json())._replace(sent=found.sent) if found else None

    def takes_over_result(self, question: Question, image: ImageBytes | ImageUrl) -> bool:
        """
        Keep what the version before had read of a picture that it sent as it is stored, turned upright.

        It serves as long as it was to. False if there is none.
        """
        asked = questions.read_result(question)
        found = former.find(self._claims, asked, image) if question.fit else None
        if found:
            self._claims.keep(image.subject, asked, found)
        return found is not None

    def keep_result(self, subject: str, question: Question, result: ReadResult, *, polls: int = 0) -> None:
        """Store what was read, so that it is not paid for again, and how often it was asked for."""
        self._claims.keep(
            subject,
            questions.read_result(question),
            Answer(names.JSON, json.dumps(result.body).encode(), sent=result.sent),
            lifetime_seconds=URL_ANSWER_SECONDS if subject.startswith(ImageUrl.PREFIX) else None,
            polls=polls,
        )

    def drop(self, subject: str, question: Question, ticket: ReadTicket) -> None:
        """Forget a Read that failed, so that the next one who asks gets a new one."""
        self._claims.drop(subject, question, ticket.answer)
        if question.fit:
            # It may be the one of the picture as it is stored, which would be found again.
            plain = ReadTicket(ticket.operation, ticket.submitted)
            self._claims.drop(subject, question.plain, plain.answer)

    def forget_refusal(self, subject: str, question: Question) -> None:
        """Let the service be asked again about bytes that it refused, because a caller wants it so."""
        kept = self._claims.keys(subject)
        for asked in (question, *questions.wider(question)):
            for each in (asked.plain, asked._replace(fit=FIT)):
                if each.key in kept:
                    self._claims.forget_refusal(subject, each)
