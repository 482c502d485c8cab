"""A burst of uploads to several processes at once, and the index afterwards."""

import io
import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from shared import names
from shared.index import derive, parts, places
from shared.index.entry import Entry, Line
from shared.services import App
from shared.storage import listing
from shared.storage.blobs import BlobInfo

ROOT = Path(__file__).resolve().parents[2]
_WORKER = ROOT / "tests" / "doubles" / "index_worker.py"


class Outcome(NamedTuple):
    """What a burst has cost: requests for the index in all processes, and seconds until the last one was done."""

    operations: int
    seconds: float


def put_images(app: App, count: int, *, prefix: str = "") -> list[str]:
    """So many small pictures, no two of which have the same bytes; returns their names."""
    chance = random.Random(count)
    made = [f"{prefix}{number:04}.jpg" for number in range(count)]
    for name in made:
        file = io.BytesIO()
        colour = chance.randrange(256), chance.randrange(256), chance.randrange(256)
        Image.new("RGB", (64, 64), colour).save(file, "JPEG", comment=name.encode())
        app.images.write(names.IMAGES, name, file.getvalue(), content_type="image/jpeg")
    return made


def start(connection_string: str, mode: str, images: Sequence[str]) -> "subprocess.Popen[str]":
    """A process that is ready for these uploads."""
    process = subprocess.Popen(
        [sys.executable, str(_WORKER), connection_string, mode, *images],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("", "tests", "scripts"))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def burst(connection_string: str, mode: str, images: Sequence[str], *, processes: int = 8) -> Outcome:
    """Have the uploads done by so many processes that begin at once."""
    running = [start(connection_string, mode, images[number::processes]) for number in range(processes)]
    told: list[dict[str, Any]] = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("begin\n")
        process.stdin.flush()
    for process in running:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        told.append(json.loads(output))
    return Outcome(sum(each["operations"] for each in told), max(each["seconds"] for each in told))


def killed(connection_string: str, mode: str, images: Sequence[str]) -> int:
    """The exit status of a process that ends itself in the middle of these uploads."""
    process = start(connection_string, mode, images)
    process.communicate("begin\n", timeout=120)
    return process.returncode


def lines(app: App) -> Iterator[Line]:
    """Every line of the tails, in any order."""
    for info in listing.all_below(app.host, names.INDEX, places.TAILS):
        found = app.host.read_from(names.INDEX, info.name, 0)
        assert found
        yield from (json.loads(each) for each in found.data.split(b"\n") if each)


def entries(app: App) -> dict[str, Entry]:
    """The entries of the lines, by their stems."""
    found: dict[str, Entry] = {}
    for line in lines(app):
        found.setdefault(line["stem"], Entry(line["stem"])).apply(line)
    return found


def twice(app: App) -> list[tuple[str, str, str]]:
    """Stem, part and record of each content that more than one line tells."""
    told = Counter(
        (line["stem"], part, str(content["e"]))
        for line in lines(app)
        for part, content in line.get("parts", {}).items()
        if content and "e" in content
    )
    return [key for key, count in told.items() if count > 1]


def records(app: App) -> dict[str, dict[tuple[str, str], BlobInfo]]:
    """The records that there are, by the stem of their image."""
    found: dict[str, dict[tuple[str, str], BlobInfo]] = defaultdict(dict)
    for container in (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED, names.CORRECTIONS):
        for info in listing.all_below(app.images, container, ""):
            told = parts.part_of(container, info.name)
            assert told
            found[told[0]][container, info.name] = info
    return found


def differing(app: App) -> list[str]:
    """The images whose entry does not tell exactly their records, and the entries of no image."""
    known, made = entries(app), records(app)
    listed = {info.name: info for info in listing.all_below(app.images, names.IMAGES, "")}
    wrong = [
        name
        for name, info in listed.items()
        if derive.differs(known.get(name), app.images, app.settings, info, made.get(name, {}))
    ]
    return sorted({*wrong, *(known.keys() - listed.keys())})
