import pytest
from PIL import Image, ImageDraw

from shared.pictures.attention import Attention, measure


def drawn(*boxes: tuple[int, int, int, int], colour: str = "#b03020", size: tuple[int, int] = (640, 320)) -> Attention:
    """What stands out of rectangles (left, top, right, bottom) on a plain ground."""
    image = Image.new("RGB", size, "#9098a0")
    draw = ImageDraw.Draw(image)
    for box in boxes:
        draw.rectangle(box, fill=colour)
    return measure(image)


def strongest(strips: tuple[float, ...]) -> float:
    """The middle of the strips, each as heavy as what stands out in it, from 0 to 1."""
    return sum(value * (at + 0.5) for at, value in enumerate(strips)) / sum(strips) / len(strips)


def test_a_thing_on_a_plain_ground_stands_out_where_it_is() -> None:
    found = drawn((480, 40, 560, 120))
    assert (len(found.columns), len(found.rows)) == (160, 80)
    assert strongest(found.columns) == pytest.approx(520 / 640, abs=0.01)
    assert strongest(found.rows) == pytest.approx(80 / 320, abs=0.02)
    assert found.columns[10] == 0


def test_nothing_stands_out_of_a_plain_ground() -> None:
    assert not any(strips for found in drawn() for strips in found)


@pytest.mark.parametrize("tone", ["#f1c8ac", "#c68e68", "#8d5a3c", "#5b3a29"])
def test_skin_of_any_tone_stands_out_more_than_other_colours(tone: str) -> None:
    image = Image.new("RGB", (400, 200), "#808080")
    draw = ImageDraw.Draw(image)
    red, green, blue = bytes.fromhex(tone[1:])
    draw.rectangle((60, 60, 120, 120), fill=(blue, green, red))
    draw.rectangle((280, 60, 340, 120), fill=tone)
    columns = measure(image).columns
    assert sum(columns[80:]) > sum(columns[:80])


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (160, 160), (161, 7)])
def test_any_size_is_measured(size: tuple[int, int]) -> None:
    found = measure(Image.effect_noise(size, 80).convert("RGB"))
    assert len(found.columns) == max(1, round(size[0] * min(1, 160 / max(size))))
    assert len(found.rows) == max(1, round(size[1] * min(1, 160 / max(size))))
    assert all(0 <= value <= 255 for strips in found for value in strips)


def test_the_picture_stays_as_it_is() -> None:
    image = Image.effect_noise((800, 600), 80).convert("RGB")
    before = image.tobytes()
    measure(image)
    assert (image.size, image.mode, image.tobytes()) == ((800, 600), "RGB", before)
