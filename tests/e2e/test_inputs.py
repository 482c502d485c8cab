"""What users get wrong, uploaded and over HTTP, against the running stack: a clear answer, and nothing paid for it."""

import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from doubles.calls import Response, call
from doubles.hosting import PROJECT_ROOT, Host, running_host
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from PIL import Image

from shared import __version__

pytestmark = pytest.mark.e2e
OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}


def truncated() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((400, 300), 80).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def bomb() -> bytes:
    """A PNG of 20,000 x 20,000 pixels in 50 KB."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(2501)) for _ in range(20_000)) + rows.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    header = (20_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# name, bytes, code of the unfinished record, HTTP status and code of the same bytes POSTed
BAD = {
    "empty.jpg": (b"", "image_empty", 400, "image_missing"),
    "text.jpg": (b"This is text, whatever its name says.\n", "not_an_image", 400, "not_an_image"),
    "truncated.jpg": (truncated(), "image_unreadable", 400, "image_unreadable"),
    "49x49.png": (picture("PNG", 49, 49), "image_too_small", 400, "image_too_small"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format_not_supported", 400, "format_not_supported"),
    "bomb.png": (bomb(), "image_too_many_pixels", 400, "image_too_many_pixels"),
    "page.pdf": (b"%PDF-1.7\n%", "image_unreadable", 400, "format_not_supported"),
}
NAMES = (
    "a name with spaces.png",
    "sub/folder/picture.png",
    "été/日本.png",
    "number #1?.png",
    "100%25.png",
    "dots%2e%2e/a%2eb.png",
    "plus+and&semicolon;=.png",
    "n" * 1000,
)


def post(stack: RunningStack | Host, route: str, body: bytes, headers: Mapping[str, str]) -> Response:
    port = stack.addresses.port if isinstance(stack, RunningStack) else stack.port
    return call(port, "POST", f"/api/{route}", body, headers)


def problem(response: Response) -> dict[str, object]:
    """The error of an answer, checked for its one shape."""
    assert response.header("Content-Type") == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == response.status
    assert body["code"]
    assert body["detail"]
    assert body["action"]
    return body


def paid(stack: RunningStack, data: bytes) -> int:
    """How many paid calls there were about these bytes."""
    digest = hashlib.sha256(data).hexdigest()
    return sum(digests.count(digest) for digests in stack.paid_calls().values())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_ends_in_an_unfinished_record_that_says_why(shared_stack: RunningStack, name: str) -> None:
    data, code, _, _ = BAD[name]
    shared_stack.upload(name, data)
    assert shared_stack.wait_for(name)[name].state == "failed"
    with shared_stack.storage() as storage:
        step = "text" if name.endswith(".pdf") else "analysis"
        blob = storage.get_blob_client("unfinished", f"{step}/{name}.json").download_blob()
        record = json.loads(blob.readall())
    assert (record["state"], record["code"]) == ("failed", code)
    assert record["source"]["bytes"] == len(data)
    assert record["source"]["etag"] == blob.properties.metadata["sourceetag"]
    assert record["message"]
    assert record["action"]
    assert paid(shared_stack, data) == 0


@pytest.mark.parametrize("route", ["analyze", "describe", "thumbnail?width=100&height=100"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused_with_a_code_and_never_paid(shared_stack: RunningStack, name: str, route: str) -> None:
    data, _, status, code = BAD[name]
    response = post(shared_stack, route, data, OCTETS)
    assert response.status == status
    assert problem(response)["code"] == code
    assert paid(shared_stack, data) == 0


def test_an_image_over_the_services_limit_is_analyzed_by_a_copy(shared_stack: RunningStack) -> None:
    data = picture("BMP", 1300, 1100)
    assert len(data) > 4 * 1024**2
    shared_stack.upload("over 4 MB.bmp", data)
    assert shared_stack.wait_for("over 4 MB.bmp")["over 4 MB.bmp"].state == "complete"
    answer = post(shared_stack, "analyze", data, OCTETS)
    assert answer.json()["metadata"] | {"format": ""} == {"width": 1300, "height": 1100, "format": ""}
    assert paid(shared_stack, data) == 0


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:24])
def test_an_image_of_any_name_has_its_records_state_and_thumbnail(shared_stack: RunningStack, name: str) -> None:
    data = picture("PNG", 80, 70, colour=(len(name) % 256, 20, 30))
    shared_stack.upload(name, data)
    assert shared_stack.wait_for(name)[name].state == "complete"
    port = shared_stack.addresses.port
    for place in (f"{quote(name)}?width=200&height=150", f"?name={quote(name, safe='')}&width=200&height=150"):
        response = call(port, "GET", f"/api/thumbnail/{place}")
        assert response.status == 200, response.text
        with Image.open(io.BytesIO(response.body)) as thumbnail:
            # As large as the picture has pixels for that shape.
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (80, 60))
    answer = post(shared_stack, "analyze", json.dumps({"blob": name}).encode(), JSON)
    assert answer.status == 200
    assert answer.json()["metadata"] == {"width": 80, "height": 70, "format": "Png"}


@pytest.mark.parametrize("name", ["../analysis/coffee.jpg.json", "a/../../b", "..", "a/./b", "..\\x"])
def test_a_name_that_leads_out_of_the_container_is_refused(shared_stack: RunningStack, name: str) -> None:
    response = post(shared_stack, "analyze", json.dumps({"blob": name}).encode(), JSON)
    assert response.status == 400
    assert problem(response)["code"] == "bad_blob_name"
    response = call(shared_stack.addresses.port, "GET", f"/api/images?name={quote(name, safe='')}")
    assert response.status == 400
    assert problem(response)["code"] == "bad_blob_name"


@pytest.mark.parametrize(
    "path",
    [
        "/api/images/../analysis/coffee.jpg.json",
        "/api/images/..%2fanalysis%2fcoffee.jpg.json",
        "/api/images/%2e%2e/analysis/coffee.jpg.json",
        "/api/thumbnail/%2e%2e%2fanalysis/coffee.jpg.json?width=100&height=100",
        "/api/thumbnail/x/../../../images/coffee.jpg?width=100&height=100",
    ],
)
def test_a_route_that_leads_out_of_the_container_reaches_nothing(shared_stack: RunningStack, path: str) -> None:
    assert call(shared_stack.addresses.port, "GET", path).status in (400, 404)


def test_an_image_that_is_not_there_is_404_on_every_way(shared_stack: RunningStack) -> None:
    port = shared_stack.addresses.port
    for response in (
        call(port, "GET", "/api/images/no-such.jpg"),
        call(port, "GET", "/api/thumbnail/no-such.jpg?width=100&height=100"),
        post(shared_stack, "analyze", b'{"blob": "no-such.jpg"}', JSON),
    ):
        assert response.status == 404
        assert problem(response)["code"] == "image_not_found"


def test_a_stored_thumbnail_is_served_with_etag_304_and_head(shared_stack: RunningStack) -> None:
    port, path = shared_stack.addresses.port, "/api/thumbnail/coffee.jpg?width=200&height=150"
    first = call(port, "GET", path)
    assert first.status == 200
    assert first.header("Content-Type") == "image/jpeg"
    assert "max-age" in str(first.header("Cache-Control"))
    again = call(port, "GET", path, headers={"If-None-Match": str(first.header("ETag"))})
    assert (again.status, again.body) == (304, b"")
    head = call(port, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.header("ETag") == first.header("ETag")


def test_a_posted_thumbnail_says_where_it_is_stored(shared_stack: RunningStack) -> None:
    data = picture("PNG", 300, 200, colour=(9, 99, 199))
    response = post(shared_stack, "thumbnail?width=64&height=48&smartCropping=false", data, OCTETS)
    assert response.status == 200
    with Image.open(io.BytesIO(response.body)) as thumbnail:
        assert thumbnail.size == (64, 48)
    address = str(response.header("Content-Location"))
    assert address.endswith(f"/thumbnails/by-sha256/{hashlib.sha256(data).hexdigest()}/64x48-plain.jpg")
    with shared_stack.storage() as storage:
        name = address.partition("/thumbnails/")[2]
        assert storage.get_blob_client("thumbnails", name).download_blob().readall() == response.body


def test_bytes_and_blob_and_upload_share_one_paid_call(shared_stack: RunningStack) -> None:
    data = picture("PNG", 90, 90, colour=(1, 2, 3))
    shared_stack.upload("shared bytes.png", data)
    shared_stack.wait_for("shared bytes.png")
    by_blob = post(shared_stack, "analyze", b'{"blob": "shared bytes.png"}', JSON).json()
    by_bytes = post(shared_stack, "analyze", data, OCTETS).json()
    assert by_blob == by_bytes
    assert shared_stack.paid_calls()["analyze"].count(hashlib.sha256(data).hexdigest()) == 1


def test_a_page_of_images_goes_on_where_the_last_one_ended(shared_stack: RunningStack) -> None:
    port, seen, continuation = shared_stack.addresses.port, [], ""
    while True:
        page = call(port, "GET", f"/api/images?limit=3{continuation}").json()
        assert len(page["images"]) <= 3
        seen += [image["name"] for image in page["images"]]
        if page["continuation"] is None:
            break
        continuation = f"&continuation={quote(page['continuation'], safe='')}"
    assert {"astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"} <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.fixture
def lone_host(shared_stack: RunningStack, tmp_path: Path) -> Iterator[Host]:
    """A second host on the same storage, whose settings for Computer Vision are wrong."""
    settings = {
        "VISION_ENDPOINT": shared_stack.addresses.vision_url,
        "VISION_KEY": "not-the-key",
        "ImagesStorage": shared_stack.addresses.connection_string,
        "AzureWebJobsStorage": shared_stack.addresses.connection_string,
        "HEALTH_KEY": "let me see",
    }
    with running_host(PROJECT_ROOT, tmp_path, environment=settings) as host:
        yield host


def test_a_wrong_key_is_named_by_its_setting(lone_host: Host) -> None:
    response = post(lone_host, "describe", picture(colour=(50, 60, 70)), OCTETS)
    assert response.status == 502
    body = problem(response)
    assert body["code"] == "vision_unauthorized"
    assert "VISION_KEY" in str(body["action"])
    assert "not-the-key" not in response.text


def test_health_says_down_to_all_and_why_to_whoever_has_the_key(lone_host: Host) -> None:
    short = lone_host.request("GET", "/api/health")
    assert (short.status, short.json()) == (503, {"status": "down", "version": __version__})
    assert lone_host.request("GET", "/api/health?code=guess").json() == {"status": "down", "version": __version__}
    report = lone_host.request("GET", "/api/health", headers={"x-functions-key": "let me see"}).json()
    [found] = report["problems"]
    assert (found["part"], found["code"]) == ("vision", "vision_unauthorized")
    assert "VISION_KEY" in found["action"]


def test_health_is_up_where_all_is_well(shared_stack: RunningStack) -> None:
    response = call(shared_stack.addresses.port, "GET", "/api/health")
    assert (response.status, response.json()) == (200, {"status": "up", "version": __version__})


def test_a_service_that_is_down_is_told_as_such_and_uploads_say_so(shared_stack: RunningStack, tmp_path: Path) -> None:
    settings = {
        "VISION_ENDPOINT": f"http://127.0.0.1:{five_free_ports()}",
        "VISION_KEY": "any",
        # The ledger is read in this time too, by an SDK that has yet to be imported.
        "VISION_TIMEOUT_SECONDS": "5",
        "ImagesStorage": shared_stack.addresses.connection_string,
        "AzureWebJobsStorage": shared_stack.addresses.connection_string,
    }
    with running_host(PROJECT_ROOT, tmp_path, environment=settings) as host:
        response = post(host, "describe", picture(colour=(80, 60, 70)), OCTETS)
        assert response.status == 503
        assert problem(response)["code"] == "vision_unavailable"


def test_missing_settings_are_named_all_at_once(tmp_path: Path) -> None:
    empty = dict.fromkeys(("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"), "")
    with running_host(PROJECT_ROOT, tmp_path, environment=empty) as host:
        body = problem(post(host, "describe", b"x", OCTETS))
    assert body["code"] == "settings_invalid"
    for name in empty:
        assert name in str(body["detail"])
