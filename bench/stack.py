"""A stack of its own for a measurement: storage, Computer Vision, the host and its events, on free ports."""

import http.client
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from azure.storage.blob import BlobServiceClient, LinearRetry

from local.addresses import LOOPBACK, Addresses
from local.stack import recipes
from local.stack.containers import make_containers
from local.stack.service import Recipe
from local.stack.supervisor import Supervisor

# Below the ports that Linux gives to outgoing connections.
_CANDIDATES = range(20000, 32000, 5)
_ANSWER_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

Json = dict[str, Any]


class Stack:
    """A running stack, as it is seen from outside; its data lies in *state*."""

    def __init__(self, addresses: Addresses, state: Path, supervisor: Supervisor) -> None:
        self.addresses = addresses
        self.state = state
        self._supervisor = supervisor
        self._killed: int | None = None

    def set_faults(self, faults: Json) -> None:
        """Let Computer Vision have these faults instead of those before."""
        self.ask_vision("PUT", "/_control/faults", json.dumps(faults).encode())

    def vision_stats(self) -> Json:
        """What Computer Vision has counted."""
        stats: Json = json.loads(self.ask_vision("GET", "/_control/stats"))
        return stats

    def ask_vision(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """What Computer Vision answers. Raises OSError if it is no success."""
        return call(self.addresses.ports["vision"], method, path, body, "application/json")

    def ask_host(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> bytes:
        """What the host answers. Raises OSError if it does not, or if it is no success."""
        return call(self.addresses.port, method, path, body, content_type)

    def storage(self) -> BlobServiceClient:
        """A client of the storage account."""
        # Each kind of failure has a limit of its own, by default 3.
        most: dict[str, Any] = dict.fromkeys(("retry_total", "retry_connect", "retry_read", "retry_status"), 8)
        retries = LinearRetry(backoff=1, random_jitter_range=0, **most)
        return BlobServiceClient.from_connection_string(self.addresses.connection_string, retry_policy=retries)

    @contextmanager
    def hung_storage(self) -> Iterator[None]:
        """Inside, storage takes every request and answers none."""
        pid = self._supervisor.pids()["azurite"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def wait_for_host(self) -> None:
        """Return when the host answers, which may have been killed. Raises OSError if it does not for a minute."""
        until = time.monotonic() + _ANSWER_SECONDS
        while True:
            try:
                self.ask_host("GET", "/api/images?limit=1")
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def stop_events(self) -> None:
        """From now on no event is sent, however the container changes."""
        self._supervisor.stop(("events",))

    def start_events(self) -> None:
        """Send events again, of what has changed meanwhile too. Raises LocalError."""
        self._supervisor.launch(recipes.events(self.addresses, self.state))
        self._supervisor.wait_until_ready("events")

    def host_pid(self) -> int:
        """The number of the host's process."""
        return self._supervisor.pids()["host"]

    def kill_host(self) -> None:
        """End the host as `kill -9` does, once there is one; another is started in its place."""
        # The number of one that is dead already may be another process's by now.
        while (pid := self.host_pid()) == self._killed:
            time.sleep(_LOOK_SECONDS)
        self._killed = pid
        os.kill(pid, signal.SIGKILL)


@contextmanager
def running_stack(
    state: Path,
    *,
    addresses: Addresses | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
    with_events: bool = False,
    duplicate_events: bool = False,
    before_host: Callable[["Stack"], None] = lambda stack: None,
) -> Iterator[Stack]:
    """
    Run it, with its data in *state*; no samples are processed.

    Args:
        state: a folder; what an earlier stack left in it is there again.
        addresses: where it listens; on ports that are free by default.
        settings: app settings, instead of those of the environment.
        with_events: whether the host is told of uploads.
        duplicate_events: whether it is told twice of each.
        before_host: what is done before host and events are started for the first time.

    Raises:
        LocalError: a part does not start.
    """
    addresses = addresses or Addresses(_five_free_ports())
    supervisor = Supervisor(lambda line: None)
    try:
        supervisor.launch(recipes.azurite(addresses, state), recipes.vision(addresses, state))
        supervisor.wait_until_ready("azurite")
        make_containers(addresses.connection_string)
        stack = Stack(addresses, state, supervisor)
        before_host(stack)
        host = recipes.host(addresses, state, enable_auth=False)
        supervisor.launch(replace(host, environment={**host.environment, **settings}))
        if with_events:
            supervisor.launch(_events(addresses, state, duplicate=duplicate_events))
            supervisor.wait_until_ready("events")
        supervisor.wait_until_ready("vision", "host")
        yield stack
    finally:
        supervisor.stop(recipes.STOP_ORDER)


def call(port: int, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
    """What a server on loopback answers. Raises OSError if it does not, or if it is no success."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": content_type} if body is not None else {})
        answer = connection.getresponse()
        content = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise OSError(f"{method} {path} answered {answer.status}: {content[:300].decode(errors='replace')}")
    return content


def _events(addresses: Addresses, state: Path, *, duplicate: bool) -> Recipe:
    recipe = recipes.events(addresses, state)
    return replace(recipe, command=[*recipe.command, "--duplicate"]) if duplicate else recipe


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
