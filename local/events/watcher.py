"""
Find what changed in the container since the host was told, and tell it.

At least once: what was told is recorded only after the host's acceptance, so a crash between the two tells it again,
and whatever the host could not take is found again by the next scan.

Event Grid tells of Put Blob, Put Block List and Copy Blob, and not of edits of metadata and properties, which give a
blob a new ETag too. The former alone set its time of creation anew. That is in whole seconds: within the second of an
upload, and a little more, an edit cannot be told from another upload, so that the ETag decides.
"""

import time
from collections.abc import Callable, Iterable

from local.events import schema
from local.events.container import Blob, WatchedContainer
from local.events.journal import Journal, Told
from local.events.webhook import Webhook

BATCH_EVENTS = 50  # far below Event Grid's 1 MB per delivery, with the longest names too


class Watcher:
    """Compares one container with its journal, and posts the difference."""

    def __init__(
        self,
        container: WatchedContainer,
        journal: Journal,
        *,
        created: Webhook,
        deleted: Webhook | None = None,
        copies: int = 1,
        stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Without *deleted* nobody is told of deletions; *copies* is how often each event is sent.

        *now* is the clock of storage, in Unix time.
        """
        self._container = container
        self._journal = journal
        self._created = created
        self._deleted = deleted
        self._copies = copies
        self._stopping = stopping
        self._now = now

    def record_baseline(self) -> None:
        """At the first start, take the blobs that are there as known: a new subscription fires nothing for them."""
        if not self._journal.has_baseline():
            begun = self._now()
            pages = self._container.pages()
            self._journal.record_baseline(_version(blob, begun) for page in pages for blob in page)

    def scan(self) -> int:
        """
        List the container once and tell the host what changed; returns the number of changes told.

        Raises NotDeliveredError when the host takes no events now, AzureError when storage does not answer.
        """
        told = 0
        begun = self._now()
        self._journal.begin_listing()
        for page in self._container.pages():
            self._journal.note_listed(blob.name for blob in page)
            told += self._compare(page, begun)
            if self._stopping():
                return told
        return told + self._tell_deleted()

    def _compare(self, page: list[Blob], begun: float) -> int:
        """Tell of the new versions of a listing that was *begun* then, and note what else is new of the others."""
        new: list[tuple[Blob, Told]] = []
        others: list[Told] = []
        for blob in page:
            told, version = self._journal.told(blob.name), _version(blob, begun)
            if told is None or _is_new(blob, told):
                new.append((blob, version))
            elif version != told:
                others.append(version)
        if others:
            self._journal.record_told(others)
        self._tell_created(new)
        return len(new)

    def _tell_created(self, new: list[tuple[Blob, Told]]) -> None:
        for start in range(0, len(new), BATCH_EVENTS):
            batch = new[start : start + BATCH_EVENTS]
            self._post(self._created, [schema.created(self._container, blob) for blob, _ in batch])
            self._journal.record_told(version for _, version in batch)

    def _tell_deleted(self) -> int:
        # Asked for one by one: a blob uploaded again while the listing ran was never gone for good.
        gone = [(name, etag) for name, etag in self._journal.missing() if not self._container.has(name)]
        for start in range(0, len(gone), BATCH_EVENTS):
            batch = gone[start : start + BATCH_EVENTS]
            if self._deleted is not None:
                self._post(self._deleted, [schema.deleted(self._container, name, etag) for name, etag in batch])
            self._journal.record_gone(name for name, _ in batch)
        return len(gone) if self._deleted is not None else 0

    def _post(self, webhook: Webhook, events: Iterable[schema.Event]) -> None:
        webhook.deliver([event for event in events for _ in range(self._copies)])


def _version(blob: Blob, listed: float) -> Told:
    """What the journal keeps of a blob from a listing that began then: no later upload is created in a past second."""
    created = _second(blob)
    return Told(blob.name, blob.etag, created if created is not None and created < int(listed) else None)


def _is_new(blob: Blob, told: Told) -> bool:
    return blob.etag != told.etag if told.created is None else _second(blob) != told.created


def _second(blob: Blob) -> int | None:
    return int(blob.created.timestamp()) if blob.created else None
