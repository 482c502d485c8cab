"""
Find what changed in the container since the last look, and put an event for each change into the outbox.

Event Grid tells of Put Blob, Put Block List and Copy Blob, and not of edits of metadata and properties, which give a
blob a new ETag too. The former alone set its time of creation anew. That is in whole seconds: within the second of an
upload, and a little more, an edit cannot be told from another upload, so that the ETag decides.
"""

import time
from collections.abc import Callable

from local.events import schema
from local.events.container import Blob, WatchedContainer
from local.events.journal import Changes, Journal, Told

# More than the blob trigger takes. The subscriptions in Azure are divided by the same number.
LARGEST_UPLOAD_BYTES = 104_857_600


class Watcher:
    """Compares one container with its journal, and notes the difference."""

    def __init__(
        self,
        container: WatchedContainer,
        journal: Journal,
        *,
        stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """*now* is the clock of storage, in Unix time."""
        self._container = container
        self._journal = journal
        self._stopping = stopping
        self._now = now

    def record_baseline(self) -> None:
        """At the first start, take the blobs that are there as known: a new subscription fires nothing for them."""
        if not self._journal.has_baseline():
            begun = self._now()
            pages = self._container.pages()
            self._journal.record_baseline(_version(blob, begun) for page in pages for blob in page)

    def scan(self) -> int:
        """List the container once; returns the number of changes. Raises AzureError when storage does not answer."""
        found = 0
        begun = self._now()
        self._journal.begin_listing()
        for page in self._container.pages():
            self._journal.note_listed(blob.name for blob in page)
            found += self._record(self._compared(page, begun))
            if self._stopping():
                return found
        return found + self._record(self._gone())

    def _compared(self, page: list[Blob], begun: float) -> Changes:
        """Compare a page of a listing that was *begun* then."""
        changes = Changes()
        for blob in page:
            told, version = self._journal.told(blob.name), _version(blob, begun)
            if told == version:
                continue
            changes.told.append(version)
            if told is None or _is_new(blob, told):
                is_large = blob.content_length > LARGEST_UPLOAD_BYTES
                (changes.events if is_large else changes.uploads).append(schema.created(self._container, blob))
            elif told.tier is not None and version.tier is not None and told.tier != version.tier:
                changes.events.append(schema.tier_changed(self._container, blob, previous=told.tier))
        return changes

    def _gone(self) -> Changes:
        # Asked for one by one: a blob uploaded again while the listing ran was never gone for good.
        gone = [(name, etag) for name, etag in self._journal.missing() if not self._container.has(name)]
        events = [schema.deleted(self._container, name, etag) for name, etag in gone]
        return Changes(gone=[name for name, _ in gone], events=events)

    def _record(self, changes: Changes) -> int:
        self._journal.record(changes)
        return len(changes.uploads) + len(changes.events)


def _version(blob: Blob, listed: float) -> Told:
    """What the journal keeps of a blob from a listing that began then: no later upload is created in a past second."""
    created = _second(blob)
    return Told(blob.name, blob.etag, created if created is not None and created < int(listed) else None, blob.tier)


def _is_new(blob: Blob, told: Told) -> bool:
    return blob.etag != told.etag if told.created is None else _second(blob) != told.created


def _second(blob: Blob) -> int | None:
    return int(blob.created.timestamp()) if blob.created else None
