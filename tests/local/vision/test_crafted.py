"""Nothing that is sent brings the service down or gets another answer than a refusal."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from doubles.vision_calls import Caller, connection_to, encoded, picture
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from local.vision.decoding.pixels import decode
from local.vision.header import read_header
from local.vision.multipart import file_part
from local.vision.refusals import Refusal
from local.vision.server import RunningVision

T = TypeVar("T")
FILES = {kind: encoded(Image.linear_gradient("L").resize((60, 50)), kind) for kind in ("JPEG", "PNG", "GIF", "BMP")}
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="x"; filename="y"\r\n\r\n12345\r\n--b--\r\n'


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Give a picture with some bytes changed or cut off."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 6))):
        # Most of what a decoder believes stands in the first bytes.
        data[draw(st.integers(0, min(len(data) - 1, 700)))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(1, len(data)))])


def attempted(call: Callable[[], T]) -> T | int:
    """Return what *call* returns, or the status of its refusal."""
    try:
        return call()
    except Refusal as refusal:
        return refusal.reply.status


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@settings(max_examples=300, deadline=None, derandomize=True)
@given(damaged())
def test_damaged_pictures_are_decoded_or_refused_and_nothing_else(data: bytes) -> None:
    header = attempted(lambda: read_header(data))
    if isinstance(header, int):
        assert header == 400
        return
    assume(header.width * header.height < 1_000_000)
    decoded = attempted(lambda: decode(data, header))
    if isinstance(decoded, int):
        assert decoded == 400
    else:
        assert decoded.image.mode == "RGB"
        assert decoded.working.ndim == 3


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=64), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b""]))
def test_any_bytes_after_a_signature_are_a_header_or_refused(data: bytes, signature: bytes) -> None:
    header = attempted(lambda: read_header(signature + data))

    assert header == 400 if isinstance(header, int) else min(header.width, header.height) >= 0


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(MULTIPART)), st.binary(max_size=8), st.integers(0, 20))
def test_damaged_multipart_bodies_are_read_or_refused(position: int, inserted: bytes, dropped: int) -> None:
    body = MULTIPART[:position] + inserted + MULTIPART[position + dropped :]
    content = attempted(lambda: file_part(body, "multipart/form-data; boundary=b"))

    assert content == 400 if isinstance(content, int) else content in body


@pytest.mark.parametrize(
    "target", ["http://[/vision/v3.2/models", "/vision/v3.2/models?%ff%00=[", "*", "/%2e%2e/_control/stats", "//"]
)
def test_odd_targets_are_answered(vision: RunningVision, target: str) -> None:
    with connection_to(vision.url) as wire:
        wire.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status = wire.makefile("rb").readline().split()[1]

    assert status in (b"401", b"404")


def test_a_target_with_a_host_is_that_path(vision: RunningVision) -> None:
    with connection_to(vision.url) as wire:
        wire.sendall(b"GET http://x/_control/stats?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert wire.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


def test_the_service_goes_on_after_a_crafted_picture(caller: Caller) -> None:
    data = bytearray(picture())
    data[data.index(b"\xff\xc4") + 3] ^= 0x7F
    assert caller.post("tag", bytes(data)).status_code in (200, 400)

    assert caller.post("tag", picture()).status_code == 200
