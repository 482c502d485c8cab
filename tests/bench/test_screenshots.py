"""The pictures of the page: each is there, light, and shown by a page of the documentation."""

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bench import screenshots

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]


def test_each_picture_is_there_and_no_other() -> None:
    assert {path.stem for path in screenshots.FOLDER.glob("*.webp")} == set(screenshots.SHOTS)


@pytest.mark.parametrize("name", screenshots.SHOTS)
def test_a_picture_is_light_and_a_page_shows_it(name: str) -> None:
    path = screenshots.FOLDER / f"{name}.webp"
    assert path.stat().st_size < screenshots.MOST_BYTES
    with Image.open(path) as opened:
        assert opened.format == "WEBP"
    assert any(f"images/{name}.webp)" in page.read_text(encoding="utf-8") for page in PAGES)


def test_several_views_become_one_picture_beside_each_other() -> None:
    joined = screenshots.side_by_side([Image.new("RGB", (30, 40), "red"), Image.new("RGB", (20, 50), "blue")])
    assert joined.size == (30 + 24 + 20, 50)
    assert (joined.getpixel((5, 5)), joined.getpixel((60, 45))) == ((255, 0, 0), (0, 0, 255))


def test_a_picture_that_is_too_heavy_gets_a_lower_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.frombytes("RGB", (120, 90), random.Random(1).randbytes(120 * 90 * 3))
    best, lowest = BytesIO(), BytesIO()
    noise.save(best, "WEBP", quality=88, method=6)
    noise.save(lowest, "WEBP", quality=60, method=6)
    monkeypatch.setattr(screenshots, "MOST_BYTES", best.tell())
    assert len(screenshots.light(noise)) < best.tell()
    monkeypatch.setattr(screenshots, "MOST_BYTES", lowest.tell())
    with pytest.raises(ValueError, match="are allowed"):
        screenshots.light(noise)
