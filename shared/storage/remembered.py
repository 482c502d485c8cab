"""
An account that remembers the blobs it was asked for, so that a caller learns what an answer was derived from.
"""

from typing import Any, cast

from shared.storage.blobs import Blob, BlobInfo, Blobs


class Remembered:
    """
    Another account's blobs. For one thread.

    Attributes:
        found: by container and name, what `head` or `read` has told last of a blob; None where there was none.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.found: dict[tuple[str, str], BlobInfo | None] = {}
        self._ahead: dict[tuple[str, str], Blob | None] = {}

    def as_blobs(self) -> Blobs:
        """This account, as `Blobs` to be handed on."""
        return cast(Blobs, self)

    def head(self, container: str, name: str) -> BlobInfo | None:
        """As `Blobs` says."""
        self.found[container, name] = info = self._blobs.head(container, name)
        return info

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:
        """As `Blobs` says."""
        if most is None and (container, name) in self._ahead:
            return self._ahead.pop((container, name))
        blob = self._blobs.read(container, name, most=most)
        self.found[container, name] = blob.info if blob else None
        return blob

    def read_ahead(self, container: str, name: str) -> Blob | None:
        """The blob, as `read` tells it; the next `read` of it all tells the same, without a request to storage."""
        self._ahead[container, name] = blob = self.read(container, name)
        return blob

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)
