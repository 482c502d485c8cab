"""
What the polls of `GET /api/images?since=` cost: requests to storage, time and memory, by the number of images.

    python -m bench.new_results [--images 250 500]

The images are the same picture under many names, with the records that the app has made of it, on an Azurite of the
run's own. Each has text, which costs most. A fresh process polls: once where nothing is new, and then from the
beginning, by `since` of each answer, until all is told. What it does is printed as it goes on. Linux only.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bench.pictures import Picture, pictures
from bench.reconcile import app_of, counted, fill, main_of, resident
from bench.section import Goal, goals_table, table
from bench.stack import running_storage
from shared import names
from shared.api import finished_images, finished_since

# Nine of an image with text, and the listings.
MOST_OPERATIONS = 10.0
# By a page of at most 2,000 records and 64 images that are looked at together. Measured were 23 with 250 images, 30
# with 500, 46 with 1,000, which fill a page, and 49 with 3,000.
MOST_MEGABYTES = 60
# Beyond the pages of 2,000 records: the ends of four listings.
_MOST_LISTINGS = 4
_LIMIT = 200
_AT_ONCE = 8
_MEGABYTE = 2**20
_RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT)


class Measured(NamedTuple):
    """
    The polls of one process.

    Attributes:
        images, records: how many there are.
        told: how many images were told, each time that one was.
        polls, longest: how many polls told them, and how many seconds the longest took.
        first: which of these polls was the first that told an image.
        operations: requests to storage, of the poll that found nothing and of those that told.
        idle_seconds, seconds: of the poll that found nothing; of those that told, all together.
        idle, peak: resident bytes before and at most.
    """

    images: int
    records: int
    told: int
    polls: int
    longest: float
    first: int
    idle_operations: int
    operations: Counter[str]
    idle_seconds: float
    seconds: float
    idle: int
    peak: int


def copy(connection: str, model: Picture, copies: Sequence[str]) -> int:
    """Give each of these names the picture with its records; returns how many records one has."""
    app = app_of(connection)
    found = [
        (container, info.name, blob)
        for container in _RECORDS
        for info in app.images.page(container, prefix=model.name, limit=100).items
        if (blob := app.images.read(container, info.name))
    ]

    def one(name: str) -> None:
        app.images.write(names.IMAGES, name, model.data, content_type="image/png")
        for container, record, blob in found:
            app.images.write(
                container,
                record.replace(model.name, name),
                blob.data,
                content_type=blob.info.content_type or names.BYTES,
                metadata=blob.info.metadata,
            )

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, copies))
    return len(found)


def poll(connection: str) -> dict[str, Any]:
    """All polls in this process."""
    app = app_of(connection)
    idle_operations: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    told: list[str] = []
    longest, polls, first = 0.0, 0, 0

    def go_on(since: str) -> float:
        """Poll until all is told; in how many seconds."""
        nonlocal longest, polls, first
        begun, polls, over = time.monotonic(), 0, False
        while not over:
            before = time.monotonic()
            found = finished_images.since(app, since, limit=_LIMIT)
            seconds, polls = time.monotonic() - before, polls + 1
            longest = max(longest, seconds)
            first = first or (polls if found.images else 0)
            told.extend(image["name"] for image in found.images)
            print(f"poll {polls}: {len(found.images)} images in {seconds:.1f} s, {len(told)} so far", flush=True)
            since, over = found.since, found.is_over
        return time.monotonic() - begun

    idle = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    # A round in which nothing was written.
    now = int(app.clock.utc().timestamp())
    with counted(idle_operations):
        idle_seconds = go_on(finished_since.Place(now, now + 1).told())
    with counted(operations):
        seconds = go_on("2020-01-01T00:00:00Z")
    return {
        "told": len(told),
        "names": len(set(told)),
        "polls": polls,
        "longest": longest,
        "first": first,
        "idle_operations": idle_operations.total(),
        "operations": operations,
        "idle_seconds": idle_seconds,
        "seconds": seconds,
        "idle": idle,
        "peak": resident("VmHWM"),
    }


def measure(connection: str, images: int, records: int) -> Measured:
    """The polls of a fresh process. Raises RuntimeError if it failed, or told an image twice or never."""
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", "bench.new_results", "--process"],
        env={**os.environ, "BENCH_STORAGE": connection},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if not line.startswith("{"):
                print(line, end="", flush=True)
    if process.returncode:
        raise RuntimeError(f"The process that polls ended with {process.returncode}.")
    told = json.loads(lines[-1])
    if not told.pop("names") == told["told"] == images:
        raise RuntimeError(f"Of {images} images {told['told']} were told.")
    told["operations"] = Counter(told["operations"])
    return Measured(images=images, records=records, **told)


def run(sizes: Sequence[int]) -> list[Measured]:
    """Measure each number of images, in rising order."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        (model,) = pictures(1, state / "answers")
        with running_storage(state) as connection:
            fill(connection, [model])
            there = 1
            for size in sorted(sizes):
                begun = time.monotonic()
                records = copy(connection, model, [f"{number:06}.png" for number in range(there, size)])
                print(f"{size} images are there, after {time.monotonic() - begun:.0f} s", flush=True)
                there = size
                time.sleep(finished_since.LAG_SECONDS + 1)
                found.append(measure(connection, size, records * size))
    return found


def report(found: Sequence[Measured]) -> str:
    """The tables."""
    rows = [
        (
            f"{each.images}",
            f"{each.records}",
            f"{each.idle_operations}",
            f"{each.idle_seconds:.2f}",
            f"{each.operations.total() / each.images:.1f}",
            f"{each.images / each.seconds:.0f}",
            f"{each.polls}",
            f"{each.longest:.1f}",
            f"{each.first}",
            f"{each.idle / _MEGABYTE:.0f}",
            f"{each.peak / _MEGABYTE:.0f}",
        )
        for each in found
    ]
    header = (
        "images",
        "records",
        "operations, nothing new",
        "seconds",
        "operations an image told",
        "images a second",
        "polls",
        "longest, seconds",
        "first poll that told",
        "MB before",
        "MB peak",
    )
    kinds = [(kind, f"{count}") for kind, count in sorted(found[-1].operations.items())]
    of_kind = (f"operation, of {found[-1].images} images", "how many")
    return "\n\n".join([table(header, rows), table(of_kind, kinds), goals_table(goals(found))])


def goals(found: Sequence[Measured]) -> list[Goal]:
    """What has to hold."""
    last = found[-1]
    return [
        Goal.at_most(
            "storage operations of a poll with nothing new, beyond one for 2,000 records",
            _MOST_LISTINGS,
            last.idle_operations - last.records / 2000,
        ),
        Goal.at_most("storage operations of an image told", MOST_OPERATIONS, last.operations.total() / last.images),
        Goal.at_most("the first poll from long ago that tells an image", 1, max(each.first for each in found)),
        Goal.at_most(
            "memory beyond what the process had, of any of these numbers of images",
            MOST_MEGABYTES,
            max(each.peak - each.idle for each in found) / _MEGABYTE,
            " MB",
        ),
    ]


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    return main_of("bench.new_results", argv, poll, run, report, goals, images=(250, 500))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
