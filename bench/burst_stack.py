"""
Many images dropped at once on the whole stack, while another service goes on asking over HTTP.

    python -m bench.burst_stack [--images 1000] [--rate 10]

Computer Vision takes ten calls a second; a slow or busy machine needs a lower rate, as each call costs storage on it a
tenth of a second of one core or more. Each image has two questions, its analysis and the area that its thumbnail shows;
the caller has new bytes described every few seconds. Exits 1 if an image is lost or paid twice, if the burst takes
noticeably longer than the rate allows, if calls are refused, or if the caller waits for long.
"""

import argparse
import http.client
import io
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from PIL import Image

from bench import outcome
from bench.pictures import pictures
from bench.section import Goal, goals_table
from bench.stack import Stack, running_stack
from local.addresses import LOOPBACK

SIZES = ["200x150"]
CALLER_PAUSE_SECONDS = 3.0
PROGRESS_SECONDS = 10.0
# Of all calls; a bucket of ten lets a burst begin with ten at once.
MOST_REFUSED = 0.01
LONGEST = 1.15
# The caller's wait: two seconds, or four slots where that is longer: of the upload that leads, of one that takes its
# turn, of the caller, and one to spare.
CALLER_SECONDS, CALLER_SLOTS = 2.0, 4


class Answered(NamedTuple):
    """What the caller got: the status, and after how many seconds."""

    status: int
    seconds: float


class Result(NamedTuple):
    """
    What came of it: calls a second that were possible, seconds until the images' last paid call, paid calls, 429s,
    images lost, calls paid twice, and what the caller got.
    """

    rate: int
    seconds: float
    paid: int
    refused: int
    lost: int
    paid_twice: int
    answers: list[Answered]


def run(images: int, rate: int) -> Result:
    """Do it with so many images, at so many calls a second."""
    settings = {"VISION_RATE": f"{rate}/1", "THUMBNAIL_SIZES": ",".join(SIZES)}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), settings=settings, with_events=True) as stack,
    ):
        stack.set_faults({"rate": {"calls": rate, "seconds": 1, "kind": "bucket"}})
        given = list(pictures(images, stack.state / "vision" / "answers", some_with_text=False))
        questions = outcome.expected(given)
        begun = time.monotonic()
        with _caller(stack) as answers:
            outcome.upload(stack, given)
            seconds = _until_paid(stack, questions.total(), begun)
        wanted = {picture.name: picture.records(SIZES) for picture in given}
        outcome.wait_until_settled(stack, wanted)
        there, paid = outcome.records(stack), outcome.paid(stack)
        operations = stack.vision_stats()["operations"].values()
        return Result(
            rate=rate,
            seconds=seconds,
            paid=paid.total(),
            refused=sum(counted["status"].get("429", 0) for counted in operations),
            lost=sum(not records <= there for records in wanted.values()),
            paid_twice=sum(max(0, paid[asked] - times) for asked, times in questions.items()),
            answers=answers,
        )


def _until_paid(stack: Stack, calls: int, begun: float) -> float:
    """Wait until the images' calls are paid; returns after how many seconds, or how many without anything paid."""
    last, last_progress, shown = 0, time.monotonic(), 0.0
    while True:
        operations = stack.vision_stats()["operations"]
        paid = sum(operations[name]["paid"] for name in ("analyze", "areaOfInterest") if name in operations)
        now = time.monotonic()
        if paid > last:
            last, last_progress = paid, now
        if paid >= calls or now - last_progress > outcome.PATIENCE_SECONDS:
            return last_progress - begun
        if now - shown > PROGRESS_SECONDS:
            shown = now
            print(f"{paid} of {calls} calls after {now - begun:.0f} s", file=sys.stderr, flush=True)
        time.sleep(0.2)


@contextmanager
def _caller(stack: Stack) -> Iterator[list[Answered]]:
    """Inside, somebody has new bytes described every few seconds."""
    answers: list[Answered] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(CALLER_PAUSE_SECONDS):
            answers.append(_described(stack.addresses.port, _photograph()))

    thread = threading.Thread(target=ask, name="caller")
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def _described(port: int, data: bytes) -> Answered:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    begun = time.monotonic()
    try:
        connection.request("POST", "/api/describe", data, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        answer.read()
        return Answered(answer.status, time.monotonic() - begun)
    except (OSError, http.client.HTTPException):
        return Answered(0, time.monotonic() - begun)
    finally:
        connection.close()


def _photograph() -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), random.randbytes(3 * 64 * 64)).save(file, "PNG")
    return file.getvalue()


def goals(result: Result) -> list[Goal]:
    """What has to hold."""
    waits = sorted(answer.seconds for answer in result.answers) or [0.0]
    longest_wait = max(CALLER_SECONDS, CALLER_SLOTS / result.rate)
    failed = sum(answer.status != 200 for answer in result.answers)
    return [
        Goal.at_most("time / (paid calls / rate)", LONGEST, result.seconds / (result.paid / result.rate)),
        Goal.at_most("429s / paid calls", MOST_REFUSED, result.refused / result.paid),
        Goal.at_most("images lost", 0, result.lost),
        Goal.at_most("calls paid twice", 0, result.paid_twice),
        Goal.at_most("caller not answered 200", 0, failed),
        Goal.at_most("caller's wait, 95 of 100", longest_wait, waits[int(0.95 * len(waits))], " s"),
    ]


def main(argv: list[str]) -> int:
    """Do it and print the goals; 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.burst_stack")
    parser.add_argument("--images", type=int, default=1000, metavar="N", help="dropped at once (default %(default)s)")
    parser.add_argument("--rate", type=int, default=10, metavar="N", help="calls a second (default %(default)s)")
    options = parser.parse_args(argv)
    result = run(options.images, options.rate)
    found = goals(result)
    waits = sorted(answer.seconds for answer in result.answers) or [0.0]
    calls = f"{result.paid} paid calls at {result.rate}/s in {result.seconds:.1f} s"
    print(f"{options.images} images, {calls}, {result.refused} x 429;")
    told = f"half of them within {median(waits):.2f} s, the slowest after {waits[-1]:.2f} s"
    print(f"{len(result.answers)} descriptions for the caller meanwhile, {told}\n")
    print(goals_table(found))
    return 0 if all(goal.held for goal in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
