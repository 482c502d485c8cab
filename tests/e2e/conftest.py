"""Stacks that are started once, for the tests that only use them; those that kill or restart have their own."""

from collections.abc import Iterator

import pytest
from doubles.demo import Demo, run_demo
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack

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
