"""
HEIC and AVIF pictures, opened by the libraries that decode them.

Where such a picture lies, and what crops and turns it, is told by boxes in boxes; so its sides are the libraries' to
tell too. Opening decodes nothing. pi_heif is imported when the first HEIC comes.
"""

from typing import Any

from shared.pictures.tiff import Stored
from shared.pictures.window import HeaderError


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
        (width, height), _, _, _, _, orientation, _ = avif_decoder(data).get_info()
    except Exception as error:  # as above
        raise HeaderError("its header cannot be read") from error
    return Stored(width, height, orientation)


def exif(data: bytes, *, is_heic: bool) -> bytes | None:
    """The block of Exif of a HEIC or an AVIF; None if there is none, and HeaderError if it cannot be read."""
    try:
        found = open_heic(data).info.get("exif") if is_heic else avif_decoder(data).get_info()[4]
    except Exception as error:  # as above
        raise HeaderError("its header cannot be read") from error
    return found or None


def open_heic(data: bytes) -> Any:
    """The primary picture of a HEIC, a `pi_heif.HeifImage`; raises whatever the library does."""
    import pi_heif

    options = pi_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    options.DECODE_THREADS = 1
    found = pi_heif.open_heif(data)
    return found[found.primary_index]


def avif_decoder(data: bytes) -> Any:
    """
    What decodes an AVIF; raises whatever the library does.

    Pillow's plugin for pictures would copy all pixels once more, and parse metadata that nothing here asks for.
    """
    from PIL import _avif

    return _avif.AvifDecoder(data, "auto", 1)
