"""
`make chaos`: the whole stack while its storage hangs, under callers and uploads. Exits 1 if a promise is broken.

    python -m bench.hang [--uploads 30] [--seconds 120] [--max-wait 20]

Storage is stopped (SIGSTOP) in the middle of the uploads and goes on after so many seconds. All the while 16 callers
ask over HTTP, one of them for the health and one for what is refused. Each must be answered within MAX_WAIT_SECONDS and
two seconds more, or six for the health. A minute after storage goes on every picture must have every record, every
question must have been paid once, and nothing may be left behind.
"""

import argparse
import http.client
import itertools
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench import outcome
from bench.chaos import Result, result_of
from bench.pictures import Picture, pictures
from bench.section import table
from bench.stack import Stack, running_stack
from local.addresses import LOOPBACK

CALLERS = 16
LATE_SECONDS = 2.0
HEALTH_SECONDS = 6.0
SETTLED_SECONDS = 60.0
# One caller is no machine that asks without a pause.
_PAUSE_SECONDS = 0.2
_GIVEN_UP_SECONDS = 90.0
_RATE = 10
_LOOK_SECONDS = 0.1
_BYTES = {"Content-Type": "application/octet-stream"}


class Plan(NamedTuple):
    """
    What is done: how many uploads, for how long storage hangs, and MAX_WAIT_SECONDS.

    By *slack* seconds a machine that is busy with something else may be late.
    """

    uploads: int
    seconds: float
    max_wait: float
    slack: float = 0.0


class Answered(NamedTuple):
    """One answer: what was asked for, its status (0 if there was none), after how many seconds, and when."""

    what: str
    status: int
    seconds: float
    at: float


class Hang(NamedTuple):
    """
    What came of it.

    Attributes:
        answers: of the callers.
        during: those that were asked for while storage hung.
        settled: whether everything was there in time after it went on.
        result: as of `bench.chaos`.
    """

    answers: list[Answered]
    during: list[Answered]
    settled: bool
    result: Result

    def problems(self, plan: Plan) -> list[str]:
        """Every promise that was broken."""
        late = [each for each in self.answers if each.seconds > _bound(each.what, plan) or not each.status]
        wrong = [each for each in self.answers if each.status not in _expected(each.what)]
        lines = [f"late: {each.what} after {each.seconds:.1f} s ({each.status})" for each in late]
        lines += [f"answered {each.status}: {each.what}" for each in wrong if each.status]
        lines += [] if self.settled else [f"not complete {SETTLED_SECONDS:g} s after storage went on"]
        return lines + self.result.problems()


def _bound(what: str, plan: Plan) -> float:
    return plan.slack + (HEALTH_SECONDS if what == "health" else plan.max_wait + LATE_SECONDS)


def _expected(what: str) -> tuple[int, ...]:
    return (400,) if what == "refused" else (200, 202, 404, 503)


