"""A Computer Vision that stands for the developer's own one in Azure: another process, with another key."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from doubles.calls import call
from doubles.running_stack import PROJECT

KEY = "a-key-of-their-own-service"


@dataclass(frozen=True)
class OwnService:
    """Where it listens."""

    port: int

    @property
    def url(self) -> str:
        """What VISION_ENDPOINT names."""
        return f"http://127.0.0.1:{self.port}"

    def paid(self) -> dict[str, int]:
        """How many calls of each operation were paid for."""
        operations = call(self.port, "GET", "/_control/stats").json()["operations"]
        return {name: counted["paid"] for name, counted in operations.items() if counted["paid"]}


@contextmanager
def running_own_service() -> Iterator[OwnService]:
    """Run it until the block ends."""
    command = [sys.executable, "-m", "local", "vision", "--port", "0", "--key", KEY]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield OwnService(int(process.stdout.readline().rpartition(":")[2]))
        finally:
            process.terminate()
