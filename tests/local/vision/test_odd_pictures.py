"""What browsers show is decoded, whatever stands around its pixels, and at a bounded cost; what is damaged is not."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from doubles.documents import text_pdf
from doubles.fuzz import fuzzed
from doubles.odd_pictures import (
    GIFS,
    HEIGHT,
    JPEGS,
    PICTURE,
    PNGS,
    SHOWN,
    WIDTH,
    after_segment,
    bmp,
    chunk,
    differs_by,
    gif,
    png,
    runs,
    saved,
    segment,
    sub_blocks,
)
from doubles.vision_calls import Caller, inner_code
from hypothesis import given
from hypothesis import strategies as st

from local.vision.decoding.pixels import Picture, decode
from local.vision.formats import gif as gif_format
from local.vision.formats import jpeg as jpeg_format
from local.vision.formats import png as png_format
from local.vision.formats.look import MAX_SEEN_BYTES, MAX_STEPS, Look
from local.vision.header import header_in, read_header
from local.vision.reading.documents import sniffed
from local.vision.reading.pages import ALL_PAGES, PageRangesError
from local.vision.refusals import Refusal
from local.vision.text.documents import pages_to_read

MEGABYTE = 1024 * 1024


def decoded(data: bytes) -> Picture:
    """Decode a picture after the look at its header, as the service does."""
    return decode(data, read_header(data), at_least=(WIDTH, HEIGHT))


# JPEG loses a little, GIF has fewer colours, masks fewer bits; those that are packed here have 16 colours.
MOST = {"PNG": 0, "JPEG": 15, "GIF": 15, "BMP": 15, "packed BMP": 50}


@pytest.mark.parametrize("name", SHOWN)
def test_what_browsers_show_has_its_sides_and_its_pixels(name: str) -> None:
    assert read_header(SHOWN[name]).sides == (WIDTH, HEIGHT)
    assert differs_by(decoded(SHOWN[name]).image) <= MOST[name.partition(":")[0]]


@pytest.mark.parametrize(
    "name",
    [
        "PNG: profile over 1 MB",
        "PNG: tEXt with a wrong checksum",
        "JPEG: zeros after its first segment",
        "BMP: 4444",
        "BMP: header of 16 bytes",
    ],
)
def test_odd_pictures_are_analyzed_and_read_by_the_service(caller: Caller, name: str) -> None:
    data = SHOWN[name]
    answer = caller.post("analyze", data, query="visualFeatures=Color")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["metadata"]["width"], answer.json()["metadata"]["height"]) == (WIDTH, HEIGHT)
    assert caller.post("read/analyze", data).status_code == 202


def test_a_gif_without_a_screen_is_analyzed_by_its_frame(caller: Caller) -> None:
    answer = caller.post("analyze", GIFS["empty screen"], query="visualFeatures=Color")
    assert answer.json()["metadata"] == {"width": WIDTH, "height": HEIGHT, "format": "Gif"}


def damaged(data: bytes, name: bytes) -> bytes:
    """Return a PNG with one bit of that chunk's checksum changed."""
    at = data.index(name)
    end = at + 4 + int.from_bytes(data[at - 4 : at])
    return data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (damaged(saved("PNG"), b"IHDR"), "checksum of a IHDR"),
        (damaged(saved("PNG"), b"IDAT"), "checksum of a IDAT"),
        (damaged(saved("PNG", PICTURE.quantize(16)), b"PLTE"), "checksum of a PLTE"),
        (png(first=chunk(b"CgBI", bytes(4))), "Apple's own kind"),
        (saved("PNG")[:33], "lacks its IHDR or IDAT"),
        (b"BM" + bytes(12) + b"\x2a\x01\0\0" + bytes(200), "No BMP has a header of 298 bytes"),
        (bmp(16, 0xF00, 0xF0, 0xF)[:-400], "The BMP is cut short"),
        (b"GIF89a\0\0\0\0\0\0\0;", "The GIF ends before its first frame"),
        (b"\xff\xd8\xff\xd9", "The JPEG ends before its pixels"),
        (b"\xff\xd8\xff\xe0\0\x02" + bytes(90), "The file ends after 96 bytes"),
        (after_segment(1, segment(0xE5) * 100_000), "within 4096 parts and 262144 bytes"),
        (after_segment(1, bytes(MEGABYTE)), "within 4096 parts and 262144 bytes"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_damaged_or_has_no_end_is_refused_with_the_reason(caller: Caller, data: bytes, reason: str) -> None:
    answer = caller.post("tag", data)
    assert inner_code(answer) == "InvalidImageFormat"
    assert reason in answer.json()["error"]["message"]


ENDLESS = {
    "JPEG segments": after_segment(1, segment(0xE5) * MEGABYTE),
    "JPEG fill bytes": after_segment(1, b"\xff" * 4 * MEGABYTE),
    "JPEG escaped bytes": after_segment(1, b"\xff\0" * 2 * MEGABYTE),
    "JPEG comments of 64 kB": after_segment(1, segment(0xFE, bytes(65_000)) * 60),
    "PNG chunks": png(chunk(b"teXt") * 300_000),
    "PNG chunks before IHDR": png(first=chunk(b"teXt") * 300_000),
    "GIF comment": gif(before=b"!\xfe" + sub_blocks(2 * MEGABYTE, b"a")),
    "GIF comments": gif((0, 0), b"!\xfe\0" * MEGABYTE),
    "GIF zeros": gif(before=bytes(4 * MEGABYTE)),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_header_costs_no_more_than_its_bounds(name: str) -> None:
    look = Look(ENDLESS[name])
    attempted(lambda: header_in(look))
    assert look.steps <= MAX_STEPS
    assert look.seen_bytes <= MAX_SEEN_BYTES


@pytest.mark.parametrize(
    ("data", "plain", "without_trimmings"),
    [
        pytest.param(JPEGS["2,000 comments"], saved("JPEG", quality=95), jpeg_format.without_trimmings, id="JPEG"),
        pytest.param(PNGS["texts of 70 MB together"], saved("PNG"), png_format.without_trimmings, id="PNG, large"),
        pytest.param(PNGS["20,000 texts"], saved("PNG"), png_format.without_trimmings, id="PNG, many"),
        pytest.param(GIFS["XMP of 300 kB"], gif(), gif_format.without_trimmings, id="GIF"),
    ],
)
def test_a_decoder_is_given_what_pixels_need_and_no_more(
    data: bytes, plain: bytes, without_trimmings: Callable[[bytes], tuple[bytes, bytes]]
) -> None:
    assert without_trimmings(data) == (plain, b"")


def test_of_many_exif_blocks_one_is_looked_at() -> None:
    block = b"Exif\0\0" + bytes(60_000)
    needed, exif = jpeg_format.without_trimmings(after_segment(1, segment(0xE1, block) * 60))
    assert (needed, exif) == (saved("JPEG", quality=95), block)


def test_a_jpeg_of_very_many_scans_is_refused_and_one_before_a_film_is_not() -> None:
    data = saved("JPEG", progressive=True, quality=95)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(Refusal, match="scans; at most 100 are decoded"):
        decoded(data[:last] + data[last:-2] * 200 + b"\xff\xd9")
    film = np.random.default_rng(1).integers(0, 256, 8 * MEGABYTE, np.uint8).tobytes()
    assert film.count(b"\xff\xda") > 100
    assert differs_by(decoded(data + film).image) <= 15


def test_transparency_is_kept_where_it_is_sound() -> None:
    shown = PICTURE.quantize(16)
    clear = saved("PNG", shown, transparency=bytes([0] * 16))
    assert decoded(clear).image.getextrema() == ((255, 255),) * 3
    assert decoded(damaged(clear, b"tRNS")).image.getextrema() != ((255, 255),) * 3
    half = bmp(16, 0x7C00, 0x3E0, 0x1F, 0x8000, header=56)
    at = struct.unpack_from("<I", half, 10)[0]
    top = bytearray(half)
    for row in range(HEIGHT // 2, HEIGHT):  # the lower half of the file is the upper half of the picture
        begin = at + row * WIDTH * 2
        pixels = np.frombuffer(half, "<u2", WIDTH, begin) & 0x7FFF
        top[begin : begin + WIDTH * 2] = pixels.tobytes()
    image = np.asarray(decoded(bytes(top)).image)
    assert (image[: HEIGHT // 2] == 255).all()
    assert not (image[HEIGHT // 2 :] == 255).all()


TURNED = {
    "little endian": b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0",
    "big endian": b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0",
    "named as in a JPEG": b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0",
    "cut off after it": b"II*\0\x08\0\0\0\x09\0\x12\1\4\0\1\0\0\0\6\0\0\0\1",
}


@pytest.mark.parametrize("name", TURNED)
def test_a_picture_lies_as_its_exif_block_says_behind_whatever_stands_before_it(name: str) -> None:
    in_jpeg = b"Exif\0\0" + TURNED[name].removeprefix(b"Exif\0\0")
    odd = [
        after_segment(1, bytes(9) + segment(0xFE, b"note") + segment(0xE1, in_jpeg)),
        png(chunk(b"pHYs", crc=1) + chunk(b"eXIf", TURNED[name])),
        png(after=chunk(b"eXIf", TURNED[name])),
    ]
    assert [(turned.width, turned.height) for turned in map(decoded, odd)] == [(HEIGHT, WIDTH)] * 3


@pytest.mark.parametrize("block", [b"", b"II*\0", b"II*\0\xff\0\0\0", TURNED["big endian"].replace(b"\6", b"\x63")])
def test_a_damaged_exif_block_leaves_the_picture_as_it_is_stored(block: bytes) -> None:
    picture = decoded(png(chunk(b"eXIf", block)))
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(("depth", "literal"), [(8, False), (4, False), (8, True), (4, True)])
def test_rows_that_no_run_names_have_one_colour_and_runs_that_just_end_are_refused(depth: int, literal: bool) -> None:
    shown = np.asarray(decoded(runs(depth, literal=literal)).image)
    early = np.asarray(decoded(runs(depth, literal=literal, rows=HEIGHT - 10, end=b"\0\0\0\1")).image)
    assert (early[10:] == shown[10:]).all()
    assert (early[:10] == early[0, 0]).all()
    with pytest.raises(Refusal, match="its runs end before its rows do"):
        decoded(runs(depth, literal=literal, rows=HEIGHT - 10, end=b""))


def test_a_bmp_that_takes_long_to_unpack_is_refused() -> None:
    with pytest.raises(Refusal, match="may have 4194304 bytes here"):
        decoded(runs(8, end=bytes(4 * MEGABYTE)))


MAGICS = [
    *(b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\x10Exif\0\0", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM"),
    *(b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0", b"%PDF-1.7\n", b"\n%PDF-", b"RIFF\0\0\0\0WEBP", b""),
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x60\0\0\0\x40",
    *(b"BM" + bytes(8) + b"\x36\0\0\0" + struct.pack("<Iii", size, 60, 60) for size in (16, 40, 56, 124)),
]
WHOLE = [*SHOWN.values(), saved("TIFF"), saved("TIFF", big_tiff=True), text_pdf("some text")]


@st.composite
def odd_files(draw: st.DrawFn) -> bytes:
    """Give bytes behind a magic number, or a file of which pieces are changed, repeated or left out."""
    if draw(st.booleans()):
        return draw(st.sampled_from(MAGICS)) + draw(st.binary(max_size=300))
    data = draw(st.sampled_from(WHOLE))[:20_000]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(data), 400)))
        put = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 5000, bytes(5000), b"\xff\xe0\0\2" * 5000]))
        )
        data = data[:at] + put + data[at + draw(st.integers(0, 20)) :]
    return data


def attempted(call: Callable[[], object]) -> object:
    """Return what *call* returns, or the status of its refusal."""
    try:
        return call()
    except Refusal as refusal:
        return refusal.reply.status
    except PageRangesError:
        return 400


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@fuzzed
@given(odd_files())
def test_any_bytes_behind_any_magic_number_are_taken_or_refused_at_a_bounded_cost(data: bytes) -> None:
    look = Look(data)
    header = attempted(lambda: header_in(look))
    assert look.steps <= MAX_STEPS
    assert look.seen_bytes <= MAX_SEEN_BYTES
    if header != 400 and max(read_header(data).sides) < 1000:
        taken = attempted(lambda: decoded(data))
        assert taken == 400 or (isinstance(taken, Picture) and taken.image.mode == "RGB")
    read = attempted(lambda: pages_to_read(sniffed(data), ALL_PAGES, lambda: None))
    assert read == 400 or (isinstance(read, tuple) and read[0] == 1)
