"""
Many callers at once on the whole stack, over every route. Exits 1 if one is answered what the documentation has not.

    python -m bench.callers [--callers 200] [--seconds 30] [--images 30] [--rate 10] [--seed 1]

Each caller asks again as soon as it is answered, on a connection of its own: for known images, for new bytes, and for
wrong things. Computer Vision takes so many calls a second, so most of the new bytes have to wait or are refused. A
refusal is right if it is a 429 or a 503 with a code of docs/errors.md and a `Retry-After`. Afterwards the host must
hold as many descriptors as before, but for a few. It prints the time of the answers by what was asked, and what the
host holds.
"""

import argparse
import http.client
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import outcome, process_figures
from bench.caller_requests import Ask, any_request, follow
from bench.pictures import Picture, pictures
from bench.process_figures import Held
from bench.section import Goal, goals_table, table
from bench.stack import Stack, running_stack
from local.addresses import LOOPBACK

ERRORS = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
REFUSALS = (429, 503)
# Of threads' own connections to storage and to Computer Vision, which stay for a while.
MOST_DESCRIPTORS = 64
_SIZES = ["200x150"]
_PROBLEM = "application/problem+json"
_GIVEN_UP_SECONDS = 90.0
# A caller who is refused waits, but not to the end of the measurement.
_LONGEST_PAUSE_SECONDS = 2.0
_REST_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_MEGABYTE = 2**20


class Plan(NamedTuple):
    """One run: how many callers, for how long, known images, calls a second, and the seed."""

    callers: int
    seconds: float
    images: int
    rate: int
    seed: int


class Answered(NamedTuple):
    """One answer: what was asked, its status (0 if there was none), after how many seconds, and what is wrong in it."""

    what: str
    status: int
    seconds: float
    wrong: str = ""


class Result(NamedTuple):
    """What the callers were answered, in how many seconds, and what the host held before, at most, and afterwards."""

    answers: Sequence[Answered]
    seconds: float
    before: Held
    most: Held
    after: Held

    def goals(self) -> list[Goal]:
        """What has to hold."""
        more = self.after.descriptors - self.before.descriptors
        return [
            Goal.at_most("answers that are not documented", 0, sum(bool(each.wrong) for each in self.answers)),
            Goal.at_least("answers", 1, len(self.answers)),
            Goal.at_most("descriptors more than before", MOST_DESCRIPTORS, more),
        ]


def codes(status: int) -> frozenset[str]:
    """The codes of docs/errors.md that have this status."""
    rows = re.findall(r"^\| `(\w+)` \| ([0-9 or]+) \|", ERRORS.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(code for code, statuses in rows if str(status) in statuses.split(" or "))


def wrong(ask: Ask, status: int, headers: Mapping[str, str], body: bytes) -> str:
    """
    What is not documented in an answer; empty if nothing is.

    Args:
        ask: what was asked.
        status: of the answer.
        headers: of the answer, their names in lower case.
        body: of the answer.
    """
    if status == 202 and status in ask.statuses:
        return "" if "retry-after" in headers else "202 without Retry-After"
    if status in ask.statuses:
        return ""
    if status not in REFUSALS:
        return f"{status} {_code(headers, body)}".strip()
    code = _code(headers, body)
    if code not in codes(status):
        return f"{status} with the code {code or 'of none'}"
    return "" if "retry-after" in headers else f"{status} {code} without Retry-After"


def _code(headers: Mapping[str, str], body: bytes) -> str:
    if headers.get("content-type", "").partition(";")[0] != _PROBLEM:
        # Health tells that it is down in its own words.
        return ""
    return str(json.loads(body).get("code", ""))


class _Caller:
    """One caller with a connection and a chance of its own."""

    def __init__(self, port: int, known: Sequence[Picture], seed: str) -> None:
        self.answers: list[Answered] = []
        self._known = known
        self._chance = random.Random(seed)
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_GIVEN_UP_SECONDS)

    def ask_on(self, stop: threading.Event) -> None:
        """Ask until then."""
        following: Ask | None = None
        while not stop.is_set():
            ask = following or any_request(self._chance, self._known)
            status, headers = self._ask(ask)
            location = headers.get("location") if status == 202 else None
            following = follow(ask.what, _target(location)) if location else None
            if status in (0, 202, *REFUSALS):
                stop.wait(min(_LONGEST_PAUSE_SECONDS, float(headers.get("retry-after", "1"))))
        self._connection.close()

    def _ask(self, ask: Ask) -> tuple[int, Mapping[str, str]]:
        begun = time.monotonic()
        try:
            self._connection.request(ask.method, ask.path, ask.body, dict(ask.headers))
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self.answers.append(Answered(ask.what, 0, time.monotonic() - begun, f"no answer: {error!r}"))
            return 0, {}
        headers = {name.lower(): value for name, value in answer.getheaders()}
        seconds = time.monotonic() - begun
        self.answers.append(Answered(ask.what, answer.status, seconds, wrong(ask, answer.status, headers, body)))
        return answer.status, headers


