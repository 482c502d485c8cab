"""
The account of the images, observed: each record that is written or deleted there leaves a line for the index.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, cast

from shared import names
from shared.clock import Clock
from shared.errors import ConflictError, StorageError
from shared.index import parts
from shared.index.entry import Content
from shared.index.times import moment
from shared.index.writer import IndexWriter
from shared.storage.blobs import BlobInfo, Blobs, IfEtag


class Observed:
    """
    Another account's blobs, whose writes and deletions of records are noted. Safe for threads.

    Args:
        blobs: that account.
        writer: what takes the lines.
        clock: the time.
        thumbnails: the files of the thumbnails that every image gets; others that a caller asked for are not noted.

    Attributes:
        observed: that account.
    """

    def __init__(self, blobs: Blobs, writer: IndexWriter, clock: Clock, thumbnails: Collection[str] = ()) -> None:
        self.observed = blobs
        self._writer = writer
        self._clock = clock
        self._thumbnails = thumbnails

    def as_blobs(self) -> Blobs:
        """This account, as `Blobs` to be handed on."""
        return cast(Blobs, self)

    def write(
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
        condition: IfEtag | None = None,
        lease: str | None = None,
    ) -> str:
        """As `Blobs` says."""
        at = moment(self.observed, self._clock)
        try:
            etag = self.observed.write(
                container,
                name,
                data,
                content_type=content_type,
                metadata=metadata,
                cache_control=cache_control,
                condition=condition,
                lease=lease,
            )
        except ConflictError:
            self._look(container, name)
            raise
        self._note(container, name, data, metadata or {}, etag, at)
        return etag

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:
        """As `Blobs` says."""
        at = moment(self.observed, self._clock)
        self.observed.delete(container, name, etag=etag, lease=lease)
        if (known := parts.part_of(container, name)) is not None:
            stem, part = known
            self._writer.note({"stem": stem, "at": at, "parts": {part: None}})

    def _look(self, container: str, name: str) -> None:
        """Note the stored record: a write whose answer was lost is refused when it is sent again, and has been done."""
        if parts.part_of(container, name) is None:
            return
        at = moment(self.observed, self._clock)
        with suppress(StorageError):
            if (found := seen(self.observed, container, name)) is not None:
                info, data = found
                self._note(container, name, data, info.metadata, info.etag, at)

    def _note(self, container: str, name: str, data: bytes, metadata: Mapping[str, str], etag: str, at: float) -> None:
        if is_extra(container, name, metadata, self._thumbnails):
            return
        if (told := parts.of_record(container, name, data, metadata, etag)) is not None:
            stem, found = told
            content: dict[str, Content | None] = dict(found)
            self._writer.note({"stem": stem, "at": at, "parts": content})

    def __getattr__(self, name: str) -> Any:
        return getattr(self.observed, name)


def seen(blobs: Blobs, container: str, name: str) -> tuple[BlobInfo, bytes] | None:
    """A record as `parts.of_record` needs it, which looks at no thumbnail."""
    if container == names.THUMBNAILS:
        info = blobs.head(container, name)
        return (info, b"") if info else None
    return blobs.read(container, name)


def is_extra(container: str, record: str, metadata: Mapping[str, str], thumbnails: Collection[str]) -> bool:
    """Whether it is a thumbnail that a caller asked for and that not every image gets."""
    return container == names.THUMBNAILS and names.ON_DEMAND in metadata and record.rpartition("/")[2] not in thumbnails
