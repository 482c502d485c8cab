import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.fake_app import FakeApp, running_app
from doubles.ports import five_free_ports
from doubles.supervised_storage import Storage, supervised_storage

from local.stack.service import Recipe
from local.stack.supervisor import Supervisor

# What every part of the stack does: say that it is ready, then end on SIGTERM or when its standard input ends.
PART = """
import os, signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
def watch():
    while os.read(0, 1024):
        pass
    stop.set()
threading.Thread(target=watch, daemon=True).start()
"""
READY = 'print("part ready", flush=True)\n'
LIVE = "while not stop.wait(0.05):\n    pass\n"


@pytest.fixture
def make_recipe(tmp_path: Path) -> Callable[..., Recipe]:
    def make(name: str, script: str = PART + READY + LIVE) -> Recipe:
        log = tmp_path / "logs" / f"{name}.log"
        return Recipe(name, [sys.executable, "-c", textwrap.dedent(script)], "part ready", log)

    return make


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.hurry.set()
    supervisor.stop(tuple(supervisor.pids()))


@pytest.fixture
def free_port() -> int:
    """The first of five free ports in a row."""
    return five_free_ports()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with supervised_storage(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def app(storage: Storage) -> Iterator[FakeApp]:
    """An app on the host's port of *storage*."""
    with running_app(storage.addresses.port) as fake:
        yield fake