def _target(location: str) -> str:
    parts = urlsplit(location)
    return parts._replace(scheme="", netloc="").geturl()


def run(plan: Plan, *, show: Callable[[str], None] = lambda line: None) -> Result:
    """Do it. Raises LocalError if a part of the stack does not start."""
    settings = {
        "VISION_RATE": f"{plan.rate}/1",
        "THUMBNAIL_SIZES": ",".join(_SIZES),
        # As in local.settings.example.json.
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings=settings, with_events=True) as stack,
    ):
        stack.set_faults({"rate": {"calls": plan.rate, "seconds": 1, "kind": "bucket"}})
        known = list(pictures(plan.images, stack.state / "vision" / "answers"))
        outcome.upload(stack, known)
        outcome.wait_until_settled(stack, {picture.name: picture.records(_SIZES) for picture in known})
        show(f"{plan.images} images are known; {plan.callers} callers ask for {plan.seconds:g} s")
        return _asked(stack, plan, known, show)


def _asked(stack: Stack, plan: Plan, known: Sequence[Picture], show: Callable[[str], None]) -> Result:
    host = stack.host_pid()
    before = most = process_figures.held(host)
    callers = [_Caller(stack.addresses.port, known, f"{plan.seed}-{number}") for number in range(plan.callers)]
    stop, begun = threading.Event(), time.monotonic()
    with ThreadPoolExecutor(plan.callers) as pool:
        asking = [pool.submit(caller.ask_on, stop) for caller in callers]
        try:
            while time.monotonic() - begun < plan.seconds:
                time.sleep(min(_LOOK_SECONDS, plan.seconds))
                now = process_figures.held(host)
                most = Held(max(most.memory, now.memory), max(most.descriptors, now.descriptors))
                show(f"{sum(len(caller.answers) for caller in callers)} answers, {_told(now)}")
        finally:
            stop.set()
        for each in asking:
            each.result()
    seconds = time.monotonic() - begun
    answers = [answer for caller in callers for answer in caller.answers]
    return Result(answers, seconds, before, most, _at_rest(host, before))


def _at_rest(host: int, before: Held) -> Held:
    """What the host holds once no caller asks: as soon as its descriptors are few, or after a while."""
    until = time.monotonic() + _REST_SECONDS
    while (now := process_figures.held(host)).descriptors > before.descriptors + MOST_DESCRIPTORS:
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_SECONDS)
    return now


def _told(held: Held) -> str:
    return f"{held.memory / _MEGABYTE:.0f} MB, {held.descriptors} descriptors"


def _percentile(seconds: Sequence[float], part: float) -> str:
    ordered = sorted(seconds)
    return f"{ordered[min(len(ordered) - 1, int(part * len(ordered)))]:.2f}"


def _row(what: str, answers: Sequence[Answered]) -> list[str]:
    seconds = [each.seconds for each in answers]
    statuses = Counter(each.status for each in answers)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return [what, f"{len(answers)}", told, *(_percentile(seconds, part) for part in (0.5, 0.95, 0.99, 1.0))]


def report(plan: Plan, result: Result) -> str:
    """The tables in Markdown: the answers by what was asked, and what the host held."""
    kinds = sorted({each.what for each in result.answers})
    rows = [_row(kind, [each for each in result.answers if each.what == kind]) for kind in kinds]
    if result.answers:
        rows.append(_row("all", result.answers))
    answers = table(("asked for", "answers", "statuses", "p50, s", "p95, s", "p99, s", "slowest, s"), rows)
    holds = (("before", result.before), ("at most", result.most), ("afterwards", result.after))
    host = table(
        ("host and worker", "memory, MB", "descriptors"),
        [(when, f"{held.memory / _MEGABYTE:.0f}", f"{held.descriptors}") for when, held in holds],
    )
    pace = f"{len(result.answers) / result.seconds:.0f} answers a second"
    title = f"{plan.callers} callers, {result.seconds:.0f} s, Computer Vision takes {plan.rate} calls a second: {pace}"
    return f"{title}\n\n{answers}\n\n{host}\n\n{goals_table(result.goals())}\n"


def problems(result: Result) -> list[str]:
    """Each kind of answer that is not documented, with how many there were of it."""
    counted = Counter(f"{each.what}: {each.wrong}" for each in result.answers if each.wrong)
    return [f"{count} x {what}" for what, count in counted.most_common()]


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.callers")
    parser.add_argument("--callers", type=int, default=200, metavar="N", help="at once (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="for so long (default %(default)s)")
    parser.add_argument("--images", type=int, default=30, metavar="N", help="that are known (default %(default)s)")
    parser.add_argument("--rate", type=int, default=10, metavar="N", help="calls a second (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked (default %(default)s)")
    plan = Plan(**vars(parser.parse_args(argv)))
    result = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, result))
    for problem in problems(result):
        print(problem)
    return 0 if all(goal.held for goal in result.goals()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
