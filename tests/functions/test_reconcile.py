import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
import pytest
from doubles.http_requests import Hub, invocation, parsed, problem_of, request
from doubles.parts import Parts, restarted

from Housekeeping import main as keep_house
from ReconcilePage import main as page
from shared import names, services
from shared.errors import SettingsError
from shared.lifecycle import plans, reconcile_loop, report
from UnfinishedHttp import main as unfinished

ROOT = Path(__file__).resolve().parents[2]


def ask(body: bytes = b"", *, params: dict[str, str] | None = None) -> func.HttpResponse:
    sent = request("POST", body, params=params, route={"action": "reconcile"})
    return asyncio.run(unfinished(sent, invocation(), starter="the durable client's binding"))  # type: ignore[arg-type]


def look(**params: str) -> func.HttpResponse:
    sent = request("GET", params=params, route={"action": "reconcile"})
    return asyncio.run(unfinished(sent, invocation(), starter="the durable client's binding"))  # type: ignore[arg-type]


def tick() -> None:
    timer = cast(func.TimerRequest, SimpleNamespace(past_due=False))
    asyncio.run(keep_house(timer, "the durable client's binding", invocation()))


def test_a_caller_begins_one_that_takes_images_of_any_age(app: Parts, task_hub: Hub) -> None:
    app.clock.advance(60)
    answer = ask()
    assert answer.status_code == 202
    body = parsed(answer)
    assert (body["reconciliation"], body["mode"]) == ("started", "repair")
    assert "/api/health" in body["action"]
    ((orchestrator, instance, plan),) = task_hub.started
    assert (orchestrator, instance) == ("ReconcileOrchestrator", "reconcile")
    assert plan["until"] == plan["began"] == app.clock.utc().isoformat()
    assert plan["phases"] == [*reconcile_loop.COMPARING, *reconcile_loop.CLEANING]
    assert (plan["by"], plan["images_prefix"], plan["records_prefix"]) == ("request", "", "")


def test_one_that_is_running_is_not_begun_again(app: Parts, task_hub: Hub) -> None:
    ask()
    answer = ask()
    assert (answer.status_code, parsed(answer)["reconciliation"], parsed(answer)["mode"]) == (202, "running", None)
    assert len(task_hub.started) == 1
    task_hub.set("reconcile", "Completed")
    assert parsed(ask())["reconciliation"] == "started"


def test_whoever_has_begun_one_follows_it_to_what_it_found(app: Parts, task_hub: Hub) -> None:
    assert parsed(look()) == {"reconciliation": None}
    begun = ask(params={"code": "k"})
    assert begun.headers["Location"].endswith("/api/unfinished/reconcile?code=k")
    under_way = look()
    assert (under_way.status_code, parsed(under_way)["reconciliation"]) == (202, "running")
    assert under_way.headers["Location"].endswith("/api/unfinished/reconcile")
    assert int(under_way.headers["Retry-After"]) >= 1
    run(work(app, "report"))
    run(work(app, "report", ended=True, counts={"images": 7}))
    task_hub.set("reconcile", "Completed")
    ended = look()
    found = parsed(ended)["reconciliation"]
    assert (ended.status_code, found["state"], found["images"]) == (200, "ended", 7)
    assert found == report.section(app.services)


def test_a_look_takes_no_parameter_and_begins_nothing(app: Parts, task_hub: Hub) -> None:
    problem_of(look(since="2020-01-01"), 400, "bad_parameter")
    assert look().status_code == 200
    assert task_hub.started == []


@pytest.mark.parametrize(("setting", "mode"), [("off", "repair"), ("repair", "repair"), ("report", "report")])
def test_it_works_whatever_the_setting_says(app: Parts, task_hub: Hub, setting: str, mode: str) -> None:
    with services.replaced(restarted(app, RECONCILE=setting).services):
        assert parsed(ask())["mode"] == mode
    assert task_hub.started[0][2]["mode"] == mode


@pytest.mark.parametrize("body", [b"{}", b'{"all": true}', b"x"])
def test_a_body_is_refused(app: Parts, task_hub: Hub, body: bytes) -> None:
    problem = problem_of(ask(body), 400, "body_not_expected")
    assert f"a body of {len(body)} bytes" in problem["detail"]
    assert "without a body" in problem["action"]
    assert task_hub.started == []


def test_a_parameter_is_refused(app: Parts, task_hub: Hub) -> None:
    problem_of(ask(params={"since": "2020-01-01"}), 400, "bad_parameter")
    assert task_hub.started == []


def test_a_host_that_does_not_answer_is_told(app: Parts, task_hub: Hub) -> None:
    task_hub.failing = ConnectionError("refused")
    problem_of(ask(), 503, "storage_unavailable")


def test_the_timer_begins_what_is_due(app: Parts, task_hub: Hub) -> None:
    tick()
    ((orchestrator, instance, plan),) = task_hub.started
    assert (orchestrator, instance, plan["by"]) == ("ReconcileOrchestrator", "reconcile", "timer")
    tick()
    assert len(task_hub.started) == 1


def test_it_fires_every_hour_at_the_half() -> None:
    bindings = json.loads((ROOT / "Housekeeping" / "function.json").read_text())["bindings"]
    assert [each["schedule"] for each in bindings if each["type"] == "timerTrigger"] == ["0 30 * * * *"]


def test_wrong_settings_are_raised(task_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError):
        tick()


def work(app: Parts, phase: str, **more: Any) -> Any:
    state = reconcile_loop.begin(plans.by_request(app.services))
    return {**reconcile_loop.work_of(state), "phase": phase, **more}


def run(given: Any) -> Any:
    return asyncio.run(page(given, "the durable client's binding", invocation()))


@pytest.mark.parametrize("phase", [*reconcile_loop.COMPARING, *reconcile_loop.CLEANING, *reconcile_loop.INDEXING])
def test_each_phase_of_an_empty_account_ends_at_once(app: Parts, task_hub: Hub, phase: str) -> None:
    outcome = run(work(app, phase))
    while outcome["continuation"]:
        outcome = run(work(app, phase, continuation=outcome["continuation"]))
    assert not any(outcome["counts"].values())
    assert task_hub.started == []


def test_a_phase_of_a_later_version_has_no_pages(app: Parts, task_hub: Hub) -> None:
    assert run(work(app, "polishing")) == {"continuation": None, "counts": {}}


def test_what_a_page_leaves_is_handed_over(app: Parts, task_hub: Hub) -> None:
    app.clock.advance(60)
    given = work(app, "images")
    app.images.write(names.IMAGES, "lost.jpg", b"x", content_type="image/jpeg")
    outcome = run(given)
    assert outcome == {"continuation": None, "counts": {"images": 1, "without_result": 1, "started": 1}}
    ((orchestrator, instance, appointment),) = task_hub.started
    assert (orchestrator, instance[:6]) == ("RetryOrchestrator", "retry-")
    assert (appointment["name"], appointment["steps"]) == ("lost.jpg", ["analysis", "thumbnails", "text"])


def test_beginning_and_end_are_written_down(app: Parts, task_hub: Hub) -> None:
    run(work(app, "report"))
    run(work(app, "report", ended=True, counts={"images": 1}))
    last = json.loads(app.host.contents(names.RECONCILIATION)[names.LAST_RECONCILIATION])
    assert (last["running"], last["last"]["counts"]) == (None, {"images": 1})
