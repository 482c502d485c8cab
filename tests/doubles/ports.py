"""Ports for tests that need to know them before anything listens."""

import random
import socket

# Below the ports that Linux gives to outgoing connections, which could take one of the five at any moment.
CANDIDATES = range(20000, 32000, 5)


def five_free_ports() -> int:
    """Return the first of five ports in a row that nothing listens on now."""
    for port in random.sample(CANDIDATES, len(CANDIDATES)):
        if all(_is_free(port + offset) for offset in range(5)):
            return port
    raise AssertionError(f"no five free ports in a row in {CANDIDATES}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
