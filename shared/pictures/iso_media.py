"""
HEIC and AVIF pictures, opened by the libraries that decode them.

Where such a picture lies, and what crops and turns it, is told by boxes in boxes; so its sides are the libraries' to
tell too. Opening decodes nothing. pi_heif is imported when the first HEIC comes.
"""

from typing import Any

from shared.pictures.tiff import Stored
from shared.pictures.window import HeaderError

_ORIENTATION = 274


def heic_sides(data: bytes) -> Stored:
    """The sides of a HEIC. It is upright: its decoder turns it."""
    try:
        width, height = open_heic(data).size
    except Exception as error:  # whatever the library makes of unchecked bytes
        raise HeaderError("its header cannot be read") from error
    return Stored(width, height)


def avif_sides(data: bytes) -> Stored:
    """The sides of an AVIF and how it has to be turned, which its own boxes say and never its Exif."""
    try:
        image = open_avif(data)
        width, height = image.size
        return Stored(width, height, image.getexif().get(_ORIENTATION, 1))
    except Exception as error:  # as above
        raise HeaderError("its header cannot be read") from error


def open_heic(data: bytes) -> Any:
    """The primary picture of a HEIC, a `pi_heif.HeifImage`; raises whatever the library does."""
    import pi_heif

    options = pi_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    options.DECODE_THREADS = 1
    found = pi_heif.open_heif(data)
    return found[found.primary_index]


def open_avif(data: bytes) -> Any:
    """An AVIF, a `PIL.AvifImagePlugin.AvifImageFile`; raises whatever the library does."""
    from io import BytesIO

    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    return AvifImagePlugin.AvifImageFile(BytesIO(data))
