from collections.abc import Iterator

import pytest
from doubles.vision_calls import Caller

from local.vision.server import RunningVision, running_vision


@pytest.fixture
def vision() -> Iterator[RunningVision]:
    """Run the service without faults or a rate."""
    with running_vision() as service:
        yield service


@pytest.fixture
def caller(vision: RunningVision) -> Iterator[Caller]:
    """Call that service with its key."""
    with Caller(vision.url, vision.key) as client:
        yield client
