"""Thumbnails: always a JPEG of exactly the size that was asked for."""

import io
import math

from PIL import Image

from local.vision.decoding.pixels import WORKING_SIDE, decode
from local.vision.evidence.looking import Evidence
from local.vision.header import ImageHeader
from local.vision.recognition.seen import NO_RECOGNIZERS, Box, Recognizers

QUALITY = 85
# A JPEG is decoded a little larger than needed, so that the resize has something to average.
DECODE_MARGIN = 1.3


def make_thumbnail(
    data: bytes, header: ImageHeader, *, width: int, height: int, smart: bool, recognizers: Recognizers = NO_RECOGNIZERS
) -> bytes:
    """
    Return a JPEG of *width* x *height* pixels.

    The largest window of that shape is cut out, in the middle or, when *smart*, where most of interest lies, and
    brought to size; a picture smaller than the thumbnail is enlarged.
    """
    picture = decode(data, header, at_least=_needed(header, width, height))
    shape = width / height
    size = (picture.width, picture.height)
    window = Evidence(picture, recognizers).window(shape=shape) if smart else _middle(size, shape)
    image = picture.image
    x, y = image.width / picture.width, image.height / picture.height
    right, bottom = (window.left + window.width) * x, (window.top + window.height) * y
    box = (window.left * x, window.top * y, min(right, image.width), min(bottom, image.height))
    thumbnail = image.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    encoded = io.BytesIO()
    thumbnail.save(encoded, "JPEG", quality=QUALITY, optimize=True)
    return encoded.getvalue()


def _needed(header: ImageHeader, width: int, height: int) -> tuple[int, int]:
    """Size to decode at, right for either orientation: the longer side of the thumbnail is wanted of both sides."""
    longer = math.ceil(max(width, height) * DECODE_MARGIN)
    needed = min(max(WORKING_SIDE, longer), max(header.width, header.height))
    return needed, needed


def _middle(size: tuple[int, int], shape: float) -> Box:
    width = min(size[0], max(1, round(size[1] * shape)))
    height = min(size[1], max(1, round(size[0] / shape)))
    return Box((size[0] - width) // 2, (size[1] - height) // 2, width, height)
