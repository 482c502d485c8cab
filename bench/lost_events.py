"""
`make chaos`: events that never come, and images that are older than the app. Exits 1 if anything is lost or paid.

    python -m bench.lost_events [--old 500] [--uploads 1000] [--deletions 50] [--kills 3] [--seed 1]

The old images are in the container before the app first starts. Then some images are uploaded and done.
After that events are switched off, other images are uploaded, and the first ones are deleted. One reconciliation has to
complete the new images and to remove everything of the deleted ones, while the host is killed. Nothing may be paid for
the old images, which the health counts. At last the events come after all, and may change and cost nothing.
"""

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench import aftermath, outcome
from bench.chaos import CALLS_A_SECOND, FAULTS, LOOK_SECONDS, OPERATIONS, SETTINGS, Kills
from bench.outcome import Asked
from bench.pictures import Picture, pictures
from bench.section import table
from bench.stack import Stack, running_stack

_KEY = "key-of-the-bench"
_DELETIONS_AT_ONCE = 4
# The app looks at itself twice a minute, and tells the last look's findings meanwhile.
_HEALTH_SECONDS = 60.0
_EVENTS_SECONDS = 60.0


class Plan(NamedTuple):
    """How many images are old, lost and deleted, how often the host is killed, and the seed."""

    old: int
    uploads: int
    deletions: int
    kills: int
    seed: int


class Result(NamedTuple):
    """
    What came of it.

    Attributes:
        seconds: from the request for the reconciliation until all was done.
        found: what is off after the reconciliation, and once more after the late events.
        questions, paid, in_flight: by picture and operation: paid calls as they should be and as they were, and how
            often one was in flight at a kill.
        first, second: what the two reconciliations tell of themselves.
        health: what the health tells of the second.
        late: paid calls after the late events.
    """

    seconds: float
    found: dict[str, list[str]]
    questions: Counter[Asked]
    paid: Counter[Asked]
    in_flight: Counter[Asked]
    first: aftermath.Json
    second: aftermath.Json
    health: aftermath.Json
    late: int

    @property
    def paid_too_often(self) -> Counter[Asked]:
        """The paid calls that nothing excuses, those about old images among them."""
        return self.paid - self.questions - self.in_flight

    def problems(self, plan: Plan) -> list[str]:
        """Everything that is off."""
        paid = {
            "paid twice, or for nothing": [f"{operation} {sha256[:8]}" for sha256, operation in self.paid_too_often],
            "not paid": [f"{operation} {sha256[:8]}" for sha256, operation in self.questions - self.paid],
        }
        lines = aftermath.lines({**self.found, **paid})
        told = {"imagesWithoutResult": 0, "waitForBackfill": plan.old, "images": plan.old + plan.uploads}
        lines += [
            f"the health says {name}: {self.health.get(name)} instead of {value}"
            for name, value in told.items()
            if self.health.get(name) != value
        ]
        return lines + ([f"paid after the late events: {self.late}"] if self.late else [])


