"""
Twelve pictures, and what each of them is about: rectangles drawn by hand where a person says that the subject is.

Four are the samples. No installed package brings photographs, so four more are made of these: cut, mirrored or on a
larger canvas, so that the subject sits at the edge. Four are drawn here, and the subject is where it was drawn. All
were drawn before the first measurement.
"""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageOps

SAMPLES = Path(__file__).resolve().parent.parent / "samples"

# Left, top, width, height in pixels.
Rectangle = tuple[float, float, float, float]
_Colour = tuple[int, int, int]

HEAD: Rectangle = (152, 14, 150, 174)
CUP: Rectangle = (172, 18, 238, 292)
EYES_AND_NOSE: Rectangle = (132, 82, 216, 196)
ROCKET: Rectangle = (308, 126, 30, 284)


class Picture(NamedTuple):
    """
    A picture and its subject.

    Attributes:
        name: what it is, and how it was made.
        subject: the part to be kept.
        boxes: where that is, in pixels.
        data: the file.
    """

    name: str
    subject: str
    boxes: tuple[Rectangle, ...]
    data: bytes

    @property
    def image(self) -> Image.Image:
        """It, decoded."""
        return Image.open(io.BytesIO(self.data)).convert("RGB")


def pictures() -> list[Picture]:
    """All twelve; the same bytes at every call."""
    return [*_samples(), *_made_of_samples(), *_drawn()]


def _samples() -> list[Picture]:
    said = {
        "astronaut": ("her head", HEAD),
        "chelsea": ("the cat's eyes and nose", EYES_AND_NOSE),
        "coffee": ("the cup with its handle", CUP),
        "rocket": ("the rocket", ROCKET),
    }
    return [
        Picture(f"sample {name}", subject, (box,), (SAMPLES / f"{name}.jpg").read_bytes())
        for name, (subject, box) in said.items()
    ]


def _made_of_samples() -> list[Picture]:
    return [
        _canvas("astronaut", "her head", HEAD, size=(1024, 512), at=(512, 0)),
        _canvas("chelsea", "the cat's eyes and nose", EYES_AND_NOSE, size=(451, 640), at=(0, 340), mirror=True),
        _cut("coffee", "the cup with its handle", CUP, (160, 0, 600, 400)),
        _cut("rocket", "the rocket", ROCKET, (60, 100, 360, 427), mirror=True),
    ]


def _sample(name: str) -> Image.Image:
    return Image.open(SAMPLES / f"{name}.jpg").convert("RGB")


def _canvas(
    name: str, subject: str, box: Rectangle, *, size: tuple[int, int], at: tuple[int, int], mirror: bool = False
) -> Picture:
    """A sample on a larger canvas, which goes on in the colours of the sample's left or upper edge."""
    image = _sample(name)
    if mirror:
        image, box = _mirrored(image, box)
    # Of the edge three spots are left, so that what goes on is out of focus.
    edge = image.crop((0, 0, 1, image.height) if at[0] else (0, 0, image.width, 1))
    canvas = edge.resize((1, 3) if at[0] else (3, 1), Image.Resampling.BOX).resize(size, Image.Resampling.BICUBIC)
    canvas = _grained(canvas)
    canvas.paste(image, at)
    box = (box[0] + at[0], box[1] + at[1], *box[2:])
    return Picture(f"{name}, on a larger canvas", subject, (box,), _jpeg(canvas))


def _cut(name: str, subject: str, box: Rectangle, part: tuple[int, int, int, int], *, mirror: bool = False) -> Picture:
    """A part of a sample: left, top, right, bottom."""
    image = _sample(name).crop(part)
    box = (box[0] - part[0], box[1] - part[1], box[2], min(box[3], part[3] - box[1]))
    if mirror:
        image, box = _mirrored(image, box)
    return Picture(f"{name}, a part of it", subject, (box,), _jpeg(image))


def _mirrored(image: Image.Image, box: Rectangle) -> tuple[Image.Image, Rectangle]:
    return ImageOps.mirror(image), (image.width - box[0] - box[2], *box[1:])


def _drawn() -> list[Picture]:
    made: list[tuple[str, str, tuple[int, int], Callable[[ImageDraw.ImageDraw], tuple[Rectangle, ...]]]] = [
        ("drawn sea", "the ship", (900, 600), _ship),
        ("drawn sky", "the balloon", (480, 800), _balloon),
        ("drawn hill", "the house", (800, 600), _house),
        ("drawn wall", "the two children", (1000, 400), _children),
    ]
    found = []
    for name, subject, size, draw in made:
        image = Image.new("RGB", size)
        boxes = draw(ImageDraw.Draw(image))
        found.append(Picture(name, subject, boxes, _jpeg(_grained(image))))
    return found