class _Callers:
    """Sixteen who ask, each for the same again and again."""

    def __init__(self, stack: Stack, given: Sequence[Picture]) -> None:
        self.answers: list[Answered] = []
        self._port = stack.addresses.port
        self._given = given
        self._stop = threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, they ask."""
        with ThreadPoolExecutor(CALLERS) as pool:
            try:
                for number in range(CALLERS):
                    pool.submit(self._ask_on, number)
                yield
            finally:
                self._stop.set()

    def _ask_on(self, number: int) -> None:
        for turn in itertools.count():
            if self._stop.wait(_PAUSE_SECONDS):
                return
            self.answers.append(self._ask(*self._request(number, self._given[(number + turn) % len(self._given)])))

    def _request(self, number: int, picture: Picture) -> tuple[str, str, str, bytes | None]:
        """What the caller of that number asks: its name, method, path and body."""
        return [
            ("health", "GET", "/api/health", None),
            ("refused", "GET", "/api/images?limit=none", None),
            ("list", "GET", "/api/images?limit=5", None),
            ("describe", "POST", "/api/describe", self._given[0].data),
            ("thumbnail", "GET", f"/api/thumbnail/{picture.name}?width=200&height=150", None),
            ("unfinished", "GET", "/api/unfinished?limit=5", None),
            ("state", "GET", f"/api/images/{picture.name}", None),
        ][min(number, 6)]

    def _ask(self, what: str, method: str, path: str, body: bytes | None) -> Answered:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_GIVEN_UP_SECONDS)
        begun, status = time.monotonic(), 0
        try:
            connection.request(method, path, body, _BYTES if body else {})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            pass  # status 0 tells of it
        finally:
            connection.close()
        return Answered(what, status, time.monotonic() - begun, begun)


def run(plan: Plan, *, show: Callable[[str], None] = lambda line: None) -> Hang:
    """Do it."""
    settings = {
        "VISION_RATE": f"{_RATE}/1",
        "MAX_WAIT_SECONDS": f"{plan.max_wait:g}",
        "THUMBNAIL_SIZES": ",".join(outcome.SIZES),
        # As in local.settings.example.json.
        "PYTHON_THREADPOOL_THREAD_COUNT": f"{CALLERS}",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings=settings, with_events=True) as stack,
    ):
        stack.set_faults({"latency_seconds": {"median": 0.2, "p99": 1.0}})
        given = list(pictures(plan.uploads, stack.state / "vision" / "answers"))
        callers, begun = _Callers(stack, given), time.monotonic()
        with callers.asking():
            hung, went_on = _hang(stack, plan, given, show)
            settled = _is_settled(stack, given, went_on + SETTLED_SECONDS)
        questions = outcome.expected(given)
        # Who asks for descriptions may have been refused each time.
        described = {(given[0].sha256, "describe"): 1} if (given[0].sha256, "describe") in outcome.paid(stack) else {}
        result = result_of(stack, given, Counter(), time.monotonic() - begun, questions + Counter(described))
        during = [each for each in callers.answers if hung <= each.at < went_on]
        return Hang(callers.answers, during, settled, result)


def _hang(stack: Stack, plan: Plan, given: Sequence[Picture], show: Callable[[str], None]) -> tuple[float, float]:
    """Upload two thirds, stop storage in the middle of their steps, upload the rest meanwhile; from when until when."""
    first = len(given) * 2 // 3
    outcome.upload(stack, given[:first])
    while outcome.paid(stack).total() < first:
        time.sleep(_LOOK_SECONDS)
    with ThreadPoolExecutor(1) as pool:
        with stack.hung_storage():
            hung = time.monotonic()
            show(f"storage hangs for {plan.seconds:g} s")
            rest = pool.submit(outcome.upload, stack, given[first:])
            time.sleep(plan.seconds)
        went_on = time.monotonic()
        show("storage goes on")
        rest.result()
    return hung, went_on


def _is_settled(stack: Stack, given: Sequence[Picture], until: float) -> bool:
    """Whether every picture has its records by then; returns as soon as that is so."""
    wanted = set().union(*(picture.records(outcome.SIZES) for picture in given))
    while not (settled := wanted <= outcome.records(stack)) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS * 10)
    if settled:
        return True
    outcome.wait_until_settled(stack, {picture.name: picture.records(outcome.SIZES) for picture in given})
    return False


def report(plan: Plan, hang: Hang) -> str:
    """The table: what the callers were answered, all the while and while storage hung."""
    rows = []
    for what in sorted({each.what for each in hang.answers}):
        answers = [each for each in hang.answers if each.what == what]
        during = [each for each in hang.during if each.what == what]
        statuses = Counter(each.status for each in during)
        rows.append(
            (
                what,
                str(len(answers)),
                ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())),
                f"{max((each.seconds for each in answers), default=0.0):.1f}",
                f"{_bound(what, plan):g}",
            )
        )
    header = ("asked for", "answers", "while storage hung", "slowest, s", "allowed, s")
    paid = json.dumps(dict(Counter(name for _, name in hang.result.paid.elements())))
    title = f"{plan.uploads} uploads, {CALLERS} callers, storage hangs for {plan.seconds:g} s"
    return f"{title}\n\n{table(header, rows)}\n\npaid: {paid}\n"


def main(argv: list[str]) -> int:
    """Do it and print the table; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.hang")
    parser.add_argument("--uploads", type=int, default=30, metavar="N", help="how many pictures (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=120, help="how long storage hangs (default %(default)s)")
    parser.add_argument("--max-wait", type=float, default=20, help="MAX_WAIT_SECONDS (default %(default)s)")
    plan = Plan(**vars(parser.parse_args(argv)))
    hang = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, hang))
    problems = hang.problems(plan)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
