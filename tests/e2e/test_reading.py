"""Text on the real stack: read by upload and over HTTP, paid once, cancelled, failed."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from doubles.calls import Response, call
from doubles.documents import text_pdf
from doubles.hosting import PROJECT_ROOT, Host, running_host
from doubles.patience import wait_until
from doubles.running_stack import RunningStack
from doubles.stack_controls import deliver, faults
from doubles.vision_calls import encoded

from local import drawings

pytestmark = pytest.mark.e2e
OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
# name, number of pages, words of its text
TEXTS = {
    "receipt.png": (1, "CORNER COFFEE", "TOTAL EUR 19.40"),
    "sign.jpg": (1, "RIVER PARK", "OPEN 8 - 20"),
    "scan.png": (1, "Dear neighbours,", "for our summer party. Please move your"),
    "minutes.pdf": (2, "Minutes of the summer party", "Find the owner of the green hat."),
    "recipe.tif": (2, "Apple cake for twelve", "Serve with whipped cream."),
}


def stored(stack: RunningStack, name: str) -> tuple[dict[str, Any], str, dict[str, str]]:
    """The records of an image's text: the one with places, the plain one, the metadata of the first."""
    with stack.storage() as storage:
        places = storage.get_blob_client("text", f"{name}.json").download_blob()
        plain = storage.get_blob_client("text", f"{name}.txt").download_blob()
        return json.loads(places.readall()), plain.readall().decode(), dict(places.properties.metadata)


def paid(stack: RunningStack, data: bytes) -> int:
    """How many times the document was submitted and paid."""
    return stack.paid_calls()["read"].count(hashlib.sha256(data).hexdigest())


def post(stack: RunningStack, body: bytes, headers: dict[str, str] = OCTETS, query: str = "") -> Response:
    return call(stack.addresses.port, "POST", f"/api/ocr{query}", body, headers)


def target(address: str | None) -> str:
    """The path and query of an address that was given."""
    parts = urlsplit(str(address))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def followed(ask: Callable[[str], Response], started: Response) -> Iterator[Response]:
    """Every answer from 202 on, asked for as a poller does: at the address, after the seconds, of the last one."""
    answer = started
    while answer.status == 202:
        yield answer
        address, wait_seconds = target(answer.header("Location")), int(str(answer.header("Retry-After")))
        assert wait_seconds >= 1
        due = time.monotonic() + wait_seconds
        wait_until(lambda: time.monotonic() >= due, wait_seconds + 5)  # noqa: B023 (called at once)
        answer = ask(address)
    yield answer


def get(stack: RunningStack) -> Callable[[str], Response]:
    return lambda address: call(stack.addresses.port, "GET", address)


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_of_an_upload_lies_beside_it_with_places_and_as_plain_text(
    shared_stack: RunningStack, name: str
) -> None:
    pages, *words = TEXTS[name]
    [state] = shared_stack.wait_for(name).values()
    assert (state.state, state.text.state) == ("complete", "done")
    assert (state.text.record, state.text.plain) == (f"text/{name}.json", f"text/{name}.txt")
    document, plain, metadata = stored(shared_stack, name)
    with shared_stack.storage() as storage:
        etag = storage.get_blob_client("images", name).get_blob_properties().etag.strip('"')
    assert metadata["sourceetag"] == document["source"]["etag"] == etag
    results = document["analyzeResult"]["readResults"]
    assert [page["page"] for page in results] == list(range(1, pages + 1))
    lines = [line for page in results for line in page["lines"]]
    assert all(len(line["boundingBox"]) == 8 for line in lines)
    assert all(0 < word["confidence"] <= 1 for line in lines for word in line["words"])
    places = [plain.replace("\n", " ").find(each) for each in words]
    assert places == sorted(places)
    assert min(places) >= 0
    assert state.text.excerpt.startswith(words[0])


def test_a_scan_that_lies_on_its_side_is_read_as_well(shared_stack: RunningStack) -> None:
    shared_stack.upload("askew.png", encoded(drawings.scan(94), "PNG"))
    assert shared_stack.wait_for("askew.png")["askew.png"].state == "complete"
    document, plain, _ = stored(shared_stack, "askew.png")
    assert plain.splitlines()[0] == drawings.LETTER[0]
    assert abs(document["analyzeResult"]["readResults"][0]["angle"]) > 80


