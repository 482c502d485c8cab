"""
`python -m local cer`: how well drawn samples are read, as the share of characters that are wrong.

The character error rate is the number of characters to insert, delete or replace to get from what was read to what was
drawn, divided by what was drawn. White space counts as one space.
"""

import argparse
import io
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from local import drawings
from local.vision.reading.question import LATEST_MODEL_VERSION
from local.vision.reading.store import Task
from local.vision.text.reading import read_pages
from local.wording import program

MAX_MEAN = 0.02
TURNS = (90, 180, 270)  # degrees clockwise


@dataclass(frozen=True)
class Sample:
    """A document and the text that stands in it."""

    name: str
    kind: str
    data: bytes
    text: str


def main(argv: list[str]) -> int:
    """Print a table; returns 1 when the mean of the error rates is beyond 2 %."""
    parser = argparse.ArgumentParser(
        prog=f"{program()} cer", description="Read drawn samples and print the share of characters that are wrong."
    )
    parser.parse_args(argv)
    rates = []
    sys.stdout.write(f"{'sample':<24}{'characters':>12}{'wrong':>8}{'error rate':>12}{'seconds':>9}\n")
    for sample in samples():
        began = time.perf_counter()
        found = read_text(sample)
        seconds = time.perf_counter() - began
        wrong = edits(found, sample.text)
        rates.append(wrong / len(sample.text))
        row = f"{sample.name:<24}{len(sample.text):>12}{wrong:>8}{rates[-1]:>12.2%}{seconds:>9.2f}\n"
        sys.stdout.write(row)
        sys.stdout.flush()
    mean = sum(rates) / len(rates)
    sys.stdout.write(f"{'mean':<24}{'':>20}{mean:>12.2%}\n")
    return 0 if mean <= MAX_MEAN else 1


def samples() -> list[Sample]:
    """Draw the samples."""
    letter = drawings.letter()
    turned = [_image(f"letter, turned {angle}", letter.rotate(-angle, expand=True), drawings.LETTER) for angle in TURNS]
    minutes = [line for page in drawings.MINUTES for line in page]
    return [
        _image("letter", letter, drawings.LETTER),
        *turned,
        _image("letter, tilted 4", drawings.scan(), drawings.LETTER),
        _image("letter, tilted -12", drawings.scan(-12), drawings.LETTER),
        _image("letter, 94 askew", drawings.scan(94), drawings.LETTER),
        _image("receipt", drawings.receipt(), [" ".join(row) for row in drawings.RECEIPT]),
        _image("sign", drawings.sign(), drawings.SIGN),
        Sample("two pages, TIFF", "tiff", _pages("TIFF"), _joined(minutes)),
        Sample("two pages, scanned PDF", "pdf", _pages("PDF"), _joined(minutes)),
    ]


def read_text(sample: Sample) -> str:
    """Return the text that is read in *sample*, in reading order."""
    pages = (1, 2) if sample.kind != "image" else (1,)
    task = Task(sample.kind, pages, "", "basic", LATEST_MODEL_VERSION)
    found = read_pages(task, sample.data, lambda: None)
    return _joined([line["text"] for page in found for line in page["lines"]])


def edits(found: str, wanted: str) -> int:
    """Return how many characters have to be inserted, deleted or replaced to get from *found* to *wanted*."""
    costs = list(range(len(wanted) + 1))
    for row, character in enumerate(found, start=1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(wanted, start=1):
            replaced = before + (character != other)
            before = costs[column]
            costs[column] = min(replaced, before + 1, costs[column - 1] + 1)
    return costs[-1]


def _image(name: str, image: Image.Image, lines: Sequence[str]) -> Sample:
    file = io.BytesIO()
    image.save(file, "PNG")
    return Sample(name, "image", file.getvalue(), _joined(lines))


def _pages(kind: str) -> bytes:
    first, *others = drawings.minutes()
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, resolution=150)
    return file.getvalue()


def _joined(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())