def run(plan: Plan, *, show: Callable[[str], None] = lambda line: None) -> Result:
    """Do it."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        count = plan.old + plan.uploads + plan.deletions
        given = list(pictures(count, state / "vision" / "answers"))
        old, doomed = given[: plan.old], given[plan.old : plan.old + plan.deletions]
        lost = given[plan.old + plan.deletions :]
        with running_stack(
            state,
            settings={**SETTINGS, "HEALTH_KEY": _KEY},
            with_events=True,
            before_host=lambda stack: outcome.upload(stack, old),
        ) as stack:
            return _lose_and_find(stack, plan, old, doomed, lost, show)


def _lose_and_find(
    stack: Stack,
    plan: Plan,
    old: Sequence[Picture],
    doomed: Sequence[Picture],
    lost: Sequence[Picture],
    show: Callable[[str], None],
) -> Result:
    stack.set_faults({**FAULTS, "seed": plan.seed})
    outcome.upload(stack, doomed)
    outcome.wait_until_settled(stack, {picture.name: picture.records(outcome.SIZES) for picture in doomed})
    stack.stop_events()
    outcome.upload(stack, lost)
    _delete(stack, doomed)
    there, waiting = ({picture.name: picture for picture in some} for some in (lost, old))

    def look() -> dict[str, list[str]]:
        return aftermath.problems(stack, there, waiting)

    begun = time.monotonic()
    aftermath.start_reconciliation(stack)
    in_flight = _kill(stack, plan, outcome.expected(doomed).total(), outcome.expected(lost).total(), show)
    first = aftermath.wait_for_reconciliation(stack)
    show(f"reconciled: {json.dumps(first)}")
    found = aftermath.wait_until_well(stack, look, show=show)
    seconds = time.monotonic() - begun
    second = aftermath.reconcile(stack)
    paid, health = outcome.paid(stack), _health(stack, second)
    stack.start_events()
    _wait_for_events(stack, {*there, *waiting})
    found = found or aftermath.wait_until_well(stack, look, show=show)
    found["texts that are wrong"] = outcome.wrong_texts(stack, lost)
    late = outcome.paid(stack).total() - paid.total()
    return Result(seconds, found, outcome.expected([*doomed, *lost]), paid, in_flight, first, second, health, late)


def _delete(stack: Stack, doomed: Sequence[Picture]) -> None:
    with stack.storage() as storage, ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
        images = storage.get_container_client("images")
        list(pool.map(lambda picture: images.delete_blob(picture.name), doomed))


def _kill(stack: Stack, plan: Plan, before: int, questions: int, show: Callable[[str], None]) -> Counter[Asked]:
    """Kill the host at once, while images are compared, and then at numbers of paid calls that the seed chooses."""
    kills = Kills(stack)
    moments = random.Random(plan.seed).sample(range(1, max(questions * 3 // 4, plan.kills + 1)), max(0, plan.kills - 1))
    for number, moment in enumerate([0, *sorted(moments)][: plan.kills]):
        while (paid := outcome.paid(stack).total() - before) < moment:
            time.sleep(LOOK_SECONDS)
        kills.kill()
        show(f"kill {number + 1} of {plan.kills} after {paid} paid calls")
        stack.wait_for_host()
    return kills.in_flight


def _health(stack: Stack, told: aftermath.Json) -> aftermath.Json:
    """What the health tells of that reconciliation, once its look has seen it; the last it told if it never does."""
    until = time.monotonic() + _HEALTH_SECONDS
    while True:
        report: aftermath.Json = json.loads(stack.ask_host("GET", f"/api/health?code={_KEY}"))
        found: aftermath.Json = report.get("reconciliation") or {}
        if time.monotonic() > until or (found and found["checkedAt"] == told["began"]):
            return found
        time.sleep(outcome.LOOK_SECONDS)


def _wait_for_events(stack: Stack, names: set[str]) -> None:
    """Return when events have been sent of exactly these images, or after a minute: the rest shows what is off."""
    until = time.monotonic() + _EVENTS_SECONDS
    while time.monotonic() < until:
        with closing(sqlite3.connect(f"{(stack.state / 'events' / 'told.db').as_uri()}?mode=ro", uri=True)) as journal:
            told = {name for (name,) in journal.execute("SELECT name FROM told")}
        if told == names:
            return
        time.sleep(LOOK_SECONDS)


def report(plan: Plan, result: Result) -> str:
    """The tables."""
    counts = (result.questions, result.paid, result.in_flight, result.paid_too_often)
    rows = [
        (name, *(str(sum(n for (_, asked), n in each.items() if asked == name)) for each in counts))
        for name in OPERATIONS
    ]
    facts = [
        ("the reconciliation says", json.dumps(result.first)),
        ("the next one says", json.dumps(result.second)),
        ("the health says", json.dumps(result.health)),
        ("off in the end", "; ".join(aftermath.lines(result.found)) or "nothing"),
        ("paid after the late events", str(result.late)),
        ("seconds", f"{result.seconds:.0f}, of which {CALLS_A_SECOND} calls a second"),
    ]
    title = (
        f"{plan.old} old images, {plan.uploads} uploads and {plan.deletions} deletions without events, "
        f"{plan.kills} kills, seed {plan.seed}"
    )
    header = ("paid for", "questions", "paid", "in flight at a kill", "paid twice otherwise")
    return f"{title}\n\n{table(header, rows)}\n\n{table(('', ''), facts)}\n"


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if anything is off."""
    parser = argparse.ArgumentParser(prog="python -m bench.lost_events")
    for name, default, what in (
        ("old", 500, "images that are older than the app"),
        ("uploads", 1000, "images without an event"),
        ("deletions", 50, "deletions without an event"),
        ("kills", 3, "of the host"),
        ("seed", 1, "of faults and kills"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default %(default)s)")
    plan = Plan(**vars(parser.parse_args(argv)))
    result = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, result))
    for problem in result.problems(plan):
        print(problem)
    return 1 if result.problems(plan) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
