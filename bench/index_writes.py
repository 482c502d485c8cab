"""
What the index costs a burst: images at once on eight processes, with it and as it was before, in turns.

    python -m bench.index_writes [--images 300] [--rounds 3]

Storage is Azurite, one of each run's own; Computer Vision answers at once, so that nothing but the app and storage
takes time. Exits 1 if a goal is missed.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.section import Goal, Section, goals_table, table

PROCESSES = 8
MOST_REQUESTS = 1.0
# Of rounds whose seconds are off by a tenth on a machine with other work.
MOST_TIMES_LONGER = 1.15
_MODES = ("without", "index")
_TESTS = str(Path(__file__).resolve().parent.parent / "tests")


class Run(NamedTuple):
    """
    What a burst has cost, and left.

    Attributes:
        requests: to storage for the index, for each image.
        rate: images a second.
        wrong: how many images have an entry that differs from their records, or a line that came twice.
    """

    requests: float
    rate: float
    wrong: int


def run(mode: str, images: int) -> Run:
    """One burst, in the mode of `tests/doubles/index_worker.py`, on an account of its own."""
    if _TESTS not in sys.path:
        sys.path.append(_TESTS)
    azurite: Any = import_module("doubles.azurite")
    burst: Any = import_module("doubles.index_burst")
    worker: Any = import_module("doubles.index_worker")
    with azurite.running_azurite() as account:
        app = worker.build(account.connection_string)
        done = burst.burst(account.connection_string, mode, burst.put_images(app, images), processes=PROCESSES)
        wrong = len(burst.differing(app)) + len(burst.twice(app)) if mode == "index" else 0
    return Run(done.operations / images, images / done.seconds, wrong)


def section(*, images: int = 300, rounds: int = 3) -> Section:
    """Measure in turns, and put it into a table."""
    runs: dict[str, list[Run]] = {mode: [] for mode in _MODES}
    for number in range(rounds):
        # Neither of the two always comes first.
        for mode in _MODES if number % 2 else reversed(_MODES):
            runs[mode].append(run(mode, images))
    rates = {mode: median(each.rate for each in found) for mode, found in runs.items()}
    requests = max(each.requests for each in runs["index"])
    wrong = sum(each.wrong for each in runs["index"])
    rows = [(mode, f"{rates[mode]:.1f}", f"{max(each.requests for each in found):.2f}") for mode, found in runs.items()]
    goals = [
        Goal.at_most("requests for the index an image, in a burst", MOST_REQUESTS, requests),
        Goal.at_most("entries that differ from their records, or lines that came twice", 0, wrong),
        Goal.at_most("a burst with the index, times as long", MOST_TIMES_LONGER, rates["without"] / rates["index"]),
    ]
    head = ("index", "images a second (median)", "requests for it an image (most)")
    text = f"{images} images at once on {PROCESSES} processes, {rounds} rounds in turns.\n\n{table(head, rows)}"
    return Section("What the index costs a burst", text, goals)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.index_writes")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = section(images=given.images, rounds=given.rounds)
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
