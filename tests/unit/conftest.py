from collections.abc import Callable, Iterator

import pytest
from doubles.azurite import Azurite, running_azurite
from doubles.clock import FakeClock
from doubles.identity_authority import Authority, settle


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hold() -> Iterator[Callable[[Authority], Authority]]:
    """Hold an authority's answers; those that are still held at the end of the test are given then."""
    held: list[Authority] = []

    def hold_answers(authority: Authority) -> Authority:
        authority.free.clear()
        held.append(authority)
        return authority

    yield hold_answers
    for each in held:
        each.free.set()
    settle()
