"""
The one way to an answer: check the image, claim the question, ask the service.

Uploads and HTTP callers come through here alike, so that none of them pays for what another has paid for already.
"""

from shared import images
from shared.claims import Claims
from shared.images import ImageBytes, ImageUrl
from shared.vision.client import VisionClient
from shared.vision.models import Answer
from shared.vision.questions import Question

# What an address shows can change; minutes are enough to serve the callers who mean the same picture.
URL_ANSWER_SECONDS = 300.0


class Desk:
    """Where questions are asked. Safe for threads."""

    def __init__(self, vision: VisionClient, claims: Claims) -> None:
        self._vision = vision
        self._claims = claims

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, wait_seconds: float) -> Answer:
        """
        The answer to one question about one image, paid at most once.

        Raises:
            ImageRejectedError, PayloadTooLargeError: before any call if the bytes show it, else as the service said.
            BusyError: somebody else is asking the same and did not finish within *wait_seconds*.
            VisionError: the service refused or failed.
        """
        if isinstance(image, ImageBytes):
            images.inspect(image.data)
        return self._claims.ask(
            image.subject,
            question,
            lambda: self._vision.ask(question, image),
            wait_seconds=wait_seconds,
            lifetime_seconds=URL_ANSWER_SECONDS if isinstance(image, ImageUrl) else None,
        )
