"""The blocks of the page on other services: files that the app has never seen, and the requests of each language."""

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from doubles.calls import call
from doubles.checkout import environment
from doubles.doc_blocks import Block, blocks
from doubles.doc_world import World
from doubles.hosting import Response
from doubles.http_file import FileRequest, requests_in
from doubles.patience import wait_until

POWERSHELLS = tuple(found for name in ("pwsh", "powershell") if (found := shutil.which(name)))
# The languages that ask for the same in each section of the page, in the order in which they stand there.
LANGUAGES = ("console", "python", "powershell", "http")
REQUEST = re.compile(r"(?:\$app|\{APP\}|\{\{host\}\})(/api/[^\s\"'`]*)")
NUMBERS = itertools.count(1)


def fresh(data: bytes) -> bytes:
    """A JPEG or a PDF that shows the same and is new to the app."""
    number = f"new {next(NUMBERS)}".encode()
    if data.startswith(b"\xff\xd8"):
        # A comment after the beginning of the picture.
        return data[:2] + b"\xff\xfe" + (len(number) + 2).to_bytes(2, "big") + number + data[2:]
    assert data.startswith(b"%PDF-")
    return data + b"%" + number + b"\n"


def put_new_files(world: World) -> None:
    """What the page calls files of theirs, in the folder in which its blocks are run."""
    folder = world.place.folder
    (folder / "their-photo.jpg").write_bytes(fresh((folder / "samples" / "coffee.jpg").read_bytes()))
    minutes = world.stack.state / "samples" / "minutes.pdf"
    (folder / "their-document.pdf").write_bytes(fresh(minutes.read_bytes()))


def asked(text: str) -> list[str]:
    """The paths with their queries that a block asks the app for, whatever its language."""
    return REQUEST.findall(text)


def sections(page: str) -> Iterator[list[Block]]:
    """The blocks of each section of the page in which something is asked, those of the same language together."""
    found = list(blocks(page))
    text = (Path(__file__).resolve().parents[2] / page).read_text(encoding="utf-8").splitlines()
    headings = [number for number, line in enumerate(text, 1) if line.startswith("## ")]
    for begin, end in zip(headings, [*headings[1:], len(text) + 1], strict=True):
        within = [block for block in found if begin < block.line < end]
        if any(asked(block.text) for block in within):
            yield within


def of_the_page(block: Block) -> str:
    """What the first block of this language sets up, then this one."""
    first = next(each for each in blocks(block.page) if each.kind == block.kind)
    return "\n".join(each.text for each in dict.fromkeys([first, block]))


def ask(world: World, block: Block) -> None:
    """Send the requests of a `.http` block; one that is answered 202 is sent again, as the page says."""
    variables = dict[str, str]()
    for request in requests_in(world.place.here(of_the_page(block)), world.place.folder, variables):
        if request.name:
            answer = _answer(world, request)
            location = answer.header("Location")
            assert location, (request.url, answer.status, answer.text)
            variables[f"{request.name}.response.headers.Location"] = location
        else:
            _ask_until_done(world, request)


def _ask_until_done(world: World, request: FileRequest) -> None:
    answers = [_answer(world, request)]

    def done() -> bool:
        if answers[-1].status == 202:
            answers.append(_answer(world, request))
        return answers[-1].status != 202

    wait_until(done, poll_seconds=0.3)
    assert answers[-1].status == 200, (request.url, answers[-1].status, answers[-1].text)


def _answer(world: World, request: FileRequest) -> Response:
    target = re.sub(r"^http://[^/]+", "", request.url)
    return call(world.stack.addresses.port, request.method, target, request.body, request.headers)


def run_powershell(world: World, block: Block) -> None:
    """Run it with each PowerShell that is on the machine."""
    for program in POWERSHELLS:
        put_new_files(world)
        command = [program, "-NoProfile", "-NonInteractive", "-Command", "-"]
        code = "$ErrorActionPreference = 'Stop'\n" + world.place.here(of_the_page(block)) + "\n"
        done = subprocess.run(
            command,
            input=code,
            cwd=world.place.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, ""), (program, done.stdout, done.stderr)
