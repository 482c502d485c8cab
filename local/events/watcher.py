"""
Find what changed in the container since the host was told, and tell it.

At least once: what was told is recorded only after the host's acceptance, so a crash between the two tells it again,
and whatever the host could not take is found again by the next scan.
"""

from collections.abc import Callable, Iterable

from local.events import schema
from local.events.container import Blob, WatchedContainer
from local.events.journal import Journal
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
    ) -> None:
        """Without *deleted* nobody is told of deletions; *copies* is how often each event is sent."""
        self._container = container
        self._journal = journal
        self._created = created
        self._deleted = deleted
        self._copies = copies
        self._stopping = stopping

    def record_baseline(self) -> None:
        """At the first start, take the blobs that are there as known: a new subscription fires nothing for them."""
        if not self._journal.has_baseline():
            pages = self._container.pages()
            self._journal.record_baseline((blob.name, blob.etag) for page in pages for blob in page)

    def scan(self) -> int:
        """
        List the container once and tell the host what changed; returns the number of changes told.

        Raises NotDeliveredError when the host takes no events now, AzureError when storage does not answer.
        """
        told = 0
        self._journal.begin_listing()
        for page in self._container.pages():
            self._journal.note_listed(blob.name for blob in page)
            changed = [blob for blob in page if self._journal.told_etag(blob.name) != blob.etag]
            told += self._tell_created(changed)
            if self._stopping():
                return told
        return told + self._tell_deleted()

    def _tell_created(self, blobs: list[Blob]) -> int:
        for start in range(0, len(blobs), BATCH_EVENTS):
            batch = blobs[start : start + BATCH_EVENTS]
            self._post(self._created, [schema.created(self._container, blob) for blob in batch])
            self._journal.record_told((blob.name, blob.etag) for blob in batch)
        return len(blobs)

    def _tell_deleted(self) -> int:
        # Asked for one by one: a blob uploaded again while the listing ran was never gone for good.
        gone = [(name, etag) for name, etag in self._journal.missing() if not self._container.has(name)]
        for start in range(0, len(gone), BATCH_EVENTS):
            batch = gone[start : start + BATCH_EVENTS]
            if self._deleted is not None:
                self._post(self._deleted, [schema.deleted(self._container, name, etag) for name, etag in batch])
            self._journal.record_gone(name for name, _ in batch)
        return len(gone)

    def _post(self, webhook: Webhook, events: Iterable[schema.Event]) -> None:
        webhook.deliver([event for event in events for _ in range(self._copies)])
