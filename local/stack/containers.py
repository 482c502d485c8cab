"""The containers and queues that the app expects to find. In Azure the infrastructure's templates make them."""

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.addresses import Addresses
from local.errors import LocalError
from local.stack.state_lock import busy_ports

IMAGES_ACCOUNT = ("images", "analysis", "text", "thumbnails", "unfinished", "corrections", "search")
HOST_ACCOUNT = (
    "cache",
    "inputs",
    "keys",
    "quota",
    "owners",
    "forgetting",
    "reconciliation",
    "index",
    "kept-corrections",
)
CONTAINERS = IMAGES_ACCOUNT + HOST_ACCOUNT
QUEUES = ("webjobs-blobtrigger-poison",)


def make_containers(connection_string: str) -> None:
    """Make every container and queue that is not there yet."""
    try:
        with BlobServiceClient.from_connection_string(connection_string, retry_total=0) as blobs:
            present = {container.name for container in blobs.list_containers()}
            for name in CONTAINERS:
                if name not in present:
                    blobs.create_container(name)
        _make_queues(connection_string)
    except AzureError as error:
        raise LocalError(f"the storage emulator did not make the containers: {error.message}") from error


def require_storage(addresses: Addresses) -> None:
    """Raise LocalError where no storage emulator listens that was started before."""
    if not busy_ports(addresses).keys() >= {"blob storage", "queue storage", "table storage"}:
        raise LocalError(
            f"no storage listens on the ports {addresses.port + 2} to {addresses.port + 4}: "
            "add azurite to --only, or start your own Azurite there"
        )


def _make_queues(connection_string: str) -> None:
    with QueueServiceClient.from_connection_string(connection_string, retry_total=0) as queues:
        for name in QUEUES:
            try:
                queues.create_queue(name)
            except ResourceExistsError:
                continue
