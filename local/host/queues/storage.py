"""
One queue of a storage account. All calls block; run them in a thread.

azure.storage is imported when it is first needed: it takes a third of a second, which a start need not wait for.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.host.app.connections import Connection

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

# A storage service that is being restarted is waited for, about a minute in all; the SDK's own first wait is 15 s.
RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2, "retry_total": 6, "random_jitter_range": 1}
# A stop waits for a call that is under way.
READ_SECONDS = 20
CONNECT_SECONDS = 5
FOR_EVER = -1


@dataclass(frozen=True)
class Message:
    """
    A message that was received, and is invisible to others until *next_visible*.

    *content* is what lies in the queue, still encoded; *receipt* is good for one change of it, which brings another.
    """

    id: str
    receipt: str
    content: str
    dequeue_count: int
    inserted: datetime | None
    expires: datetime | None
    next_visible: datetime | None


class StorageQueue:
    """A queue by its account and name; it need not exist."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        self._connection = connection
        self._lock = threading.Lock()
        self._made: QueueClient | None = None

    def receive(self, count: int, invisible_seconds: float) -> list[Message] | None:
        """
        Take up to *count* messages, which nobody else sees for *invisible_seconds*; None if there is no such queue.

        Asks once: whoever polls comes again anyway. Raises azure.core's AzureError.
        """
        from azure.core.exceptions import ResourceNotFoundError

        try:
            # Of `receive_messages`, one page is one request.
            pages = self._client().receive_messages(
                messages_per_page=count, visibility_timeout=round(invisible_seconds), retry_total=0
            )
            return [_message(each) for each in next(pages.by_page(), ())]
        except ResourceNotFoundError:
            return None

    def hide(self, message: Message, seconds: float) -> Message | None:
        """
        Keep *message* from the others for so many seconds from now, 0 to let it be taken at once.

        Returns it with its new receipt; None if it is gone or somebody else has taken it. Raises AzureError.
        """
        with _passed_over_if_lost():
            updated = self._client().update_message(message.id, message.receipt, visibility_timeout=round(seconds))
            return replace(message, receipt=str(updated.pop_receipt), next_visible=updated.next_visible_on)
        return None

    def delete(self, message: Message) -> None:
        """Remove *message* for good, unless it is gone or somebody else has taken it. Raises AzureError."""
        with _passed_over_if_lost():
            self._client().delete_message(message.id, message.receipt)

    def put(self, content: str) -> None:
        """Add a message that never expires, making the queue if it is missing. Raises AzureError."""
        from azure.core.exceptions import ResourceNotFoundError

        client = self._client()
        try:
            client.send_message(content, time_to_live=FOR_EVER)
        except ResourceNotFoundError:
            client.create_queue()
            client.send_message(content, time_to_live=FOR_EVER)

    def close(self) -> None:
        """Close the connections."""
        if self._made:
            self._made.close()

    def _client(self) -> "QueueClient":
        from azure.storage.queue import ExponentialRetry

        with self._lock:
            if self._made is None:
                self._made = self._connection.queue(
                    self.name,
                    retry_policy=ExponentialRetry(**RETRY),
                    connection_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                )
            return self._made


@contextmanager
def _passed_over_if_lost() -> Iterator[None]:
    """Pass over that a message is gone or has another receipt by now: it is somebody else's, who will end it."""
    from azure.core.exceptions import HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        if error.status_code != 404 and getattr(error, "error_code", None) != "PopReceiptMismatch":
            raise


def _message(received: Any) -> Message:
    return Message(
        id=str(received.id),
        receipt=str(received.pop_receipt),
        content=received.content or "",
        dequeue_count=int(received.dequeue_count or 0),
        inserted=received.inserted_on,
        expires=received.expires_on,
        next_visible=received.next_visible_on,
    )
