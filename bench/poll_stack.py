"""
The poll schedule on a real stack, beside its simulation: added latency, and polls for each document.

    python -m bench.poll_stack

Starts storage, Computer Vision and the host on free ports, has documents with prepared answers read over HTTP, twenty
at any time, and asks Computer Vision how late the ends of the Reads were asked for. The simulation has the very same
documents. Exits 1 if they differ by more than a quarter.
"""

import argparse
import colorsys
import hashlib
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image

from bench.poll_schedule import Figures, Ours, simulate
from bench.stack import Stack, running_stack
from local.vision.faults import FaultDice, parse_faults

DOCUMENTS = 120
AT_ONCE = 20
SEED = 1
READ_SECONDS = {"median": 2.0, "p99": 15.0}
MAX_DIFFERENCE = 0.25
# On loopback a poll is answered within so long; the simulation takes the same.
ROUND_TRIP_SECONDS = 0.01
SIMULATIONS = 50
LOOK_SECONDS = 0.1
# More than any document takes.
PATIENCE_SECONDS = 180.0

# What is measured is the schedule; at 10 calls a second the queue before the service would be.
_UNPACED = {"VISION_RATE": "1000/1"}


def readings(stack: Stack) -> list[dict[str, Any]]:
    """How often each Read was asked for, and how late its end was told (null before)."""
    return list(stack.vision_stats()["readings"].values())


def read(stack: Stack, document: bytes) -> None:
    """Have a document read, without waiting for it."""
    stack.ask_host("POST", "/api/ocr", document, "application/octet-stream")


def documents(count: int, answers: Path) -> Iterator[bytes]:
    """Small images that differ, each with an answer of one word in *answers*."""
    answers.mkdir(parents=True, exist_ok=True)
    page = {"page": 1, "angle": 0, "width": 60, "height": 60, "unit": "pixel", "lines": []}
    for number in range(count):
        file = io.BytesIO()
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(number / count, 1.0, 1.0))
        Image.new("RGB", (60, 60 + number % 7), (red, green, blue)).save(file, "PNG")
        script = json.dumps({"read": {"readResults": [page]}})
        (answers / f"{hashlib.sha256(file.getvalue()).hexdigest()}.json").write_text(script)
        yield file.getvalue()


def measured(stack: Stack, given: list[bytes]) -> Figures:
    """Have all of them read, `AT_ONCE` at any time, and return what came of it."""
    waiting, posts = list(given), list[Future[None]]()
    told, last_told = 0, time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        while told < len(given):
            for _ in range(min(len(waiting), AT_ONCE - (len(posts) - told))):
                posts.append(pool.submit(read, stack, waiting.pop(0)))
            for post in posts:
                if post.done():
                    post.result()
            ended = [each for each in readings(stack) if each["secondsLate"] is not None]
            if len(ended) > told:
                told, last_told = len(ended), time.monotonic()
            if time.monotonic() - last_told > PATIENCE_SECONDS:
                raise TimeoutError(f"{told} of {len(given)} were read, and no further one for {PATIENCE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
    late = sorted(each["secondsLate"] for each in ended)
    polls = fmean(each["polls"] for each in ended)
    return Figures(fmean(late), late[int(0.95 * len(late))], late[int(0.99 * len(late))], polls)


def simulated(count: int, faults: dict[str, Any]) -> Figures:
    """The same documents on a virtual clock, the mean of many beginnings within a second."""
    dice = FaultDice(parse_faults(faults))
    durations = [dice.read_fate().seconds for _ in range(count)]
    runs = [
        simulate(Ours(), durations, random.Random(run), at_once=AT_ONCE, round_trip_seconds=ROUND_TRIP_SECONDS)
        for run in range(SIMULATIONS)
    ]
    return Figures(*(fmean(column) for column in zip(*runs, strict=True)))


def main(argv: list[str]) -> int:
    """Print both; 1 if they differ by more than `MAX_DIFFERENCE`."""
    parser = argparse.ArgumentParser(prog="python -m bench.poll_stack")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="of their durations (default %(default)s)")
    options = parser.parse_args(argv)
    faults = {"read_seconds": READ_SECONDS, "seed": options.seed}
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder), settings=_UNPACED) as stack:
        given = list(documents(options.documents, stack.state / "vision" / "answers"))
        stack.set_faults(faults)
        on_stack = measured(stack, given)
    expected = simulated(options.documents, faults)
    print(f"{options.documents} documents, {AT_ONCE} at any time; median 2 s, p99 15 s; seed {options.seed}\n")
    print("| | added latency mean / p95 / p99, s | polls a document |")
    print("|---|---|---|")
    for name, each in (("simulated", expected), ("measured on the stack", on_stack)):
        latency = f"{each.mean_seconds:.2f} / {each.p95_seconds:.2f} / {each.p99_seconds:.2f}"
        print(f"| {name} | {latency} | {each.polls:.2f} |")
    ratios = (on_stack.mean_seconds / expected.mean_seconds, on_stack.polls / expected.polls)
    print(f"\nmeasured / simulated: added latency {ratios[0]:.2f}, polls {ratios[1]:.2f}")
    return 1 if max(abs(ratio - 1) for ratio in ratios) > MAX_DIFFERENCE else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
