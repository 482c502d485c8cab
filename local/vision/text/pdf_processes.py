"""
PDFium in processes of its own, so that a PDF can take no more than its share, or end nothing but its own reading.

A process serves one document at a time and is used again for the next. One that takes too long, or ends, is replaced.
"""

import atexit
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from local.vision import refusals

ROOT = Path(__file__).parents[3]
CHILD = "local.vision.text.pdf_child"
# A document of 100 MB, its copy while it is handed over, and pictures of 10000x10000 pixels have room in it.
MEMORY_BYTES = 1024 * 1024 * 1024
GLANCE_SECONDS = 0.1  # between two looks at whether the service stops
CLOSE_SECONDS = 5.0

GoOn = Callable[[], None]
Json = dict[str, Any]


class PdfError(Exception):
    """PDFium did not answer, or could not do what it was asked; the message says why."""


@dataclass(frozen=True)
class Limits:
    """
    What one document may take.

    Attributes:
        cpu_seconds: of one core, for all that is asked about it.
        answer_seconds: by the clock, for each answer: on a machine that is busy, a process gets less of a core.
    """

    cpu_seconds: int
    answer_seconds: float


# Done in a thousandth of a second, unless the list of pages is damaged or crafted.
COUNTING = Limits(cpu_seconds=5, answer_seconds=15.0)


def reading(pages: int) -> Limits:
    """Return the limits of reading so many pages: most take less than a tenth of a second each, few take a second."""
    return Limits(cpu_seconds=20 + pages, answer_seconds=60.0)


class OpenedPdf:
    """A document in a process of PDFium."""

    def __init__(self, ask: Callable[..., tuple[Json, bytes]], data: bytes, limits: Limits) -> None:
        self._ask = ask
        opened, _ = ask("open", data, limits.cpu_seconds)
        if "refused" in opened:
            raise refusals.bad_image_format(opened["refused"])
        self.page_count = int(opened["pages"])

    def look(self, number: int, largest_side: int) -> tuple[Json, bytes]:
        """Return what `pdfium.look` tells of page *number*, from 1. Raises PdfError, and what *go_on* raises."""
        return self._ask("look", number, largest_side)


class Process:
    """One process, and the socket to it."""

    def __init__(self, memory_bytes: int) -> None:
        self._ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", CHILD, str(theirs.fileno()), str(memory_bytes)],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ask(self, request: tuple[object, ...], seconds: float, go_on: GoOn) -> tuple[Json, bytes]:
        """Return the answer and its pixels. Raises PdfError and what *go_on* raises; the process is gone then."""
        try:
            self._ours.send(request)
            self._wait(seconds, go_on)
            answer: Json = json.loads(self._ours.recv_bytes())
            pixels = self._ours.recv_bytes() if answer.get("picture") else b""
        except (EOFError, OSError):
            raise PdfError(self._obituary()) from None
        except BaseException:
            self.end()
            raise
        if "failed" in answer:
            raise PdfError(f"PDFium could not read the PDF: {answer['failed']}")
        return answer, pixels

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        self._process.wait()
        self._ours.close()

    def _wait(self, seconds: float, go_on: GoOn) -> None:
        deadline = time.monotonic() + seconds
        while not self._ours.poll(GLANCE_SECONDS):
            go_on()
            if time.monotonic() > deadline:
                raise PdfError(f"PDFium took more than {seconds:g} seconds for one answer.")

    def _obituary(self) -> str:
        # What closed its socket is ending already; the signal that ended it stays the one that is told.
        self.end()
        status = self._process.returncode
        if status == -signal.SIGXCPU:
            return "PDFium took more time of the processor than a PDF gets."
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return f"PDFium ended with {how}, as it does when a PDF is damaged or needs more memory than it gets."


class PdfProcesses:
    """As many processes as documents are open at once; `idle` are those with nothing to do. Safe for threads."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self.idle: list[Process] = []
        atexit.register(self.close)

    @contextmanager
    def opened(self, data: bytes, limits: Limits, go_on: GoOn) -> Iterator[OpenedPdf]:
        """
        Open a PDF. *go_on* is called while PDFium works; what it raises ends the process.

        Raises Refusal (InvalidImageFormat) when the PDF is damaged or needs a password, PdfError beyond the limits.
        """
        process = self._take()

        def ask(*request: object) -> tuple[Json, bytes]:
            return process.ask(request, limits.answer_seconds, go_on)

        try:
            yield OpenedPdf(ask, data, limits)
        finally:
            with suppress(PdfError):
                closed, _ = process.ask(("close",), CLOSE_SECONDS, lambda: None)
                if closed["isFresh"]:
                    self.idle.append(process)
                else:
                    process.end()

    def close(self) -> None:
        """End the processes that have nothing to do."""
        while self.idle:
            self.idle.pop().end()

    def _take(self) -> Process:
        with suppress(IndexError):
            while True:
                process = self.idle.pop()
                if process.is_alive:
                    return process
        return Process(self._memory_bytes)


PDFIUM = PdfProcesses()
