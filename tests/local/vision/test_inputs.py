"""The three ways to send an image, and every image that is refused."""

import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from doubles.vision_calls import Caller, encoded, inner_code, picture
from PIL import Image

from local.vision.intake import MAX_IMAGE_BYTES
from local.vision.server import RunningVision


class ImageHost(BaseHTTPRequestHandler):
    """Serves pictures, redirects and faults to the service's fetches."""

    protocol_version = "HTTP/1.1"
    pages: dict[str, tuple[int, dict[str, str], bytes]] = {}  # noqa: RUF012 - one test's, cleared by the fixture
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def image_host() -> Iterator[str]:
    """Serve ImageHost.pages on a free port; gives the base address."""
    ImageHost.pages, ImageHost.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), ImageHost)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_each_format_is_taken_and_named(caller: Caller, kind: str) -> None:
    answer = caller.post("detect", picture(kind=kind))

    assert answer.status_code == 200
    assert answer.json()["metadata"]["format"] == kind.capitalize()


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "PPM", "ICO"])
def test_another_format_is_refused(caller: Caller, kind: str) -> None:
    assert inner_code(caller.post("detect", picture(kind=kind))) == "InvalidImageFormat"


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_each_pixel_mode_is_decoded(caller: Caller, mode: str) -> None:
    image = Image.linear_gradient("L").resize((80, 60))
    data = encoded(image.convert(mode), "JPEG" if mode == "CMYK" else "PNG")

    assert caller.post("analyze", data, query="visualFeatures=Color").status_code == 200


def test_a_body_in_chunks_is_read(caller: Caller) -> None:
    data = picture(kind="PNG")
    pieces = (data[start : start + 100] for start in range(0, len(data), 100))

    assert caller.post("tag", pieces).json()["metadata"]["width"] == 120


def test_the_file_part_of_a_multipart_body_is_read(caller: Caller) -> None:
    files = {"note": (None, "hello"), "picture": ("a.png", picture(kind="PNG"), "image/png")}
    answer = caller.post("tag", content_type="", files=files)

    assert answer.json()["metadata"]["format"] == "Png"


