"""
What the app costs in the platform's worker, beside what it cost at another commit, in one run.

    python -m bench.at_home [--before REVISION] [--rounds N]

The two take turns, and in every other round the one that was second is first. Ratios are now to before: the median of
the rounds. Exits 1 if a goal is missed, which are of this tree alone.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.at_home.measures import CALLS, Bench, Json
from bench.at_home.trees import ROOT, NoSuchCommitError, tree_of
from bench.section import Goal, goals_table, table

BEFORE = "HEAD~1"
ROUNDS = 5
UPLOADS = 3
MOST_LINES, MOST_KILOBYTES = 12, 3.0
# A worker by the rule it attributes lines by.
WORKERS = {"older": "worker of 3.11 and 3.12", "newer": "worker of 3.13"}


class Figure(NamedTuple):
    """One thing that was measured, a value for each round."""

    what: str
    before: Sequence[float]
    now: Sequence[float]

    @property
    def ratio(self) -> float | None:
        """Now to before, or None where there was nothing before."""
        if not all(self.before):
            return None
        return median(now / before for before, now in zip(self.before, self.now, strict=True))

    def row(self) -> tuple[str, str, str, str]:
        """Its line of the table."""
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, f"{median(self.before):.4g}", f"{median(self.now):.4g}", ratio


class Logged(NamedTuple):
    """What uploads log under one rule, for one of them on average."""

    lines: float
    kilobytes: float
    lost: float


# What one tree gives in one round, by the figure's name; and the lines of its uploads.
Round = tuple[dict[str, float], list[Json]]


def logged(uploads: Sequence[Json], rule: str) -> Logged:
    """The lines that reach the platform, their kilobytes (of 1,000 bytes), and the lines that do not."""
    lines = [line for upload in uploads for line in upload["lines"]]
    reached = [line for line in lines if line[rule]]
    size = sum(line["bytes"] for line in reached) / 1000
    return Logged(len(reached) / len(uploads), size / len(uploads), (len(lines) - len(reached)) / len(uploads))


def measured(bench: Bench, tree: Path, functions: Sequence[str], uploads: int) -> Round:
    """Measure everything of a tree once."""
    found = {}
    done = bench.uploads(tree, uploads)
    for rule, worker in WORKERS.items():
        told = logged(done, rule)
        found[f"upload, {worker}: lines"] = told.lines
        found[f"upload, {worker}: kilobytes"] = told.kilobytes
        found[f"upload, {worker}: lines lost"] = told.lost
    found["upload: CPU, ms"] = median(each["cpu_ms"] for each in done)
    for cell in CALLS:
        found[f"call, {cell.name}: CPU, ms"] = bench.call(tree, cell)
    costs = {function: bench.imported(tree, function) for function in functions}
    # Each by itself is so short that the machine's other work shows.
    found["imports of all, each by itself: CPU, ms"] = sum(cost.cpu_ms for cost in costs.values())
    for function, cost in costs.items():
        found[f"import of {function}: modules"] = cost.modules
        found[f"import of {function}: CPU, ms"] = cost.cpu_ms
    return found, done


def compare(
    bench: Bench,
    before: Path,
    now: Path = ROOT,
    *,
    rounds: int = ROUNDS,
    uploads: int = UPLOADS,
    functions: Sequence[str] = (),
) -> tuple[list[Figure], list[Json], list[Json]]:
    """The figures of both trees, and what each logged of its uploads; of these functions, or all that both have."""
    functions = functions or [name for name in bench.folders(now) if name in bench.folders(before)]
    trees = (before, now)
    for tree in trees:
        for name in functions:
            bench.imported(tree, name)  # compiles it
    found: tuple[list[Round], list[Round]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            found[which].append(measured(bench, trees[which], functions, uploads))
        print(f"bench: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    old, new = ([figures for figures, _ in its] for its in found)
    figures = [Figure(what, [each[what] for each in old], [each[what] for each in new]) for what in new[0]]
    first, second = ([upload for _, done in its for upload in done] for its in found)
    return figures, first, second


def goals(uploads: Sequence[Json]) -> list[Goal]:
    """What has to hold of this tree, by the rule of each worker."""
    found = []
    for rule, worker in WORKERS.items():
        told = logged(uploads, rule)
        found += [
            Goal.at_most(f"upload, {worker}: lines", MOST_LINES, told.lines),
            Goal.at_most(f"upload, {worker}: log", MOST_KILOBYTES, told.kilobytes, " KB"),
            Goal.at_most(f"upload, {worker}: lines lost", 0, told.lost),
        ]
    return found


def lines_table(uploads: Sequence[Json]) -> str:
    """Which lines one upload logs: how many, and who gets them."""
    counts: Counter[tuple[str, ...]] = Counter()
    sizes: Counter[tuple[str, ...]] = Counter()
    for upload in uploads:
        for line in upload["lines"]:
            reaches = ["yes" if line[rule] else "**no**" for rule in WORKERS]
            key = (line["function"], line["level"], line["event"], *reaches)
            counts[key] += 1
            sizes[key] += line["bytes"]
    rows = [
        (*key[:3], f"{count / len(uploads):.1f}", f"{sizes[key] / len(uploads):.0f}", *key[3:])
        for key, count in counts.items()
    ]
    return table(("function", "level", "event", "lines", "bytes", *WORKERS.values()), rows)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.at_home")
    parser.add_argument("--before", default=BEFORE, metavar="REVISION", help=f"the other commit ({BEFORE})")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    try:
        with tree_of(given.before) as before, TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
            figures, old, new = compare(bench, before, rounds=given.rounds)
    except NoSuchCommitError as error:
        print(error, file=sys.stderr)
        return 2
    held = goals(new)
    print(table(("of one", f"at {given.before}", "now", "ratio"), [figure.row() for figure in figures]))
    print(f"\nThe log of one upload at {given.before}:\n", lines_table(old), sep="\n")
    print("\nThe log of one upload now:\n", lines_table(new), "", goals_table(held), sep="\n")
    return 0 if all(goal.held for goal in held) else 1


if __name__ == "__main__":
    sys.exit(main())
