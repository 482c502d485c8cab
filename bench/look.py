"""
What a look at a header costs, for bodies up to 100 MB whose header goes on to their end.

    python -m bench.look [--megabytes 100]

Each body is built so that a parser without bounds walks all of it. Time is CPU time, the best of five; memory is what
Python allocates above the body. Exits 1 if a goal is missed.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.section import Goal, Section, goals_table, table
from shared.errors import BlobsightError
from shared.pictures import inspection

MAX_MILLISECONDS = 50.0
MAX_MEGABYTES = 5.0
MEGABYTES = (1, 10, 100)
_MB = 1024 * 1024
_LOOKS = 5
# What stands at the beginning, and what is repeated behind it until the body is full.
HEADERS = {
    "JPEG of fill bytes": (b"\xff\xd8\xff", b"\xff"),
    "JPEG of empty APP segments": (b"\xff\xd8", b"\xff\xe0\0\2"),
    "JPEG of empty comments": (b"\xff\xd8", b"\xff\xfe\0\2"),
    "JPEG of padding": (b"\xff\xd8\xff\xe0\0\2", b"\0"),
    "PNG of empty texts": (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0"),
    "GIF of a comment in pieces": (b"GIF89a" + bytes(7) + b"\x21\xfe", b"\1a"),
    "BMP": (b"BM" + bytes(12) + b"\x28\0\0\0\x64\0\0\0\x64\0\0\0", b"\0"),
    "TIFF of directories": (b"II*\0\x08\0\0\0", b"\1\0\0\1\4\0\1\0\0\0\x63\0\0\0"),
    "BigTIFF of one endless directory": (b"II+\0\x08\0\0\0\x10" + bytes(7), b"\xff" * 7 + b"\0"),
    "PDF of page trees": (b"%PDF-1.4\n", b"1 0 obj<</Type/Pages/Count 3>>endobj "),
    "SVG behind comments": (b"<?xml version='1.0'?>", b"<!-- x -->"),
    "HEIC of brands": (b"\x7f\xff\xff\xffftypabcd\0\0\0\0", b"mif0"),
    "text": (b"", b"text "),
}


def body(beginning: bytes, part: bytes, size: int) -> bytes:
    """A body of *size* bytes."""
    return (beginning + part * (size // len(part) + 1))[:size]


def look(data: bytes) -> None:
    """Look as every upload and every request does, one after the other."""
    for inspect in (inspection.inspect, inspection.inspect_for_text):
        with suppress(BlobsightError):
            inspect(data)
    inspection.is_document(data)
    inspection.count_pages(data)


def measure(data: bytes) -> tuple[float, float]:
    """CPU milliseconds of all looks, and the megabytes that they allocate."""
    times = []
    for _ in range(_LOOKS):
        begun = time.process_time()
        look(data)
        times.append(time.process_time() - begun)
    tracemalloc.start()
    look(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(times) * 1000, peak / _MB


def measured(megabytes: Sequence[int]) -> Iterator[tuple[str, int, float, float]]:
    """Each kind of header with each size: its name, megabytes, milliseconds, megabytes allocated."""
    for name, (beginning, part) in HEADERS.items():
        for size in megabytes:
            yield name, size, *measure(body(beginning, part, size * _MB))


def section(megabytes: Sequence[int] = MEGABYTES) -> Section:
    """The part of the page."""
    rows = list(measured(megabytes))
    text = (
        "A look at a header reads at most 256 KB in at most 4,096 steps, whatever the file.\n"
        "Here every header goes on to the end of its body.\nEach figure is of all looks that a request takes.\n\n"
        + table(
            ("header", "body, MB", "CPU time, ms", "memory, MB"),
            [(name, str(size), f"{spent:.2f}", f"{memory:.2f}") for name, size, spent, memory in rows],
        )
    )
    goals = [
        Goal.at_most("look at any header, time", MAX_MILLISECONDS, max(row[2] for row in rows), " ms"),
        Goal.at_most("look at any header, memory", MAX_MEGABYTES, max(row[3] for row in rows), " MB"),
    ]
    return Section("Looking at a header", text, goals)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.look")
    parser.add_argument("--megabytes", type=int, nargs="+", default=MEGABYTES, help="sizes of the bodies")
    found = section(parser.parse_args().megabytes)
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
