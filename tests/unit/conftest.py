from collections.abc import Iterator

import hypothesis
import pytest
from doubles.azurite import Azurite, running_azurite
from doubles.clock import FakeClock

# The same examples at every run, and no time limit that a busy machine could break.
hypothesis.settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("deterministic")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
