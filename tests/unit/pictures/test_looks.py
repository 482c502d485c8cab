"""What a look tells: which pictures are copies of one, and the colour that a picture has most of."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.pictures import picture
from PIL import Image, ImageEnhance

from shared.pictures import looks
from shared.pictures.looks import BITS, COLOURS, FLAT, SAME_BITS

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = sorted((ROOT / "samples").glob("*.jpg"))
SIDES = (200, 150)


def thumbnail(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB").resize(SIDES)


def encoded(image: Image.Image, form: str = "JPEG", quality: int = 85) -> bytes:
    file = io.BytesIO()
    image.save(file, form, quality=quality)
    return file.getvalue()


def drawn(seed: int) -> Image.Image:
    """A picture of some rectangles, another one for each number."""
    image = Image.new("RGB", SIDES, ((seed * 53) % 256, (seed * 97) % 256, (seed * 31) % 256))
    for number in range(1, 7):
        left, top = (seed * 37 * number) % 150, (seed * 61 * number) % 100
        colour = ((seed * number * 71) % 256, (number * 43 + seed * 11) % 256, (seed * 19 + number * 89) % 256)
        image.paste(colour, (left, top, left + 20 + seed * number % 60, top + 15 + seed * 3 * number % 50))
    return image


COPIES: dict[str, Callable[[Image.Image], Image.Image | bytes]] = {
    "compressed": lambda image: encoded(image, quality=30),
    "another format": lambda image: encoded(image, "WEBP", 60),
    "half as large": lambda image: image.resize((SIDES[0] // 2, SIDES[1] // 2)),
    "three times as large": lambda image: image.resize((SIDES[0] * 3, SIDES[1] * 3)),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "darkened": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
    "without colours": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_a_copy_is_near(path: Path, change: Callable[[Image.Image], Image.Image | bytes]) -> None:
    image = thumbnail(path)
    copy = change(image)
    found = looks.of_bytes(copy) if isinstance(copy, bytes) else looks.of_picture(copy)
    assert found
    assert looks.distance(found.look, looks.of_picture(image).look) <= SAME_BITS


def test_other_pictures_are_far() -> None:
    found = [looks.of_picture(image).look for image in (*map(thumbnail, SAMPLES), *map(drawn, range(1, 40)))]
    distances = sorted(looks.distance(one, other) for one, other in itertools.combinations(found, 2))
    assert distances[0] > 2 * SAME_BITS
    # About half of the bits, in the middle of all pairs.
    assert 26 <= distances[len(distances) // 2] <= 38


def test_a_look_is_sixteen_hex_digits_and_survives_its_metadata() -> None:
    look = looks.of_picture(drawn(3))
    assert len(look.look) == 16
    assert int(look.look, 16).bit_length() <= BITS
    assert look.metadata() == {"look": look.look, "colour": look.colour}
    assert look.colour in COLOURS


def test_a_flat_picture_is_like_no_other() -> None:
    one, other = (looks.of_picture(Image.new("RGB", SIDES, colour)).look for colour in ("red", "navy"))
    assert one == other == FLAT
    assert looks.distance(one, other) == BITS


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((20, 18, 22), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "gray"),
        ((210, 30, 30), "red"),
        ((240, 140, 20), "orange"),
        ((245, 225, 40), "yellow"),
        ((40, 160, 60), "green"),
        ((30, 200, 210), "cyan"),
        ((40, 70, 200), "blue"),
        ((130, 40, 190), "purple"),
        ((245, 130, 180), "pink"),
        ((120, 70, 30), "brown"),
    ],
)
def test_the_colour_that_a_picture_has_most_of_has_a_name(colour: tuple[int, int, int], name: str) -> None:
    image = Image.new("RGB", SIDES, colour)
    image.paste((255, 255, 255) if name != "white" else (0, 0, 0), (0, 0, 60, 60))
    assert looks.of_picture(image).colour == name


@pytest.mark.parametrize("data", [b"", b"no picture", picture("PNG"), picture("JPEG", 300, 100)[:200]])
def test_what_is_no_thumbnail_has_no_look(data: bytes) -> None:
    assert looks.of_bytes(data) is None
