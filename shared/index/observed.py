"""
The account of the images, observed: each record that is written or deleted there leaves a line for the index.
"""

from typing import Any, cast

from shared.index.writer import IndexWriter
from shared.storage.blobs import Blobs


class Observed:
    """
    Another account's blobs, whose writes and deletions of records are noted. Safe for threads.

    Attributes:
        observed: that account.
    """

    def __init__(self, blobs: Blobs, writer: IndexWriter) -> None:
        self.observed = blobs
        self._writer = writer

    def as_blobs(self) -> Blobs:
        """This account, as `Blobs` to be handed on."""
        return cast(Blobs, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.observed, name)
