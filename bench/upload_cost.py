"""
What one first upload of a picture costs in the worker process, by kind of picture. Exits 1 if a goal is missed.

    python -m bench.upload_cost [--at-once 8]

Microsoft's runtime runs the app at its default settings, in a process of its own for each kind (`memory_worker`),
against Azurite and the local Computer Vision. A small picture of the same kind comes first, so that libraries are
loaded; then one is uploaded, and then several at once. Linux only.

Operations of storage are the requests that the process sends. Those of the ledger are counted apart, because they
follow from calls and not from uploads. The platform's own for each event are added. An image is read in parts of 4 MB,
and this is counted as one operation, as `bench.trips` does.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from bench import cost_pictures
from bench.cost_pictures import KINDS, MEGABYTE, Kind
from bench.memory_world import Around, around
from bench.section import Goal, Section, goals_table, table
from bench.stack import running_storage
from bench.worker_process import Json, WorkerProcess, client_binding, event, running_process, store
from local.vision.server import RunningVision, running_vision
from shared import names
from shared.storage.account import PART_BYTES

AT_ONCE = 8
MOST_OPERATIONS = 27
# The trigger reads the blob's properties, and then its content.
TRIGGER_OPERATIONS = 2
MOST_TIMES, MOST_MORE, FEW_PIXELS, MOST_PER_PIXEL = 6, 120 * MEGABYTE, 12_000_000, 8
MOST_AT_ONCE = 1600 * MEGABYTE


class Calls(NamedTuple):
    """Successful calls of one operation, and the transactions that they were billed as."""

    number: int
    transactions: int


class Cost(NamedTuple):
    """
    What some uploads of one kind cost together.

    Attributes:
        number, size: how many, and the bytes of each.
        seconds: of CPU time in the process.
        idle, peak: bytes that the process had before, and at most.
        operations: those of storage, but for the ledger's, by what they are.
        ledger: those of the ledger.
        calls: to Computer Vision, by operation.
        later: how many steps were put off, because their turn had not come in time.
    """

    number: int
    size: int
    seconds: float
    idle: int
    peak: int
    operations: Mapping[str, int]
    ledger: int
    calls: Mapping[str, Calls]
    later: int

    @property
    def of_storage(self) -> float:
        """Operations of storage for each upload, with the trigger's own; an image that is read counts once."""
        further_parts = (self.size - 1) // PART_BYTES
        return sum(self.operations.values()) / self.number - further_parts + TRIGGER_OPERATIONS


def limit(kind: Kind, size: int) -> int:
    """How much memory one upload may take above idle, in bytes."""
    return MOST_TIMES * size + MOST_MORE + MOST_PER_PIXEL * max(0, kind.decoded - FEW_PIXELS)


class Uploads:
    """Uploads pictures to a worker process, and counts."""

    def __init__(self, worker: WorkerProcess, storage: str, vision: RunningVision, hub: Around, folder: Path) -> None:
        self._worker, self._storage, self._vision, self._hub, self._folder = worker, storage, vision, hub, folder
        self._made = 0

    def cost(self, data: bytes, ending: str, number: int = 1) -> Cost:
        """Upload the same picture so many times at once, each time in other bytes."""
        files = [self._file(data, ending) for _ in range(number)]
        for file in files:
            store(self._storage, file)
        binding = client_binding(self._hub.durable_client)
        before = _calls(self._vision)
        answer = self._worker.invoke([event(file, binding) for file in files])
        operations, ledger = _operations(answer, self._vision.url)
        after = _calls(self._vision)
        calls = {
            name: Calls(*(now - then for now, then in zip(after[name], before.get(name, (0, 0)), strict=True)))
            for name in after
        }
        return Cost(
            number,
            len(data),
            answer["seconds"],
            answer["idle"],
            answer["peak"],
            operations,
            ledger,
            {name: made for name, made in calls.items() if made.number},
            # What else is handed over is text, which the local Computer Vision sees in some noise.
            sum("steps" in job for job in self._hub.taken()),
        )

    def _file(self, data: bytes, ending: str) -> Path:
        self._made += 1
        path = self._folder / f"{self._made}.{ending}"
        path.write_bytes(cost_pictures.another(data, self._made))
        return path


