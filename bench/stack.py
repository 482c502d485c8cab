"""A stack of its own for a measurement: storage, Computer Vision and the host, on free ports, gone at the end."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.stack import recipes
from local.stack.containers import make_containers
from local.stack.supervisor import Supervisor

# Below the ports that Linux gives to outgoing connections.
_CANDIDATES = range(20000, 32000, 5)


@contextmanager
def running_stack(state: Path) -> Iterator[Addresses]:
    """Run it, with its data in *state*; no samples are processed. Raises LocalError when a part does not start."""
    addresses = Addresses(_five_free_ports())
    supervisor = Supervisor(lambda line: None)
    try:
        supervisor.launch(recipes.azurite(addresses, state), recipes.vision(addresses, state))
        supervisor.wait_until_ready("azurite")
        make_containers(addresses.connection_string)
        supervisor.launch(recipes.host(addresses, state, enable_auth=False))
        supervisor.wait_until_ready("vision", "host")
        yield addresses
    finally:
        supervisor.stop(recipes.STOP_ORDER)


@contextmanager
def running_storage(state: Path) -> Iterator[str]:
    """Run storage alone, with every container in it; its connection string. Raises LocalError."""
    addresses = Addresses(_five_free_ports())
    supervisor = Supervisor(lambda line: None)
    try:
        supervisor.launch(recipes.azurite(addresses, state))
        supervisor.wait_until_ready("azurite")
        make_containers(addresses.connection_string)
        yield addresses.connection_string
    finally:
        supervisor.stop(recipes.STOP_ORDER)


def _five_free_ports() -> int:
    """The first of five ports in a row that nothing listens on."""
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if all(_is_free(port + offset) for offset in range(5)):
            return port
    raise OSError("no five ports in a row are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
