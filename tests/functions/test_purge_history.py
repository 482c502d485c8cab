import asyncio
import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
import pytest
from doubles.http_requests import invocation
from doubles.parts import Parts

from PurgeHistory import main
from shared import names
from shared.errors import SettingsError

DAY = 86_400.0
FOLDER = Path(__file__).resolve().parents[2] / "PurgeHistory"


class Hub:
    """Remembers of which time it is to purge."""

    def __init__(self) -> None:
        self.bindings: list[str] = []
        self.purged: list[datetime] = []

    async def purge_instance_history_by(self, _: datetime, created_time_to: datetime, *__: object) -> Any:
        self.purged.append(created_time_to)
        return SimpleNamespace(instances_deleted=0)


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()

    def client(starter: str) -> Hub:
        hub.bindings.append(starter)
        return hub

    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", client)
    return hub


def tick() -> None:
    asyncio.run(
        main(cast(func.TimerRequest, SimpleNamespace(past_due=False)), "the durable client's binding", invocation())
    )


def test_old_histories_and_old_inputs_go(app: Parts, hub: Hub) -> None:
    app.host.write(names.INPUTS, "old", b"x", content_type=names.BYTES)
    app.clock.advance(8 * DAY)
    app.host.write(names.INPUTS, "young", b"x", content_type=names.BYTES)
    tick()
    assert list(app.host.contents(names.INPUTS)) == ["young"]
    assert [(app.clock.utc() - before).days for before in hub.purged] == [7]
    assert hub.bindings == ["the durable client's binding"]


def test_twice_is_no_mistake(app: Parts, hub: Hub) -> None:
    tick()
    tick()
    assert len(hub.purged) == 2


def test_it_runs_once_a_day() -> None:
    bindings = json.loads((FOLDER / "function.json").read_text())["bindings"]
    (schedule,) = [each["schedule"] for each in bindings if each["type"] == "timerTrigger"]
    second, minute, hour, *rest = schedule.split()
    assert all(each.isdecimal() for each in (second, minute, hour))
    assert rest == ["*", "*", "*"]


def test_wrong_settings_are_raised(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError):
        tick()
