"""A deleted image takes everything with it from the running stack, and the app's log has no name of it."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient
from doubles import log_events
from doubles.calls import call
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.secret_search import SecretSearch

from bench.stack import running_stack
from local.addresses import Addresses
from shared import log, names

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
NAME = "Zebra8173"
SETTINGS = {"LOG_NAMES": "hash", "FORGET_AFTER_HOURS": "0", "THUMBNAIL_SIZES": "64x64", "TEXT_MODE": "always"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    state, addresses = tmp_path_factory.mktemp("deleted"), Addresses(five_free_ports())
    with running_stack(state, addresses=addresses, settings=SETTINGS, with_events=True) as running:
        yield RunningStack(running.addresses, state)


def looked_through(stack: RunningStack, words: tuple[str, ...]) -> SecretSearch:
    """Every blob of the account, which is both of the app's, but the index, and every message of its queues."""
    search = SecretSearch(words)
    with stack.storage() as storage:
        for container in storage.list_containers():
            if container.name == names.INDEX:
                continue  # its lines go with later folds: tests/unit/lifecycle/test_nothing_is_left.py
            client = storage.get_container_client(container.name)
            for blob in client.list_blobs(include=["metadata"]):
                with suppress(ResourceNotFoundError):  # deleted since it was listed
                    data = client.download_blob(blob.name).readall()
                    search.look(container.name, blob.name, f"{blob.name} {blob.metadata} ".encode() + data)
    with QueueServiceClient.from_connection_string(stack.addresses.connection_string) as queues:
        for queue in queues.list_queues():
            for message in queues.get_queue_client(queue.name).peek_messages(32):
                search.look(f"queue {queue.name}", message.id, message.content)
    return search


def test_after_seconds_nothing_is_left_of_a_deleted_image(stack: RunningStack) -> None:
    name = f"Ordner/Hüsch {NAME}.png"
    data = picture("PNG", 90, 70, colour=(7, 77, 177))
    words = (NAME, hashlib.sha256(data).hexdigest()[:16])
    stack.upload(name, data)
    assert stack.wait_for(name)[name].state == "complete"
    assert call(stack.addresses.port, "POST", "/api/describe", data, {"Content-Type": "image/png"}).status == 200
    before = {place.partition(" ")[0] for place in looked_through(stack, words).found}
    assert {"images", "analysis", "text", "thumbnails", "cache", "owners"} <= before
    with stack.storage() as storage:
        claims = storage.get_container_client("cache")
        # Azure lets nobody delete a claim before its lease is over, which takes up to 15 seconds after the call.
        wait_until(lambda: {claim.lease.state for claim in claims.list_blobs()}.isdisjoint({"leased"}), 30)
        storage.get_blob_client("images", name).delete_blob()
    wait_until(lambda: not looked_through(stack, words).found, 60, poll_seconds=1.0)
    assert_no_name_in_lines_of_the_app(stack.state / "logs" / "host.log", name)


def assert_no_name_in_lines_of_the_app(path: Path, name: str) -> None:
    events = re.compile(rf"\b({'|'.join(map(re.escape, log_events.logged()))}) ")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if events.search(line)]
    assert [line for line in lines if NAME in line] == []
    told = {found[1] for line in lines if log.digest_of(name) in line and (found := events.search(line))}
    assert {"step.done", "text.stored", "records.deleted"} <= told
