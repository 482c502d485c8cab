"""
Records of the version before, whose metadata tell no more of their source than its ETag.

The documents among an image's records name ETag and SHA-256 of the version that they are of. A thumbnail or a plain
text of the same ETag is of the same bytes.
"""

import json
from contextlib import suppress

from shared import names
from shared.storage.blobs import Blobs


def sha256_of(blobs: Blobs, name: str, etag: str) -> str:
    """The SHA-256 (hex) of the bytes that an image had under that ETag; empty if no document tells it."""
    for container, place in _documents(name):
        blob = blobs.read(container, place)
        with suppress(ValueError, TypeError, KeyError):
            source = json.loads(blob.data if blob else b"")["source"]
            if source["etag"] == etag:
                return str(source["sha256"])
    return ""


def _documents(name: str) -> list[tuple[str, str]]:
    steps = (names.ANALYSIS, names.THUMBNAILS, names.TEXT)
    return [
        (names.ANALYSIS, names.analysis(name)),
        (names.TEXT, names.text(name)),
        *((names.UNFINISHED, names.unfinished(step, name)) for step in steps),
    ]