def test_a_photograph_without_text_is_complete_and_nothing_was_paid_to_read_it(shared_stack: RunningStack) -> None:
    [state] = shared_stack.wait_for("coffee.jpg").values()
    assert (state.state, state.text.state) == ("complete", "none")
    with shared_stack.storage() as storage:
        data = storage.get_blob_client("images", "coffee.jpg").download_blob().readall()
        assert not storage.get_blob_client("text", "coffee.jpg.json").exists()
    assert paid(shared_stack, data) == 0


def test_one_document_on_every_way_at_once_is_submitted_and_paid_once(shared_stack: RunningStack) -> None:
    data, answers = text_pdf("One for all"), list[Response]()
    bodies = [(data, OCTETS), (data, OCTETS), (b'{"blob": "once.pdf"}', JSON), (b'{"blob": "once.pdf"}', JSON)]

    def visit(body: bytes, headers: dict[str, str]) -> None:
        answers.append(list(followed(get(shared_stack), post(shared_stack, body, headers)))[-1])

    with faults(shared_stack, read_seconds=3):
        shared_stack.upload("once.pdf", data)
        threads = [threading.Thread(target=visit, args=each) for each in bodies]
        threads += [threading.Thread(target=deliver, args=(shared_stack, "once.pdf")) for _ in range(5)]
        for thread in threads:
            thread.start()
        shared_stack.upload("folder/copy of once.pdf", data)
        for thread in threads:
            thread.join()
    assert {answer.status for answer in answers} == {200}
    assert {answer.json()["text"] for answer in answers} == {"One for all\n"}
    states = shared_stack.wait_for("once.pdf", "folder/copy of once.pdf")
    assert {state.state for state in states.values()} == {"complete"}
    assert paid(shared_stack, data) == 1

    shared_stack.upload("once.pdf", data)
    assert deliver(shared_stack, "once.pdf") == 202
    assert shared_stack.wait_for("once.pdf")["once.pdf"].state == "complete"
    known = post(shared_stack, data, query="?format=txt")
    assert (known.status, known.text) == (200, "One for all\n")
    assert paid(shared_stack, data) == 1


def test_another_question_about_the_same_document_is_another_read(shared_stack: RunningStack) -> None:
    data = encoded(drawings.sign(), "TIFF", save_all=True, append_images=[drawings.sign()])
    first = list(followed(get(shared_stack), post(shared_stack, data, query="?pages=1")))[-1]
    both = list(followed(get(shared_stack), post(shared_stack, data, query="?pages=1,2")))[-1]
    pages = [[page["page"] for page in answer.json()["analyzeResult"]["readResults"]] for answer in (first, both)]
    assert pages == [[1], [1, 2]]
    assert paid(shared_stack, data) == 2


def test_a_poller_is_told_where_and_when_to_ask_until_the_text_comes(shared_stack: RunningStack) -> None:
    data = text_pdf("Patience", "pays")
    # The time of the last turn is told in tenths of a second: without a latency, submitting takes a fast machine none.
    with faults(shared_stack, read_seconds=4, latency_seconds=0.3):
        *underway, last = followed(get(shared_stack), post(shared_stack, data))
    assert len(underway) >= 2
    assert {target(answer.header("Location")) for answer in underway} == {f"/api/ocr/{underway[0].json()['id']}"}
    assert {answer.json()["state"] for answer in underway} == {"running"}
    assert underway[-1].json()["elapsedSeconds"] > 0
    body = last.json()
    assert (last.status, body["state"], body["text"]) == (200, "done", "Patience\npays\n")
    assert body["source"] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    [line, _] = body["analyzeResult"]["readResults"][0]["lines"]
    assert (line["text"], line["words"][0]["confidence"], len(line["boundingBox"])) == ("Patience", 1, 8)
    plain = call(shared_stack.addresses.port, "GET", f"{target(underway[0].header('Location'))}?format=txt")
    assert (plain.status, plain.text) == (200, "Patience\npays\n")
    assert str(plain.header("Content-Type")).startswith("text/plain")


