import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient, QueueServiceClient
from doubles.patience import is_alive, wait_until
from doubles.supervised_storage import Storage, supervised_storage

from local import app_settings
from local.addresses import Addresses
from local.errors import LocalError
from local.stack import recipes
from local.stack.containers import CONTAINERS, make_containers

FULL = Path("/dev/full")


@pytest.fixture
def own_storage(tmp_path: Path) -> Iterator[Storage]:
    """One to be killed: the delay before a part is started again grows with each time."""
    with supervised_storage(tmp_path) as storage:
        yield storage


def test_every_container_and_queue_of_the_app_is_made_and_making_them_again_changes_nothing(storage: Storage) -> None:
    make_containers(storage.addresses.connection_string)
    with BlobServiceClient.from_connection_string(storage.addresses.connection_string) as blobs:
        assert {container.name for container in blobs.list_containers()} == set(CONTAINERS)
    with QueueServiceClient.from_connection_string(storage.addresses.connection_string) as queues:
        assert [queue.name for queue in queues.list_queues()] == ["webjobs-blobtrigger-poison"]


def test_what_was_answered_for_survives_a_kill_at_once(own_storage: Storage) -> None:
    """Azurite alone saves its lists every five seconds; a part of a stack must not lose what it answered for."""
    connection = own_storage.addresses.connection_string
    in_blocks = ContainerClient.from_connection_string(connection, "images", max_single_put_size=1, max_block_size=4)
    with own_storage.images as images, in_blocks, _queue(own_storage) as queue:
        for name in ("kept", "edited", "gone"):
            images.upload_blob(name, b"bytes")
        queue.send_message("done")
        queue.send_message("waiting")
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == dict.fromkeys(("kept", "edited", "gone"), b"bytes"))
        images.get_blob_client("edited").set_blob_metadata({"by": "hand"})
        images.delete_blob("gone")
        in_blocks.upload_blob("kept", b"other bytes", overwrite=True)
        queue.delete_message(queue.receive_message(visibility_timeout=600))
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == {"kept": b"other bytes", "edited": b"bytes"})
        assert images.get_blob_client("edited").get_blob_properties().metadata == {"by": "hand"}
        assert [message.content for message in queue.receive_messages()] == ["waiting"]


def test_a_change_that_a_kill_cut_off_hides_none_before_or_after_it(own_storage: Storage) -> None:
    with own_storage.images as images:
        images.upload_blob("before", b"bytes")
        with _journal(own_storage).open("a") as written:
            written.write('[["$BLOBS_COLLECTION$", 77, {"tags": []')
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == {"before": b"bytes"})
        images.upload_blob("after", b"bytes")
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == {"before": b"bytes", "after": b"bytes"})


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_what_a_full_disk_does_not_take_is_not_answered_for(own_storage: Storage) -> None:
    connection = own_storage.addresses.connection_string
    with ContainerClient.from_connection_string(connection, "images", retry_total=0) as images:
        images.upload_blob("before", b"bytes")
        journal = _journal(own_storage)
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == {"before": b"bytes"})
        next_journal = journal.with_name(f"__azurite_db_blob__.json.{_number(journal) + 1}.journal")
        next_journal.symlink_to(FULL)
        with pytest.raises(HttpResponseError) as refused:
            images.get_blob_client("before").set_blob_metadata({"by": "hand"})
        assert refused.value.status_code == 500
        next_journal.unlink()
        images.upload_blob("after", b"bytes")
        _kill(own_storage)
        wait_until(lambda: _blobs(own_storage) == {"before": b"bytes", "after": b"bytes"})


def test_a_stop_saves_the_lists_and_leaves_no_journal(tmp_path: Path) -> None:
    with supervised_storage(tmp_path) as storage, storage.images as images:
        images.upload_blob("kept.jpg", b"bytes")
        assert list(tmp_path.rglob("*.journal"))
    assert not list(tmp_path.rglob("*.journal"))
    assert '"kept.jpg"' in (tmp_path / "azurite" / "__azurite_db_blob__.json").read_text()


def test_a_machine_without_azurite_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recipes, "AZURITE_MAIN", tmp_path / "azurite.js")
    with pytest.raises(LocalError, match="make setup"):
        recipes.azurite(Addresses(7071), tmp_path)


def test_the_parts_get_the_settings_of_this_stack_and_no_proxy_for_loopback() -> None:
    inherited = {"PATH": "/bin", "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "intranet", "VISION_ENDPOINT": "https://x"}
    environment = app_settings.environment(Addresses(7171), inherited)
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["PATH"] == "/bin"
    assert environment["VISION_ENDPOINT"] == "http://127.0.0.1:7172"
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert "BlobEndpoint=http://127.0.0.1:7173/devstoreaccount1" in environment["ImagesStorage"]
    assert "QueueEndpoint=http://127.0.0.1:7174/devstoreaccount1" in environment["AzureWebJobsStorage"]


def _kill(storage: Storage) -> None:
    pid = storage.supervisor.pids()["azurite"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid) and storage.supervisor.pids()["azurite"] != pid)


def _blobs(storage: Storage) -> dict[str, bytes] | None:
    """Return the blobs of the container with their bytes; None while storage does not answer."""
    connection = storage.addresses.connection_string
    with ContainerClient.from_connection_string(connection, "images", retry_total=0) as images:
        try:
            return {name: images.download_blob(name).readall() for name in images.list_blob_names()}
        except AzureError:
            return None


def _journal(storage: Storage) -> Path:
    """Return the file to which the next change of blobs goes."""
    return max((storage.state / "azurite").glob("__azurite_db_blob__.json.*.journal"), key=_number)


def _number(journal: Path) -> int:
    return int(journal.suffixes[-2].removeprefix("."))


def _queue(storage: Storage) -> QueueClient:
    return QueueClient.from_connection_string(storage.addresses.connection_string, "webjobs-blobtrigger-poison")
