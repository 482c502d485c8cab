"""
What Computer Vision costs for 1,000 images, of which one in five has text: at the default settings and at others.

    python -m bench.cost [--images 50]

Images are uploaded to the app, which is real but for storage, the clock and the wire. The calls that it sends are
counted there and multiplied by the list prices. The app's own ledger has to come to the same number of transactions.
Ends with 1 if the default costs more than the goal, or the ledger counts otherwise.
"""

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from bench.section import Goal, goals_table, table
from shared import names, services
from shared.services import App
from shared.settings import Settings
from shared.transport.http import Reply
from shared.uploads import steps

ROOT = Path(__file__).resolve().parent.parent
# US dollars for 1,000 transactions of the first million of a month on tier S1; not checked on a bill.
PRICE, DEARER_PRICE = 1.00, 1.50
DEARER = frozenset({"Description", "Read"})
FREE_TRANSACTIONS = 5000  # of a month, on tier F0
ONE_WITH_TEXT_IN = 5
IMAGES = 50
MOST_DOLLARS = 4.80
OPERATION = "https://vision.invalid/vision/v3.2/read/analyzeResults/"
PAGE = {"page": 1, "angle": 0.0, "width": 320, "height": 240, "unit": "pixel", "lines": []}


class Case(NamedTuple):
    """Settings beside the defaults; *named*, whether the analysis says where the subject of each image is."""

    name: str
    settings: tuple[tuple[str, str], ...] = ()
    named: bool = False


DEFAULT = Case("default settings, no subject named")
FORMER = (
    ("VISION_FEATURES", "Categories,Tags,Description,Color,ImageType,Objects"),
    ("THUMBNAIL_MODE", "vision"),
)
SIX_SIZES = ("THUMBNAIL_SIZES", "64x64,100x50,50x100,150x100,80x80,9x9")
CASES = (
    DEFAULT,
    Case("default settings, each subject named", named=True),
    Case("default settings, six sizes, no subject named", (SIX_SIZES,)),
    Case("THUMBNAIL_MODE=area", (("THUMBNAIL_MODE", "area"),), named=True),
    Case("THUMBNAIL_MODE=vision", (("THUMBNAIL_MODE", "vision"),), named=True),
    Case("THUMBNAIL_MODE=center", (("THUMBNAIL_MODE", "center"),)),
    Case("the defaults of version 0.1.0", FORMER),
)


class Cost(NamedTuple):
    """
    What the images of a case cost.

    Attributes:
        images: how many there were.
        meters: how often each meter of the price list was asked for: a feature, an operation, or a page (`Read`).
        counted: the transactions that the app's ledger counts.
    """

    images: int
    meters: Mapping[str, int]
    counted: int

    @property
    def transactions(self) -> float:
        """Transactions of an image."""
        return sum(self.meters.values()) / self.images

    @property
    def dollars(self) -> float:
        """US dollars for 1,000 images."""
        spent = sum(count * (DEARER_PRICE if meter in DEARER else PRICE) for meter, count in self.meters.items())
        return round(spent / self.images, 4)

    @property
    def free_images(self) -> int:
        """How many images the free transactions of a month hold."""
        return int(FREE_TRANSACTIONS / self.transactions)


