"""Where the examples of the documentation are run, and how what they print is compared with what the pages show."""

import json
import math
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doubles.checkout import Place, TypedStack, environment
from doubles.doc_blocks import Block, Command
from doubles.patience import wait_until
from doubles.terminal import Terminal, terminal

# Different at every run.
CHANGING = re.compile(
    r'"(requestId|visionRequestId|etag|first|last|correlationId|date|checkedAt|since)": "[^"]*"'
    r'|"(transactions|images|waitForBackfill|recordsRemoved|answersForgotten|descriptionAndText|money)": [\d.]+'
)
IDENTIFIER = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8}\b")
PATH = re.compile(r"(?<![\w.])/[\w./-]+")
NUMBER = re.compile(r"\d+(\.\d+)*")
# Of a model. Its last places differ from one processor to the next.
CONFIDENCE = re.compile(r"\b[01]\.\d{1,4}\b")
CLOSE = 0.01


@dataclass
class World:
    """The stack that the README starts, the place of its checkout, and what Python blocks have printed."""

    place: Place
    stack: TypedStack
    folder: Path
    printed: dict[Block, str] = field(default_factory=dict)

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Whatever happens inside, no fault, no hold and no further image is left."""
        with self.stack.storage() as storage:
            images = storage.get_container_client("images")
            before = set(images.list_blob_names())
            try:
                yield
            finally:
                self.control("DELETE", "faults")
                self.control("DELETE", "hold")
                for name in set(images.list_blob_names()) - before:
                    images.delete_blob(name)

    def control(self, method: str, what: str, **body: object) -> dict[str, Any]:
        """Ask the control address of Computer Vision's stand-in."""
        url = f"{self.stack.addresses.vision_url}/_control/{what}"
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    @contextmanager
    def terminal(self, place: Place | None = None) -> Iterator[Terminal]:
        """A terminal in the project's folder, with its virtual environment."""
        with terminal((place or self.place).folder, environment()) as opened:
            assert opened.run(". .venv/bin/activate") == (0, "")
            yield opened

    def python(self, code: str, **own: str) -> str:
        """What Python code prints that is run in the project's folder."""
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=self.place.folder, env=environment(**own), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def form(text: str) -> str:
    """The text without what differs from one machine and one run to the next."""
    return NUMBER.sub("#", PATH.sub("/PATH", IDENTIFIER.sub("ID", text)))


def as_shown(printed: str, shown: str) -> str:
    """What was printed, with confidences as the page shows them where they are close to one of them."""
    confidences = {float(number): number for number in CONFIDENCE.findall(shown)}

    def nearest(found: re.Match[str]) -> str:
        value = float(found[0])
        near = min(confidences, key=lambda each: abs(each - value), default=math.inf)
        return confidences[near] if abs(near - value) <= CLOSE else found[0]

    return CONFIDENCE.sub(nearest, printed)


def assert_http(answer: tuple[str, ...], printed: str) -> None:
    """Every line of the page is among the printed ones in order; `...` stands for whatever is left out."""
    rest = as_shown(CHANGING.sub(r'"\1\2": ""', printed), "\n".join(answer))
    for line in answer:
        if re.match(r"[A-Za-z-]+: ", line):
            name = line.partition(":")[0].lower()
            assert re.search(rf"^{name}: ", rest.lower(), re.MULTILINE), f"{name} is not in {printed}"
            continue
        for piece in CHANGING.sub(r'"\1\2": ""', line).split("..."):
            assert piece in rest, f"{piece!r} is not in {printed}"
            rest = rest[rest.index(piece) + len(piece) :]


def assert_same_members(shown: Any, real: Any, where: str = "") -> None:
    """Objects have the same members of the same types, at every depth; the page may shorten what is in `result`."""
    if isinstance(shown, dict):
        assert isinstance(real, dict), where
        assert set(shown) <= set(real), where
        assert ".result" in where or set(shown) == set(real), where
        for name in shown:
            assert_same_members(shown[name], real[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert isinstance(real, list), where
        for each in zip(shown, real, strict=False):
            assert_same_members(*each, f"{where}[]")
    else:
        assert type(shown) is type(real), where


def run(world: World, command: Command, opened: Terminal, place: Place, status: int = 0) -> str:
    """
    What the command prints, as the page would have it; its exit status has to be *status*.

    A curl whose answer is not shown has to be answered 2xx.
    """
    text = command.text if command.answer else command.text.replace("curl -s", "curl -s -f", 1)
    ended, printed = opened.run(place.here(text))
    assert ended == status, (command.text, ended, printed)
    if text.endswith("&"):
        wait_until(lambda: bool(world.control("GET", "hold")["waiting"]))
    return place.back(printed)


def assert_command(world: World, command: Command, opened: Terminal, place: Place) -> None:
    printed = run(world, command, opened, place)
    if command.text.startswith(("curl ", "cat answer.json")) or "| curl " in command.text:
        assert_http(command.answer, printed)
    elif " doctor" in command.text:
        assert form(printed).splitlines() == [form(line) for line in command.answer]
    elif command.answer:
        assert as_shown(printed, "\n".join(command.answer)).splitlines() == list(command.answer)
