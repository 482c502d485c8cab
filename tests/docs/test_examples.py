"""The examples of the documentation, run against the real stack: each command works and answers as the page shows."""

import json
import re
import shlex
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContentSettings
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# These want a stack of another kind: with a setting and an outage, and with keys.
ELSEWHERE = ("let-me-see", "$key", "-w '%{http_code}")
# Part of a scene that the test plays itself, with the same command on another page.
SCENE = ("$control/hold", "width=111")
HELD = "width=111"
# Different at every run.
CHANGING = re.compile(r'"(requestId|etag|first|last|correlationId)": "[^"]*"')


@dataclass(frozen=True)
class Example:
    """One command of a page, and the lines that the page shows as its answer."""

    page: str
    command: str
    answer: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {self.command}"


def examples(page: str) -> Iterator[Example]:
    for block in BLOCK.findall((PROJECT / page).read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *answer = part.rstrip("\n").split("\n")
            left_out = ELSEWHERE + (SCENE if page == "docs/local-stack.md" else ())
            if command.startswith("curl ") and not any(words in command for words in left_out):
                yield Example(page, command, tuple(answer))


EXAMPLES = [each for page in ("README.md", "docs/http-api.md", "docs/local-stack.md") for each in examples(page)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("examples"))
    stack.start()
    with stack.storage() as storage:
        image_type = ContentSettings(content_type="image/jpeg")
        storage.get_blob_client("images", "notes.jpg").upload_blob(b"hello\n", content_settings=image_type)
    assert stack.wait_for("notes.jpg")["notes.jpg"].state == "failed"
    yield stack
    assert stack.stop() == 0, stack.output


def run(stack: RunningStack, example: Example, folder: Path) -> str:
    """What the command prints; a command whose answer is not shown has to be answered 2xx."""
    command = example.command if example.answer else example.command.replace("curl -s", "curl -s -f", 1)
    for offset in range(5):
        command = command.replace(f":{7071 + offset}", f":{stack.addresses.port + offset}")
    script = f"control={shlex.quote(stack.addresses.vision_url)}/_control; {command}"
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr, done.stdout)
    return done.stdout.replace("\r", "")


@contextmanager
def held_thumbnails(stack: RunningStack, command: str) -> Iterator[None]:
    """Inside, somebody else is making the thumbnail that the command asks for."""
    hold = f"{stack.addresses.vision_url}/_control/hold"
    [path] = re.findall(r"localhost:7071([^'\s]+)", command)

    def send(method: str, body: bytes | None = None) -> dict[str, Any]:
        with urllib.request.urlopen(urllib.request.Request(hold, data=body, method=method), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def ask() -> None:
        with urllib.request.urlopen(stack.addresses.host_url + path, timeout=60) as answer:
            answer.read()

    send("PUT", b'{"operations": ["generateThumbnail"]}')
    other = threading.Thread(target=ask)
    other.start()
    try:
        wait_until(lambda: bool(send("GET")["waiting"]))
        yield
    finally:
        send("DELETE")
        other.join()


def assert_shown(answer: tuple[str, ...], printed: str) -> None:
    """Every line of the page is among the printed ones in order; `...` stands for whatever is left out."""
    rest = CHANGING.sub(r'"\1": ""', printed)
    for line in answer:
        if re.match(r"[A-Za-z-]+: ", line):
            name = line.partition(":")[0].lower()
            assert re.search(rf"^{name}: ", rest.lower(), re.MULTILINE), f"{name} is not in {printed}"
            continue
        for piece in CHANGING.sub(r'"\1": ""', line).split("..."):
            assert piece in rest, f"{piece!r} is not in {printed}"
            rest = rest[rest.index(piece) + len(piece) :]


def test_there_are_examples_to_run() -> None:
    assert {example.page for example in EXAMPLES} == {"README.md", "docs/http-api.md", "docs/local-stack.md"}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_works_and_answers_as_the_page_shows(stack: RunningStack, example: Example, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(PROJECT / "samples")
    if HELD in example.command:
        with held_thumbnails(stack, example.command):
            printed = run(stack, example, tmp_path)
    else:
        printed = run(stack, example, tmp_path)
    assert_shown(example.answer, printed)
