"""
The whole texts of images, of which the index has the first words only: read once by each process, on its searches.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from shared import names
from shared.clock import Deadline
from shared.storage.blobs import Blobs
from shared.threads import side_by_side

_PARALLEL = 16
_AT_ONCE = 64
# A text of 2,000 pages has some 6 MB; of a larger one the beginning is searched.
_MOST_BYTES = 8 * 1024**2


class Texts(Protocol):
    """What takes texts over."""

    def texts_wanted(self, limit: int) -> list[tuple[str, str]]:
        """The stems of texts that are to be read, each with the `e` of its part."""

    def add_text(self, stem: str, e: str, text: str) -> None:
        """Take the whole text over, if its part is still that one."""


class WholeTexts:
    """Reads whole texts. Safe for threads."""

    def __init__(self, images: Blobs) -> None:
        self._images = images
        self._turn = threading.Lock()

    def read(self, texts: Texts, deadline: Deadline) -> None:
        """
        Read the wanted texts, until the deadline.

        Raises:
            StorageError: storage does not answer.
        """
        # One caller reads for all: the others wait, and find little left.
        if not self._turn.acquire(timeout=deadline.remaining()):
            return
        try:
            wanted = texts.texts_wanted(_AT_ONCE)
            if not wanted:
                return
            with ThreadPoolExecutor(_PARALLEL) as pool:
                while wanted and deadline.remaining():
                    list(side_by_side(pool, partial(self._read_one, texts), wanted))
                    wanted = texts.texts_wanted(_AT_ONCE)
        finally:
            self._turn.release()

    def _read_one(self, texts: Texts, wanted: tuple[str, str]) -> None:
        stem, e = wanted
        blob = self._images.read(names.TEXT, f"{stem}.txt", most=_MOST_BYTES)
        # One that is gone or is another one by now leaves a line, which wants it anew.
        texts.add_text(stem, e, blob.data.decode(errors="replace") if blob else "")
