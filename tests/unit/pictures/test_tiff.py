import struct

import pytest
from doubles.odd_headers import tiff, tiff_of
from doubles.private_pictures import PICTURES

from shared.errors import ImageRejectedError
from shared.pictures import inspection

PAGE, PREVIEW, HUGE = (1000, 800), (30, 30), (10_001, 60)


def refusal(data: bytes, pages: str = "") -> ImageRejectedError:
    with pytest.raises(ImageRejectedError) as caught:
        inspection.inspect_for_text(data, pages=pages)
    return caught.value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_each_layout_is_read(order: str, big: bool) -> None:
    assert inspection.inspect_for_text(tiff(PAGE, PAGE, order=order, big=big)) == "image/tiff"
    assert "Page 2 of the TIFF has 30x30" in refusal(tiff(PAGE, PREVIEW, order=order, big=big)).message


@pytest.mark.parametrize(
    ("data", "code", "page", "rest"),
    [
        (tiff_of(PAGE, PREVIEW), "image_too_small", "Page 2 of the TIFF has 30x30", "pages=1 "),
        (tiff_of(PREVIEW, PAGE, PAGE), "image_too_small", "Page 1 of the TIFF has 30x30", "pages=2-3 "),
        (tiff(PAGE, HUGE, PAGE, PAGE), "image_too_many_pixels", "Page 2 of the TIFF has 10001x60", "pages=1,3-4 "),
        (tiff(*[PAGE] * 700, PREVIEW), "image_too_small", "Page 701 of the TIFF has 30x30", "pages=1-700 "),
        (tiff(PREVIEW, HUGE), "image_too_small", "Page 1 of the TIFF has 30x30", ""),
    ],
)
def test_a_page_outside_the_limits_is_named_with_what_to_do(data: bytes, code: str, page: str, rest: str) -> None:
    error = refusal(data)
    assert (error.code, error.message.startswith(page)) == (code, True)
    assert "emove that page" in error.action
    assert rest in error.action


def test_only_pages_that_are_asked_for_have_to_be_within_the_limits() -> None:
    data = tiff(PAGE, PREVIEW, PAGE)
    assert inspection.inspect_for_text(data, pages="1,3") == "image/tiff"
    assert inspection.inspect_for_text(data, pages="3-") == "image/tiff"
    assert refusal(data, "1-2").code == "image_too_small"
    assert refusal(data, "-2").code == "image_too_small"


def test_the_only_page_is_the_image() -> None:
    assert refusal(tiff(PREVIEW)).message.startswith("The image has 30x30 pixels")


def test_pages_beyond_the_bounds_are_the_service_s_to_judge() -> None:
    assert inspection.inspect_for_text(tiff(*[PAGE] * 5000, PREVIEW)) == "image/tiff"
    assert inspection.count_pages(tiff(*[PAGE] * 5000)) is None
    assert "pages=2- " in refusal(tiff(PREVIEW, *[PAGE] * 5000)).action


def test_directories_in_a_circle_end() -> None:
    data = bytearray(tiff(PAGE, PAGE))
    data[-4:] = (8).to_bytes(4, "little")
    assert inspection.count_pages(bytes(data)) == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff(PAGE)[:20], "it breaks off"),
        (b"II*\0", "it breaks off"),
        (b"II*\0\0\0\0\0" + bytes(20), "it has no pages"),
        (b"II*\0\x08\0\0\0\0\0" + bytes(20), "one of its pages has no width or no height"),
        (b"MM\0*\x7f\xff\xff\xff" + bytes(20), "it breaks off"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(20), "it breaks off"),
    ],
)
def test_a_file_without_a_page_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    error = refusal(data)
    assert error.code == "image_unreadable"
    assert reason in error.message


def test_a_page_that_breaks_off_does_not_hide_those_before() -> None:
    data = tiff(PAGE, PAGE, PAGE)[:-30]
    assert inspection.inspect_for_text(data) == "image/tiff"
    assert inspection.count_pages(data) is None


def test_a_smaller_version_of_the_first_page_is_no_page() -> None:
    photo = PICTURES["photo.tif"]
    smaller, page = (struct.pack(">HHII", 254, 4, 1, value) for value in (1, 0))
    assert photo.count(smaller) == 1
    assert not inspection.is_document(photo)
    assert inspection.inspect(photo).kind == "TIFF"
    assert inspection.is_document(photo.replace(smaller, page))


def test_a_second_page_that_lies_beyond_the_file_is_one() -> None:
    assert inspection.is_document(tiff(PAGE, PAGE)[:-20])
