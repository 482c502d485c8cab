"""Stacks that are started once, for the tests that only use them; those that kill or restart have their own."""

import json
import os
from collections.abc import Iterator

import pytest
from doubles.demo import Demo, run_demo
from doubles.hosting import PROJECT_ROOT, Host, running_host
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack

from local import app_settings
from local.addresses import Addresses


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """It runs, with the samples in it."""
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("shared"))
    stack.start()
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """It has run to its end; another start on its state finds every sample there."""
    return run_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def keyed_host(shared_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, str]]:
    """A host beside the stack's own that checks keys, as Azure's does, and its function key."""
    folder = tmp_path_factory.mktemp("keyed")
    environment = app_settings.environment(shared_stack.addresses, os.environ)
    with running_host(PROJECT_ROOT, folder, "--enable-auth", environment=environment) as host:
        yield host, json.loads((folder / "host" / "keys.json").read_text())["functionKeys"]["default"]
