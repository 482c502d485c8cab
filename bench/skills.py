"""
A large batch of a custom skill on the whole stack. Exits 1 if it is not answered in time, or anything is paid twice.

    python -m bench.skills [--records 200] [--bad 10] [--rate 10] [--seconds 230]

Every so many records have an image that is cut short. Computer Vision takes so many calls a second, each of which lasts
a second or two, and answers 429 to more. The batch is asked three times: by a caller that hangs up after five seconds,
by one that waits, and once more. The second one must be answered within the time, with an error for each bad record and
with data for every other one; the third one pays for nothing.
"""

import argparse
import base64
import http.client
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import outcome
from bench.pictures import Picture, pictures
from bench.section import Goal, goals_table
from bench.stack import Stack, running_stack
from local.addresses import LOOPBACK

HANG_UP_SECONDS = 5.0
_LATENCY = {"median": 1.0, "p99": 2.0}
# A picture that is cut off within its header, as base64.
_CUT_CHARACTERS = 40

Json = dict[str, Any]


class Plan(NamedTuple):
    """How many records, each how many-th is bad, calls a second, and the time-out of the skill in seconds."""

    records: int
    bad: int
    rate: int
    seconds: int


class Run(NamedTuple):
    """One answer: after how many seconds, how many records had data and how many errors, and paid calls so far."""

    seconds: float
    answered: int
    refused: int
    paid: int


class Result(NamedTuple):
    """What the caller that waited and the one after it were answered, what was paid before, and answers 429."""

    paid_before: int
    first: Run
    again: Run
    paid_twice: int
    throttled: int

    def goals(self, plan: Plan) -> list[Goal]:
        """What has to hold."""
        bad = len(range(0, plan.records, plan.bad))
        return [
            Goal.at_most("seconds until the batch was answered", plan.seconds, self.first.seconds, " s"),
            Goal.at_least("records with data", plan.records - bad, self.first.answered),
            Goal.at_most("records with an error", bad, self.first.refused),
            Goal.at_least("calls paid for the caller that hung up", 1, self.paid_before),
            Goal.at_most("calls paid for the same batch again", 0, self.again.paid - self.first.paid),
            Goal.at_most("questions paid twice", 0, self.paid_twice),
        ]


def batch(given: Sequence[Picture], bad: int) -> bytes:
    """The request with these pictures, of which each *bad*-th is cut short."""
    values = []
    for number, picture in enumerate(given):
        data = base64.b64encode(picture.data).decode()
        image = {"$type": "file", "data": data if number % bad else data[:_CUT_CHARACTERS]}
        values.append({"recordId": str(number), "data": {"image": image}})
    return json.dumps({"values": values}).encode()


def counted(values: Sequence[Json]) -> tuple[int, int]:
    """How many records have data, and how many an error."""
    return sum(bool(each["data"]) for each in values), sum(bool(each["errors"]) for each in values)


def _path(plan: Plan) -> str:
    return f"/api/skills/analyze?timeoutSeconds={plan.seconds}"


def _hang_up(stack: Stack, plan: Plan, body: bytes) -> None:
    """Send the batch, and close the connection before it is answered."""
    head = f"POST {_path(plan)} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((LOOPBACK, stack.addresses.port)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(HANG_UP_SECONDS)


def _ask(stack: Stack, plan: Plan, body: bytes) -> Run:
    begun = time.monotonic()
    connection = http.client.HTTPConnection(LOOPBACK, stack.addresses.port, timeout=plan.seconds)
    connection.request("POST", _path(plan), body, {"Content-Type": "application/json"})
    values = json.loads(connection.getresponse().read())["values"]
    connection.close()
    return Run(time.monotonic() - begun, *counted(values), outcome.paid(stack).total())


def run(plan: Plan, show: Callable[[str], object]) -> Result:
    """Ask for the batch three times. Raises LocalError or OSError if the stack fails."""
    with tempfile.TemporaryDirectory(prefix="blobsight-skills-") as folder:
        state = Path(folder)
        given = list(pictures(plan.records, state / "answers", some_with_text=False))
        body = batch(given, plan.bad)
        with running_stack(state, settings={"VISION_RATE": f"{plan.rate}/1"}) as stack:
            rate = {"calls": plan.rate, "seconds": 1, "kind": "bucket"}
            stack.set_faults({"rate": rate, "latency_seconds": _LATENCY})
            show(f"a caller hangs up after {HANG_UP_SECONDS:g} seconds")
            _hang_up(stack, plan, body)
            paid_before = outcome.paid(stack).total()
            show("another one waits")
            first = _ask(stack, plan, body)
            show("once more")
            again = _ask(stack, plan, body)
            paid = outcome.paid(stack)
            twice = (paid - Counter(dict.fromkeys(paid, 1))).total()
            return Result(paid_before, first, again, twice, stack.vision_stats().get("throttled", 0))


def report(plan: Plan, result: Result) -> str:
    """What the terminal shows."""
    said = (
        f"{plan.records} records, each {plan.bad}th bad, {plan.rate} calls a second: answered after"
        f" {result.first.seconds:.1f} s, once more after {result.again.seconds:.1f} s; {result.first.paid} calls paid,"
        f" {result.paid_before} of them for the caller that hung up; {result.throttled} answers 429."
    )
    return f"{said}\n\n{goals_table(result.goals(plan))}"


def main(argv: list[str]) -> int:
    """Do it and print the table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.skills")
    parser.add_argument("--records", type=int, default=200, metavar="N", help="how many (default %(default)s)")
    parser.add_argument(
        "--bad", type=int, default=10, metavar="N", help="each how many-th is bad (default %(default)s)"
    )
    parser.add_argument("--rate", type=int, default=10, metavar="N", help="calls a second (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=230, metavar="N", help="the time-out (default %(default)s)")
    plan = Plan(**vars(parser.parse_args(argv)))
    result = run(plan, show=lambda line: print(line, file=sys.stderr, flush=True))
    print(report(plan, result))
    return 0 if all(goal.held for goal in result.goals(plan)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
