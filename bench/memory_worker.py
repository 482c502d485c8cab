"""
The app in Microsoft's runtime, in a process that tells what its invocations take.

    python bench/memory_worker.py RUNTIME ROOT PACKAGES

Each line of standard input is a list of calls, as `tests/doubles/real_runtime_driver.py` takes them, which begin at
once. The answer is a line `{"outcomes": [...], "idle": bytes, "peak": bytes, "seconds": n, "requests": [...]}`:
resident before, and at most meanwhile; CPU time; and each request that was sent over `http.client`, which is all to
storage and to Computer Vision, as `[port, method, path]`.

Linux only: `/proc` tells the peak, and forgets it when asked.
"""

import asyncio
import gc
import http.client
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

DOUBLES = Path(__file__).resolve().parent.parent / "tests" / "doubles"
_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_sent: list[tuple[int, str, str]] = []


def _tell_requests() -> None:
    """Keep every request that is sent from now on."""
    send = http.client.HTTPConnection.putrequest

    def putrequest(self: http.client.HTTPConnection, method: str, url: str, *args: bool, **kwargs: bool) -> None:
        _sent.append((self.port, method, url))
        send(self, method, url, *args, **kwargs)

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]


def _bytes(name: str) -> int:
    """A line of the process's status, in bytes."""
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


async def _measured(driver: Any, calls: list[Any]) -> dict[str, Any]:
    gc.collect()
    _FORGET.write_text("5", encoding="ascii")  # the peak begins anew (proc_pid_clear_refs)
    idle = _bytes("VmRSS")
    _sent.clear()
    begun = time.process_time()
    outcomes = await asyncio.gather(*map(driver.invoke, calls))
    seconds = time.process_time() - begun
    return {"outcomes": outcomes, "idle": idle, "peak": _bytes("VmHWM"), "seconds": seconds, "requests": list(_sent)}


async def _serve(driver: Any, answers: TextIO) -> None:
    print(json.dumps(await driver.load()), file=answers, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _measured(driver, json.loads(line))), file=answers, flush=True)


def main() -> None:
    """Run until standard input ends."""
    runtime, root, packages = (Path(argument).resolve() for argument in sys.argv[1:])
    sys.path.insert(0, str(DOUBLES))
    played = importlib.import_module("real_runtime_driver")
    answers, sys.stdout = sys.stdout, sys.stderr
    _tell_requests()
    played.enter(runtime, root, packages)
    asyncio.run(_serve(played.Driver(root), answers))


if __name__ == "__main__":
    main()
