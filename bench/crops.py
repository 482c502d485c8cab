"""
How much of a subject each way to cut a thumbnail keeps, on twelve pictures whose subject was drawn by hand.

    python -m bench.crops [--each]

Each picture is uploaded to the app once in each mode, with storage in memory and the local Computer Vision in this
process. Where a thumbnail was cut is found by its pixels, so that it is the stored file which counts. The share is of
the most that a window of that shape could keep of the picture. Exits 1 if a goal is missed.

The local Computer Vision has no detector of objects, so `auto` cuts around its area of interest. In the line `with
boxes` it is told two objects of each picture: the subject as a detector would draw it, every edge off by up to a tenth,
and a smaller thing anywhere.
"""

import argparse
import hashlib
import io
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.crop_pictures import Picture, Rectangle, pictures
from bench.section import Goal, Section, goals_table, table
from local.vision.server import running_vision
from shared import names, services
from shared.clock import SystemClock
from shared.settings import Settings
from shared.uploads import steps

ROOT = Path(__file__).resolve().parent.parent
LEAST_MEAN, LEAST = 90.0, 60.0
MODES = ("auto", "area", "vision", "center")
WITH_BOXES = "auto, with boxes"
# 1:1, 4:3, 1:2 and 5:2.
SIZES = ((240, 240), (320, 240), (160, 320), (400, 160))
# A detector's edges are off by as much, in shares of the box's sides.
_OFF = 0.1
# The other thing has so much of the subject's sides.
_OTHER = 0.6
# How far a thumbnail may be from the place where it was cut, as the root of the mean square of all values.
_MOST_DIFFERENCE = 12.0

Pixels = NDArray[np.uint8]


class Cut(NamedTuple):
    """How much one thumbnail keeps: its picture, its size, and the share of the most that it could, in percent."""

    picture: str
    size: tuple[int, int]
    kept: float


def measured(given: Sequence[Picture], mode: str, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Cut]:
    """Each picture in each size, in one of the modes or with boxes."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        if mode == WITH_BOXES:
            for picture in given:
                _script(Path(folder), picture)
        with _app(mode.partition(",")[0], sizes, Path(folder)) as app:
            for picture in given:
                for size, thumbnail in zip(sizes, _thumbnails(app, picture, mode, sizes), strict=True):
                    place = cut_at(picture.image, thumbnail, size)
                    found.append(Cut(picture.name, size, 100 * kept(picture, place)))
    return found


@contextmanager
def _app(mode: str, sizes: Sequence[tuple[int, int]], answers: Path) -> Iterator[services.App]:
    """The app, with what it finds around it."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    memory: Any = import_module("doubles.memory")
    environment = import_module("doubles.parts").ENVIRONMENT
    with running_vision(answers=[answers]) as vision:
        settings = {
            **environment,
            "VISION_ENDPOINT": vision.url,
            "VISION_KEY": vision.key,
            "VISION_RATE": "100/1",
            "THUMBNAIL_MODE": mode,
            "THUMBNAIL_SIZES": ",".join(f"{width}x{height}" for width, height in sizes),
            "TEXT_MODE": "never",
        }
        with patch.object(services, "BlobStore", lambda account, **_: memory.MemoryBlobs(SystemClock())):
            yield services.build(Settings.from_env(settings))


def _thumbnails(
    app: services.App, picture: Picture, mode: str, sizes: Sequence[tuple[int, int]]
) -> Iterator[Image.Image]:
    """
    Upload a picture; its thumbnails.

    Raises:
        RuntimeError: a step is not done.
    """
    name = f"{hashlib.sha256(picture.data).hexdigest()}.jpg"
    app.images.write(names.IMAGES, name, picture.data, content_type="image/jpeg")
    outcomes = steps.process(app, name, picture.data)
    if {outcome.state for outcome in outcomes} != {"done"}:
        raise RuntimeError(f"{picture.name}: {outcomes}")
    for width, height in sizes:
        stored = names.thumbnail(name, width=width, height=height, smart=mode != "center")
        blob = app.images.read(names.THUMBNAILS, stored)
        if blob is None:
            raise RuntimeError(f"{picture.name}: there is no {stored}")
        yield Image.open(io.BytesIO(blob.data)).convert("RGB")


def _script(folder: Path, picture: Picture) -> None:
    """Let Computer Vision say which objects it has found in a picture."""
    chance = random.Random(picture.name)
    width, height = picture.image.size
    boxes = [_off(box, chance) for box in picture.boxes]
    sides = [_OTHER * max(box[axis] for box in picture.boxes) for axis in (2, 3)]
    boxes.append((chance.uniform(0, width - sides[0]), chance.uniform(0, height - sides[1]), sides[0], sides[1]))
    objects = [
        {
            "rectangle": dict(zip("xywh", _inside(box, (width, height)), strict=True)),
            "object": "thing",
            "confidence": 0.8,
        }
        for box in boxes
    ]
    answer = json.dumps({"analyze": {"objects": objects}})
    (folder / f"{hashlib.sha256(picture.data).hexdigest()}.json").write_text(answer, encoding="utf-8")


