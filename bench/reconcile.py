"""
What a reconciliation costs where all is well: images a second, storage operations an image, and memory.

    python -m bench.reconcile [--images 1500 3000]

The images are small pictures, a third of them with text. The app's own steps make their records, with a Computer Vision
that answers at once, on an Azurite of the run's own. Each number of images is compared by a fresh process, as the
activity's worker is one. It counts its requests to storage, and the kernel tells its peak of memory. The first
reconciliation is not counted; the second one finds all images well, and is the one that is told. Linux only.
"""

import argparse
import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

from bench.pictures import Picture, pictures
from bench.section import Goal, goals_table, table
from bench.stack import running_storage
from shared import names, services
from shared.answers.answers import Answers
from shared.answers.claims import Claims
from shared.images import ImageBytes, ImageUrl
from shared.lifecycle import plans, reconcile_page
from shared.lifecycle.reconcile_loop import advance, begin, phase_of, work_of
from shared.ocr import activities, poll_loop
from shared.services import App
from shared.settings import Settings
from shared.uploads import steps
from shared.vision.client import VisionClient
from shared.vision.models import Answer
from shared.vision.questions import Question
from shared.vision.read_models import ReadOperation, ReadResult

MOST_OPERATIONS = 3.0
# Of the peak for the fewest images, whose listings are as long as any; memory differs from run to run by some percent.
MOST_GROWTH = 0.15
_AT_ONCE = 4
_MEGABYTE = 2**20

Json = dict[str, Any]
_Found = TypeVar("_Found")


class Measured(NamedTuple):
    """
    One reconciliation.

    Attributes:
        images: how many there are.
        counts: what it found.
        seconds: of the wall, and of the process's CPU.
        operations: requests to storage by phase and kind (`HEAD images`).
        idle, peak: resident bytes before and at most.
    """

    images: int
    counts: Json
    seconds: float
    cpu: float
    operations: Counter[tuple[str, str]]
    idle: int
    peak: int


class _Vision(VisionClient):
    """A Computer Vision that answers at once: every picture is a coloured square, with text if it is among those."""

    def __init__(self, with_text: set[str]) -> None:
        super().__init__("https://vision.invalid", "no key")
        self._with_text = with_text

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        name = "text" if image.subject in self._with_text else "colour"
        answer = {
            "tags": [{"name": name, "confidence": 0.99}],
            "description": {"tags": [], "captions": [{"text": "a coloured square", "confidence": 0.5}]},
            "objects": [{"rectangle": {"x": 10, "y": 10, "w": 30, "h": 30}, "object": "square", "confidence": 0.9}],
            "requestId": "bench",
            "modelVersion": "2021-05-01",
            "metadata": {"width": 60, "height": 60, "format": "Png"},
        }
        return Answer("application/json", json.dumps(answer).encode(), "bench")

    def submit(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> ReadOperation:
        return ReadOperation(f"https://vision.invalid/vision/v3.2/read/analyzeResults/{image.subject}", image.subject)

    def get_read_result(
        self, operation: ReadOperation | str, *, timeout_seconds: float | None = None, background: bool = False
    ) -> ReadResult:
        page = {"page": 1, "angle": 0, "width": 60, "height": 60, "unit": "pixel", "lines": []}
        return ReadResult.of(
            {
                "status": "succeeded",
                "createdDateTime": "2026-01-01T00:00:00Z",
                "lastUpdatedDateTime": "2026-01-01T00:00:01Z",
                "analyzeResult": {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [page]},
            }
        )


def app_of(connection: str) -> App:
    """The app on that storage, with the settings of the bench."""
    return services.build(
        Settings.from_env(
            {
                "VISION_ENDPOINT": "https://vision.invalid",
                "VISION_KEY": "no-key-of-the-bench",
                "ImagesStorage": connection,
                "AzureWebJobsStorage": connection,
                "RECONCILE_SINCE": "2020-01-01",
            }
        )
    )


def fill(connection: str, given: Sequence[Picture]) -> None:
    """Put the pictures there, and make all their records."""
    with_text = {picture.sha256 for picture in given if picture.text}
    app, vision = app_of(connection), _Vision(with_text)
    # As `services.build` puts them together, but for the service.
    answers = Answers(
        vision,
        Claims(app.host, app.clock),
        app.images,
        app.clock,
        app.converter,
        wait_seconds=app.settings.max_wait_seconds,
        most_bytes=app.settings.max_upload_bytes,
    )
    app = app._replace(vision=vision, answers=answers)

    async def no_sleep(seconds: float) -> None:
        return None

    def one(picture: Picture) -> None:
        app.images.write(names.IMAGES, picture.name, picture.data, content_type="image/png")
        for outcome in steps.process(app, picture.name, picture.data):
            if outcome.job is None:
                continue
            state = poll_loop.begin(outcome.job.to_json(), app.clock.utc())
            while state["step"] != poll_loop.END:
                work = poll_loop.work_of(state)
                if state["step"] == poll_loop.POLL:
                    state = poll_loop.advance(state, asyncio.run(activities.poll(work, sleep=no_sleep)))
                else:
                    act = activities.submit if state["step"] == poll_loop.SUBMIT else activities.store
                    state = poll_loop.advance(state, asyncio.run(act(work)))

    with services.replaced(app), ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, given))


