"""
What the trained models cost the local vision service: CPU an image, and memory. Exits 1 if a goal is missed.

    python -m bench.recognition [--rounds 5]

Each round runs the service in a fresh process without the models and in another with them. A process asks for every
feature of the four samples; the models' own CPU time is measured in it as well. Linux only.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.recognizes import analyzed
from bench.section import Goal, Section, goals_table, table
from local.models import catalogue
from local.vision.decoding.pixels import Rgb, decode
from local.vision.evidence.faces import find_faces
from local.vision.header import read_header
from local.vision.parameters import VISUAL_FEATURES
from local.vision.recognition.loading import Models
from local.vision.recognition.seen import Recognizers
from local.vision.server import running_vision

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = tuple(sorted((ROOT / "samples").glob("*.jpg")))
MOST_MILLISECONDS, MOST_MEGABYTES = 200.0, 400.0
ROUNDS, TIMES = 5, 3
WITHOUT, WITH = "off", "all"
# As many as the service's workers on a small machine: what a model needs while it runs is needed so often.
_AT_ONCE = 2
_SECONDS = 300
HAAR = "OpenCV's faces"


class Taken(NamedTuple):
    """
    What one process took.

    Attributes:
        answer: CPU milliseconds of an answer with every feature.
        looks: those of one look at a picture, by model.
        resident, peak: MB that the process had at its end, and the most it ever had.
    """

    answer: float
    looks: Mapping[str, float]
    resident: float
    peak: float


def measure(choice: str) -> Taken:
    """Run the service in this process with MODELS as *choice* says."""
    models = Models({catalogue.SETTING: choice})
    pictures = [path.read_bytes() for path in SAMPLES]
    with running_vision(models=models) as vision:

        def ask(picture: bytes) -> None:
            analyzed(vision, picture, ",".join(VISUAL_FEATURES))

        answer = milliseconds(ask, pictures)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(ask, pictures * TIMES))
    looks = _looks(models(), pictures)
    resident, peak = memory(Path("/proc/self/status").read_text(encoding="utf-8"))
    return Taken(answer, looks, resident, peak)


def milliseconds(look: Callable[[Any], object], pictures: Iterable[object]) -> float:
    """CPU of this process for one of *pictures*: the mean over them of the best of TIMES. A first look counts not."""
    found = []
    for picture in pictures:
        look(picture)
        times = []
        for _ in range(TIMES):
            begun = time.process_time()
            look(picture)
            times.append(time.process_time() - begun)
        found.append(min(times))
    return 1000 * sum(found) / len(found)


def _looks(recognizers: Recognizers, pictures: Sequence[bytes]) -> dict[str, float]:
    working = [decode(data, read_header(data)).working for data in pictures]
    looks: dict[str, Callable[[Rgb], object]] = {f"{HAAR}, which faces replace": find_faces}
    if recognizers.classifier:
        looks[catalogue.CLASSIFIER.tells] = recognizers.classifier.classify
    if recognizers.detector:
        looks[catalogue.DETECTOR.tells] = recognizers.detector.detect
    if recognizers.faces:
        looks[catalogue.FACES.tells] = recognizers.faces.find
    if recognizers.adult:
        looks[catalogue.ADULT.tells] = recognizers.adult.score
    return {name: milliseconds(look, working) for name, look in looks.items()}


def memory(status: str) -> tuple[float, float]:
    """MB that a process has, and the most that it ever had, from its `/proc/PID/status`."""
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    resident, peak = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return resident, peak


def section(rounds: Mapping[str, Sequence[Taken]]) -> Section:
    """The tables and the goals, of the processes WITHOUT and WITH the models."""
    answers, resident, peak = (
        {choice: median(getattr(taken, field) for taken in rounds[choice]) for choice in (WITHOUT, WITH)}
        for field in ("answer", "resident", "peak")
    )
    rows = [
        (f"MODELS={choice}", f"{answers[choice]:.0f}", f"{resident[choice]:.0f}", f"{peak[choice]:.0f}")
        for choice in (WITHOUT, WITH)
    ]
    looks = {name: median(taken.looks[name] for taken in rounds[WITH]) for name in rounds[WITH][0].looks}
    text = "\n\n".join(
        (
            table(("the service with", "CPU of an answer, ms", "memory at the end, MB", "at most, MB"), rows),
            table(("one look", "CPU, ms"), [(name, f"{spent:.1f}") for name, spent in looks.items()]),
        )
    )
    more = sum(spent for name, spent in looks.items() if not name.startswith(HAAR))
    goals = [
        Goal.at_most("CPU that models add to an answer", MOST_MILLISECONDS, answers[WITH] - answers[WITHOUT], " ms"),
        Goal.at_most("CPU of one look of all models", MOST_MILLISECONDS, more, " ms"),
        Goal.at_most("memory that models add", MOST_MEGABYTES, peak[WITH] - peak[WITHOUT], " MB"),
    ]
    return Section("Recognizing", text, goals)


def in_a_fresh_process(choice: str) -> Taken:
    """Measure with MODELS as *choice* says. Raises CalledProcessError; what went wrong is on stderr."""
    words = [sys.executable, "-m", "bench.recognition", "--models", choice]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=_SECONDS)
    return Taken(*json.loads(done.stdout))


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.recognition")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="processes of each kind, which take turns")
    parser.add_argument("--models", choices=catalogue.CHOICES, help="measure in this process and print it as JSON")
    arguments = parser.parse_args()
    if arguments.models:
        print(json.dumps(measure(arguments.models)))
        return 0
    missing = [model.name for model in catalogue.CATALOGUE if not model.is_there]
    if missing:
        print(f"{catalogue.folder()} has no {', '.join(missing)}: `make models` makes them", file=sys.stderr)
        return 1
    rounds: dict[str, list[Taken]] = {WITHOUT: [], WITH: []}
    for _ in range(arguments.rounds):
        for choice, taken in rounds.items():
            taken.append(in_a_fresh_process(choice))
    found = section(rounds)
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
