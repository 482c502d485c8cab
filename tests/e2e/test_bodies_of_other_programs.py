"""An image as other programs send it, through the local host and a worker: the bytes that are in it are asked once."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from doubles.calls import call
from doubles.pictures import picture
from doubles.running_stack import RunningStack
from doubles.wrappings import WRAPPINGS

pytestmark = pytest.mark.e2e
IMAGE = picture("PNG", 90, 60, colour=(30, 140, 90))
# More than 4 MB, and as JSON a hundred times what JSON may have besides.
LARGE = picture("BMP", 1300, 1100, colour=(90, 140, 30))


def paid(stack: RunningStack) -> int:
    return sum(map(len, stack.paid_calls().values()))


def test_all_ways_to_send_an_image_are_one_question_and_one_payment(shared_stack: RunningStack) -> None:
    before = paid(shared_stack)
    port = shared_stack.addresses.port
    answers = {
        name: call(port, "POST", "/api/describe", wrap(IMAGE), {"Content-Type": declared} if declared else {})
        for name, (wrap, declared) in WRAPPINGS.items()
    }
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(WRAPPINGS, 200)
    assert len({answer.text for answer in answers.values()}) == 1
    assert paid(shared_stack) == before + 1
    digest = hashlib.sha256(IMAGE).hexdigest()
    assert any(digest in bodies for bodies in shared_stack.paid_calls().values())


@pytest.mark.parametrize("name", ["$content", "data address", "form"])
def test_a_large_image_comes_through(shared_stack: RunningStack, name: str) -> None:
    wrap, declared = WRAPPINGS[name]
    body = wrap(LARGE)
    answer = call(shared_stack.addresses.port, "POST", "/api/analyze", body, {"Content-Type": declared})
    assert answer.status == 200, answer.text
    assert answer.json()["metadata"] | {"format": ""} == {"width": 1300, "height": 1100, "format": ""}


@pytest.mark.parametrize("name", ["$content", "base64 as JSON", "form"])
def test_a_text_is_read_from_it_as_well(shared_stack: RunningStack, name: str) -> None:
    wrap, declared = WRAPPINGS[name]
    port = shared_stack.addresses.port
    first = call(port, "POST", "/api/ocr", IMAGE, {"Content-Type": "image/png"})
    answer = call(port, "POST", "/api/ocr", wrap(IMAGE), {"Content-Type": declared})
    assert answer.status in (200, 202), answer.text
    if (first.status, answer.status) == (202, 202):
        assert answer.header("Location") == first.header("Location")


def test_curl_sends_them_as_the_page_says(shared_stack: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(IMAGE)
    address = f"http://127.0.0.1:{shared_stack.addresses.port}/api/describe"
    commands = (
        f"curl -sS --data-binary @photo.png {address}",
        f"curl -sS -F file=@photo.png {address}",
        f"base64 < photo.png | curl -sS --data-binary @- {address}",
        f"base64 < photo.png | curl -sS -d @- {address}",
    )
    answers = [
        subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        for command in commands
    ]
    assert '"captions"' in answers[0].stdout
    assert {answer.stdout for answer in answers} == {answers[0].stdout}