def _gradient(draw: ImageDraw.ImageDraw, area: Rectangle, above: _Colour, below: _Colour) -> None:
    left, top, width, height = area
    for row in range(int(height)):
        part = row / height
        colour = tuple(round(one + (other - one) * part) for one, other in zip(above, below, strict=True))
        draw.line((left, top + row, left + width, top + row), fill=colour)


def _ship(draw: ImageDraw.ImageDraw) -> tuple[Rectangle, ...]:
    _gradient(draw, (0, 0, 900, 330), (120, 170, 225), (205, 220, 235))
    _gradient(draw, (0, 330, 900, 270), (60, 110, 150), (20, 60, 100))
    draw.polygon([(610, 470), (810, 470), (775, 530), (640, 530)], fill=(120, 40, 30))
    draw.polygon([(700, 300), (700, 460), (620, 460)], fill=(245, 240, 225))
    draw.polygon([(710, 330), (710, 460), (790, 460)], fill=(235, 225, 205))
    return ((610, 300, 201, 231),)


def _balloon(draw: ImageDraw.ImageDraw) -> tuple[Rectangle, ...]:
    _gradient(draw, (0, 0, 480, 800), (70, 130, 210), (190, 215, 240))
    for x, y, width in ((300, 620, 130), (60, 700, 160), (330, 90, 90)):
        draw.ellipse((x, y, x + width, y + width // 3), fill=(235, 240, 245))
    draw.ellipse((90, 120, 250, 300), fill=(215, 50, 40))
    draw.ellipse((140, 120, 200, 300), fill=(240, 190, 60))
    draw.line((130, 285, 155, 335), fill=(60, 50, 40), width=2)
    draw.line((210, 285, 185, 335), fill=(60, 50, 40), width=2)
    draw.rectangle((152, 335, 188, 365), fill=(110, 75, 40))
    return ((90, 120, 161, 246),)


def _house(draw: ImageDraw.ImageDraw) -> tuple[Rectangle, ...]:
    _gradient(draw, (0, 0, 800, 600), (150, 195, 235), (225, 235, 240))
    draw.ellipse((-300, 380, 1100, 1300), fill=(95, 145, 75))
    draw.rectangle((90, 330, 270, 470), fill=(225, 205, 170))
    draw.polygon([(70, 330), (180, 230), (290, 330)], fill=(150, 60, 50))
    draw.rectangle((115, 365, 160, 410), fill=(70, 90, 120))
    draw.rectangle((195, 370, 235, 470), fill=(90, 60, 40))
    for x in (520, 640, 720):
        draw.rectangle((x + 12, 420, x + 20, 460), fill=(80, 60, 45))
        draw.ellipse((x - 8, 350, x + 40, 430), fill=(60, 105, 55))
    return ((70, 230, 221, 241),)


def _children(draw: ImageDraw.ImageDraw) -> tuple[Rectangle, ...]:
    _gradient(draw, (0, 0, 1000, 400), (215, 205, 190), (190, 178, 160))
    draw.rectangle((0, 340, 1000, 400), fill=(130, 110, 90))
    boxes = []
    for x, coat in ((700, (40, 90, 160)), (810, (200, 80, 60))):
        draw.ellipse((x + 15, 110, x + 75, 180), fill=(225, 175, 145))
        draw.pieslice((x + 12, 100, x + 78, 170), 180, 360, fill=(70, 45, 30))
        draw.rounded_rectangle((x, 180, x + 90, 300), 20, fill=coat)
        draw.rectangle((x + 15, 300, x + 38, 370), fill=(50, 50, 70))
        draw.rectangle((x + 52, 300, x + 75, 370), fill=(50, 50, 70))
        boxes.append((x, 100.0, 91.0, 271.0))
    return tuple(boxes)


def _grained(image: Image.Image) -> Image.Image:
    """With the grain of a sensor, the same at every call: no two places look alike."""
    chance = random.Random(0)
    grain = Image.frombytes("L", image.size, bytes(chance.randbytes(image.width * image.height)))
    return Image.blend(image, Image.merge("RGB", [grain] * 3), 0.06)


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
