"""Small pictures that all differ, some with text, and the answers that Computer Vision is to give about them."""

import colorsys
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

# Every third has text.
_TEXT_EVERY = 3
_SIDE_PIXELS = 60
_TEXT_BOX = [5, 5, 55, 5, 55, 15, 5, 15]


class Picture(NamedTuple):
    """One picture: its name in the container, its bytes, and the text in it; None if there is none."""

    name: str
    data: bytes
    text: str | None

    @property
    def sha256(self) -> str:
        """The digest of the bytes, by which Computer Vision counts."""
        return hashlib.sha256(self.data).hexdigest()

    def records(self, sizes: list[str]) -> set[str]:
        """Every record that the picture is to get, as `container/name`, with thumbnails of these sizes."""
        found = {f"analysis/{self.name}.json", *(f"thumbnails/{self.name}/{size}-smart.jpg" for size in sizes)}
        return found | ({f"text/{self.name}.json", f"text/{self.name}.txt"} if self.text else set())


def pictures(count: int, answers: Path, *, some_with_text: bool = True) -> Iterator[Picture]:
    """So many pictures; their answers are laid into *answers*."""
    answers.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = f"number {number}" if some_with_text and number % _TEXT_EVERY == 0 else None
        picture = Picture(f"picture-{number:04}.png", _png(number, count), text)
        (answers / f"{picture.sha256}.json").write_text(json.dumps(_answer(text)), encoding="utf-8")
        yield picture


def _png(number: int, count: int) -> bytes:
    file = io.BytesIO()
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(number / count, 1.0, 1.0))
    image = Image.new("RGB", (_SIDE_PIXELS, _SIDE_PIXELS), (red, green, blue))
    # With many pictures, neighbours on the wheel of colours are the same.
    image.putpixel((0, 0), (number % 256, number // 256 % 256, 0))
    image.save(file, "PNG")
    return file.getvalue()


def _answer(text: str | None) -> dict[str, Any]:
    tags = [{"name": "text", "confidence": 0.99}] if text else [{"name": "colour", "confidence": 0.9}]
    answer: dict[str, Any] = {
        "analyze": {
            "tags": tags,
            "categories": [{"name": "others_", "score": 0.01}],
            "description": {"tags": [], "captions": [{"text": "a coloured square", "confidence": 0.5}]},
        }
    }
    if text:
        word = {"boundingBox": _TEXT_BOX, "text": text, "confidence": 0.99}
        line = {"boundingBox": _TEXT_BOX, "text": text, "words": [word]}
        page = {"page": 1, "angle": 0, "width": _SIDE_PIXELS, "height": _SIDE_PIXELS, "unit": "pixel", "lines": [line]}
        answer["read"] = {"readResults": [page]}
    return answer
