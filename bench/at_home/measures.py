"""What is measured of one tree, each time in a fresh process with nothing but that tree in front of the packages."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from PIL.PngImagePlugin import PngInfo

from bench.peers import authority, rounds
from bench.peers.rounds import Cell
from bench.stack import running_storage
from local import drawings
from local.vision.server import running_vision

Json = dict[str, Any]

CHILD = Path(__file__).with_name("child.py")
CALLS = (Cell("http, 1 thread", "cost", calls=960), Cell("TLS, 16 threads", "cost", "https", threads=16, calls=960))
# The client as the app has it, with gate and ledger.
CLIENT = "ours, paced"
_SECONDS = 600
# The worker has imported azure.functions before any function.
_IMPORT = """
import azure.functions, importlib, json, sys, time
before, begun = set(sys.modules), time.process_time()
importlib.import_module(sys.argv[1])
spent = time.process_time() - begun
print(json.dumps([len(set(sys.modules) - before), spent * 1000]))
"""


class Import(NamedTuple):
    """How many modules a function folder imports, and the milliseconds of CPU that takes."""

    modules: int
    cpu_ms: float


class Bench:
    """The services that both trees are measured with: storage, Computer Vision, and the one that only answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pictures = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._storage = stack.enter_context(running_storage(self._folder))
            self._vision = stack.enter_context(running_vision())
            self._server = stack.enter_context(rounds.serving(authority.make(self._folder)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def folders(self, tree: Path) -> list[str]:
        """The function folders of a tree."""
        return sorted(path.parent.name for path in tree.glob("*/function.json"))

    def imported(self, tree: Path, function: str) -> Import:
        """Import a function folder."""
        modules, milliseconds = self._run(tree, ["-c", _IMPORT, function])
        return Import(modules, milliseconds)

    def call(self, tree: Path, cell: Cell) -> float:
        """The CPU milliseconds of one call through the client."""
        return float(rounds.measure(CLIENT, self._server, cell, root=tree, python=Path(sys.executable))["cpu_ms"])

    def uploads(self, tree: Path, count: int) -> list[Json]:
        """What `child.py` tells of so many uploads, without a first one that warms it up."""
        uploads = [self._picture() for _ in range(count + 1)]
        task = {"storage": self._storage, "uploads": uploads}
        found: list[Json] = self._run(tree, [str(CHILD), str(tree), json.dumps(task)])["uploads"]
        return found[1:]

    def _picture(self) -> tuple[str, str]:
        """A sign with text on it, of which nothing is known yet: its name and where it lies."""
        self._pictures += 1
        path = self._folder / f"sign-{self._pictures}.png"
        comment = PngInfo()
        comment.add_text("Comment", path.name)
        drawings.sign().save(path, pnginfo=comment)
        return path.name, str(path)

    def _run(self, tree: Path, arguments: Sequence[str]) -> Any:
        environment = {
            **{name: value for name, value in rounds.environment().items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPATH": str(tree),
            # Compiled modules of both trees, beside neither.
            "PYTHONPYCACHEPREFIX": str(self._folder / "compiled"),
            "VISION_ENDPOINT": self._vision.url,
            "VISION_KEY": self._vision.key,
            "VISION_RATE": "100/1",
            "ImagesStorage": self._storage,
            "AzureWebJobsStorage": self._storage,
        }
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"{tree}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)
