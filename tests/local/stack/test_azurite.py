import os
import signal
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from doubles.patience import is_alive, wait_until
from doubles.supervised_storage import Storage

from local import app_settings
from local.addresses import Addresses
from local.errors import LocalError
from local.stack import recipes
from local.stack.containers import CONTAINERS, make_containers


def test_every_container_and_queue_of_the_app_is_made_and_making_them_again_changes_nothing(storage: Storage) -> None:
    make_containers(storage.addresses.connection_string)
    with BlobServiceClient.from_connection_string(storage.addresses.connection_string) as blobs:
        assert {container.name for container in blobs.list_containers()} == set(CONTAINERS)
    with QueueServiceClient.from_connection_string(storage.addresses.connection_string) as queues:
        assert [queue.name for queue in queues.list_queues()] == ["webjobs-blobtrigger-poison"]


def test_an_acknowledged_upload_survives_a_kill_after_a_moment(storage: Storage) -> None:
    """Azurite alone saves its lists every five seconds; a part of a stack must not lose what it answered for."""
    with storage.images as images:
        images.upload_blob("kept.jpg", b"bytes", overwrite=True)
        database = storage.state / "azurite" / "__azurite_db_blob__.json"
        wait_until(lambda: database.exists() and '"kept.jpg"' in database.read_text(), seconds=4.5)
        pid = storage.supervisor.pids()["azurite"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid) and storage.supervisor.pids()["azurite"] != pid)
        wait_until(lambda: _reads(storage, "kept.jpg") == b"bytes")


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


def _reads(storage: Storage, name: str) -> bytes | None:
    with BlobServiceClient.from_connection_string(storage.addresses.connection_string, retry_total=0) as service:
        try:
            return bytes(service.get_blob_client("images", name).download_blob().readall())
        except AzureError:
            return None
