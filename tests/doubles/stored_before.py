"""What an earlier version of the app has left in a storage account, put into an account in memory."""

import base64
import hashlib
import zlib
from datetime import datetime
from typing import Any

from doubles.memory import MemoryBlobs

from shared.storage.blobs import Blob, BlobInfo


def restore(blobs: MemoryBlobs, stored: list[dict[str, Any]]) -> None:
    """Put each blob of a fixture there, with the ETag that it had."""
    for each in stored:
        blobs.restore(each["container"], _blob(each))


def _blob(stored: dict[str, Any]) -> Blob:
    data = _content(stored)
    info = BlobInfo(
        stored["name"],
        stored["etag"],
        len(data),
        stored["content_type"],
        hashlib.md5(data, usedforsecurity=False).digest(),
        stored["metadata"],
        stored["cache_control"],
        datetime.fromisoformat(stored["modified"]),
    )
    return Blob(info, data)


def _content(stored: dict[str, Any]) -> bytes:
    """Its bytes, which lie there as text, in Base64, or deflated and then in Base64."""
    if "text" in stored:
        return str(stored["text"]).encode()
    return zlib.decompress(base64.b64decode(stored["zlib"])) if "zlib" in stored else base64.b64decode(stored["base64"])
