from collections.abc import Iterator

import pytest
from doubles.clock import FakeClock
from doubles.http_requests import Hub
from doubles.parts import Parts, parts

from shared import services
from shared.api import health


@pytest.fixture
def app() -> Iterator[Parts]:
    """The services that every function under test finds."""
    app = parts(THUMBNAIL_SIZES="100x50")
    with services.replaced(app.services):
        yield app


@pytest.fixture
def task_hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The task hub to which every durable client belongs; the health check looks anew."""
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    monkeypatch.setattr(health, "_health", health.Health(FakeClock()))
    return hub
