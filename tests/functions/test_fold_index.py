import asyncio
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import azure.functions as func
import pytest
from doubles.clock import EPOCH
from doubles.http_requests import Hub, invocation
from doubles.index_lines import append, line, shown
from doubles.parts import Parts

from FoldIndex import main
from shared import names
from shared.errors import StorageError
from shared.index import places
from shared.index.reader import snapshot

FOLDER = Path(__file__).resolve().parents[2] / "FoldIndex"
NOW = EPOCH.timestamp()


def tick() -> None:
    timer = cast(func.TimerRequest, SimpleNamespace(past_due=False))
    asyncio.run(main(timer, "the durable client's binding", invocation()))


def test_lines_are_folded_and_an_index_that_was_never_built_is_begun(
    app: Parts, task_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    append(app.host, "w", [line("a.jpg", NOW, image={"bytes": 1})])
    with caplog.at_level(logging.INFO):
        tick()
    assert [(orchestrator, instance) for orchestrator, instance, _ in task_hub.started] == [
        ("ReconcileOrchestrator", "index")
    ]
    assert places.MANIFEST in app.host.contents(names.INDEX)
    assert shown(snapshot(app.host)) == {"a.jpg": {"image": {"bytes": 1}}}
    assert "index.folded lines=1 shards=1 tails=0 more=False correlation=" in caplog.text


def test_where_nothing_is_to_be_done_nothing_is_told(
    app: Parts, task_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    app.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    with caplog.at_level(logging.INFO):
        tick()
    assert task_hub.started == []
    assert "index.folded" not in caplog.text
    assert list(app.host.contents(names.INDEX)) == [places.BUILT]


def test_lines_are_folded_though_no_run_can_be_begun(
    app: Parts, task_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> bool:
        raise StorageError("The Functions host does not answer.")

    monkeypatch.setattr("shared.lifecycle.rebuild.begin_due", fails)
    append(app.host, "w", [line("a.jpg", NOW, image={"bytes": 1})])
    with pytest.raises(StorageError, match="Functions host"):
        tick()
    assert places.MANIFEST in app.host.contents(names.INDEX)


def test_it_runs_every_five_minutes() -> None:
    bindings = json.loads((FOLDER / "function.json").read_text())["bindings"]
    assert [(each["name"], each["type"], each.get("schedule")) for each in bindings] == [
        ("timer", "timerTrigger", "30 */5 * * * *"),
        ("starter", "durableClient", None),
    ]