class Wire:
    """`Transport` to a Computer Vision that is well, and counts what it would bill."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.analyses = 0
        self._reads = 0
        self.meters: Counter[str] = Counter()

    def send(self, method: str, url: str, **_: object) -> Reply:
        """See Transport."""
        if method == "GET":
            result = {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [PAGE]}
            times = dict.fromkeys(("createdDateTime", "lastUpdatedDateTime"), "2026-01-01T00:00:00Z")
            return _json({"status": "succeeded", **times, "analyzeResult": result})
        address = urlsplit(url)
        operation, asked = address.path.removeprefix("/vision/v3.2/"), parse_qs(address.query)
        if operation == "read/analyze":
            self.meters["Read"] += 1
            self._reads += 1
            return Reply(HTTPStatus.ACCEPTED, {"Operation-Location": f"{OPERATION}{self._reads}"}, b"")
        if operation == "analyze":
            features = asked["visualFeatures"] + asked.get("details", [])
            self.meters.update(",".join(features).split(","))
            return _json(self._analysis())
        self.meters[operation] += 1
        if operation == "generateThumbnail":
            return Reply(HTTPStatus.OK, {}, _jpeg(int(asked["width"][0]), int(asked["height"][0]), 0))
        if operation == "areaOfInterest":
            return _json({"areaOfInterest": {"x": 80, "y": 0, "w": 240, "h": 240}})
        raise RuntimeError(f"the app asks for {operation}")

    def _analysis(self) -> dict[str, object]:
        self.analyses += 1
        has_text = not self.analyses % ONE_WITH_TEXT_IN
        box = {"rectangle": {"x": 40, "y": 40, "w": 120, "h": 150}, "object": "cup", "confidence": 0.9}
        return {
            "tags": [{"name": "text" if has_text else "indoor", "confidence": 0.9}],
            "description": {"tags": [], "captions": []},
            "categories": [],
            "objects": [box] if self._case.named else [],
            "metadata": {"width": 320, "height": 240, "format": "Jpeg"},
        }


def cost(case: Case, images: int = IMAGES) -> Cost:
    """
    Upload so many images, and have the texts read that are due.

    Raises:
        RuntimeError: a step was not done, so that the figures would tell too little.
    """
    wire = Wire(case)
    parts = _parts(case, wire)
    for number in range(images):
        name, data = f"{number}.jpg", _jpeg(320, 240, number)
        parts.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        for outcome in steps.process(parts.services, name, data):
            if outcome.state in ("deferred", "failed"):
                raise RuntimeError(f"{case.name}: {outcome.step} is {outcome.state} ({outcome.code})")
            if outcome.job:
                ended = import_module("doubles.read_runs").ReadRun(parts, outcome.job).finish()
                if ended["state"] != "done":
                    raise RuntimeError(f"{case.name}: the text is {ended}")
    if wire.analyses != images:
        raise RuntimeError(f"{case.name}: {wire.analyses} of {images} images were analyzed")
    app: App = parts.services
    return Cost(images, wire.meters, app.quota.spending().paid_of_month)


def _parts(case: Case, wire: Wire) -> Any:
    """The app as `services.build` wires it, with the doubles of the tests below it."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    clock, doubles = import_module("doubles.clock").FakeClock(), import_module("doubles.parts")
    memory = import_module("doubles.memory").MemoryBlobs
    settings = Settings.from_env({**doubles.ENVIRONMENT, **dict(case.settings)})
    with (
        patch.object(services, "BlobStore", lambda account, **_: memory(clock)),
        patch.object(services, "Transport", lambda **_: wire),
    ):
        app = services.build(settings, clock=clock)
    return doubles.Parts(app, app.images, app.host, None, clock)


def _jpeg(width: int, height: int, number: int) -> bytes:
    """A file of its own for each number: a copy would cost nothing."""
    kept = io.BytesIO()
    Image.new("RGB", (width, height), (40, 120, 90)).save(kept, "JPEG", comment=str(number).encode())
    return kept.getvalue()


def _json(body: object) -> Reply:
    return Reply(HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(body).encode())


def text(found: Mapping[Case, Cost]) -> str:
    """The table in Markdown."""
    rows = [
        (
            case.name,
            f"{each.dollars:.2f}",
            f"{each.transactions:.1f}",
            str(each.free_images),
            ", ".join(f"{meter} {count / each.images:g}" for meter, count in sorted(each.meters.items())),
        )
        for case, each in found.items()
    ]
    return table(("settings", "US dollars", "transactions of an image", "images a month on F0", "of an image"), rows)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost")
    parser.add_argument("--images", type=int, default=IMAGES, help=f"uploaded for each row, a multiple of 5 ({IMAGES})")
    images = parser.parse_args().images
    if images < 1 or images % ONE_WITH_TEXT_IN:
        parser.error(f"--images is {images}; it has to be a multiple of {ONE_WITH_TEXT_IN}")
    found = {case: cost(case, images) for case in CASES}
    off = [case.name for case, each in found.items() if each.counted != sum(each.meters.values())]
    goals = [
        Goal.at_most("US dollars for 1,000 images, default settings", MOST_DOLLARS, found[DEFAULT].dollars),
        Goal.at_most("rows for which the app's ledger counts other transactions", 0, len(off)),
    ]
    print(f"Computer Vision for 1,000 images, of which one in {ONE_WITH_TEXT_IN} has text, at list prices:\n")
    print(f"{text(found)}\n\n{goals_table(goals)}")
    return int(not all(goal.held for goal in goals))


if __name__ == "__main__":
    sys.exit(main())
