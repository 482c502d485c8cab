"""
Decode an image that has passed the checks, bounded in memory.

Every picture comes out upright (EXIF orientation applied), in RGB, transparency laid on white, animations as their
first frame. All measuring is done on a working copy of at most 640 pixels a side.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from local.vision import refusals
from local.vision.decoding.masks import unmasked
from local.vision.formats import bmp, gif, jpeg, png, tiff
from local.vision.formats.look import UnreadableError
from local.vision.formats.runs import unpacked
from local.vision.header import Format, ImageHeader

WORKING_SIDE = 640
# What the largest phones make; at four bytes a pixel 200 MB for each call at work, twice that when nothing is shrunk.
MAX_DECODED_PIXELS = 50_000_000
STRIP_PIXELS = 1_000_000
# By Exif orientation: what makes a picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)

Rgb = NDArray[np.uint8]

# Not Image.open: it tries other formats, and refuses by the stored size what is decoded at an eighth of it.
# No decoder sees more than its pixels need: Pillow refuses pictures for their comments, and takes its time for many.
_DECODERS: dict[Format, tuple[type[ImageFile], Callable[[bytes], tuple[bytes, bytes]]]] = {
    "Jpeg": (JpegImageFile, jpeg.without_trimmings),
    "Png": (PngImageFile, png.without_trimmings),
    "Gif": (GifImageFile, gif.without_trimmings),
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture. *width* and *height* are the original's, upright; *image* may be smaller."""

    image: Image.Image
    width: int
    height: int

    @cached_property
    def working(self) -> Rgb:
        """RGB pixels of the working copy, height x width x 3."""
        image = self.image
        if max(image.size) > WORKING_SIDE:
            scale = WORKING_SIDE / max(image.size)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        return np.asarray(image)


def decode(data: bytes, header: ImageHeader, *, at_least: tuple[int, int] = (WORKING_SIDE, WORKING_SIDE)) -> Picture:
    """
    Decode *data*; a JPEG only to the smallest of its own sizes that is no smaller than *at_least*.

    *at_least* is width and height, upright.

    Raises Refusal: InvalidImageSize when more than MAX_DECODED_PIXELS would have to be decoded, InvalidImageFormat when
    the data is damaged or cut short.
    """
    _check_pixels(header.width * header.height, is_reducible=header.format == "Jpeg" and not header.is_progressive)
    try:
        return _decode(data, header, at_least)
    except refusals.Refusal:
        raise
    except UnreadableError as error:
        raise refusals.unreadable_image(str(error)) from None
    except Exception:
        # Pillow's decoders raise nearly anything on data that is damaged or crafted.
        raise refusals.bad_image_format() from None


def _decode(data: bytes, header: ImageHeader, at_least: tuple[int, int]) -> Picture:
    image, exif = _opened(data, header.format)
    with image:
        turn = TURNS.get(tiff.read_orientation(exif))
        is_on_its_side = turn in ON_ITS_SIDE
        width, height = image.size
        needed = at_least[::-1] if is_on_its_side else at_least
        image.draft("RGB", needed)
        # A GIF's first frame may be larger than the header said.
        _check_pixels(image.width * image.height, is_reducible=False)
        image.load()
        pixels = opaque_rgb(image, needed)
    if turn is not None:
        pixels = pixels.transpose(turn)
    return Picture(pixels, *((height, width) if is_on_its_side else (width, height)))


def shrunk(pixels: Rgb, side: int) -> Rgb:
    """Return *pixels* at no more than *side* pixels a side, averaged."""
    scale = min(1.0, side / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _opened(data: bytes, kind: Format) -> tuple[Image.Image, bytes]:
    """Return the picture, not decoded yet if that can wait, and its Exif block, which may be empty."""
    if kind != "Bmp":
        decoder, without_trimmings = _DECODERS[kind]
        needed, exif = without_trimmings(data)
        return decoder(io.BytesIO(needed)), exif
    masked = bmp.read_masked(data)
    if masked is not None:
        return Image.fromarray(unmasked(data, masked)), b""
    return BmpImageFile(io.BytesIO(bmp.with_windows_header(unpacked(data)))), b""


def _check_pixels(pixels: int, *, is_reducible: bool) -> None:
    if pixels > MAX_DECODED_PIXELS and not is_reducible:
        raise refusals.bad_image_size(_too_many(pixels))


def _too_many(pixels: int) -> str:
    return (
        f"The image would decode to {pixels} pixels or more; the local vision service decodes at most "
        f"{MAX_DECODED_PIXELS}. Send a smaller one."
    )


def opaque_rgb(image: Image.Image, at_least: tuple[int, int]) -> Image.Image:
    """
    Return *image* in RGB, shrunk by a whole number as far as *at_least* allows.

    It goes strip by strip: a copy of the whole in between, of which some modes need two, would take 200 MB each.
    """
    factor = max(1, min(image.width // at_least[0], image.height // at_least[1]))
    whole = Image.new("RGB", (math.ceil(image.width / factor), math.ceil(image.height / factor)))
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        whole.paste(_opaque(strip, factor), (0, top // factor))
    return whole


def _opaque(strip: Image.Image, factor: int) -> Image.Image:
    if strip.mode.startswith("I"):
        # 16 bits of gray: Pillow would clip instead of scaling.
        strip = Image.fromarray((np.asarray(strip) >> 8).astype(np.uint8))
    if not strip.has_transparency_data:
        return strip.convert("RGB").reduce(factor)
    layer = strip.convert("RGBA").reduce(factor)
    laid = Image.new("RGB", layer.size, "white")
    laid.paste(layer, mask=layer.getchannel("A"))
    return laid
