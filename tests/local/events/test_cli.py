import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest
from azure.storage.blob import ContainerClient
from doubles.azurite import Azurite
from doubles.patience import wait_until
from doubles.webhooks import FakeWebhooks

from local.events.journal import Changes, Journal

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(azurite: Azurite, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path) -> Iterator[Start]:
    """Start `python -m local events`; every one that still runs is killed at the end."""
    with ExitStack() as stack:

        def run(*options: str, held: bool = False) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "local", "events", "--port", str(host.port), "--state", str(tmp_path)]
            command += ["--container", blobs.container_name, "--interval", "0.05", *options]
            environment = {**os.environ, "ImagesStorage": azurite.connection_string}
            environment |= {"BLOBSIGHT_PARENT": "1"} if held else {}
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield run


def read_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def test_uploads_after_the_ready_line_reach_the_host_and_sigterm_ends_it_well(
    start: Start, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    process = start()
    assert read_line(process.stdout) == "events ready"
    blobs.upload_blob("a.jpg", b"1")
    host.wait_for(1)
    process.terminate()
    assert process.wait(110) == 0
    assert host.subjects() == ["a.jpg"]
    assert process.stderr is not None
    assert process.stderr.read().endswith("told the host of 1 change\n")


def test_uploads_while_it_was_killed_reach_the_host_after_its_restart(
    start: Start, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    first = start()
    read_line(first.stdout)
    first.kill()
    first.wait()
    blobs.upload_blob("a.jpg", b"1")
    start("--duplicate")
    host.wait_for(2)
    assert host.subjects() == ["a.jpg", "a.jpg"]


def test_uploads_do_not_wait_for_a_function_of_events_that_the_host_does_not_run(
    start: Start, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    host.missing.add("StorageEvents")
    process = start()
    read_line(process.stdout)
    blobs.upload_blob("a.jpg", b"1")
    host.wait_for(1)
    blobs.delete_blob("a.jpg")
    wait_until(lambda: [one.query["functionName"] for one in host.deliveries].count("StorageEvents") > 1)
    blobs.upload_blob("b.jpg", b"1")
    host.wait_for(2)
    assert host.subjects("Host.Functions.AnalyzeOnUpload") == ["a.jpg", "b.jpg"]
    # It is there in the version after: a restart is not needed.
    host.missing.clear()
    host.wait_for(3)
    assert host.subjects("StorageEvents") == ["a.jpg"]


def test_deletions_do_not_wait_for_a_function_of_uploads_that_the_host_does_not_run(
    start: Start, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    host.missing.add("Host.Functions.AnalyzeOnUpload")
    blobs.upload_blob("old.jpg", b"1")
    process = start("--events-function", "Another")
    read_line(process.stdout)
    blobs.upload_blob("a.jpg", b"1")
    wait_until(lambda: len(host.deliveries) > 1)
    blobs.delete_blob("old.jpg")
    host.wait_for(1)
    assert (host.subjects("Another"), host.subjects("Host.Functions.AnalyzeOnUpload")) == (["old.jpg"], [])


def test_a_deletion_whose_end_it_was_killed_before_is_told_again_under_the_same_id(
    start: Start, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("old.jpg", b"1")
    first = start()
    read_line(first.stdout)
    host.holding = threading.Event()
    blobs.delete_blob("old.jpg")
    host.wait_for(1)
    first.kill()
    first.wait()
    host.holding.set()
    start()
    host.wait_for(2)
    assert host.accepted[0] == host.accepted[1]


def test_a_mistake_of_one_sender_ends_it_so_that_it_is_started_again(start: Start, tmp_path: Path) -> None:
    with Journal(tmp_path / "events" / "told.db", "images") as journal:
        journal.record(Changes(events=[{"id": "1"}]))
        journal._database.execute("UPDATE due SET event = '{'")
    process = start()
    assert process.wait(110) == 1
    assert process.stderr is not None
    assert "events cannot be sent" in process.stderr.read()


def test_what_it_says_of_the_functions_is_what_it_does() -> None:
    command = [sys.executable, "-m", "local", "events", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})
    words = " ".join(told.stdout.split())
    assert "another one of deletions, of uploads of more than 100 MB, and of changed access tiers" in words
    assert "(default StorageEvents)" in words


def test_two_watchers_do_not_share_a_state(start: Start) -> None:
    read_line(start().stdout)
    second = start()
    assert second.wait(110) == 1
    assert "is in use by another watcher" in read_line(second.stderr)


def test_the_end_of_its_supervisor_ends_it(start: Start) -> None:
    process = start(held=True)
    read_line(process.stdout)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(110) == 0
