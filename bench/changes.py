"""
`make chaos`: images change and go while the host is killed again and again. Exits 1 if anything is off.

    python -m bench.changes [--names 40] [--seconds 60] [--kills 8] [--seed 1]

Pictures are uploaded, overwritten, copied, renamed and deleted under the same names, as the seed says, in the weather
of `bench.chaos`. A rename is a copy and a deletion, or a deletion and an upload of the same bytes, with events in that
order. In the end there is one reconciliation. Then each image must have the records of its present bytes and a true
owner mark, and nothing may be left of deleted images. No question may have been paid
twice, but for those in flight at a kill: no answer is forgotten within a day.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

from bench import aftermath, outcome
from bench.chaos import FAULTS, OPERATIONS, SETTINGS, Kills
from bench.outcome import Asked
from bench.pictures import Picture, pictures
from bench.section import table
from bench.stack import Stack, running_stack

CHANGES_A_SECOND = 4.0
# Longer than two looks of the local stack's Event Grid: what was deleted is told before it is there again.
MOVE_SECONDS = 1.5
# Every so many names lie below another image's name, as a blob can.
_BELOW_EVERY = 8
_COPY_CHANCE = 0.25
# So long after a host has answered the next is killed, in the middle of what it does.
_KILL_AFTER_SECONDS = (0.5, 4.0)
# A reconciliation mends nothing that is under way.
_QUIET_SECONDS = 30.0

Kind = Literal["upload", "overwrite", "copy", "delete"]


class Plan(NamedTuple):
    """Under how many names images change, for how many seconds, how often the host is killed, and the seed."""

    names: int
    seconds: float
    kills: int
    seed: int


class Change(NamedTuple):
    """
    One request to storage.

    Attributes:
        at: when, in seconds after the beginning.
        kind: what. An upload or a copy puts an image where none is.
        name: of which image.
        picture: the number of the picture that is there afterwards; None for a deletion.
        source: the name from which a copy is made.
    """

    at: float
    kind: Kind
    name: str
    picture: int | None
    source: str | None = None


class Result(NamedTuple):
    """
    What came of it.

    Attributes:
        seconds: from the first change until all was settled.
        changes: how many there were, by kind.
        images: how many are there in the end.
        found: what is off, by what it is.
        before: the same before the reconciliation.
        paid, in_flight: by picture and operation: paid calls, and how often one was in flight at a kill.
        unpaid: questions about the images that are there which were never paid for.
        reconciliation: what it tells of itself.
    """

    seconds: float
    changes: Counter[str]
    images: int
    found: dict[str, list[str]]
    before: dict[str, list[str]]
    paid: Counter[Asked]
    in_flight: Counter[Asked]
    unpaid: Counter[Asked]
    reconciliation: aftermath.Json

    @property
    def paid_too_often(self) -> Counter[Asked]:
        """The paid calls that nothing excuses."""
        return self.paid - Counter(dict.fromkeys(self.paid, 1)) - self.in_flight

    def problems(self) -> list[str]:
        """Everything that is off."""
        paid = {
            "paid twice": [f"{operation} {sha256[:8]}" for sha256, operation in self.paid_too_often],
            "not paid": [f"{operation} {sha256[:8]}" for sha256, operation in self.unpaid],
        }
        return aftermath.lines({**self.found, **paid})


class _Names:
    """The names of one plan, and which picture is where while the changes are chosen."""

    def __init__(self, plan: Plan) -> None:
        self.all = names(plan.names)
        self.there: dict[str, int] = {}
        # An image that is moved has gone from its old name, and has its new one for itself until it is there.
        self.held: dict[str, float] = {}
        self.pictures = 0

    def free(self) -> list[str]:
        """The names that no image has or will have."""
        return [name for name in self.all if name not in self.there]

    def present(self, now: float) -> list[str]:
        """The images that are there at that time."""
        return [name for name in self.all if name in self.there and self.held.get(name, 0.0) < now]

    def new_picture(self) -> int:
        self.pictures += 1
        return self.pictures - 1


def names(count: int) -> list[str]:
    """So many names, of which some lie below others."""
    found: list[str] = []
    for number in range(count):
        name = f"picture-{number:02}.png"
        found.append(f"{found[-1]}/{name}" if number % _BELOW_EVERY == _BELOW_EVERY - 1 else name)
    return found


def changes(plan: Plan) -> list[Change]:
    """What is done, in the order of its time: the same for the same plan."""
    chance, state = random.Random(plan.seed), _Names(plan)
    found: list[Change] = []
    at = 0.0
    while at < plan.seconds:
        found += _next(chance, state, at)
        at += chance.expovariate(CHANGES_A_SECOND)
    return sorted(found, key=lambda change: change.at)


def _next(chance: random.Random, state: _Names, at: float) -> Iterator[Change]:
    """One change, or the two of a rename."""
    free, there = state.free(), state.present(at)
    # At first there are none, and later about two in three.
    if free and (not there or chance.random() < 0.5 * len(free) / len(state.all) + 0.05):
        name = chance.choice(free)
        copied = chance.choice(there) if there and chance.random() < _COPY_CHANCE else None
        state.there[name] = state.there[copied] if copied else state.new_picture()
        yield Change(at, "copy" if copied else "upload", name, state.there[name], copied)
        return
    if not there:  # all are on the move
        return
    name = chance.choice(there)
    kind = chance.choice(("overwrite", "delete", "rename", "move") if free else ("overwrite", "delete"))
    if kind == "overwrite":
        # Sometimes with what another image has.
        state.there[name] = state.there[chance.choice(there)] if chance.random() < _COPY_CHANCE else state.new_picture()
        yield Change(at, "overwrite", name, state.there[name])
        return
    number = state.there.pop(name)
    if kind == "delete":
        yield Change(at, "delete", name, None)
        return
    to = chance.choice(free)
    state.held[to] = at + MOVE_SECONDS
    if kind == "rename":
        yield Change(at, "copy", to, number, name)
        yield Change(at, "delete", name, None)
    else:
        yield Change(at, "delete", name, None)
        yield Change(at + MOVE_SECONDS, "upload", to, number)
    state.there[to] = number


def left_after(done: Sequence[Change]) -> dict[str, int]:
    """Which picture is where in the end, by the name."""
    there: dict[str, int] = {}
    for change in done:
        if change.picture is None:
            del there[change.name]
        else:
            there[change.name] = change.picture
    return there


def run(plan: Plan, *, show: Callable[[str], None] = lambda line: None) -> Result:
    """Do it."""
    todo = changes(plan)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings=SETTINGS, with_events=True) as stack,
    ):
        stack.set_faults({**FAULTS, "seed": plan.seed})
        count = 1 + max(change.picture for change in todo if change.picture is not None)
        given = list(pictures(count, stack.state / "vision" / "answers"))
        begun = time.monotonic()
        in_flight = _storm(stack, plan, todo, given, show)
        there = {name: aftermath.named(given[number], name) for name, number in left_after(todo).items()}

        def look() -> dict[str, list[str]]:
            return aftermath.problems(stack, there)

        before = aftermath.wait_until_well(stack, look, show=show, patience_seconds=_QUIET_SECONDS)
        told = aftermath.reconcile(stack)
        show(f"reconciled: {told}")
        found = aftermath.wait_until_well(stack, look, show=show)
        found["texts that are wrong"] = outcome.wrong_texts(stack, list(there.values()))
        paid, questions = outcome.paid(stack), outcome.expected(list(there.values()))
        return Result(
            seconds=time.monotonic() - begun,
            changes=Counter(change.kind for change in todo),
            images=len(there),
            found=found,
            before=before,
            paid=paid,
            in_flight=in_flight,
            unpaid=questions - paid,
            reconciliation=told,
        )


def _storm(
    stack: Stack, plan: Plan, todo: Sequence[Change], given: Sequence[Picture], show: Callable[[str], None]
) -> Counter[Asked]:
    """Change and kill, side by side; returns what was in flight."""
    kills = Kills(stack)
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(_change, stack, todo, given)
        chance = random.Random(plan.seed)
        for number in range(plan.kills):
            stack.wait_for_host()
            time.sleep(chance.uniform(*_KILL_AFTER_SECONDS))
            kills.kill()
            show(f"kill {number + 1} of {plan.kills}")
        changing.result()
    return kills.in_flight


def _change(stack: Stack, todo: Sequence[Change], given: Sequence[Picture]) -> None:
    """Do one change after the other, each at its time or as soon as those before are done."""
    begun = time.monotonic()
    with stack.storage() as storage:
        images = storage.get_container_client("images")
        for change in todo:
            time.sleep(max(0.0, begun + change.at - time.monotonic()))
            blob = images.get_blob_client(change.name)
            if change.picture is None:
                blob.delete_blob()
            elif change.source is not None:
                blob.start_copy_from_url(images.get_blob_client(change.source).url)
            else:
                blob.upload_blob(given[change.picture].data, overwrite=True)


def report(plan: Plan, result: Result) -> str:
    """The tables."""
    rows = [
        (
            operation,
            *(str(_of(counted, operation)) for counted in (result.paid, result.in_flight, result.paid_too_often)),
        )
        for operation in OPERATIONS
    ]
    facts = [
        ("changes", ", ".join(f"{count} x {kind}" for kind, count in sorted(result.changes.items()))),
        ("images in the end", str(result.images)),
        ("off before the reconciliation", "; ".join(aftermath.lines(result.before)) or "nothing"),
        ("off in the end", "; ".join(aftermath.lines(result.found)) or "nothing"),
        ("seconds", f"{result.seconds:.0f}"),
    ]
    title = f"{plan.names} names, {plan.seconds:.0f} seconds, {plan.kills} kills, seed {plan.seed}"
    header = ("paid for", "paid", "in flight at a kill", "paid twice otherwise")
    return f"{title}\n\n{table(header, rows)}\n\n{table(('', ''), facts)}\n"


def _of(counted: Counter[Asked], operation: str) -> int:
    return sum(number for (_, name), number in counted.items() if name == operation)


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if anything is off."""
    parser = argparse.ArgumentParser(prog="python -m bench.changes")
    parser.add_argument("--names", type=int, default=40, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="of changes (default %(default)s)")
    parser.add_argument("--kills", type=int, default=8, metavar="N", help="of the host (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of changes and kills (default %(default)s)")
    plan = Plan(**vars(parser.parse_args(argv)))
    result = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, result))
    for problem in result.problems():
        print(problem)
    return 1 if result.problems() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