@contextmanager
def counted(counter: Counter[str]) -> Iterator[None]:
    """Inside, each request over HTTP is counted by its kind."""
    send = http.client.HTTPConnection.putrequest

    def putrequest(self: http.client.HTTPConnection, method: str, url: str, *args: bool, **kwargs: bool) -> None:
        counter[kind_of(method, url)] += 1
        send(self, method, url, *args, **kwargs)

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
    try:
        yield
    finally:
        http.client.HTTPConnection.putrequest = send  # type: ignore[method-assign]


def kind_of(method: str, url: str) -> str:
    """What a request to storage is: a listing or a method, and the container."""
    parts = urlsplit(url)
    container = parts.path.split("/")[2]
    return f"{'LIST' if parse_qs(parts.query).get('comp') == ['list'] else method} {container}"


def resident(name: str) -> int:
    """Bytes of this process by that name of the kernel's: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in status if line.startswith(f"{name}:")).split()[1]) * 1024


def compare(connection: str) -> Json:
    """One reconciliation in this process, page by page; `Measured` as JSON."""
    app = app_of(connection)
    total: Counter[str] = Counter()
    by_phase: dict[str, Counter[str]] = {}
    with services.replaced(app), counted(total):
        state = begin(plans.by_request(app))
        idle, begun, cpu = resident("VmRSS"), time.monotonic(), time.process_time()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        while not state["over"]:
            before, phase = Counter(total), phase_of(state)
            state = advance(state, asyncio.run(reconcile_page.page(work_of(state), "")))
            by_phase[phase] = by_phase.get(phase, Counter()) + (total - before)
        return {
            "counts": state["counts"],
            "problem": state["problem"],
            "seconds": time.monotonic() - begun,
            "cpu": time.process_time() - cpu,
            "operations": by_phase,
            "idle": idle,
            "peak": resident("VmHWM"),
        }


def told_by_process(module: str, connection: str) -> Json:
    """What `main_of` of a module prints in a process of its own. Raises RuntimeError if it failed."""
    command = [sys.executable, "-m", module, "--process"]
    environment = {**os.environ, "BENCH_STORAGE": connection}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: Json = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(connection: str, images: int) -> Measured:
    """One reconciliation in a process of its own. Raises RuntimeError if it failed."""
    told = told_by_process("bench.reconcile", connection)
    if told["problem"]:
        raise RuntimeError(told["problem"])
    operations = Counter({(phase, kind): n for phase, kinds in told["operations"].items() for kind, n in kinds.items()})
    return Measured(
        images, told["counts"], told["seconds"], told["cpu"], operations, int(told["idle"]), int(told["peak"])
    )


def run(sizes: Sequence[int]) -> list[Measured]:
    """Measure each number of images, in rising order."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        given = list(pictures(max(sizes), state / "answers"))
        with running_storage(state) as connection:
            there = 0
            for size in sorted(sizes):
                begun = time.monotonic()
                fill(connection, given[there:size])
                print(f"{size} images filled in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
                there = size
                measure(connection, size)
                found.append(measure(connection, size))
                print(report(found), file=sys.stderr, flush=True)
    return found


def report(found: Sequence[Measured]) -> str:
    """The tables."""
    rows = [
        (
            str(each.images),
            f"{each.seconds:.1f}",
            f"{each.images / each.seconds:.0f}",
            f"{1000 * each.cpu / each.images:.1f}",
            f"{each.operations.total() / each.images:.2f}",
            f"{each.idle / _MEGABYTE:.0f}",
            f"{each.peak / _MEGABYTE:.0f}",
        )
        for each in found
    ]
    header = (
        "images",
        "seconds",
        "images a second",
        "ms of CPU an image",
        "operations an image",
        "MB before",
        "MB peak",
    )
    last = found[-1]
    kinds = [
        (phase, kind, str(count), f"{count / last.images:.3f}")
        for (phase, kind), count in sorted(last.operations.items())
    ]
    return "\n\n".join(
        [
            table(header, rows),
            table(("phase", f"operation, of {last.images} images", "how many", "an image"), kinds),
            goals_table(goals(found)),
            json.dumps(last.counts),
        ]
    )


def goals(found: Sequence[Measured]) -> list[Goal]:
    """What has to hold."""
    growth = found[-1].peak / found[0].peak - 1
    return [
        Goal.at_most(
            "storage operations of an image that is well",
            MOST_OPERATIONS,
            found[-1].operations.total() / found[-1].images,
        ),
        Goal.at_most("share of memory more for the most images than for the fewest", MOST_GROWTH, growth),
        Goal.at_most("images that are not well", 0, found[-1].counts.get("without_result", 0)),
    ]


def main_of(
    module: str,
    argv: Sequence[str],
    work: Callable[[str], Json],
    run: Callable[[Sequence[int]], _Found],
    report: Callable[[_Found], str],
    goals: Callable[[_Found], Sequence[Goal]],
    images: Sequence[int] = (1500, 3000),
) -> int:
    """
    Run for each number of images and print the tables; 1 if a goal is missed.

    Args:
        module, argv: its name and arguments; `--process` does the *work* alone, and prints what it tells as JSON.
        run, report, goals: measure these numbers of images; the tables; what has to hold.
        images: how many, where the arguments do not say.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--images", type=int, nargs="+", default=[*images], metavar="N", help="how many")
    parser.add_argument("--process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.process:
        print(json.dumps(work(os.environ["BENCH_STORAGE"])))
        return 0
    found = run(options.images)
    print(report(found))
    return 0 if all(goal.held for goal in goals(found)) else 1


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    return main_of("bench.reconcile", argv, compare, run, report, goals)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
