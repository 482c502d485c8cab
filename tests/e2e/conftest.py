"""One running stack, with photographs in it, for tests that only use it; those that kill or restart have their own."""

from collections.abc import Iterator

import pytest
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack

from local.addresses import Addresses


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("shared"))
    stack.start_with_photographs()
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()
