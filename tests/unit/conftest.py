from collections.abc import Iterator

import pytest
from doubles.azurite import Azurite, running_azurite
from doubles.clock import FakeClock


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
