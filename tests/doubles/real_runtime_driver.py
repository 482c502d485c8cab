"""
Load an app's function folders with Microsoft's runtime for the v1 programming model, and invoke what loaded.

    python -S real_runtime_driver.py RUNTIME ROOT PACKAGES [FRONT]

RUNTIME is the directory that holds the package azure_functions_runtime_v1, ROOT the app, PACKAGES what is installed
for it, FRONT one with packages that win over these. Standard output has one JSON line per answer: first
`{"loaded": [...], "refused": {name: message}, "versions": {name: version}, "path": [...]}`, the last being `sys.path`,
then for each line of standard input
`{"function", "inputs": {binding: value}, "metadata": {name: value}}` one
`{"ok", "returned", "outputs": {binding: value}, "error", "traceback"}`. The end of standard input ends it.

A program of its own because the runtime changes the process it runs in, and installs a package called `tests`.
"""

import asyncio
import json
import os
import platform
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from real_runtime_data import packed, unpacked
from real_runtime_protos import init_request, load_request


class Driver:
    """Plays the host for one app: it reads each function.json and talks to the runtime."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def load(self) -> dict[str, Any]:
        """Load every function folder."""
        from azure_functions_runtime_v1 import (  # type: ignore[import-not-found]
            start_threadpool_executor,
            worker_init_request,
        )

        await worker_init_request(init_request())
        start_threadpool_executor()
        folders = sorted(path.parent for path in self._root.glob("*/function.json"))
        refusals = {folder.name: await self._refusal(folder) for folder in folders}
        return {
            "loaded": [name for name, refusal in refusals.items() if refusal is None],
            "refused": {name: refusal for name, refusal in refusals.items() if refusal is not None},
            "versions": _versions(),
            "path": sys.path,
        }

    async def invoke(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke one function."""
        from azure_functions_runtime_v1.bindings.datumdef import Datum  # type: ignore[import-not-found]
        from azure_functions_runtime_v1.native_invocation import (  # type: ignore[import-not-found]
            invocation_request_native,
        )

        inputs = [(name, unpacked(value, Datum)) for name, value in call["inputs"].items()]
        metadata = {name: unpacked(value, Datum) for name, value in call["metadata"].items()}
        ok, returned, outputs, error, traceback = await invocation_request_native(
            str(uuid.uuid4()), call["function"], inputs, metadata
        )
        return {
            "ok": ok,
            "returned": packed(returned),
            "outputs": {name: packed(value) for name, value in outputs},
            "error": error,
            "traceback": traceback,
        }

    async def _refusal(self, folder: Path) -> str | None:
        """Load one function; returns the runtime's message if it refuses."""
        from azure_functions_runtime_v1 import function_load_request

        config = json.loads((folder / "function.json").read_text())
        script = (folder / config.get("scriptFile", "__init__.py")).resolve()
        response = await function_load_request(load_request(folder.name, str(folder), str(script), config))
        if response.result.status == response.result.Success:
            return None
        return str(response.result.exception.message)


def _versions() -> dict[str, str]:
    from azure import functions

    return {"python": platform.python_version(), "azure-functions": functions.__version__}


async def _serve(driver: Driver, answers: TextIO) -> None:
    def say(answer: Mapping[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    say(await driver.load())
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(await driver.invoke(json.loads(line)))


def enter(runtime: Path, root: Path, packages: Path, *front: Path) -> None:
    """Arrange imports as a worker does: installed packages first, the runtime behind them, the app last."""
    os.chdir(root)
    own = os.path.realpath(Path(__file__).parent)
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) != own]
    sys.path[:0] = map(str, (*front, packages))
    sys.path += [str(runtime), str(root)]


def main() -> None:
    """Run until standard input ends."""
    folders = [Path(argument).resolve() for argument in sys.argv[1:]]
    # What functions print must not mix with the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    enter(*folders)
    asyncio.run(_serve(Driver(folders[1]), answers))


if __name__ == "__main__":
    main()
