import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from doubles.azurite import Azurite, running_azurite
from doubles.webhooks import FakeWebhooks, running_webhooks

from local.events.container import WatchedContainer
from local.events.journal import EVENTS, UPLOADS, Journal
from local.events.outbox import Outbox
from local.events.sender import BatchSender, SingleSender
from local.events.watcher import Watcher
from local.events.webhook import Subscription, Webhook


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def blobs(azurite: Azurite) -> Iterator[ContainerClient]:
    """A container of the test's own."""
    name = f"images-{uuid.uuid4().hex[:8]}"
    with ContainerClient.from_connection_string(azurite.connection_string, name) as client:
        client.create_container()
        yield client


@pytest.fixture
def host() -> Iterator[FakeWebhooks]:
    with running_webhooks() as fake:
        yield fake


@dataclass
class EventGrid:
    """A watcher with the senders of what it finds, as one, and what they have to say."""

    watcher: Watcher
    senders: Sequence[BatchSender | SingleSender]
    said: list[str]

    def record_baseline(self) -> None:
        self.watcher.record_baseline()

    def scan(self) -> int:
        """Look once, send what is due, and return how many changes were found."""
        found = self.watcher.scan()
        for sender in self.senders:
            sender.send()
        return found


@pytest.fixture
def make_watcher(
    azurite: Azurite, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
) -> Iterator[Callable[..., EventGrid]]:
    """
    Make watchers of the test's container, one after the other on the same state as after a restart.

    Without *tells_events* what is not for the function of uploads stays in the outbox.
    """
    with ExitStack() as stack:

        def make(
            *,
            port: int | None = None,
            tells_events: bool = False,
            copies: int = 1,
            container: Callable[[str, str], WatchedContainer] = WatchedContainer,
            now: Callable[[], float] = time.time,
            clock: Callable[[], float] = time.time,
        ) -> EventGrid:
            target = port or host.port
            keys = tmp_path / "keys.json"
            told = tmp_path / "told.db"
            watched = stack.enter_context(container(azurite.connection_string, blobs.container_name))
            watcher = Watcher(watched, stack.enter_context(Journal(told, blobs.container_name)), now=now)
            said: list[str] = []
            uploads = Webhook(target, Subscription.of_blob_trigger("AnalyzeOnUpload"), keys)
            events = Webhook(target, Subscription.of_event_grid_trigger("StorageEvents"), keys)
            senders: list[BatchSender | SingleSender] = [
                BatchSender(stack.enter_context(Outbox(told, UPLOADS)), uploads, copies=copies)
            ]
            if tells_events:
                box = stack.enter_context(Outbox(told, EVENTS))
                senders.append(SingleSender(box, events, say=said.append, copies=copies, now=clock))
            return EventGrid(watcher, senders, said)

        yield make