def test_a_cancelled_read_is_gone_and_whoever_asks_again_gets_what_was_paid(shared_stack: RunningStack) -> None:
    data, port = text_pdf("Never mind"), shared_stack.addresses.port
    with faults(shared_stack, read_seconds=5):
        address = target(post(shared_stack, data).header("Location"))
        wait_until(lambda: paid(shared_stack, data) == 1)
        assert call(port, "DELETE", address).status == 202
        wait_until(lambda: call(port, "GET", address).status == 410)
        assert call(port, "GET", address).json()["code"] == "ocr_cancelled"
        again = call(port, "DELETE", address)
        assert (again.status, again.json()["state"]) == (200, "cancelled")
        last = list(followed(get(shared_stack), post(shared_stack, data)))[-1]
    assert (last.status, last.json()["text"]) == (200, "Never mind\n")
    assert call(port, "DELETE", address).status == 409
    assert paid(shared_stack, data) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("instance_id", ["ocr-" + "0" * 40, "x", "..%2f..%2fadmin"])
def test_a_read_that_nobody_started_is_404(shared_stack: RunningStack, method: str, instance_id: str) -> None:
    answer = call(shared_stack.addresses.port, method, f"/api/ocr/{instance_id}")
    assert answer.status == 404
    if "%" not in instance_id:
        assert answer.json()["code"] == "ocr_not_found"


def test_a_read_that_fails_says_why_and_what_to_do_by_upload_and_over_http(shared_stack: RunningStack) -> None:
    uploaded, posted = text_pdf("fails by upload"), text_pdf("fails over HTTP")
    with faults(shared_stack, read_failed=1):
        shared_stack.upload("fails.pdf", uploaded)
        last = list(followed(get(shared_stack), post(shared_stack, posted)))[-1]
        [state] = shared_stack.wait_for("fails.pdf").values()
    assert last.header("Content-Type") == "application/problem+json"
    assert last.status == last.json()["status"] == 422
    assert last.json()["code"] == "read_failed"
    assert last.json()["action"]
    assert (state.state, state.text.state) == ("failed", "failed")
    assert str(state.text.problem).endswith("(read_failed)")
    with shared_stack.storage() as storage:
        record = json.loads(storage.get_blob_client("unfinished", "text/fails.pdf.json").download_blob().readall())
    assert (record["state"], record["code"]) == ("failed", "read_failed")
    assert record["message"]
    assert record["action"]

    # What failed is asked anew by whoever asks, and only then.
    after = list(followed(get(shared_stack), post(shared_stack, posted)))[-1]
    assert (after.status, after.json()["text"]) == (200, "fails over HTTP\n")
    assert (paid(shared_stack, uploaded), paid(shared_stack, posted)) == (1, 2)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no document at all", "not_an_image"),
        (b"", "image_missing"),
        (encoded(drawings.sign(), "GIF"), "format_not_supported"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_paid(
    shared_stack: RunningStack, body: bytes, code: str
) -> None:
    answer = post(shared_stack, body)
    assert (answer.status, answer.json()["code"]) == (400, code)
    assert paid(shared_stack, body) == 0


@pytest.fixture
def keyed_host(shared_stack: RunningStack, tmp_path: Path) -> Iterator[Host]:
    """A second host on the same storage, which checks keys."""
    settings = {
        "VISION_ENDPOINT": shared_stack.addresses.vision_url,
        "VISION_KEY": "local-vision-key",
        "ImagesStorage": shared_stack.addresses.connection_string,
        "AzureWebJobsStorage": shared_stack.addresses.connection_string,
    }
    with running_host(PROJECT_ROOT, tmp_path, "--enable-auth", environment=settings) as host:
        yield host


def test_a_key_is_needed_and_one_in_the_address_stays_in_the_address_to_ask(keyed_host: Host, tmp_path: Path) -> None:
    keys = json.loads((tmp_path / "host" / "keys.json").read_text())
    key, data = keys["functionKeys"]["default"], text_pdf("Behind a key")
    assert keyed_host.request("POST", "/api/ocr", data, OCTETS).status == 401
    started = keyed_host.request("POST", f"/api/ocr?code={key}", data, OCTETS)
    last = list(followed(lambda address: keyed_host.request("GET", address), started))[-1]
    assert (last.status, last.json()["text"]) == (200, "Behind a key\n")
    for secret in (keys["master"], *keys["systemKeys"].values()):
        assert secret not in str(started.headers) + started.text + last.text
    assert keyed_host.request("GET", f"/api/ocr/{started.json()['id']}").status == 401
