"""The drawings: README's has every route and container, and in none a text runs into another or out of its box."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from shared import names

PROJECT = Path(__file__).resolve().parents[2]
DRAWINGS = sorted((PROJECT / "docs" / "images").glob("*.svg"))
OVERVIEW = PROJECT / "docs" / "images" / "overview.svg"
SVG = "{http://www.w3.org/2000/svg}"
# Of DejaVu Sans, the widest of the fonts that the drawing names: the mean of its lower-case letters, upright and bold.
CHARACTER_EMS, BOLD_CHARACTER_EMS = 0.61, 0.69
# How far a line reaches above and below its baseline.
ASCENT_EMS, DESCENT_EMS = 0.76, 0.24
BEGINS = {"start": 0.0, "middle": 0.5, "end": 1.0}


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def has(self, other: "Box") -> bool:
        inside = self.left <= other.left and other.right <= self.right
        return inside and self.top <= other.top and other.bottom <= self.bottom


def texts(element: ET.Element, given: dict[str, str] | None = None) -> Iterator[tuple[str, Box]]:
    """Each text with its box, by an estimate of its width."""
    style = {**(given or {}), **element.attrib}
    if element.tag == f"{SVG}text":
        text, size = element.text or "", float(style["font-size"])
        width = len(text) * size * (BOLD_CHARACTER_EMS if "font-weight" in style else CHARACTER_EMS)
        left = float(style["x"]) - width * BEGINS[style.get("text-anchor", "start")]
        baseline = float(style["y"])
        yield text, Box(left, baseline - ASCENT_EMS * size, left + width, baseline + DESCENT_EMS * size)
    for child in element:
        yield from texts(child, style)


def rectangles(drawing: Path) -> list[Box]:
    """The boxes, the whole drawing first."""
    found = []
    for element in ET.parse(drawing).iter(f"{SVG}rect"):
        x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
        found.append(Box(x, y, x + width, y + height))
    return found


def texts_of(drawing: Path) -> list[tuple[str, Box]]:
    return list(texts(ET.parse(drawing).getroot()))


TEXTS = texts_of(OVERVIEW)


def test_every_route_is_in_the_drawing_and_no_other() -> None:
    bindings = [each for path in PROJECT.glob("*/function.json") for each in json.loads(path.read_text())["bindings"]]
    routes = {f"/api/{each['route'].partition('/')[0]}" for each in bindings if each["type"] == "httpTrigger"}
    drawn = [text for text, _ in TEXTS if text.startswith("/api/")]
    assert sorted(drawn) == sorted(routes)


def test_every_container_of_records_is_in_the_drawing() -> None:
    drawn = {text.partition("/")[0] for text, _ in TEXTS if re.search(r"\{name\}", text)}
    assert drawn == {names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED}


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.stem)
def test_no_text_runs_into_another(drawing: Path) -> None:
    found = texts_of(drawing)
    assert len(found) > 15
    assert [(a, b) for (a, of_a), (b, of_b) in itertools.combinations(found, 2) if of_a.overlaps(of_b)] == []


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.stem)
def test_no_text_runs_over_the_edge_of_its_box(drawing: Path) -> None:
    whole, *boxes = rectangles(drawing)
    for text, place in texts_of(drawing):
        assert whole.has(place), text
        assert all(box.has(place) for box in boxes if box.overlaps(place)), text


def test_every_function_that_it_names_is_there() -> None:
    named = {word for text, _ in TEXTS for word in re.findall(r"\b[A-Z]\w+(?:Upload|Orchestrator)\b", text)}
    assert {"AnalyzeOnUpload", "OcrOrchestrator"} <= named
    assert all((PROJECT / name / "function.json").exists() for name in named)
