"""Encodes pictures without any metadata: no Exif, no profile, no comment."""

from io import BytesIO
from typing import Any

from shared.pictures.tiff import Sides

_COPY_QUALITIES = (88, 80, 70)
_SMALLER = 0.8
_THUMBNAIL_QUALITY = 85


def copy(image: Any, fewer_than: int) -> tuple[bytes, Sides]:
    """The picture as a JPEG of fewer bytes, compressed more and then scaled down until it is; and its sides."""
    from PIL import Image

    while True:
        for quality in _COPY_QUALITIES:
            data = _saved(image, "JPEG", quality=quality)
            if len(data) < fewer_than:
                return data, image.size
        width, height = image.size
        image = image.resize((max(1, int(width * _SMALLER)), max(1, int(height * _SMALLER))), Image.Resampling.LANCZOS)


def thumbnail(image: Any, form: str) -> bytes:
    """The picture as a JPEG or a WebP."""
    if form == "webp":
        return _saved(image, "WEBP", quality=_THUMBNAIL_QUALITY)
    return _saved(image, "JPEG", quality=_THUMBNAIL_QUALITY, optimize=True, subsampling="4:2:0")


def _saved(image: Any, form: str, **options: Any) -> bytes:
    # It registers itself, and spares Pillow to look for it among all its plugins.
    from PIL import WebPImagePlugin  # noqa: F401

    # An encoder writes what stands there, which comes from the file.
    image.info = {}
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
