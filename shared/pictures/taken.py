"""
When a camera took a picture: Exif's DateTimeOriginal, from a bounded look at the bytes.

Cameras write their own clock's time and seldom a zone, so none is told.
"""

from contextlib import suppress
from datetime import datetime

from shared.pictures import jpeg, kinds, tiff
from shared.pictures.window import HeaderError, Window

_CAMERA, _TIME = 0x8769, 0x9003
_FORMAT, _CHARACTERS = "%Y:%m:%d %H:%M:%S", 19
_BEGINNING = b"Exif\0\0"


def of_bytes(data: bytes, kind: str) -> str | None:
    """
    The time at which a picture of that kind (`Kind.name`) was taken, as ISO 8601 without a zone; None if it says none.
    """
    with suppress(HeaderError):
        exif = _exif(data, kind)
        if exif is not None:
            return _time(exif)
    return None


def _exif(data: bytes, kind: str) -> Window | None:
    """The block of Exif, which is built like a TIFF."""
    window = Window(data)
    if kind == kinds.TIFF.name:
        return window
    if kind in (kinds.JPEG.name, kinds.MPO.name):
        return jpeg.exif(window)
    if kind == kinds.PNG.name:
        from shared.pictures import sides

        return sides.png_exif(window)
    if kind == kinds.WEBP.name:
        from shared.pictures import webp

        return webp.exif(window)
    if kind in (kinds.HEIC.name, kinds.AVIF.name):
        from shared.pictures import iso_media

        found = iso_media.exif(data, is_heic=kind == kinds.HEIC.name)
        return Window(found.removeprefix(_BEGINNING)) if found else None
    return None


def _time(exif: Window) -> str | None:
    text = tiff.text_below(exif, _CAMERA, _TIME, _CHARACTERS)
    with suppress(ValueError):
        return datetime.strptime(text, _FORMAT).isoformat()
    return None
