"""
`python -m local.vision.text.pdf_child DESCRIPTOR BYTES`: a process that PDFium works in, for `pdf_processes`.

Requests and their answers go through the socket *DESCRIPTOR*. When it closes, the process ends at once, whatever PDFium
is at: so it never outlives the service. *BYTES* of memory are all that it gets.
"""

import json
import mmap
import os
import queue
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError  # type: ignore[import-untyped]
from pypdfium2.raw import FPDF_ERR_PASSWORD  # type: ignore[import-untyped]

from local.vision.text import pdfium

NICENESS = 10  # what looks at pictures meanwhile comes first
FRESH_SHARE = 0.75  # of its memory that a process must still be able to have for the next document
Json = dict[str, Any]


class Desk:
    """Answers requests about one document at a time. Its methods are the requests, named as they are sent."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._document: PdfDocument | None = None

    def open(self, data: bytes, cpu_seconds: int) -> tuple[Json, bytes]:
        """Open a document, which may take so much time from now to its end; answer how many pages it has."""
        # The signal that the system then sends ends the process.
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + cpu_seconds, resource.RLIM_INFINITY))
        try:
            self._document = pdfium.opened(data)
        except PdfiumError as error:
            is_locked = error.err_code == FPDF_ERR_PASSWORD
            why = "needs a password: remove it and send the PDF again" if is_locked else "is damaged or cut short"
            return {"refused": f"The PDF {why}."}, b""
        return {"pages": len(self._document)}, b""

    def look(self, number: int, largest_side: int) -> tuple[Json, bytes]:
        """Answer what the page of that number, from 1, says and shows."""
        assert self._document is not None  # noqa: S101 - opened before
        page = self._document[number - 1]
        try:
            return pdfium.look(page, largest_side)
        finally:
            page.close()

    def close(self) -> tuple[Json, bytes]:
        """Let go of the document; answer whether the process is as good as new."""
        if self._document is not None:
            self._document.close()
            self._document = None
        try:
            mmap.mmap(-1, int(self._memory_bytes * FRESH_SHARE)).close()
        except OSError:
            return {"isFresh": False}, b""
        return {"isFresh": True}, b""


def main(argv: list[str]) -> None:
    """Answer until the socket closes."""
    connection, memory_bytes = Connection(int(argv[0])), int(argv[1])
    # Ctrl-C in a terminal reaches the whole group: when the service ends is its own business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # macOS knows no such limit: there time alone bounds a document
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    requests: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, requests), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionResetError):
        _answer(Desk(memory_bytes), requests, connection)


def _answer(desk: Desk, requests: "queue.SimpleQueue[tuple[Any, ...]]", connection: Connection) -> None:
    while True:
        name, *arguments = requests.get()
        try:
            answer, pixels = getattr(desk, name)(*arguments)
        except Exception as error:
            answer, pixels = {"failed": f"{type(error).__name__}: {error}"}, b""
        connection.send_bytes(json.dumps(answer).encode())
        if pixels:
            connection.send_bytes(pixels)


def _receive(connection: Connection, requests: "queue.SimpleQueue[tuple[Any, ...]]") -> None:
    """Take requests while PDFium works, to see when the service is gone."""
    with suppress(OSError, EOFError):
        while True:
            requests.put(connection.recv())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
