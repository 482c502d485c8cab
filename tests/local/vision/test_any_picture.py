"""
The service takes what v3.2 documents and nothing more.

The image operations: JPEG, PNG, GIF and BMP, under 4 MB, 50x50 to 16,000x16,000 pixels (learn.microsoft.com, "What is
Image Analysis?", image requirements). Read: JPEG, PNG, BMP, PDF and TIFF, 50x50 to 10,000x10,000 pixels.
"""

import json
from collections.abc import Iterator

import pytest
from doubles.photographs import BY_NAME, PHOTOGRAPHS, REFUSED, Photograph
from doubles.vision_calls import Caller, inner_code

from local.vision.reading.documents import sniffed
from local.vision.reading.pages import ALL_PAGES
from local.vision.refusals import Refusal, in_shape_of_read
from local.vision.server import running_vision
from local.vision.text.documents import pages_to_read

ANALYZED, READ = ("jpg", "png", "gif", "bmp"), ("jpg", "png", "bmp", "tif")
MOST_BYTES, MOST_SIDE, MOST_READ_SIDE = 4 * 1024 * 1024, 16_000, 10_000
# A kind of its own: the documentation of 4.0 has "WEBP, ICO, TIFF, or MPO" besides, that of 3.2 has not.
MPO = ".mpo.jpg"


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    """Call one service with its key."""
    with running_vision() as service, Caller(service.url, service.key) as client:
        yield client


def kind_is_in(photograph: Photograph, kinds: tuple[str, ...]) -> bool:
    return photograph.name.rpartition(".")[2] in kinds and not photograph.name.endswith(MPO)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_image_operations_take_four_kinds_within_their_limits(caller: Caller, name: str) -> None:
    photograph = BY_NAME[name]
    answer = caller.post("tag", photograph.data)
    if len(photograph.data) >= MOST_BYTES or (kind_is_in(photograph, ANALYZED) and max(photograph.sides) > MOST_SIDE):
        assert (answer.status_code, inner_code(answer)) == (400, "InvalidImageSize")
    elif not kind_is_in(photograph, ANALYZED):
        assert (answer.status_code, inner_code(answer)) == (400, "InvalidImageFormat")
    else:
        assert answer.status_code == 200, answer.text
        told = answer.json()["metadata"]
        assert (told["width"], told["height"]) == photograph.sides


def read_code(data: bytes) -> str:
    """The code with which Read refuses a document, after every check before it reads; empty if it takes it."""
    try:
        pages_to_read(sniffed(data), ALL_PAGES, lambda: None)
    except Refusal as refusal:
        return str(json.loads(in_shape_of_read(refusal).reply.body)["error"]["code"])
    return ""


@pytest.mark.parametrize("name", BY_NAME)
def test_read_takes_its_kinds_within_its_limits(name: str) -> None:
    photograph = BY_NAME[name]
    if not kind_is_in(photograph, READ):
        expected = "UnsupportedImageFormat" if name.endswith(".gif") else "InvalidImageFormat"
    else:
        expected = "InvalidImageDimension" if max(photograph.sides) > MOST_READ_SIDE else ""
    assert read_code(photograph.data) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_app_refuses_the_service_refuses_too(caller: Caller, name: str) -> None:
    assert caller.post("tag", REFUSED[name].data).status_code == 400
    # A RAW photo that is built like a TIFF is one to it: which tags are a camera's is the app's to know.
    assert bool(read_code(REFUSED[name].data)) == (name != "raw.dng")


def test_what_the_app_sends_as_it_is_is_taken() -> None:
    """The app's table of what goes untouched names nothing that the documentation does not."""
    for photograph in PHOTOGRAPHS:
        if photograph.analyzed == "untouched":
            assert kind_is_in(photograph, ANALYZED), photograph.name
        if photograph.read == "untouched":
            assert kind_is_in(photograph, READ), photograph.name


def test_an_mpo_is_refused_by_its_name(caller: Caller) -> None:
    answer = caller.post("tag", BY_NAME["two-lenses.mpo.jpg"].data)
    assert answer.json()["error"]["message"].endswith("It is an MPO of 2 pictures, and no JPEG.")
