"""
What a search costs in the engine itself, with 100,000 synthetic images: time of a query, of building, and memory.

    python -m bench.search_engine [--images 100000]

Each image has a caption, eight tags, and two of five have text of up to 60 words; words come as often as those of a
language do. Nothing is stored or sent. Time is CPU time. Exits 1 if a goal is missed.
"""

import argparse
import gc
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bench.section import Goal, Section, goals_table, table
from shared.index.entry import ANALYSIS, IMAGE, PLAIN, Entry, Line
from shared.search.engine import Engine
from shared.search.query import parse
from shared.settings import Settings

IMAGES = 100_000
MAX_P95_MILLISECONDS, MAX_MEGABYTES = 300.0, 600.0
_ROUNDS = 5
_AT = 1_790_000_000.0
_VOCABULARY, _TAGS, _FOLDERS = 60_000, 3_000, 400
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_COLOURS = ("black", "white", "gray", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown")
_SETTINGS = {
    "VISION_ENDPOINT": "http://127.0.0.1:1",
    "VISION_KEY": "none",
    "ImagesStorage": "UseDevelopmentStorage=true",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}


class Made(NamedTuple):
    """Synthetic images, and the words that they are made of, the most frequent first."""

    entries: list[Entry]
    words: list[str]
    tags: list[str]


class Measured(NamedTuple):
    """Milliseconds of one query, and how many images it finds."""

    asked: str
    p50: float
    p95: float
    total: int


def made(images: int, seed: int = 18) -> Made:
    """Entries with a language's distribution of words: the frequency falls with the rank."""
    chance = random.Random(seed)
    count = min(_VOCABULARY, 4 * images + _TAGS)
    words = sorted({_word(chance) for _ in range(count * 2)})
    chance.shuffle(words)
    words = words[:count]
    tags = words[:_TAGS]
    names = range(images)
    return Made([_entry(chance, number, words, tags) for number in names], words, tags)


def _word(chance: random.Random) -> str:
    return "".join(_LETTERS[min(25, int(chance.expovariate(0.16)))] for _ in range(chance.randint(3, 11)))


def _drawn(chance: random.Random, words: Sequence[str], count: int) -> list[str]:
    """Words by Zipf's law, nearly: ranks are drawn evenly on a scale of their logarithms."""
    return [words[int(len(words) ** chance.random()) - 1] for _ in range(count)]


def _entry(chance: random.Random, number: int, words: Sequence[str], tags: Sequence[str]) -> Entry:
    day = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(6_000_000))
    name = f"folder-{chance.randrange(_FOLDERS):03}/IMG_{number:06}.jpg"
    parts: dict[str, Any] = {
        IMAGE: {"kind": "jpeg", "bytes": 3_000_000, "width": 4000, "height": 3000, "uploaded": day.isoformat()},
        ANALYSIS: {
            "e": f"{number:05}",
            "q": "0123456789abcdef",
            "due": "none",
            "caption": " ".join(_drawn(chance, words, 8)),
            "tags": list(dict.fromkeys(_drawn(chance, tags, 8))),
            "people": chance.random() < 0.3,
        },
        "thumbnail:200x150-smart.jpg": {
            "e": f"{number:05}",
            "q": "0123456789abcdef",
            # One of twenty shows the picture of another one.
            "look": f"{random.Random(number - number % 20 // 19).getrandbits(64):016x}",
            "colour": chance.choice(_COLOURS),
        },
    }
    if chance.random() < 0.4:
        parts[PLAIN] = {"e": f"{number:05}", "words": " ".join(_drawn(chance, words, chance.randint(3, 60)))}
    return Entry(name, parts, dict.fromkeys(parts, _AT))


def queries(of: Made) -> list[str]:
    """What people ask: frequent and rare words, words with a misread letter, phrases, fields, and nothing at all."""
    frequent, rare, caption = (
        of.words[3],
        of.words[len(of.words) // 3],
        str(of.entries[77].part(ANALYSIS)["caption"]).split(),
    )
    long = [word for word in of.words if len(word) > 6]
    misread = long[200][:3] + "q" + long[200][4:]
    return [
        "",
        of.words[0],
        frequent,
        rare,
        of.words[300],
        f"{of.words[1]} {of.words[2]}",
        f"{frequent} {of.words[40]} {of.words[90]}",
        long[5],
        long[50],
        misread,
        f"{misread} {frequent}",
        f'"{caption[2]} {caption[3]}"',
        f"{of.words[0]} -{of.words[1]}",
        f"tag:{of.tags[0]}",
        f"tag:{of.tags[100]} {frequent}",
        f"text:{of.words[5]}",
        "folder:folder-001",
        "before:2020 after:2018",
        f"{of.words[2]} after:2024",
        "has:people colour:red",
        "is:failed",
        "IMG_000777",
        'same:"folder-000/IMG_000019.jpg"',
    ]


def measured(engine: Engine, asked: Sequence[str], sort: Any = "match") -> Iterator[Measured]:
    """Each query some times."""
    for each in asked:
        times, total = [], 0
        for _ in range(_ROUNDS):
            begun = time.process_time()
            total = engine.find(parse(each), sort=sort, limit=50).total
            times.append((time.process_time() - begun) * 1000)
        yield Measured(each, statistics.median(times), max(times), total)


def _megabytes() -> float:
    """The most that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def section(images: int = IMAGES) -> Section:
    """The part of the page."""
    of = made(images)
    asked = queries(of)
    before = _megabytes()
    engine = Engine(Settings.from_env(_SETTINGS))
    begun = time.process_time()
    engine.replace("", None, of.entries)
    built = time.process_time() - begun
    grown = _megabytes() - before
    begun = time.process_time()
    engine.replace("", None, of.entries)
    again = time.process_time() - begun
    lines: list[Line] = [
        {"stem": entry.stem, "at": _AT + 1, "parts": {ANALYSIS: {**entry.part(ANALYSIS), "caption": "another caption"}}}
        for entry in of.entries[:: max(1, images // 300)][:300]
    ]
    begun = time.process_time()
    engine.apply(lines)
    changed = time.process_time() - begun
    # What the app never has in memory costs no time of its queries.
    of.entries.clear()
    gc.collect()
    found = list(measured(engine, asked))
    engine.close()
    all_times = sorted(each.p95 for each in found)
    p95 = all_times[int(len(all_times) * 0.95)]
    figures = [
        ("build", f"{built:.1f} s"),
        ("the same entries again", f"{again:.1f} s"),
        (f"{len(lines)} lines", f"{changed * 1000:.0f} ms"),
        ("memory on top of the entries", f"{grown:.0f} MB"),
        ("query, median", f"{statistics.median(each.p50 for each in found):.1f} ms"),
        ("query, p95", f"{p95:.1f} ms"),
    ]
    rows = [(f"`{each.asked}`", str(each.total), f"{each.p50:.1f}", f"{each.p95:.1f}") for each in found]
    text = (
        f"{images:,} synthetic images; a page of 50 with all facets.\nNo storage is asked here.\n\n"
        + table(("what", "figure"), figures)
        + "\n\n"
        + table(("query", "finds", "median, ms", "slowest of five, ms"), rows)
    )
    goals = [
        Goal.at_most(f"query over {images:,} images, p95", MAX_P95_MILLISECONDS, p95, " ms"),
        Goal.at_most(f"memory of {images:,} images", MAX_MEGABYTES, grown, " MB"),
    ]
    return Section("Searching in memory", text, goals)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.search_engine")
    parser.add_argument("--images", type=int, default=IMAGES)
    found = section(parser.parse_args().images)
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
