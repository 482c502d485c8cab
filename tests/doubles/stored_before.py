"""What an earlier version of the app has left in a storage account, put into an account in memory."""

import base64
import hashlib
from datetime import datetime
from typing import Any

from doubles.memory import MemoryBlobs

from shared.storage.blobs import Blob, BlobInfo


def restore(blobs: MemoryBlobs, stored: list[dict[str, Any]]) -> None:
    """Put each blob of a fixture there, with the ETag that it had."""
    for each in stored:
        blobs.restore(each["container"], _blob(each))


def _blob(stored: dict[str, Any]) -> Blob:
    data = stored["text"].encode() if "text" in stored else base64.b64decode(stored["base64"])
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
