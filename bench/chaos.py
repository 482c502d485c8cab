"""
`make chaos`: the whole stack in bad weather, and its host killed again and again. Exits 1 if anything is lost.

    python -m bench.chaos [--uploads 300] [--kills 10] [--seed 1] [--duplicate]

Computer Vision takes ten calls a second, answers 5 % with an error and breaks 2 % of the connections. The host is ended
by `kill -9` each time that a number of paid calls is reached which the seed has chosen. In the end every picture must
have every record, every question must have been paid once, but for those in flight at a kill, and nothing may be left
behind: no instance that goes on, no message in a poison queue. With --duplicate every event is sent twice.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import outcome, receipts
from bench.outcome import Asked, Left
from bench.pictures import Picture, pictures
from bench.receipts import Compared
from bench.section import table
from bench.stack import Stack, running_stack

CALLS_A_SECOND = 10
FAULTS = {
    "rate": {"calls": CALLS_A_SECOND, "seconds": 1, "kind": "bucket"},
    "status": {"500": 0.02, "502": 0.01, "503": 0.01, "504": 0.01},
    "reset": 0.02,
    # Calls take a while, so that a kill is often in the middle of one.
    "latency_seconds": {"median": 0.2, "p99": 1.0},
    "read_seconds": {"median": 1.0, "p99": 5.0},
}
SETTINGS = {"VISION_RATE": f"{CALLS_A_SECOND}/1", "THUMBNAIL_SIZES": ",".join(outcome.SIZES)}
LOOK_SECONDS = 0.1
# A call cannot be in flight twice within this: the claim of one who died lives for 15 s after its last renewal, and is
# renewed every 5 s.
CLAIM_SECONDS = 10.0
OPERATIONS = ("analyze", "areaOfInterest", "read")


class Plan(NamedTuple):
    """What is done: how many uploads and kills, by which seed, and whether every event is sent twice."""

    uploads: int
    kills: int
    seed: int
    duplicate: bool


class Result(NamedTuple):
    """
    What came of it.

    Attributes:
        seconds: from the first upload until all was settled.
        wanted, there: records.
        questions, paid, in_flight: by picture and operation: paid calls as they should be and as they were, and how
            often one was in flight at a kill.
        statuses: what Computer Vision answered.
        states: of the images, as the app tells them.
        unfinished: codes by record.
        wrong_texts: names.
        left: instances and messages.
        receipts: of all images, beside the service's own list of calls.
    """

    seconds: float
    wanted: set[str]
    there: set[str]
    questions: Counter[Asked]
    paid: Counter[Asked]
    in_flight: Counter[Asked]
    statuses: Counter[str]
    states: Counter[str]
    unfinished: dict[str, str]
    wrong_texts: list[str]
    left: Left
    receipts: Compared

    @property
    def paid_too_often(self) -> Counter[Asked]:
        """The paid calls that nothing excuses."""
        return self.paid - self.questions - self.in_flight

    def problems(self) -> list[str]:
        """Everything that is off."""
        found = {
            "records missing": sorted(self.wanted - self.there),
            "records that nobody asked for": sorted(self.there - self.wanted),
            "paid twice": [f"{operation} {sha256[:8]}" for sha256, operation in self.paid_too_often],
            "not paid": [f"{operation} {sha256[:8]}" for sha256, operation in self.questions - self.paid],
            "unfinished": [f"{name} ({code})" for name, code in self.unfinished.items()],
            "texts that are wrong": self.wrong_texts,
        }
        lines = [f"{what}: {len(which)}: {', '.join(which[:5])}" for what, which in found.items() if which]
        lines += [f"images that are {state}: {count}" for state, count in self.states.items() if state != "complete"]
        lines += [
            f"instances or messages left, {name}: {count}" for name, count in self.left._asdict().items() if count
        ]
        return [*lines, *self.receipts.problems]


class Kills:
    """The kills of one run, and which calls were in flight at them."""

    def __init__(self, stack: Stack) -> None:
        self.in_flight: Counter[Asked] = Counter()
        self._stack = stack
        self._last: dict[str, float] = {}

    def kill(self) -> None:
        """Kill the host, and look before the next one is up, which takes a second or two."""
        self._stack.kill_host()
        now = time.monotonic()
        for name in self._claimed():
            if now - self._last.get(name, -CLAIM_SECONDS) >= CLAIM_SECONDS:
                self._last[name] = now
                sha256, _, question = name.partition("/")
                self.in_flight[sha256, question.partition("-")[0]] += 1

    def _claimed(self) -> list[str]:
        with self._stack.storage() as storage:
            cache = storage.get_container_client("cache")
            leased = [claim.name for claim in cache.list_blobs() if claim.lease.state == "leased"]
            # The lease of an answer that was stored lapses by itself.
            return [name for name in leased if json.loads(cache.download_blob(name).readall())["state"] == "asking"]


def moments(plan: Plan, questions: int) -> list[int]:
    """The numbers of paid calls at which the host is killed: the first in the first half, all before the end."""
    chance = random.Random(plan.seed)
    rest = chance.sample(range(questions // 4, questions * 9 // 10), max(0, plan.kills - 1))
    return sorted([chance.randrange(1, questions // 4), *rest])[: plan.kills]


def run(plan: Plan, *, show: Callable[[str], None] = lambda line: None) -> Result:
    """Do it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings=SETTINGS, with_events=True, duplicate_events=plan.duplicate) as stack,
    ):
        stack.set_faults({**FAULTS, "seed": plan.seed})
        given = list(pictures(plan.uploads, stack.state / "vision" / "answers"))
        begun = time.monotonic()
        in_flight = _storm(stack, plan, given, show)
        wanted = {picture.name: picture.records(outcome.SIZES) for picture in given}
        outcome.wait_until_settled(stack, wanted, show=lambda there, total: show(f"{there} of {total} records"))
        questions = outcome.expected(given)
        return result_of(stack, given, in_flight, time.monotonic() - begun, questions)


