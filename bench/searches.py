"""
What searches over HTTP cost with many images: time, requests to storage and memory.

    python -m bench.searches [--images 10000 100000]

The entries are synthetic: names in folders, sentences and tags of common words, a text in every third. Their lines are
folded into an index on an Azurite of the run's own. A fresh process asks the function `SearchHttp`: the first search
reads the whole index, then come searches of each kind, and one after ten images have changed. Linux only.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import azure.functions as func

from bench.reconcile import app_of, counted, main_of, resident, told_by_process
from bench.section import Goal, goals_table, table
from bench.stack import running_storage
from shared import names, services
from shared.index import places
from shared.index.entry import Line
from shared.index.fold import fold
from shared.search.search import FRESH_SECONDS
from shared.services import App

# Of the most images, at their p95.
MOST_MILLISECONDS = 500.0
# One listing, the tail with the change and the look whether the index is whole, of any number of images.
MOST_OPERATIONS_OF_A_CHANGE = 4
MOST_MEGABYTES = 600
_ROUNDS = 25
_CHANGED = 10
_BLOCK_BYTES = 3 * 2**20
_MEGABYTE = 2**20
_THINGS = (
    "dog",
    "cat",
    "car",
    "house",
    "tree",
    "person",
    "table",
    "cup",
    "bottle",
    "bridge",
    "flower",
    "train",
    "bird",
)
_PLACES = ("street", "beach", "kitchen", "forest", "office", "garden", "station", "mountain", "harbour", "field")
_HOW = ("small", "large", "black", "white", "red", "old", "wooden", "sunny", "blurry", "modern")
_ON_PAPER = ("invoice", "total", "due", "customer", "number", "street", "payment", "thank", "order", "delivery", "tax")
QUERIES = {
    "all images": "",
    "one word": "dog",
    "two words": "red bridge",
    "a misspelt word": "montain",
    "a phrase": '"old wooden"',
    "without a word": "cat -kitchen",
    "a tag": "tag:flower",
    "a text": "text:invoice",
    "a folder": "folder:2024/05",
    "dates": "after:2024-03 before:2024-06",
    "a state": "is:pending",
    "several": "tag:car has:people after:2025 station",
    "a name": "img-004242",
    "nothing": "zeppelinfahrt",
}


class Measured(NamedTuple):
    """
    The searches of one process.

    Attributes:
        images: how many there are.
        first: how many seconds the first search took.
        milliseconds: by kind of query, of each search.
        totals: by kind of query, how many images matched.
        operations: requests to storage: of the first search, of all that found nothing new, and after the changes.
        index_bytes: that the first search read.
        idle, peak: resident bytes before and at most.
    """

    images: int
    first: float
    milliseconds: dict[str, list[float]]
    totals: dict[str, int]
    operations: dict[str, int]
    index_bytes: int
    idle: int
    peak: int

    def percentile(self, percent: int) -> float:
        """Of all searches together, in milliseconds."""
        every = [each for kind in self.milliseconds.values() for each in kind]
        return statistics.quantiles(every, n=100)[percent - 1]


def lines(count: int, begin: int = 0, at: float = 1_700_000_000.0) -> Iterator[Line]:
    """Of each image one line, as records of typical images leave them; the same at every run."""
    for number in range(begin, begin + count):
        chance = random.Random(number)
        year, month = chance.randint(2019, 2026), chance.randint(1, 12)
        thing, other, place = chance.choice(_THINGS), chance.choice(_THINGS), chance.choice(_PLACES)
        name = f"{year}/{month:02}/img-{number:06}.jpg"
        taken = f"{year}-{month:02}-{chance.randint(1, 28):02}T12:00:00"
        image = {"bytes": chance.randint(10**5, 10**7), "kind": "jpeg", "width": 4032, "height": 3024}
        told: dict[str, Any] = {
            "image": {**image, "uploaded": f"{taken}+00:00", "taken": taken},
            "analysis": {
                "e": f"{number % 99_999:05}",
                "q": "analyze",
                "caption": f"a {chance.choice(_HOW)} {chance.choice(_HOW)} {thing} beside a {other} at the {place}",
                "tags": [thing, other, place, *chance.sample(_HOW, 4)],
                "due": "none",
                "people": thing == "person",
            },
            "thumbnail:200x150-smart.jpg": {"look": f"{chance.getrandbits(64):016x}", "colour": "green", "e": "abcde"},
        }
        if number % 3 == 0:
            words = [f"{chance.choice(_ON_PAPER)}" if each % 3 else f"{number * each % 9973}" for each in range(60)]
            told["plain"] = {"words": " ".join(words), "e": "abcde"}
        yield {"stem": name, "at": at, "parts": told}


def fill(app: App, count: int, begin: int) -> None:
    """Put so many entries into the index, as folds leave it."""
    app.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    _note(app, lines(count, begin), f"bench-{begin}")
    while fold(app.host, app.clock).more:
        pass


def _note(app: App, given: Iterator[Line], writer: str) -> None:
    tail = places.tail(writer)
    app.host.begin_appends(names.INDEX, tail)
    block = b""
    for line in given:
        block += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        if len(block) > _BLOCK_BYTES:
            app.host.append(names.INDEX, tail, block)
            block = b""
    if block:
        app.host.append(names.INDEX, tail, block)


def search(connection: str) -> dict[str, Any]:
    """All searches in this process."""
    import SearchHttp  # a function folder, as the worker loads it

    app = app_of(connection)
    milliseconds: dict[str, list[float]] = {kind: [] for kind in QUERIES}
    totals: dict[str, int] = {}
    operations: dict[str, int] = {}
    idle = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew

    async def ask(asked: str) -> dict[str, Any]:
        sent = func.HttpRequest(
            method="GET", url="http://127.0.0.1/api/search", params={"q": asked} if asked else {}, body=b""
        )
        context = cast(func.Context, SimpleNamespace(invocation_id="bench", thread_local_storage=SimpleNamespace()))
        answer = await SearchHttp.main(sent, context, starter="")
        if answer.status_code != 200:
            raise RuntimeError(answer.get_body().decode())
        found: dict[str, Any] = json.loads(answer.get_body())
        return found

    async def all_searches() -> float:
        begun = time.monotonic()
        with _counting(operations, "first"):
            # A process whose index is large answers 503 until it has read it, and goes on meanwhile.
            while True:
                try:
                    await ask("")
                    break
                except RuntimeError as error:
                    if "being read" not in str(error):
                        raise
        first = time.monotonic() - begun
        with _counting(operations, "nothing new"):
            for _ in range(_ROUNDS):
                for kind, asked in QUERIES.items():
                    before = time.monotonic()
                    totals[kind] = (await ask(asked))["total"]
                    milliseconds[kind].append(1000 * (time.monotonic() - before))
        _note(app, lines(_CHANGED, 0, app.clock.utc().timestamp()), "bench-changed")
        time.sleep(FRESH_SECONDS)
        with _counting(operations, "ten changes"):
            await ask("")
        return first

    with services.replaced(app):
        first = asyncio.run(all_searches())
    return {
        "first": first,
        "milliseconds": milliseconds,
        "totals": totals,
        "operations": operations,
        "index_bytes": _bytes_of_index(app),
        "idle": idle,
        "peak": resident("VmHWM"),
    }


@contextmanager
def _counting(found: dict[str, int], name: str) -> Iterator[None]:
    """Inside, requests to storage are counted under a name."""
    counter: Counter[str] = Counter()
    with counted(counter):
        yield
    found[name] = counter.total()


def _bytes_of_index(app: App) -> int:
    found, continuation = 0, None
    while True:
        page = app.host.page(names.INDEX, limit=1000, continuation=continuation)
        found += sum(info.size for info in page.items if info.name.startswith(places.SHARDS))
        continuation = page.continuation
        if continuation is None:
            return found


def run(sizes: Sequence[int]) -> list[Measured]:
    """Measure each number of images, in rising order, each by a fresh process."""
    found = []
    with tempfile.TemporaryDirectory() as folder, running_storage(Path(folder)) as connection:
        app, there = app_of(connection), 0
        for size in sorted(sizes):
            begun = time.monotonic()
            fill(app, size - there, there)
            print(f"{size} entries are there, after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
            there = size
            told = told_by_process("bench.searches", connection)
            found.append(Measured(images=size, **told))
    return found


def report(found: Sequence[Measured]) -> str:
    """The tables."""
    rows = [
        (
            f"{each.images}",
            f"{each.first:.1f}",
            f"{each.percentile(50):.0f}",
            f"{each.percentile(95):.0f}",
            *(f"{each.operations[kind]}" for kind in ("first", "nothing new", "ten changes")),
            f"{each.index_bytes / _MEGABYTE:.1f}",
            f"{each.idle / _MEGABYTE:.0f}",
            f"{each.peak / _MEGABYTE:.0f}",
        )
        for each in found
    ]
    last = found[-1]
    searches = sum(len(each) for each in last.milliseconds.values())
    header = (
        "images",
        "first search, s",
        "p50, ms",
        "p95, ms",
        "operations of the first",
        f"of {searches} with nothing new",
        "of one after ten changes",
        "MB of index",
        "MB before",
        "MB peak",
    )
    kinds = [
        (f"{kind}: `{QUERIES[kind]}`" if QUERIES[kind] else kind, f"{last.totals[kind]}", *_shown(last, kind))
        for kind in QUERIES
    ]
    of_kind = (f"query, of {last.images} images", "matches", "median, ms", "longest, ms")
    return "\n\n".join([table(header, rows), table(of_kind, kinds), goals_table(goals(found))])


def _shown(measured: Measured, kind: str) -> tuple[str, str]:
    each = measured.milliseconds[kind]
    return f"{statistics.median(each):.0f}", f"{max(each):.0f}"


def goals(found: Sequence[Measured]) -> list[Goal]:
    """What has to hold."""
    last = found[-1]
    return [
        Goal.at_most(f"p95 of a search of {last.images} images", MOST_MILLISECONDS, last.percentile(95), " ms"),
        Goal.at_most(
            "storage operations of a search after ten changes",
            MOST_OPERATIONS_OF_A_CHANGE,
            max(each.operations["ten changes"] for each in found),
        ),
        Goal.at_most("memory beyond what the process had", MOST_MEGABYTES, (last.peak - last.idle) / _MEGABYTE, " MB"),
    ]


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    return main_of("bench.searches", argv, search, run, report, goals, images=(10_000, 100_000))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
