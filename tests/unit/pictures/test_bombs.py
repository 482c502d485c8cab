"""Files that ask for more than they are worth end typed, and before they have it."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from doubles.fuzz import fuzzed
from doubles.marked_pictures import TURNED_KINDS, marked
from doubles.odd_headers import PNG_SIGNATURE, png_chunk, tiff
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.errors import BlobsightError, ImageRejectedError
from shared.pictures import inspection
from shared.pictures.colours import MOST_PROFILE_BYTES
from shared.pictures.converter import Converter
from shared.pictures.crops import Box
from shared.pictures.fitting import ANALYSIS, READ, Sent

CONVERTER = Converter(most_pixels=2_000_000, wait_seconds=0)
ANY = ANALYSIS._replace(kinds=frozenset())


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_SIGNATURE + header + b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.new("RGB", (1000, 1000), (120, 100, 90)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    scan = data[data.rfind(b"\xff\xc4", 0, data.rfind(b"\xff\xda")) : -2]
    return data[:-2] + scan * count + b"\xff\xd9"


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def sides(order: str, width: int, height: int) -> bytes:
    return struct.pack(order, width, height)


def refusal(data: bytes, converter: Converter = CONVERTER) -> ImageRejectedError:
    with pytest.raises(ImageRejectedError) as caught:
        converter.sent(data, inspection.inspect(data), ANY)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        png_of(2**31 - 1, 2**31 - 1),
        png_of(50_000, 50_000),
        changed(picture("GIF", 64, 60), sides("<HH", 64, 60), sides("<HH", 65_535, 65_535)),
        changed(picture("BMP", 64, 60), sides("<ii", 64, 60), sides("<ii", 60_000, 60_000)),
        changed(picture("WEBP", 64, 60), sides("<HH", 64, 60), sides("<HH", 16_383, 16_383)),
        tiff((60_000, 60_000)),
        jpeg_of_scans(2000),
    ],
)
def test_too_many_pixels_are_refused_before_they_are_there(data: bytes) -> None:
    assert refusal(data).code in ("image_too_many_pixels", "image_unreadable")


def test_scans_count_as_often_as_they_come() -> None:
    assert refusal(jpeg_of_scans(2000)).code == "image_too_many_pixels"
    data = jpeg_of_scans(20)
    assert CONVERTER.sent(data, inspection.inspect(data), ANY).kind == "JPEG"


def test_a_progressive_jpeg_is_counted_with_what_it_holds_whole() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(buffer, "JPEG", progressive=True, subsampling=0)
    data = buffer.getvalue()
    header = inspection.inspect(data)
    # Decoded at an eighth it has 62,500 pixels; what it holds meanwhile are 24 MB.
    with pytest.raises(ImageRejectedError) as caught:
        CONVERTER.reduced(data, header, [(100, 100)])
    assert caught.value.code == "image_too_many_pixels"
    assert Converter(most_pixels=4_000_000, wait_seconds=0).reduced(data, header, [(100, 100)])


def test_a_profile_that_unpacks_without_end_is_as_none() -> None:
    packed = zlib.compress(bytes(3 * MOST_PROFILE_BYTES))
    data = picture("PNG", 64, 60)
    chunk = png_chunk(b"iCCP", b"bomb\0\0" + packed)
    data = data[:33] + chunk * 3 + data[33:]
    assert CONVERTER.sent(data, inspection.inspect(data), ANY).width == 64


def test_frames_that_are_not_shown_are_not_decoded() -> None:
    frames = [Image.effect_noise((60, 60), number + 1) for number in range(300)]
    for kind in ("GIF", "WEBP", "PNG"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=10)
        data = buffer.getvalue()
        # The end is missing: who asks for all frames finds that out.
        if kind != "WEBP":
            data = data[: len(data) // 2]
        assert CONVERTER.sent(data, inspection.inspect(data), ANY).width == 60


WHOLE = [
    *(marked(kind, 6) for kind in TURNED_KINDS),
    *(picture(kind, 64, 60) for kind in ("GIF", "BMP", "JPEG2000")),
]


def refused(action: Callable[[], object]) -> str | None:
    """The code of the refusal, if it is one."""
    try:
        action()
    except ImageRejectedError as error:
        return error.code
    return None


def convert(data: bytes) -> None:
    """Every way to decode, with a result or a typed refusal."""
    try:
        header = inspection.inspect(data)
    except BlobsightError:
        return
    whole, made = Box(0, 0, header.width, header.height), list[Sent]()
    for limits in (ANALYSIS, READ, ANY):
        code = refused(lambda limits=limits: made.append(CONVERTER.sent(data, header, limits)))
        assert code in (None, "image_unreadable", "image_too_many_pixels", "image_too_small")
    code = refused(lambda: CONVERTER.reduced(data, header, [(50, 50)]).cut(whole, (50, 50), "jpeg"))
    assert code in (None, "image_unreadable", "image_too_many_pixels")
    for sent in made:
        assert sent.untouched or Image.open(io.BytesIO(sent.data)).size == (sent.width, sent.height)


@fuzzed
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=8)), max_size=4))
def test_any_damage_ends_in_a_picture_or_typed(data: bytes, damages: list[tuple[int, bytes]]) -> None:
    for at, damage in damages:
        at %= len(data)
        data = data[:at] + damage + data[at + len(damage) :]
    convert(data)


@fuzzed
@given(st.sampled_from(WHOLE), st.integers(0, 100))
def test_a_picture_that_is_cut_anywhere_ends_so_too(data: bytes, share: int) -> None:
    convert(data[: len(data) * share // 100])


@fuzzed
@given(st.sampled_from(WHOLE), st.sampled_from(WHOLE), st.integers(0, 100))
def test_two_pictures_in_one_end_so_too(data: bytes, other: bytes, share: int) -> None:
    convert(data[: len(data) * share // 100] + other[len(other) * share // 100 :])
