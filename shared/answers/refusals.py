"""
Refusals of an image on their way past its claim, which keeps those of the service alone, and what helps with them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import ImageRejectedError
from shared.images import ImageBytes, ImageUrl
from shared.pictures import inspection


class OwnRefusalError(Exception):
    """The app's refusal of a picture, on its way past the claim, which keeps the service's alone."""

    def __init__(self, error: ImageRejectedError) -> None:
        super().__init__(error.message)
        self.error = error


@contextmanager
def refusals_told(image: ImageBytes | ImageUrl) -> Iterator[None]:
    """Let the service's refusal say what helps with these very bytes, also one that an earlier version has kept."""
    try:
        yield
    except OwnRefusalError as refusal:
        raise refusal.error from refusal
    except ImageRejectedError as error:
        if isinstance(image, ImageBytes):
            error.action = inspection.advice(image.data, error)
        raise