def _calls(vision: RunningVision) -> dict[str, Calls]:
    """What Computer Vision has counted."""
    counted: dict[str, Any] = dict(vision.stats())
    return {name: Calls(each["status"].get("200", 0), each["transactions"]) for name, each in counted.items()}


def _operations(answer: Json, vision: str) -> tuple[Counter[str], int]:
    """The requests to storage by what they are, and those of the ledger."""
    sent, ledger = Counter[str](), 0
    for port, method, target in answer["requests"]:
        if port == urlsplit(vision).port:
            continue
        address = urlsplit(target)
        container = address.path.split("/")[2]
        part = parse_qs(address.query).get("comp", [""])[0]
        if container == names.QUOTA:
            ledger += 1
        else:
            sent[f"{method} {container}{part and ' ' + part}"] += 1
    return sent, ledger


@contextmanager
def running() -> Iterator[Uploads]:
    """Run a worker process with all that it needs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_storage(Path(folder) / "state") as storage,
        running_vision() as vision,
        around() as hub,
        running_process(vision=vision.url, key=vision.key, storage=storage) as worker,
    ):
        yield Uploads(worker, storage, vision, hub, Path(folder))


def measured(
    kinds: Iterable[Kind], at_once: int, show: Callable[[str], None] = lambda line: None
) -> Iterator[tuple[Kind, Cost, Cost]]:
    """Of each kind: one upload, and so many at once."""
    for kind in kinds:
        data, ending = cost_pictures.made(kind), kind.form.lower()
        with running() as uploads:
            uploads.cost(cost_pictures.small(kind.form), ending)
            one = uploads.cost(data, ending)
            if one.later:
                raise RuntimeError(f"{kind.name}: {one.later} steps were put off")
            show(" | ".join(_row(kind, one)))
            # Their turns at Computer Vision do not wait for those before.
            time.sleep(1)
            many = uploads.cost(data, ending, at_once)
            show(" | ".join(_row(kind, many)))
        yield kind, one, many


def section(found: Sequence[tuple[Kind, Cost, Cost]]) -> Section:
    """The part of the page."""
    header = ("picture", "at once", "CPU, s", "above idle, MB", "in all, MB", "storage", "ledger", "calls", "put off")
    rows = [_row(kind, cost) for kind, one, many in found for cost in (one, many)]
    kept = ", ".join(f"{name} {count}" for name, count in sorted(found[0][1].operations.items()))
    text = (
        "Each figure but those of memory is of one upload. *storage* has the trigger's "
        f"{TRIGGER_OPERATIONS} operations in it, and not the ledger's, and an image that is read in parts counts once; "
        "*calls* has transactions in brackets.\n\n"
        f"{table(header, rows)}\n\nThe operations of one upload of {found[0][0].name}: {kept}."
    )
    goals = []
    for kind, one, many in found:
        most = limit(kind, one.size) / MEGABYTE
        goals += [
            Goal.at_most(f"{kind.name}: memory above idle", round(most), (one.peak - one.idle) / MEGABYTE, " MB"),
            Goal.at_most(f"{kind.name}: storage operations", MOST_OPERATIONS, one.of_storage),
            Goal.at_most(
                f"{kind.name}: memory of {many.number} at once", MOST_AT_ONCE // MEGABYTE, many.peak / MEGABYTE, " MB"
            ),
        ]
    return Section("What an upload costs", text, goals)


def _row(kind: Kind, cost: Cost) -> list[str]:
    calls = ", ".join(
        f"{name} {made.number / cost.number:g} ({made.transactions / cost.number:g})"
        for name, made in sorted(cost.calls.items())
    )
    return [
        kind.name,
        f"{cost.number}",
        f"{cost.seconds / cost.number:.2f}",
        f"{(cost.peak - cost.idle) / MEGABYTE:.0f}",
        f"{cost.peak / MEGABYTE:.0f}",
        f"{cost.of_storage:g}",
        f"{cost.ledger / cost.number:g}",
        calls,
        f"{cost.later}",
    ]


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.upload_cost")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="N", help="how many at once (%(default)s)")
    at_once = parser.parse_args(argv).at_once
    found = section(list(measured(KINDS, at_once, lambda line: print(line, file=sys.stderr, flush=True))))
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
