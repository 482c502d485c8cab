import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from doubles.azurite import Azurite, running_azurite
from doubles.webhooks import FakeWebhooks, running_webhooks

from local.events.container import WatchedContainer
from local.events.journal import Journal
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


@pytest.fixture
def make_watcher(
    azurite: Azurite, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
) -> Iterator[Callable[..., Watcher]]:
    """Make watchers of the test's container, one after the other on the same state as after a restart."""
    with ExitStack() as stack:

        def make(
            *,
            port: int | None = None,
            tells_deletions: bool = False,
            copies: int = 1,
            container: Callable[[str, str], WatchedContainer] = WatchedContainer,
            now: Callable[[], float] = time.time,
        ) -> Watcher:
            target = port or host.port
            keys = tmp_path / "keys.json"
            deletions = Webhook(target, Subscription.of_event_grid_trigger("ForgetOnDelete"), keys)
            return Watcher(
                stack.enter_context(container(azurite.connection_string, blobs.container_name)),
                stack.enter_context(Journal(tmp_path / "told.db", blobs.container_name)),
                created=Webhook(target, Subscription.of_blob_trigger("AnalyzeOnUpload"), keys),
                deleted=deletions if tells_deletions else None,
                copies=copies,
                now=now,
            )

        yield make