def test_a_sole_part_without_a_filename_is_the_image(caller: Caller) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + picture() + b"\r\n--b--\r\n"

    assert caller.post("tag", body, content_type="multipart/form-data; boundary=b").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\nno end of headers\r\n--b--", "multipart/form-data; boundary=b"),
        (b"--b\r\nA: b\r\n\r\ncut off", "multipart/form-data; boundary=b"),
        (b"not json", "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_a_body_without_an_image_is_a_bad_argument(caller: Caller, body: bytes, content_type: str) -> None:
    answer = caller.post("tag", body, content_type=content_type)

    assert answer.status_code == 400
    assert inner_code(answer) == "BadArgument"


def test_two_files_in_a_multipart_body_are_refused(caller: Caller) -> None:
    files = [("a", ("a.jpg", picture())), ("b", ("b.jpg", picture()))]
    answer = caller.post("tag", content_type="", files=files)

    assert inner_code(answer) == "BadArgument"
    assert "exactly one file part; this one holds 2" in answer.json()["error"]["message"]


def test_an_image_on_this_machine_is_fetched_by_its_url(caller: Caller, vision: RunningVision, image_host: str) -> None:
    ImageHost.pages["/a%20b.png?sig=x%2By"] = (200, {}, picture(kind="PNG"))
    answer = caller.post_url("tag", f"{image_host}/a b.png?sig=x%2By".replace(" ", "%20"))

    assert answer.json()["metadata"]["format"] == "Png"
    assert ImageHost.asked == ["/a%20b.png?sig=x%2By"]


def test_localhost_is_this_machine(caller: Caller, image_host: str) -> None:
    ImageHost.pages["/a.jpg"] = (200, {}, picture())

    assert caller.post_url("tag", image_host.replace("127.0.0.1", "LOCALHOST") + "/a.jpg").status_code == 200


def test_a_redirect_on_this_machine_is_followed(caller: Caller, image_host: str) -> None:
    ImageHost.pages["/old"] = (302, {"Location": "/new"}, b"")
    ImageHost.pages["/new"] = (200, {}, picture())

    assert caller.post_url("tag", f"{image_host}/old").status_code == 200


@pytest.mark.parametrize("to", ["http://192.0.2.1/a.jpg", "file:///etc/hostname", "/again", "http://[::1"])
def test_a_redirect_that_leaves_or_never_ends_is_refused(caller: Caller, image_host: str, to: str) -> None:
    ImageHost.pages["/again"] = (302, {"Location": to}, b"")

    assert inner_code(caller.post_url("tag", f"{image_host}/again")) == "InvalidImageUrl"
    assert len(ImageHost.asked) <= 4


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "http://192.0.2.1/a.jpg",
        "http://10.0.0.1/a.jpg",
        "http://0.0.0.0/a.jpg",
        "http://169.254.169.254/metadata",
        "http://127.1/a.jpg",
        "http://2130706433/a.jpg",
        "http://localhost.example.com/a.jpg",
        "http://127.0.0.1@example.com/a.jpg",
        "http://[::ffff:10.0.0.1]/a.jpg",
    ],
)
def test_another_host_is_refused_without_a_connection(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    connected: list[object] = []
    monkeypatch.setattr("local.vision.fetch._get", lambda target, **_: connected.append(target))
    answer = caller.post_url("tag", url)

    assert answer.status_code == 400
    assert connected == []
    assert answer.json()["error"] == {
        "code": "InvalidArgument",
        "message": "Image URL is not accessible.",
        "innererror": {"code": "InvalidImageUrl", "message": "Image URL is not accessible."},
    }


@pytest.mark.parametrize("url", ["", "a.jpg", "ftp://127.0.0.1/a.jpg", "http://", "http://[1", "http://x:99999/", 5])
def test_a_malformed_url_is_refused(caller: Caller, url: object) -> None:
    answer = caller.post_url("tag", url)

    assert inner_code(answer) == "InvalidImageUrl"
    assert answer.json()["error"]["message"].startswith("Image URL is badly formatted")


def test_a_url_that_does_not_answer_with_the_image_is_refused(caller: Caller, image_host: str) -> None:
    ImageHost.pages["/broken"] = (200, {"Content-Length": "100000"}, picture())

    assert inner_code(caller.post_url("tag", f"{image_host}/missing")) == "InvalidImageUrl"
    assert inner_code(caller.post_url("tag", f"{image_host}/broken")) == "InvalidImageUrl"
    assert inner_code(caller.post_url("tag", "http://127.0.0.1:1/nobody-listens")) == "InvalidImageUrl"


def test_a_fetched_image_is_checked_like_a_sent_one(caller: Caller, image_host: str) -> None:
    ImageHost.pages["/text"] = (200, {}, b"hello")
    ImageHost.pages["/big"] = (200, {}, b"\0" * MAX_IMAGE_BYTES)

    assert inner_code(caller.post_url("tag", f"{image_host}/text")) == "InvalidImageFormat"
    assert inner_code(caller.post_url("tag", f"{image_host}/big")) == "InvalidImageSize"


def test_an_empty_image_is_a_matter_of_size(caller: Caller) -> None:
    assert inner_code(caller.post("tag", b"")) == "InvalidImageSize"


def test_four_megabytes_are_refused_and_a_byte_less_is_taken(caller: Caller) -> None:
    data = picture()

    assert caller.post("tag", data.ljust(MAX_IMAGE_BYTES - 1, b"\0")).status_code == 200
    assert inner_code(caller.post("tag", data.ljust(MAX_IMAGE_BYTES, b"\0"))) == "InvalidImageSize"


def test_many_megabytes_are_refused_with_an_answer_and_the_connection_goes_on(caller: Caller) -> None:
    assert inner_code(caller.post("tag", b"\0" * 20_000_000)) == "InvalidImageSize"
    assert caller.post("tag", picture()).status_code == 200


@pytest.mark.parametrize(("width", "height", "status"), [(49, 200, 400), (200, 49, 400), (50, 50, 200)])
def test_fifty_pixels_a_side_are_the_smallest_image(caller: Caller, width: int, height: int, status: int) -> None:
    answer = caller.post("tag", picture(width, height, kind="PNG"))

    assert answer.status_code == status
    if status == 400:
        assert inner_code(answer) == "InvalidImageSize"
        assert f"{width}x{height}" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("width", "status"), [(16_000, 200), (16_001, 400)])
def test_sixteen_thousand_pixels_a_side_are_the_largest_image(caller: Caller, width: int, status: int) -> None:
    assert caller.post("tag", picture(width, 50, kind="PNG")).status_code == status


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_an_image_cut_short_is_refused(caller: Caller, kind: str, share: float) -> None:
    data = encoded(Image.effect_noise((200, 200), 90).convert("RGB"), kind)

    answer = caller.post("tag", data[: int(len(data) * share)])

    assert answer.status_code == 400
    assert inner_code(answer) == "InvalidImageFormat"


def test_the_extension_in_the_name_means_nothing(caller: Caller) -> None:
    answer = caller.post("tag", content_type="", files={"f": ("a.jpg", picture(kind="PNG"), "image/jpeg")})

    assert answer.json()["metadata"]["format"] == "Png"


def bomb(side: int) -> bytes:
    """Return a small PNG that says it is *side* pixels square and holds all of them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(caller: Caller) -> None:
    data = bomb(16_000)
    assert len(data) < 100_000

    answer = caller.post("generateThumbnail", data, query="width=50&height=50")

    assert inner_code(answer) == "InvalidImageSize"
    assert "at most 50000000" in answer.json()["error"]["message"]


def test_a_gif_whose_first_frame_outgrows_its_header_is_refused(caller: Caller) -> None:
    data = bytearray(picture(60, 60, kind="GIF"))
    frame = data.index(b",\0\0\0\0")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 60_000, 60_000)

    assert caller.post("tag", bytes(data)).status_code == 400
