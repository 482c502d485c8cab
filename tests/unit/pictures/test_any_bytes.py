"""Whatever bytes come in, a look at them is bounded, and its answer is one of the codes that docs/errors.md lists."""

import itertools

import hypothesis
import pytest
from doubles.fuzz import fuzzed
from doubles.odd_headers import bmp_of_masks, gif, jpeg_with, pdf_of_pages, png, tiff, tiff_of
from doubles.pictures import picture
from hypothesis import strategies as st

from shared.errors import BlobsightError, ImageRejectedError, PayloadTooLargeError
from shared.pictures import inspection, kinds, pdf, sides
from shared.pictures.window import MAX_BYTES, MAX_STEPS, HeaderError, Window

BEGINNINGS = sorted(
    {
        *(signature for signature, _ in kinds._SIGNATURES),
        *(b"RIFF\0\0\0\0" + form for form in kinds._RIFF_FORMS),
        *(b"\0\0\1\0ftyp" + brand for brand in (*kinds._HEIC_BRANDS, *kinds._AVIF_BRANDS, b"crx ", b"isom")),
        *(b"BM" + bytes(12) + size.to_bytes(4, "little") for size in kinds._BMP_HEADER_BYTES),
        *kinds.tiff.BEGINNINGS,
        *(b"\0\0\0\0" + box for box in kinds._QUICKTIME_BOXES),
        b"%PDF-1.7",
        b"\n%PDF-",
        b"PK\3\4",
        b"\0\0\1\0\1\0",
        b"P6\n",
        b"<?xml ",
        b"<svg ",
        b"{",
    }
)
WHOLE = [
    *(picture(kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "ICO")),
    jpeg_with(b"\0" * 9),
    png(),
    gif((0, 0), (90, 90)),
    bmp_of_masks((0xF00, 0xF0, 0xF)),
    tiff((99, 99), (99, 99)),
    tiff_of((99, 99), (20, 20), big_tiff=True),
    pdf_of_pages(9),
]
# What a part of a header looks like when a header goes on for ever.
ENDLESS = [
    (b"\xff\xd8\xff", b"\xff"),
    (b"\xff\xd8\xff", b"\xe0\0\2\xff"),
    (b"\xff\xd8\xff", b"\xfe\0\2\xff"),
    (b"\xff\xd8\xff\xe0\0\2", b"\0"),
    (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0"),
    (b"GIF89a" + bytes(7), b"\x21\xfe\0"),
    (b"GIF89a" + bytes(7) + b"\x21\xfe", b"\1a"),
    (b"II*\0\x08\0\0\0", b"\1\0\0\1\4\0\1\0\0\0\x63\0\0\0"),
    (b"MM\0*\0\0\0\x08", b"\xff"),
    (b"II+\0\x08\0\0\0\x10" + bytes(7), b"\xff" * 7 + b"\0"),
    (b"%PDF-1.4\n", b"1 0 obj<</Type/Pages/Count 3>>endobj "),
    (b"<?xml version='1.0'?>", b"<!-- x -->"),
    (b"\0\1\0\0ftypabcd", b"mif0"),
    (b"PK\3\4", b"word"),
]


def look(data: bytes) -> tuple[list[Window], list[BlobsightError]]:
    """Look in every way there is; returns the windows that were looked through, and the refusals."""
    made: list[Window] = []
    refusals: list[BlobsightError] = []

    class Counted(Window):
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspection, "Window", Counted)
        for inspect in (inspection.inspect, inspection.inspect_for_text):
            try:
                inspect(data)
            except BlobsightError as error:
                refusals.append(error)
        inspection.is_document(data)
        inspection.count_pages(data)
        inspection.advice(data, ImageRejectedError("refused", code="image_unreadable"))
    return made, refusals


CODES = {
    "image_empty",
    "not_an_image",
    "format_not_supported",
    "image_unreadable",
    "image_too_small",
    "image_too_many_pixels",
    "image_too_large",
}


def check(data: bytes) -> None:
    made, refusals = look(data)
    assert len(made) >= 3
    assert all(seen.bytes_read <= MAX_BYTES and seen.steps <= MAX_STEPS for seen in made)
    for error in refusals:
        assert isinstance(error, ImageRejectedError | PayloadTooLargeError)
        assert error.code in CODES
        assert 0 < len(error.message) < 400
        assert error.action


@fuzzed
@hypothesis.given(st.sampled_from(BEGINNINGS), st.binary(max_size=3000))
def test_any_bytes_behind_any_beginning_have_a_typed_answer(beginning: bytes, rest: bytes) -> None:
    check(beginning + rest)


@fuzzed
@hypothesis.given(
    st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)), max_size=4)
)
def test_any_damage_to_a_header_has_a_typed_answer(data: bytes, damages: list[tuple[int, bytes]]) -> None:
    for at, damage in damages:
        data = data[:at] + damage + data[at + len(damage) :]
    check(data)


@fuzzed
@hypothesis.given(st.sampled_from(WHOLE), st.integers(0, 3000))
def test_a_file_that_is_cut_anywhere_has_a_typed_answer(data: bytes, length: int) -> None:
    check(data[:length])


@pytest.mark.parametrize(("beginning", "part"), ENDLESS)
def test_a_header_without_an_end_is_left_at_the_bounds(beginning: bytes, part: bytes) -> None:
    check(beginning + part * (3_000_000 // len(part)))


@pytest.mark.parametrize(("beginning", "part"), ENDLESS)
def test_twice_the_header_costs_no_more(beginning: bytes, part: bytes) -> None:
    costs = [
        [(seen.bytes_read, seen.steps) for seen in look(beginning + part * (size // len(part)))[0]]
        for size in (1_500_000, 3_000_000)
    ]
    assert costs[0] == costs[1]


def test_a_window_refuses_what_goes_beyond_its_bounds() -> None:
    seen = Window(bytes(MAX_BYTES + 1))
    seen.read(0, MAX_BYTES)
    with pytest.raises(HeaderError, match="does not end within 4096 parts and 256 KB"):
        seen.read(0, 1)
    steps = Window(bytes(9))
    for _ in itertools.repeat(None, MAX_STEPS):
        steps.read(0, 1)
    with pytest.raises(HeaderError, match="does not end within 4096 parts and 256 KB"):
        steps.read(0, 1)


def test_each_way_to_look_stands_behind_a_window() -> None:
    for module in (sides, pdf, kinds, kinds.tiff):
        assert module.Window is Window
