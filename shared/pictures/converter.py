"""
The one place where pictures are decoded: working copies for a service, and thumbnails.

Decoded pixels are what memory goes to. All pictures of a process share one budget of them; large ones wait.
"""

from collections.abc import Sequence
from typing import Literal

from shared.pictures.crops import Box
from shared.pictures.fitting import Limits, Sent
from shared.pictures.inspection import ImageHeader

Format = Literal["jpeg", "webp"]


class Reduced:
    """A decoded picture, upright, in sRGB and no larger than its thumbnails need."""

    def cut(self, window: Box, size: tuple[int, int], form: Format) -> bytes:
        """
        The part as a picture of that size, without any metadata.

        Args:
            window: the part, in pixels of the original upright picture.
            size: width and height; both are smaller, in the same shape, where the part has fewer pixels.
            form: how it is encoded.
        """
        raise NotImplementedError


class Converter:
    """
    Decodes pictures within a budget. Safe for threads.

    Args:
        most_pixels: of one picture, as decoded.
        wait_seconds: how long a picture waits for its share of the budget.
    """

    def __init__(self, *, most_pixels: int, wait_seconds: float) -> None:
        pass

    def sent(self, data: bytes, header: ImageHeader, limits: Limits) -> Sent:
        """
        What a service with these limits is sent of a picture.

        Raises:
            ImageRejectedError: `image_unreadable` or `image_too_many_pixels`; never of a picture that goes untouched.
            BusyError: too many other pictures are being decoded.
        """
        raise NotImplementedError

    def reduced(self, data: bytes, header: ImageHeader, sizes: Sequence[tuple[int, int]]) -> Reduced:
        """
        The picture decoded as large as thumbnails of these sizes need.

        Raises:
            ImageRejectedError, BusyError: as `sent`.
        """
        raise NotImplementedError

    def transcoded(self, data: bytes, form: Format) -> bytes:
        """A JPEG thumbnail of the service in another format; ImageRejectedError if it cannot be decoded."""
        raise NotImplementedError
