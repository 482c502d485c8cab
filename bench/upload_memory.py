"""
How much memory the worker process needs for large documents. Exits 1 if one takes more than three times its size.

    python -m bench.upload_memory [--megabytes 60] [--at-once 8]

Microsoft's runtime runs the app in a process of its own (`memory_worker`): the event of each upload comes to
AnalyzeOnUpload as bytes, and the activities then have it read. Linux only.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.memory_world import Around, around
from bench.section import table
from bench.stack import running_storage
from bench.worker_process import Json, WorkerProcess, client_binding, event, running_process, store
from shared.ocr import poll_loop

MEGABYTE = 1024**2
MOST_TIMES = 3.0
INSTANCES, SIZES = (512, 2048, 4096), (10, 25, 60, 100)
# Azure's own worker gets an event over gRPC, which is not measured here: version 4.34.0 had 335 MB at most, all in all,
# for an upload of 60 MB.
GRPC_PEAK_BYTES, GRPC_SIZE_BYTES = 335 * MEGABYTE, 60 * MEGABYTE
# As the platform's function folders; the orchestrator's part is played here.
_STEPS = ("OcrSubmit", "OcrPoll", "OcrStore")
_PIECE = b"\0" * MEGABYTE


class Taken(NamedTuple):
    """
    What some documents of one size took at once.

    Attributes:
        what: how they came.
        number, size: how many, of how many bytes each.
        idle: what the process had before, in bytes.
        peaks: the most that it had during each function, in bytes.
    """

    what: str
    number: int
    size: int
    idle: int
    peaks: dict[str, int]

    @property
    def above_idle(self) -> int:
        """The most of all, in bytes."""
        return max(self.peaks.values()) - self.idle

    @property
    def times(self) -> float:
        """The same as a multiple of the documents' sizes."""
        return self.above_idle / (self.number * self.size)


class Worker:
    """The process, which is invoked as the platform's host would."""

    def __init__(self, process: WorkerProcess, world: Around, storage: str, folder: Path) -> None:
        self._process, self._world, self._storage, self._folder = process, world, storage, folder
        self._starter = client_binding(world.durable_client)
        self._made = 0

    def uploads(self, count: int, size: int) -> Taken:
        """Upload so many at once, and have them read."""
        calls = [event(self._document(size), self._starter) for _ in range(count)]
        return self._all("an upload", count, size, ("AnalyzeOnUpload", calls))

    def requests(self, count: int, size: int) -> Taken:
        """Have documents read that lie in storage, by their names over HTTP."""
        calls = [self._request(self._document(size).name) for _ in range(count)]
        return self._all('`POST /api/ocr` with `{"name"}`', count, size, ("OcrHttp", calls))

    def _all(self, what: str, count: int, size: int, first: tuple[str, list[Json]]) -> Taken:
        answer = self._process.invoke(first[1])
        idle, peaks = answer["idle"], {first[0]: answer["peak"]}
        states = [poll_loop.begin(job, datetime.now(UTC)) for job in self._world.taken()]
        if len(states) != count:
            raise RuntimeError(f"{len(states)} of {count} documents were handed over: {answer['outcomes']}")
        for step in _STEPS:
            answer = self._process.invoke([_activity(step, poll_loop.work_of(state)) for state in states])
            peaks[step] = answer["peak"]
            outcomes = [json.loads(each["returned"]["value"]) for each in answer["outcomes"]]
            states = [poll_loop.advance(state, outcome) for state, outcome in zip(states, outcomes, strict=True)]
        if {state["outcome"] and state["outcome"]["state"] for state in states} != {"done"}:
            raise RuntimeError(f"not read: {states}")
        return Taken(what, count, size, idle, peaks)

    def _document(self, size: int) -> Path:
        """A PDF of that size, unlike any other, in a file and in the container `images`."""
        self._made += 1
        path = self._folder / f"{self._made}.pdf"
        head = b"%%PDF-1.4\n%%%d\n1 0 obj<</Length %d>>stream\n" % (self._made, size)
        with path.open("wb") as file:
            file.write(head)
            for at in range(len(head), size, MEGABYTE):
                file.write(_PIECE[: size - at])
        store(self._storage, path)
        return path

    def _request(self, name: str) -> Json:
        body = json.dumps({"name": name})
        nothing: Json = {}
        request = {
            "method": {"type": "string", "value": "POST"},
            "url": {"type": "string", "value": "http://127.0.0.1/api/ocr"},
            "headers": {"content-type": {"type": "string", "value": "application/json"}},
            "query": nothing,
            "params": nothing,
            "body": {"type": "string", "value": body},
        }
        inputs = {"req": {"type": "http", "value": request}, "starter": self._starter}
        return {"function": "OcrHttp", "inputs": inputs, "metadata": nothing}


