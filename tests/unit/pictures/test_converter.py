"""Copies and thumbnails, looked at as pictures: where each colour lies and what else stands in their bytes."""

import io
import subprocess
import sys

import pytest
from doubles.marked_pictures import (
    HEIGHT,
    STORED,
    TURNED_KINDS,
    WIDTH,
    differs_by,
    drawn,
    marked,
    multi_picture,
)
from doubles.odd_headers import jpeg_with, png_chunk
from doubles.odd_pictures import SHOWN
from doubles.odd_pictures import differs_by as differs_from_the_odd_one_by
from doubles.pictures import picture
from PIL import Image

from shared.errors import ImageRejectedError
from shared.pictures import decoding, inspection
from shared.pictures.converter import Converter, Format
from shared.pictures.crops import Box
from shared.pictures.fitting import ANALYSIS, READ, Limits, Sent

CONVERTER = Converter(most_pixels=30_000_000, wait_seconds=0)
# What JPEG and WebP change a flat colour by.
NEAR = 6


def sent(data: bytes, limits: Limits = ANALYSIS) -> Sent:
    return CONVERTER.sent(data, inspection.inspect(data), limits)


def shown(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def cut(data: bytes, window: Box, size: tuple[int, int], form: Format = "jpeg") -> Image.Image:
    return shown(CONVERTER.reduced(data, inspection.inspect(data), [size]).cut(window, size, form))


def refusal(data: bytes, limits: Limits = ANALYSIS) -> ImageRejectedError:
    with pytest.raises(ImageRejectedError) as caught:
        sent(data, limits)
    return caught.value


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", TURNED_KINDS)
def test_copies_and_thumbnails_are_upright(kind: str, orientation: int) -> None:
    data = marked(kind, orientation)
    copy = sent(data)
    assert (copy.width, copy.height) == (WIDTH, HEIGHT)
    assert copy.untouched == (kind in ("JPEG", "PNG") and orientation == 1)
    assert (copy.data == data) == copy.untouched
    if not copy.untouched:
        assert shown(copy.data).size == (WIDTH, HEIGHT)
        assert differs_by(shown(copy.data)) < NEAR
    thumbnail = cut(data, Box(0, 0, WIDTH, HEIGHT), (80, 48))
    assert thumbnail.size == (80, 48)
    assert differs_by(thumbnail) < NEAR
    corner = cut(data, Box(WIDTH / 2, 0, WIDTH / 2, HEIGHT / 2), (40, 24), "webp")
    assert max(abs(a - b) for a, b in zip(corner.getpixel((20, 12)), (40, 190, 60), strict=True)) < NEAR


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", TURNED_KINDS)
def test_a_picture_above_the_limits_is_scaled_down(kind: str, orientation: int) -> None:
    sides = (600, 404)
    for most in (200_000, 40_000, 9_000):
        copy = sent(marked(kind, orientation, sides), ANALYSIS._replace(kinds=frozenset(), pixels=most))
        assert most / 2 < copy.width * copy.height <= most
        assert copy.width / copy.height == pytest.approx(sides[0] / sides[1], abs=0.02)
        assert differs_by(shown(copy.data)) < NEAR
    assert differs_by(cut(marked(kind, orientation, sides), Box(0, 0, *sides), (90, 60))) < NEAR


def test_of_a_multi_picture_file_the_photo_is_shown() -> None:
    copy = sent(multi_picture(marked("JPEG", 6), picture("JPEG", 80, 80)))
    assert copy.kind == "JPEG"
    assert differs_by(shown(copy.data)) < NEAR


@pytest.mark.parametrize("name", [name for name in SHOWN if not name.startswith(("BMP", "packed BMP"))])
def test_what_programs_show_is_decoded(name: str) -> None:
    data = SHOWN[name]
    header = inspection.inspect(data)
    sides = (header.width, header.height)
    image = shown(CONVERTER.reduced(data, header, [sides]).cut(Box(0, 0, *sides), sides, "webp"))
    assert differs_from_the_odd_one_by(image) < 60


def test_a_thumbnail_is_never_enlarged_and_keeps_its_shape() -> None:
    data = picture("PNG", 300, 200)
    assert cut(data, Box(0, 0, 300, 200), (600, 400)).size == (300, 200)
    assert cut(data, Box(50, 0, 200, 200), (1024, 1024)).size == (200, 200)
    assert cut(data, Box(0, 0, 300, 200), (30, 20)).size == (30, 20)
    assert cut(data, Box(0, 0, 200.4, 1), (4096, 1)).size == (200, 1)


@pytest.mark.parametrize(("size", "is_enough"), [((400, 300), True), ((2000, 1500), False)])
def test_a_thumbnail_is_cut_from_the_copy_that_was_sent_where_it_is_large_enough(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], is_enough: bool
) -> None:
    image = Image.new("RGB", (3200, 2400), "#2040c0")
    image.paste("#e0a010", (1600, 0, 3200, 2400))
    file = io.BytesIO()
    image.save(file, "TIFF")
    data = file.getvalue()
    header, copy, opened = inspection.inspect(data), sent(data), []
    real = decoding.opened
    monkeypatch.setattr(decoding, "opened", lambda data, kind, least: opened.append(kind) or real(data, kind, least))
    made = shown(CONVERTER.reduced(data, header, [size], copy).cut(Box(0, 0, 3200, 2400), size, "jpeg"))
    assert (copy.width, copy.height) == (2309, 1732)
    assert opened == ["JPEG" if is_enough else "TIFF"]
    assert made.size == size
    left, right = (made.getpixel((size[0] * part // 4, size[1] // 2)) for part in (1, 3))
    assert left == pytest.approx((0x20, 0x40, 0xC0), abs=NEAR)
    assert right == pytest.approx((0xE0, 0xA0, 0x10), abs=NEAR)


def test_what_stands_out_is_told_of_the_upright_picture() -> None:
    image = Image.new("RGB", (400, 200), "#909090")
    image.paste("#c02020", (340, 80, 380, 120))
    exif = Image.Exif()
    exif[0x112] = 6
    file = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    found = CONVERTER.reduced(data, inspection.inspect(data), [(200, 100)]).attention
    assert (len(found.columns), len(found.rows)) == (160, 80)
    assert sum(found.columns[120:]) > 0.8 * sum(found.columns)
    assert sum(found.rows[20:60]) > 0.8 * sum(found.rows)


def test_a_service_s_thumbnail_is_transcoded() -> None:
    small = jpeg_with(b"\xff\xfe\0\x08secret", 20, 10)
    again = CONVERTER.transcoded(small, "webp")
    assert (shown(again).format, shown(again).size) == ("WEBP", (20, 10))
    assert b"secret" not in CONVERTER.transcoded(small, "jpeg")
    with pytest.raises(ImageRejectedError):
        CONVERTER.transcoded(small[:100], "webp")


def test_a_damaged_checksum_of_a_header_is_no_matter() -> None:
    data = picture("PNG", 100, 80)
    wrong = data[:29] + b"\0\0\0\0" + data[33:] + png_chunk(b"tEXt", b"x")
    assert cut(wrong, Box(0, 0, 100, 80), (50, 40)).size == (50, 40)


def test_what_cannot_be_decoded_is_refused_with_what_to_do() -> None:
    data = marked("WebP")
    error = refusal(data[:60] + bytes(len(data) - 60))
    assert error.code == "image_unreadable"
    assert "WebP" in error.message
    assert "save it anew" in error.action


def test_a_long_picture_keeps_50_pixels_or_is_refused() -> None:
    copy = sent(marked("WebP", 1, (8000, 60)), READ._replace(side=7000))
    assert (copy.width, copy.height) == (7000, 52)
    error = refusal(marked("WebP", 1, (8000, 60)), READ._replace(side=6000))
    assert error.code == "image_too_small"
    assert "Cut it" in error.action


def test_a_copy_is_compressed_and_scaled_until_it_fits() -> None:
    noise = Image.effect_noise((600, 400), 200).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    copy = sent(buffer.getvalue(), ANALYSIS._replace(bytes=60_000))
    assert len(copy.data) < 60_000
    assert (copy.width, copy.height) == shown(copy.data).size
    assert copy.width < 600


def test_more_pixels_than_are_decoded_are_refused_before_anything_is_decoded() -> None:
    small = Converter(most_pixels=1_000_000, wait_seconds=0)
    data = marked("PNG", 6, (1200, 1000))
    with pytest.raises(ImageRejectedError) as caught:
        small.sent(data, inspection.inspect(data), ANALYSIS)
    assert caught.value.code == "image_too_many_pixels"
    assert "1200x1000" in caught.value.message
    assert "MAX_MEGAPIXELS" in caught.value.action
    # A JPEG is decoded as small as is enough.
    photo = marked("JPEG", 6, (1200, 1000))
    assert small.reduced(photo, inspection.inspect(photo), [(100, 80)])


def test_the_picture_drawn_is_not_symmetric() -> None:
    assert differs_by(drawn(1)) == 0
    assert all(differs_by(drawn(number).resize((WIDTH, HEIGHT))) > 100 for number in STORED if number > 1)


CONVERT = """
import sys
from shared.pictures import decoding, inspection
from shared.pictures.converter import Converter
from shared.pictures.fitting import ANALYSIS
data = sys.stdin.buffer.read()
before = set(sys.modules)
sent = Converter(most_pixels=10**7, wait_seconds=0).sent(data, inspection.inspect(data), ANALYSIS)
print(sent.untouched, *sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


@pytest.mark.parametrize(
    ("kind", "orientation", "untouched", "libraries"),
    [
        ("JPEG", 1, True, set()),
        ("PNG", 1, True, set()),
        ("JPEG", 6, False, {"PIL"}),
        ("PNG", 6, False, {"PIL"}),
        ("WebP", 1, False, {"PIL"}),
        ("HEIC", 1, False, {"PIL", "pi_heif"}),
    ],
)
def test_only_what_a_picture_needs_is_imported(
    kind: str, orientation: int, untouched: bool, libraries: set[str]
) -> None:
    command = [sys.executable, "-c", CONVERT]
    done = subprocess.run(command, input=marked(kind, orientation), capture_output=True, check=True, timeout=60)
    said, *imported = done.stdout.decode().split()
    assert said == str(untouched)
    assert set(imported) & {"PIL", "pi_heif", "numpy"} == libraries
    assert not untouched or imported == []


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(None, id="musl and macOS, which have no such function"),
        pytest.param(OSError("Exec format error"), id="a library that cannot be opened"),
        pytest.param(TypeError("argument of type 'NoneType' is not iterable"), id="Windows"),
    ],
)
def test_a_system_without_glibc_decodes_too(monkeypatch: pytest.MonkeyPatch, problem: Exception | None) -> None:
    asked = []

    def library(name: None) -> object:
        asked.append(name)
        if problem:
            raise problem
        return object()

    monkeypatch.setattr("ctypes.CDLL", library)
    decoding._prepare.cache_clear()
    assert sent(marked("JPEG", 6))
    assert asked == [None]