def _off(box: Rectangle, chance: random.Random) -> Rectangle:
    """The box with every edge off by up to a tenth of its side."""
    left, top, width, height = box
    edges = (left, top, left + width, top + height)
    moved = [edge + chance.uniform(-_OFF, _OFF) * side for edge, side in zip(edges, (width, height) * 2, strict=True)]
    return moved[0], moved[1], moved[2] - moved[0], moved[3] - moved[1]


def _inside(box: Rectangle, sides: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box in whole pixels of the picture, as the service tells it."""
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = min(sides[0], round(box[0] + box[2])), min(sides[1], round(box[1] + box[3]))
    return left, top, right - left, bottom - top


def cut_at(picture: Image.Image, thumbnail: Image.Image, shape: tuple[int, int]) -> Rectangle:
    """
    Where a thumbnail was cut: the place of the largest window of the shape that looks like it.

    Raises:
        RuntimeError: there is none.
    """
    width = min(picture.width, picture.height * shape[0] / shape[1])
    height = min(picture.height, picture.width * shape[1] / shape[0])
    # The coarser of both is what they are compared in.
    scale = min(1.0, thumbnail.width / width, thumbnail.height / height)
    wanted = _scaled(thumbnail, (width * scale, height * scale))
    there = _scaled(picture, (picture.width * scale, picture.height * scale))
    # Of a rounded side the thumbnail may have one pixel more than the picture.
    wanted = wanted[: there.shape[0], : there.shape[1]]
    differences = cv2.matchTemplate(there, wanted, cv2.TM_SQDIFF)
    least, _, (left, top), _ = cv2.minMaxLoc(differences)
    if (max(0.0, least) / wanted.size) ** 0.5 > _MOST_DIFFERENCE:
        raise RuntimeError(f"a thumbnail of {shape} is no part of its picture")
    return left / scale, top / scale, width, height


def _scaled(image: Image.Image, size: tuple[float, float]) -> Pixels:
    return np.asarray(image.resize((max(1, round(size[0])), max(1, round(size[1]))), Image.Resampling.BOX))


def kept(picture: Picture, place: Rectangle) -> float:
    """How much of the subject lies in a window, as a share of the most that a window of that size could have."""
    width, height = picture.image.size
    there = np.zeros((height, width), bool)
    for box in picture.boxes:
        left, top, across, down = map(round, box)
        there[top : top + down, left : left + across] = True
    left, top, across, down = map(round, place)
    axis, length = (0, across) if across < width else (1, down)
    most = _windows(there.sum(axis=axis), length).max()
    return min(1.0, float(there[top : top + down, left : left + across].sum() / most))


def _windows(profile: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    """The sum of every window of that length."""
    before = np.concatenate(([0], profile.cumsum()))
    return np.asarray(before[length:] - before[:-length])


def section(given: Sequence[Picture], lines: Iterable[tuple[str, Sequence[Cut]]], *, each: bool = False) -> Section:
    """The part of the page."""
    rows, goals, details = [], [], []
    for mode, cuts in lines:
        shares = [cut.kept for cut in cuts]
        worst = min(cuts, key=lambda cut: cut.kept)
        rows.append((mode, f"{statistics.mean(shares):.1f}", f"{worst.kept:.0f}", f"{worst.picture}, {_shape(worst)}"))
        if mode.startswith("auto"):
            goals.append(
                Goal.at_least(f"`{mode}`, mean of the subject kept", LEAST_MEAN, statistics.mean(shares), " %")
            )
            goals.append(Goal.at_least(f"`{mode}`, worst", LEAST, worst.kept, " %"))
        details += [(mode, cut.picture, _shape(cut), f"{cut.kept:.0f}") for cut in cuts]
    about = table(
        ("picture", "size", "subject"),
        [(picture.name, "{}x{}".format(*picture.image.size), picture.subject) for picture in given],
    )
    text = (
        "The share of the subject that a thumbnail keeps, of the most that one of its shape could.\n"
        "Four pictures are the samples, four are made of these (no installed package brings photographs), four are "
        "drawn.\n\n"
        + table(("mode", "mean, %", "worst, %", "which"), rows)
        + f"\n\n{about}"
        + (f"\n\n{table(('mode', 'picture', 'shape', 'kept, %'), details)}" if each else "")
    )
    return Section("Crops", text, goals)


def _shape(cut: Cut) -> str:
    return "{}x{}".format(*cut.size)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.crops")
    parser.add_argument("--each", action="store_true", help="print every thumbnail's share too")
    each = parser.parse_args().each
    given = pictures()
    found = section(given, [(mode, measured(given, mode)) for mode in (*MODES[:1], WITH_BOXES, *MODES[1:])], each=each)
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
