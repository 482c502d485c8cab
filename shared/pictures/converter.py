"""
The one place where pictures are decoded: working copies for a service, and thumbnails.

Decoded pixels are what memory goes to. All pictures of a process share one budget of them; large ones wait.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from shared.contract import MIN_SIDE_PIXELS
from shared.errors import ImageRejectedError
from shared.pictures import attention, kinds
from shared.pictures.attention import Attention
from shared.pictures.budget import Budget
from shared.pictures.crops import Box
from shared.pictures.fitting import Limits, Sent, takes
from shared.pictures.inspection import ImageHeader
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError

if TYPE_CHECKING:
    from shared.pictures.looks import Look
    from shared.pictures.pixels import Opened

Format = Literal["jpeg", "webp"]

# What decoding a picture may hold for each pixel of the largest one.
_PIXEL_BYTES = 8
# Of a copy of so many pixels, and of what it is made from, beside the decoder's own.
_COPY_BYTES = 8
# A decoder walks at most so many pixels: a JPEG of 20 scans as many times as it has scans.
_MOST_EFFORT = 2_000_000_000
# A copy may be so much smaller than it could be, where that saves decoding the whole picture.
_COPY_SLACK = 0.8
# A thumbnail is scaled down from so many more pixels: sharper than what a decoder's own scaling gives.
_THUMBNAIL_MARGIN = 1.3
_TURNED_BY_A_QUARTER = 5


class Reduced:
    """
    A decoded picture, upright, in sRGB and no larger than its thumbnails need.

    Args:
        image: the picture, in mode RGB.
        sides: those of the original.
    """

    def __init__(self, image: Any, sides: Sides) -> None:
        self._image = image
        self._sides = sides

    @cached_property
    def attention(self) -> Attention:
        """What stands out in it."""
        return attention.measure(self._image)

    def cut(self, window: Box, size: tuple[int, int], form: Format) -> bytes:
        """The same as `cut_and_look`, without its look."""
        return self.cut_and_look(window, size, form)[0]

    def cut_and_look(self, window: Box, size: tuple[int, int], form: Format) -> "tuple[bytes, Look]":
        """
        The part as a picture of that size, without any metadata, and its look.

        Args:
            window: the part, in pixels of the original upright picture.
            size: width and height; both are smaller, in the same shape, where the part has fewer pixels.
            form: how it is encoded.
        """
        from PIL import Image

        from shared.pictures import encoding, looks

        across, down = (of / original for of, original in zip(self._image.size, self._sides, strict=True))
        right, bottom = self._image.size
        left = min(max(window.left * across, 0), right - 1)
        top = min(max(window.top * down, 0), bottom - 1)
        box = (
            left,
            top,
            min(max((window.left + window.width) * across, left + 1), right),
            min(max((window.top + window.height) * down, top + 1), bottom),
        )
        factor = min(1.0, window.width / size[0], window.height / size[1])
        wanted = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
        part = self._image.resize(wanted, Image.Resampling.LANCZOS, box=box)
        return encoding.thumbnail(part, form), looks.of_picture(part)


class Converter:
    """
    Decodes pictures within a budget. Safe for threads.

    Args:
        most_pixels: of one picture, as decoded.
        wait_seconds: how long a picture waits for its share of the budget.
        left: how much of so many seconds the caller may wait.
    """

    def __init__(
        self,
        *,
        most_pixels: int,
        wait_seconds: float,
        left: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        self._most_pixels = most_pixels
        self.budget = Budget(_PIXEL_BYTES * most_pixels, wait_seconds, left)

    def sent(self, data: bytes, header: ImageHeader, limits: Limits) -> Sent:
        """
        What a service with these limits is sent of a picture.

        Raises:
            ImageRejectedError: `image_unreadable`, `image_too_many_pixels` or `image_too_small`; never of a picture
                that goes untouched.
            BusyError: too many other pictures are being decoded.
        """
        if takes(limits, header, len(data)):
            return Sent(data, header.kind, header.width, header.height, True)
        from shared.pictures import encoding

        target = _scaled((header.width, header.height), _copy_scale(header, limits))
        across, down = _scaled(target, _COPY_SLACK)
        least = (max(across, MIN_SIDE_PIXELS), max(down, MIN_SIDE_PIXELS))
        with self._decoded(data, header, least, target) as image:
            copy, (width, height) = encoding.copy(image, limits.bytes)
        return Sent(copy, kinds.JPEG.name, width, height, False)

    def reduced(
        self, data: bytes, header: ImageHeader, sizes: Sequence[tuple[int, int]], sent: Sent | None = None
    ) -> Reduced:
        """
        The picture decoded as large as thumbnails of these sizes need.

        Args:
            data, header: the picture.
            sizes: width and height of each thumbnail.
            sent: a copy that was made of it already; it is decoded in its place where it is large enough, which
                takes a small part of the time and of the memory.

        Raises:
            ImageRejectedError: `image_unreadable` or `image_too_many_pixels`.
            BusyError: as `sent`.
        """
        sides = (header.width, header.height)
        needed = max(max(width / sides[0], height / sides[1]) for width, height in sizes)
        target = _scaled(sides, min(1.0, needed * _THUMBNAIL_MARGIN))
        if sent and not sent.untouched and sent.width >= target[0] and sent.height >= target[1]:
            data, header = sent.data, ImageHeader(sent.kind, kinds.JPEG.content_type, sent.width, sent.height)
        with self._decoded(data, header, target, target) as image:
            return Reduced(image, sides)

    def whole(self, data: bytes, header: ImageHeader, side: int, form: Format) -> bytes:
        """
        The whole picture with sides of at most so many pixels, upright, in sRGB and without any metadata.

        Raises:
            ImageRejectedError: `image_unreadable` or `image_too_many_pixels`.
            BusyError: as `sent`.
        """
        from shared.pictures import encoding

        sides = (header.width, header.height)
        target = _scaled(sides, min(1.0, side / max(sides)))
        with self._decoded(data, header, target, target) as image:
            return encoding.thumbnail(image, form)

    def transcoded(self, data: bytes, form: Format) -> bytes:
        """A JPEG thumbnail of the service in another format; ImageRejectedError if it cannot be decoded."""
        from shared.pictures import encoding, jpeg
        from shared.pictures.window import Window

        try:
            stored = jpeg.stored(Window(data))
        except HeaderError as error:
            raise _undecodable(kinds.JPEG.name, error) from error
        header = ImageHeader(kinds.JPEG.name, kinds.JPEG.content_type, stored.width, stored.height)
        sides = (stored.width, stored.height)
        with self._decoded(data, header, sides, sides) as image:
            return encoding.thumbnail(image, form)

    @contextmanager
    def _decoded(self, data: bytes, header: ImageHeader, least: Sides, target: Sides) -> Iterator[Any]:
        """
        The picture in mode RGB, upright, and no larger than *target*; it has its share of the budget in the meantime.

        Args:
            data, header: the picture.
            least: its decoder does not scale it below.
            target: the sides wanted, in upright pixels as *least*.
        """
        from shared.pictures import decoding, scaling

        is_turned = header.orientation >= _TURNED_BY_A_QUARTER
        try:
            found = decoding.opened(data, header.kind, _turned(least, is_turned))
            orientation = 1 if found.is_upright else header.orientation
            swap = orientation >= _TURNED_BY_A_QUARTER
            if _turned(found.full, swap) != (header.width, header.height):
                raise HeaderError("its header and its pixels tell different sides")
            cost = found.cost + _COPY_BYTES * min(math.prod(target), math.prod(found.size))
            self._check(found, cost, header)
        except HeaderError as error:
            raise _undecodable(header.kind, error) from error
        with self.budget.share(cost):
            try:
                with decoding.typed_errors("its picture cannot be decoded"):
                    pixels = found.decode()
                    if max(abs(is_now - was) for is_now, was in zip(pixels.size, found.size, strict=True)) > 1:
                        raise HeaderError("its header and its pixels tell different sides")
                    del found
                    image = scaling.scaled(pixels, _smaller(pixels.size, _turned(target, swap)))
                    # The decoded picture is not held while the part that is left of it is turned.
                    del pixels
                    image = scaling.upright(image, orientation)
            except HeaderError as error:
                raise _undecodable(header.kind, error) from error
            yield image

    def _check(self, found: "Opened", cost: int, header: ImageHeader) -> None:
        pixels = math.prod(found.size)
        if pixels <= self._most_pixels and cost <= self.budget.capacity and found.effort <= _MOST_EFFORT:
            return
        raise ImageRejectedError(
            f"The {header.kind} has {header.width}x{header.height} pixels, which is more than the app decodes: it takes"
            f" {self._most_pixels // 10**6} million, of some formats and of JPEGs in many passes fewer.",
            code="image_too_many_pixels",
            action="Scale it down, or save it as a JPEG that is not progressive; or raise MAX_MEGAPIXELS.",
        )


def _copy_scale(header: ImageHeader, limits: Limits) -> float:
    """By how much a copy is smaller, so that it is within the limits and no side is shorter than the service takes."""
    long, short = max(header.width, header.height), min(header.width, header.height)
    scale = min(1.0, math.sqrt(limits.pixels / (long * short)), limits.side / long)
    scale = min(1.0, max(scale, MIN_SIDE_PIXELS / short))
    if int(long * scale + 1e-6) > limits.side:
        raise ImageRejectedError(
            f"The image has {header.width}x{header.height} pixels: scaled to {limits.side} pixels, which are the most"
            f" that are possible, its shorter side would have fewer than {MIN_SIDE_PIXELS}.",
            code="image_too_small",
            action="Cut it into several parts that are less long.",
        )
    return scale


def _scaled(sides: Sides, by: float) -> Sides:
    # Not above what a limit on their product allows; a product with parts of a pixel may be a hair below.
    return max(1, int(sides[0] * by + 1e-6)), max(1, int(sides[1] * by + 1e-6))


def _smaller(sides: Sides, other: Sides) -> Sides:
    """The sides that have fewer pixels; nothing is enlarged."""
    return sides if sides[0] <= other[0] or sides[1] <= other[1] else other


def _turned(sides: Sides, is_turned: bool) -> Sides:
    return sides[::-1] if is_turned else sides


def _undecodable(kind: str, error: HeaderError) -> ImageRejectedError:
    return ImageRejectedError(
        f"The file begins like a picture of the kind {kind}, but {error}.",
        code="image_unreadable",
        action="Use the whole file; if it is whole, save it anew with another program.",
    )
