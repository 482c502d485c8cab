"""Where the words that were found stand in the texts of images: read from their records, and kept for a while."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shared import names
from shared.index.entry import TEXT
from shared.search import document, text_places
from shared.search.found import Hit
from shared.search.text_places import Place
from shared.storage.blobs import Blobs
from shared.threads import side_by_side

# Records of texts that are read at once, and the length up to which they are opened.
_PARALLEL = 16
_MOST_BYTES = 4 * 1024**2
# Answers are asked for again while people look at them; one has up to ten places of some 200 bytes.
_MOST_KEPT = 4000
# Stem, the end of the record's ETag, and the folded words.
_Key = tuple[str, str, tuple[str, ...]]


class Placed:
    """Finds places, and keeps those of records that have not changed. Safe for threads."""

    def __init__(self, images: Blobs) -> None:
        self._images = images
        # JSON takes ten times its length of memory, so one record is open at a time.
        self._opening = threading.Lock()
        self._keeping = threading.Lock()
        self._kept: dict[_Key, list[Place]] = {}

    def of(self, hits: Sequence[Hit]) -> list[list[list[Place]]]:
        """
        Of each match of each hit, the places in the text; none where the record is gone or too long to be opened.

        Raises:
            StorageError: a record of a text could not be read.
        """
        missing = [hit for hit in hits if self._known(hit) is None]
        read: dict[int, list[list[Place]]] = {}
        if missing:
            with ThreadPoolExecutor(_PARALLEL) as pool:
                read = dict(zip(map(id, missing), side_by_side(pool, self._read, missing), strict=True))
        return [read.get(id(hit)) or self._known(hit) or [[] for _ in hit.matches] for hit in hits]

    def _known(self, hit: Hit) -> list[list[Place]] | None:
        """What is kept of a hit; None where a match is in a text and its places are not kept."""
        keys = _keys(hit)
        with self._keeping:
            found = [[] if key is None else self._kept.get(key) for key in keys]
        return None if None in found else [places or [] for places in found]

    def _read(self, hit: Hit) -> list[list[Place]]:
        record = self._images.read(names.TEXT, f"{hit.entry.stem}.json", most=_MOST_BYTES)
        if record is None or record.info.size > _MOST_BYTES:
            found: list[list[Place]] = [[] for _ in hit.matches]
        else:
            with self._opening:
                try:
                    lines = text_places.lines_of(record.data)
                except ValueError:
                    # Another program's blob in the place of a record hides no image.
                    lines = []
                found = [
                    text_places.find(lines, match.folded) if match.field == document.TEXT else []
                    for match in hit.matches
                ]
        self._keep(hit, found)
        return found

    def _keep(self, hit: Hit, found: list[list[Place]]) -> None:
        with self._keeping:
            for key, places in zip(_keys(hit), found, strict=True):
                # Without an ETag nothing tells when the record is another one.
                if key is not None and key[1]:
                    self._kept[key] = places
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]


def _keys(hit: Hit) -> list[_Key | None]:
    """Under which the places of each match are kept; None of a match that is not in a text."""
    etag = str(hit.entry.part(TEXT).get("e", ""))
    return [(hit.entry.stem, etag, match.folded) if match.field == document.TEXT else None for match in hit.matches]
