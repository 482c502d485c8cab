"""Small images for tests, made by Pillow."""

import io

from PIL import Image

Colour = tuple[int, int, int]


def picture(kind: str = "JPEG", width: int = 64, height: int = 64, *, colour: Colour = (200, 30, 40)) -> bytes:
    """An image of one colour, in a format that Pillow writes (`JPEG`, `PNG`, `GIF`, `BMP`, `TIFF`, `WEBP`, ...)."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind)
    return buffer.getvalue()