def _storm(stack: Stack, plan: Plan, given: Sequence[Picture], show: Callable[[str], None]) -> Counter[Asked]:
    """Upload and kill; returns what was in flight."""
    kills, half = Kills(stack), len(given) // 2
    questions = outcome.expected(given).total()
    outcome.upload(stack, given[:half])
    for number, moment in enumerate(moments(plan, questions)):
        while (paid := outcome.paid(stack).total()) < moment:
            time.sleep(LOOK_SECONDS)
        kills.kill()
        show(f"kill {number + 1} of {plan.kills} after {paid} paid calls")
        if number == 0:
            # While no host listens.
            outcome.upload(stack, given[half:])
    return kills.in_flight


def result_of(
    stack: Stack, given: Sequence[Picture], in_flight: Counter[Asked], seconds: float, questions: Counter[Asked]
) -> Result:
    """What came of these pictures, for which so much was to be paid."""
    statuses: Counter[str] = Counter()
    for counted in stack.vision_stats()["operations"].values():
        statuses.update(counted["status"])
    return Result(
        seconds=seconds,
        wanted=set().union(*(picture.records(outcome.SIZES) for picture in given)),
        there=outcome.records(stack),
        questions=questions,
        paid=outcome.paid(stack),
        in_flight=in_flight,
        statuses=statuses,
        states=outcome.states(stack),
        unfinished=outcome.unfinished(stack),
        wrong_texts=outcome.wrong_texts(stack, given),
        left=outcome.left(stack),
        receipts=receipts.of_stack(stack, (picture.name for picture in given)),
    )


def report(plan: Plan, result: Result) -> str:
    """The tables."""
    again, compared = result.paid - result.questions, result.receipts
    rows = [
        (
            operation,
            *(str(_of(counted, operation)) for counted in (result.questions, result.paid, result.in_flight, again)),
            str(_of(result.paid_too_often, operation)),
        )
        for operation in OPERATIONS
    ]
    header = ("paid for", "questions", "paid", "in flight at a kill", "of these paid again", "paid twice otherwise")
    facts = [
        ("records", f"{len(result.there & result.wanted)} of {len(result.wanted)}"),
        ("images", ", ".join(f"{count} {state}" for state, count in sorted(result.states.items()))),
        ("unfinished records", str(len(result.unfinished))),
        ("instances that go on, that failed", f"{result.left.unended}, {result.left.failed}"),
        ("messages in the poison queue", str(result.left.poison)),
        ("receipts", f"{compared.receipts}: {compared.calls} calls of {compared.transactions} transactions"),
        ("calls of receipts that had no answer", str(compared.without_answer)),
        ("answers of Computer Vision", ", ".join(f"{n} x {status}" for status, n in sorted(result.statuses.items()))),
        ("seconds", f"{result.seconds:.0f}"),
    ]
    events = "every event twice" if plan.duplicate else "every event once"
    title = f"{plan.uploads} uploads, {plan.kills} kills, seed {plan.seed}, {events}"
    return f"{title}\n\n{table(header, rows)}\n\n{table(('', ''), facts)}\n"


def _of(counted: Counter[Asked], operation: str) -> int:
    return sum(number for (_, name), number in counted.items() if name == operation)


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if anything is off."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("--uploads", type=int, default=300, metavar="N", help="how many pictures (default %(default)s)")
    parser.add_argument("--kills", type=int, default=10, metavar="N", help="of the host (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of faults and kills (default %(default)s)")
    parser.add_argument("--duplicate", action="store_true", help="send every event twice")
    plan = Plan(**vars(parser.parse_args(argv)))
    result = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, result))
    for problem in result.problems():
        print(problem)
    return 1 if result.problems() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