def _activity(function: str, work: Mapping[str, object]) -> Json:
    return {"function": function, "inputs": {"work": {"type": "json", "value": json.dumps(work)}}, "metadata": {}}


@contextmanager
def running_worker(megabytes: int) -> Iterator[Worker]:
    """Run it with all that it needs, and with uploads of so many megabytes allowed."""
    # So that a busy machine does not matter.
    patient = {"VISION_TIMEOUT_SECONDS": "300", "MAX_WAIT_SECONDS": "300"}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_storage(Path(folder) / "state") as storage,
        around() as world,
        running_process(
            vision=world.address,
            key="no-key",
            storage=storage,
            VISION_RATE="100/1",
            MAX_UPLOAD_MEGABYTES=f"{megabytes}",
            **patient,
        ) as process,
    ):
        yield Worker(process, world, storage, Path(folder))


def measured(megabytes: int, at_once: int, show: Callable[[str], None]) -> list[Taken]:
    """One upload, so many at once, and one document by its name."""
    found = []
    with running_worker(megabytes) as worker:
        for warm in (worker.uploads, worker.requests):
            warm(at_once, MEGABYTE)
        for ask, count in ((worker.uploads, 1), (worker.uploads, at_once), (worker.requests, 1)):
            found.append(ask(count, megabytes * MEGABYTE))
            show(_row(found[-1])[0])
    return found


def fitting(idle: int, times: float, instance_megabytes: int, megabytes: int) -> int:
    """How many documents of that size fit at once into so much memory, where each takes so many times its size."""
    return max(0, int((instance_megabytes * MEGABYTE - idle) / (times * megabytes * MEGABYTE)))


def _row(taken: Taken) -> list[str]:
    size = taken.size // MEGABYTE
    peaks = ", ".join(f"{name} {max(0, peak - taken.idle) / MEGABYTE:.0f}" for name, peak in taken.peaks.items())
    above = f"{taken.above_idle / MEGABYTE:.0f}"
    return [
        taken.what,
        f"{taken.number}",
        f"{size}",
        f"{taken.idle / MEGABYTE:.0f}",
        above,
        f"{taken.times:.2f}",
        peaks,
    ]


def report(found: Sequence[Taken]) -> str:
    """The tables in Markdown."""
    header = ("how", "at once", "MB each", "idle, MB", "above idle, MB", "times the size", "above idle, by function")
    idle, here = min(taken.idle for taken in found), max(taken.times for taken in found)
    over_grpc = max(here, (GRPC_PEAK_BYTES - idle) / GRPC_SIZE_BYTES)
    rows = [
        [f"{each} MB", f"{what}, {times:.1f} times", *(f"{fitting(idle, times, each, size)}" for size in SIZES)]
        for what, times in (("measured here", here), ("over gRPC", over_grpc))
        for each in INSTANCES
    ]
    fits = table(("memory of the process", "a document takes", *(f"of {size} MB" for size in SIZES)), rows)
    return f"{table(header, map(_row, found))}\n\n{fits}\n"


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a document takes too much."""
    parser = argparse.ArgumentParser(prog="python -m bench.upload_memory")
    parser.add_argument("--megabytes", type=int, default=60, help="size of each document (default %(default)s)")
    parser.add_argument("--at-once", type=int, default=8, metavar="N", help="how many at once (default %(default)s)")
    given = parser.parse_args(argv)
    found = measured(given.megabytes, given.at_once, lambda line: print(line, file=sys.stderr, flush=True))
    print(report(found))
    return 1 if any(taken.times > MOST_TIMES for taken in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
