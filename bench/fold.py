"""
What a fold of the index moves, and what a reader takes after it, with 100,000 synthetic images.

    python -m bench.fold [--images 100000]

The images are those of `bench.search_engine`. The account is in memory: operations and bytes are exact, and times are
those of the app alone. Exits 1 if a goal is missed.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from bench.search_engine import made
from shared import names
from shared.index import base, places
from shared.index.entry import Line
from shared.index.fold import MOST_RECENT, fold
from shared.index.reader import Reader

IMAGES, CHANGES = 100_000, 10
# Of 10,000 entries; of a fold of ten changes; of what a reader then takes.
MAX_SHARD, MAX_FOLD, MAX_READ = 1_700_000, 100_000, 100_000
_BLOCK = 1_000
_MEGABYTE = 2**20


class Step(NamedTuple):
    """One step: CPU seconds, operations of storage by kind, bytes that came and went, peak of memory in megabytes."""

    name: str
    seconds: float
    operations: Counter[str]
    down: int
    up: int
    peak: float


class Counting:
    """An account whose operations and bytes are counted."""

    def __init__(self, blobs: Any) -> None:
        self._blobs = blobs
        self.operations: Counter[str] = Counter()
        self.down = self.up = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._blobs, name)
        if name not in ("page", "read", "read_from", "write", "delete"):
            return found

        def operation(*args: Any, **options: Any) -> Any:
            self.operations[name] += 1
            answer = found(*args, **options)
            self.up += len(args[2]) if name == "write" else 0
            self.down += len(answer.data) if name in ("read", "read_from") and answer else 0
            return answer

        return operation


def measured(name: str, blobs: Any, action: Callable[[Any], object]) -> Step:
    """What an action does with the account."""
    counting = Counting(blobs)
    before = time.process_time()
    action(counting)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MEGABYTE
    return Step(name, time.process_time() - before, counting.operations, counting.down, counting.up, peak)


def append(blobs: Any, writer: str, lines: Sequence[Line]) -> None:
    """Add lines to a tail, as a writer does."""
    name = places.tail(writer)
    blobs.begin_appends(names.INDEX, name)
    for begin in range(0, len(lines), _BLOCK):
        data = "".join(f"{json.dumps(each)}\n" for each in lines[begin : begin + _BLOCK])
        blobs.append(names.INDEX, name, data.encode())


def run(images: int) -> Iterator[Step]:
    """Fold all of them, then changes; a reader follows each time."""
    clock = import_module("doubles.clock").FakeClock()
    blobs = import_module("doubles.memory").MemoryBlobs(clock)
    now = clock.utc().timestamp()
    entries = made(images).entries
    append(blobs, "all", [line for entry in entries for line in entry.lines()])
    stems = [entry.stem for entry in entries]
    del entries
    yield measured("fold of all", blobs, lambda host: fold(host, clock))
    # What the last portion has left in `recent` goes into the shards within an hour: at most 1,000 entries, which each
    # fold before that moves beside its own.
    clock.advance(3 * base.LATE_SECONDS)
    now = clock.utc().timestamp()
    fold(blobs, clock)
    reader = Reader(blobs)
    yield measured("a reader's first look", blobs, lambda host: _read(reader, host))
    for count in (CHANGES, MOST_RECENT):
        chosen = random.Random(count).sample(stems, count)
        append(blobs, f"few{count}", [_change(stem, now + count) for stem in chosen])
        yield measured(f"fold of {count:,} changes", blobs, lambda host: fold(host, clock))
        yield measured("a reader's look after it", blobs, lambda host: _read(reader, host))
    shards = base.read(blobs).manifest.shards
    sizes = [len(blobs.contents(names.INDEX)[places.shard(shard.id)]) for shard in shards]
    entries_in_all = sum(shard.entries for shard in shards)
    yield Step(f"10,000 entries, of {len(shards)} shards", 0, Counter(), 10_000 * sum(sizes) // entries_in_all, 0, 0)


def _change(stem: str, at: float) -> Line:
    return {"stem": stem, "at": at, "parts": {"analysis": {"e": "changed", "caption": "another caption"}}}


def _read(reader: Reader, host: Any) -> None:
    reader._host = host
    for _ in reader.changes():
        pass


def main() -> int:
    """Measure, print, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="What a fold of the index moves.")
    parser.add_argument("--images", type=int, default=IMAGES)
    sys.path.insert(0, "tests")
    steps = []
    for step in run(parser.parse_args().images):
        steps.append(step)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(step.operations.items())) or "-"
        moved = f"{step.down:,} bytes down, {step.up:,} up"
        print(f"{step.name}: {step.seconds:.1f} s CPU; {told}; {moved}; peak {step.peak:.0f} MB", flush=True)
    few, after, shard = steps[2], steps[3], steps[-1]
    goals = [few.down + few.up <= MAX_FOLD, after.down <= MAX_READ, shard.down <= MAX_SHARD]
    print("goals:", "held" if all(goals) else "missed")
    return 0 if all(goals) else 1


if __name__ == "__main__":
    sys.exit(main())
