"""
Format and dimensions of an image, from a bounded look at its first bytes without decoding anything.

The checks need them before a decoder is let near the data: a picture of 16000x16000 pixels can hide in a few kilobytes.
"""

from dataclasses import dataclass
from typing import Literal

from local.vision import refusals
from local.vision.formats import bmp, gif, jpeg, png
from local.vision.formats.look import Look, UnreadableError

Format = Literal["Jpeg", "Png", "Gif", "Bmp"]


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes say. Width and height are in pixels as stored, before any EXIF rotation."""

    format: Format
    width: int
    height: int
    is_progressive: bool = False

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def read_header(data: bytes) -> ImageHeader:
    """Return the header of a JPEG, PNG, GIF or BMP. Raises Refusal (InvalidImageFormat) for everything else."""
    return header_in(Look(data))


def header_in(look: Look) -> ImageHeader:
    """Do as `read_header` does; *look* tells afterwards what it cost."""
    try:
        if look.data.startswith(jpeg.MAGIC):
            return ImageHeader("Jpeg", *jpeg.read_frame(look))
        if look.data.startswith(png.MAGIC):
            return ImageHeader("Png", *png.read_sides(look))
        if look.data.startswith(gif.MAGICS):
            return ImageHeader("Gif", *gif.read_sides(look))
        if look.data.startswith(bmp.MAGIC):
            return ImageHeader("Bmp", *bmp.read_sides(look))
    except UnreadableError as error:
        raise refusals.unreadable_image(str(error)) from None
    raise refusals.bad_image_format()
