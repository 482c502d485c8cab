"""Azurite as a part of the stack: supervised, on the ports that follow from the host's, with the app's containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import ContainerClient
from doubles.ports import five_free_ports

from local.addresses import Addresses
from local.stack.containers import make_containers
from local.stack.recipes import azurite
from local.stack.supervisor import Supervisor


@dataclass(frozen=True)
class Storage:
    """A running one; nothing else of the stack runs."""

    addresses: Addresses
    state: Path
    supervisor: Supervisor

    @property
    def images(self) -> ContainerClient:
        """The watched container."""
        return ContainerClient.from_connection_string(self.addresses.connection_string, "images")


@contextmanager
def supervised_storage(state: Path) -> Iterator[Storage]:
    """Start Azurite with its data under *state*, and stop it at the end."""
    addresses = Addresses(five_free_ports())
    supervisor = Supervisor(lambda line: None)
    try:
        supervisor.launch(azurite(addresses, state))
        supervisor.wait_until_ready("azurite")
        make_containers(addresses.connection_string)
        yield Storage(addresses, state, supervisor)
    finally:
        supervisor.stop(("azurite",))
