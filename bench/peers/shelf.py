"""A place for the ledger that costs nothing: what the gate and the ledger cost by themselves."""

import threading
from typing import Any, cast

from shared.errors import ConflictError
from shared.storage.blobs import Blob, BlobInfo, Blobs


class Shelf:
    """As much of `shared.storage.blobs.Blobs` as the ledger needs. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blob: Blob | None = None
        self._writes = 0

    def read(self, container: str, name: str) -> Blob | None:
        """See `Blobs`."""
        return self._blob

    def write(self, container: str, name: str, data: bytes, *, content_type: str, **options: Any) -> str:
        """See `Blobs`."""
        with self._lock:
            if options["condition"].etag != (self._blob.info.etag if self._blob else None):
                raise ConflictError("Somebody else was faster.")
            self._writes += 1
            self._blob = Blob(BlobInfo(name, str(self._writes), len(data)), data)
            return str(self._writes)


def shelf() -> Blobs:
    """A shelf, empty."""
    return cast(Blobs, Shelf())
