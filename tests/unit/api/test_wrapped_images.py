"""What holds for any bytes and any text; tests/functions/test_bodies_of_other_programs.py has the examples."""

import base64
import tracemalloc
from collections.abc import Callable
from urllib.parse import quote

import azure.functions as func
import pytest
from doubles.fuzz import fuzzed
from doubles.http_requests import request
from doubles.pictures import picture
from doubles.wrappings import BOUNDARY, JSON, MULTIPART, TEXT, WRAPPINGS, form, part
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.api import bodies, forms, wrapped_images
from shared.errors import BadRequestError, PayloadTooLargeError
from shared.images import ImageBytes

IMAGE = picture()
# Sizes around those of the pieces in which forms and escapes are decoded, and what looks like the end of a part.
BEFORE_THE_END = [b"\r\n", b"\n", b"\r", b"--", BOUNDARY.encode()[:-1], f"\r\n--{BOUNDARY[:-1]}".encode(), b'"', b"%"]
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(BEFORE_THE_END),
    st.integers(8100, 8300).map(bytes),
    st.integers(48_900, 49_300).map(lambda size: b"\xfb\xff" * (size // 2)),
)
IMAGES = st.lists(PIECES, max_size=8).map(lambda pieces: IMAGE + b"".join(pieces))
OF_BASE64 = ["iVBOR", "w0KGgo", "/9j/", "+", "-_", "=", base64.b64encode(IMAGE).decode(), "\n", "\r\n", " ", "\ufeff"]
OF_TEXTS = [
    "\\",
    "\\u002f",
    '"',
    "%",
    "%4",
    "data:",
    ";base64",
    ",",
    '{"$content":',
    '"$content-type":"x"',
    '{"url":"',
    "}",
]
OF_FORMS = ["--x", "Content-Disposition: form-data", '; name="a"', '; filename="b"', "Content-Type: multipart/x", ":"]
TEXTS = st.lists(st.sampled_from(OF_BASE64 + OF_TEXTS + OF_FORMS) | st.text(max_size=5), max_size=12).map("".join)
LINE_ENDINGS = st.sampled_from(["\n", "\r\n", "\n\t"])
# Of a form with bare line feeds, the last byte would be half of a line break.
AMBIGUOUS = ("form with bare line feeds", b"\r")


def sent(body: bytes, declared: str) -> func.HttpRequest:
    return request(body=body, headers={"Content-Type": declared})


def found(body: bytes, declared: str) -> bytes:
    image = bodies.image_of(sent(body, declared))
    assert isinstance(image, ImageBytes)
    return image.data


@fuzzed
@given(data=IMAGES, name=st.sampled_from(sorted(WRAPPINGS)))
def test_any_wrapping_of_an_image_is_the_image(data: bytes, name: str) -> None:
    wrap, declared = WRAPPINGS[name]
    assume((name, data[-1:]) != AMBIGUOUS)
    assert found(wrap(data), declared) == data


@fuzzed
@given(
    data=st.binary(max_size=300),
    size=st.integers(1, 100),
    ending=st.sampled_from(["\n", "\r\n", "\n\t"]),
    short=st.booleans(),
)
def test_any_base64_is_decoded(data: bytes, size: int, ending: str, short: bool) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        text = text.rstrip("=") if short else text
        text = ending.join(text[start : start + size] for start in range(0, len(text), size))
        assert wrapped_images.from_base64(text) == wrapped_images.from_base64(text.encode()) == data


@fuzzed
@given(
    data=st.binary(max_size=300), place=st.integers(0, 400), odd=st.characters().filter(lambda each: not each.isspace())
)
def test_a_character_that_base64_has_not_is_told_with_its_place(data: bytes, place: int, odd: str) -> None:
    text = base64.b64encode(data).decode().rstrip("=")
    place = min(place, len(text))
    assume(odd not in "=-_+/ \t\r\n" and not (odd.isascii() and odd.isalnum()))
    with pytest.raises(BadRequestError, match=f"as character {place + 1}, which is no digit"):
        wrapped_images.from_base64(text[:place] + odd + text[place:])


@fuzzed
@given(data=st.binary(max_size=300), safe=st.sampled_from(["", "/+=", "=;,?"]))
def test_any_data_address_is_decoded(data: bytes, safe: str) -> None:
    prefix = IMAGE[:60]
    assert found(f"data:,{quote(prefix + data, safe=safe)}".encode(), TEXT) == prefix + data


@fuzzed
@given(text=TEXTS, declared=st.sampled_from([JSON, TEXT, "", MULTIPART, "multipart/form-data; boundary=x"]))
def test_any_text_is_an_image_or_refused(text: str, declared: str) -> None:
    told = ""
    try:
        bodies.image_of(sent(text.encode(errors="replace"), declared))
    except BadRequestError as error:
        told = str(error)
    assert len(told) < 700


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_an_image_has_as_many_bytes_as_are_possible(size: int) -> None:
    text = base64.b64encode(bytes(size))
    assert wrapped_images.from_base64(text, most=size) == bytes(size)
    if size:
        with pytest.raises(PayloadTooLargeError, match=f"has {size} bytes; at most {size - 1} "):
            wrapped_images.from_base64(text, most=size - 1)


LARGE = 4 * 1024**2


def peak_of(body: bytes, declared: str) -> float:
    """How many times the body's size is held beside it at once, at most."""
    req = sent(body, declared)
    tracemalloc.start()
    try:
        bodies.image_of(req)
    except BadRequestError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak / len(body)


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """They are no part of what a body costs."""
    found(form(IMAGE), MULTIPART)


@pytest.mark.parametrize("name", WRAPPINGS)
def test_the_memory_is_a_small_multiple_of_the_body(name: str) -> None:
    wrap, declared = WRAPPINGS[name]
    assert peak_of(wrap(IMAGE + b"\xfb\xff\xbf" * (LARGE // 3)), declared) < 4


ENCODED = base64.b64encode(IMAGE)[:400]
HEAD = part(IMAGE)[:-2]
HALF = f"\r\n--{BOUNDARY[:-1]}".encode()
# What would be an object each for a parser, or be looked at again and again; a quadratic one does not end here.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "escapes": (lambda: b'{"$content": "' + ENCODED + b"\\/" * (LARGE // 2) + b'"}', JSON),
    "long escapes": (lambda: b'"' + ENCODED + b"\\u002F" * (LARGE // 6) + b'"', JSON),
    "backslashes": (lambda: b'"' + ENCODED + b"\\" * LARGE + b'"', JSON),
    "percent signs": (lambda: b"data:," + b"%" * LARGE, TEXT),
    "escaped bytes": (lambda: b"data:,%89PNG" + b"%41" * (LARGE // 3), TEXT),
    "line breaks": (lambda: ENCODED + b"\n" * LARGE, TEXT),
    "white space": (lambda: b" " * LARGE + ENCODED, TEXT),
    "padding": (lambda: ENCODED + b"=" * LARGE, TEXT),
    "quotation marks": (lambda: b'"' * LARGE, JSON),
    "members": (lambda: b'{"$content":"",' + b'"a":[],' * (LARGE // 8), JSON),
    "lists": (lambda: b'{"$content":"","a":' + b"[" * LARGE, JSON),
    "parts": (lambda: part(b"", filename=None) * (LARGE // 100), MULTIPART),
    "boundaries": (lambda: f"--{BOUNDARY}\r\n".encode() * (LARGE // 40), MULTIPART),
    "half boundaries": (lambda: HEAD + f"\r\n--{BOUNDARY[:-1]}".encode() * (LARGE // 40), MULTIPART),
    "boundaries in a line": (lambda: HEAD + f"--{BOUNDARY}".encode() * (LARGE // 40), MULTIPART),
    "line breaks in a form": (lambda: HEAD + b"\r\n" * (LARGE // 2), MULTIPART),
    "headers": (lambda: f"--{BOUNDARY}\r\n".encode() + b"a: b\r\n" * (LARGE // 6), MULTIPART),
    "one header": (lambda: f"--{BOUNDARY}\r\na: ".encode() + b"b" * LARGE, MULTIPART),
    "a preamble": (lambda: b"\r\n" * (LARGE // 2), MULTIPART),
    "an epilogue": (lambda: form(IMAGE) + b"x" * LARGE, MULTIPART),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_costs_no_more(name: str) -> None:
    wrap, declared = HOSTILE[name]
    assert peak_of(wrap(), declared) < 4


@pytest.mark.parametrize("size", range(8100, 8300, 7))
def test_a_form_may_end_anywhere_in_a_piece(size: int) -> None:
    data = IMAGE[:50] + b"\r" * (size - 50)
    assert forms.file_of(form(data), MULTIPART) == data


def test_as_many_headers_as_are_possible() -> None:
    def of_size(count: int) -> Callable[[], bytes]:
        head = part(IMAGE, kind="").replace(b"\r\n\r\n", b"\r\nx: " + b"y" * count + b"\r\n\r\n", 1)
        return lambda: forms.file_of(head + f"--{BOUNDARY}--".encode(), MULTIPART)

    disposition = len('Content-Dispositionform-data; name="file"; filename="a.png"x')
    assert of_size(forms.MAX_HEADER_BYTES - disposition)() == IMAGE
    with pytest.raises(BadRequestError, match="8193 bytes of headers"):
        of_size(forms.MAX_HEADER_BYTES - disposition + 1)()
