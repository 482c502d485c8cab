"""An upload that kills its worker as often as it is tried is told of, tried less often, and done when it can be."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobLeaseClient
from azure.storage.queue import QueueClient
from doubles.calls import call
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.stack_controls import Held, terminate, unended

from local.addresses import Addresses

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TRIES = 5
NAME = "deadly.png"


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("rescue"))
    stack.start("--no-samples")
    assert call(stack.addresses.port, "GET", "/api/images").json()["images"] == []
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def kill_host(stack: RunningStack) -> None:
    """End the host as a crash would, and wait for the next one."""
    host = stack.pids()["host"]
    os.kill(host, signal.SIGKILL)
    wait_until(lambda: stack.pids().get("host", host) != host)


def let_claims_lapse(stack: RunningStack) -> None:
    """What 15 seconds do to the lease of a holder that died."""
    with stack.storage() as storage:
        cache = storage.get_container_client("cache")
        for blob in cache.list_blobs():
            if blob.lease.state == "leased":
                BlobLeaseClient(cache.get_blob_client(blob.name)).break_lease(0)


def unfinished_record(stack: RunningStack) -> dict[str, Any]:
    """Out of storage, as no host may be up to be asked."""
    with stack.storage() as storage, suppress(ResourceNotFoundError):
        blob = storage.get_blob_client("unfinished", f"analysis/{NAME}.json")
        record: dict[str, Any] = json.loads(blob.download_blob().readall())
        return record
    return {}


def test_an_upload_that_kills_its_host_is_put_off_further_and_further_and_the_stack_goes_on(
    stack: RunningStack,
) -> None:
    with Held(stack) as held:
        stack.upload(NAME, picture("PNG", 100, 80, colour=(9, 8, 7)))
        for attempt in range(1, TRIES + 1):
            # The calls of the dead ones are still held: the service does not notice that nobody waits for them.
            held.wait_for(attempt)
            kill_host(stack)
            let_claims_lapse(stack)
        wait_until(lambda: unfinished_record(stack) != {})
        record = unfinished_record(stack)
        assert (record["code"], record["attempts"]) == ("upload_interrupted", TRIES)
        with stack.storage() as storage:
            etag = storage.get_blob_client("images", NAME).get_blob_properties().etag.strip('"')
            found = storage.get_container_client("unfinished").list_blob_names(name_starts_with="analysis/")
            assert list(found) == [f"analysis/{NAME}.json"]
        assert record["source"]["etag"] == etag
        connection = stack.addresses.connection_string
        with QueueClient.from_connection_string(connection, "webjobs-blobtrigger-poison") as poison:
            wait_until(lambda: poison.get_queue_properties().approximate_message_count == 0)

        # The rescue arranged tries in 60 seconds; on a slow machine they would begin in the middle of what follows.
        for rescued in unended(stack):
            terminate(stack, rescued)
        # A caller has it tried again at once, and it kills the host once more.
        assert stack.run("unfinished", "retry", NAME).returncode == 0
        held.wait_for(TRIES + 1)
        kill_host(stack)
        let_claims_lapse(stack)
        wait_until(lambda: unfinished_record(stack)["attempts"] == 1)
        record = unfinished_record(stack)
        assert (record["state"], record["code"], record["tries"]) == ("deferred", "upload_interrupted", 1)
        waits = datetime.fromisoformat(record["until"]) - datetime.fromisoformat(record["last"])
        assert waits.total_seconds() == pytest.approx(300, abs=1)

    stack.upload("after.png", picture("PNG", 100, 80, colour=(1, 2, 3)))
    assert stack.wait_for("after.png")["after.png"].state == "complete"
    assert stack.run("unfinished", "retry", NAME).returncode == 0
    wait_until(lambda: unfinished_record(stack) == {})
    assert stack.wait_for(NAME)[NAME].state == "complete"
    assert stack.run("unfinished").stdout == "nothing is unfinished\n"
