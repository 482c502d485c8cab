"""
The orchestrators answer recorded histories as they did when these were recorded, turn by turn.

Orchestrations outlive deployments: an instance that slept while the app was updated goes on with the new code and its
old history. If that code asks for something else, the platform ends the instance. So a difference here is a break with
every Read that is under way; where it is meant, record anew with

    pytest tests/contract/test_orchestrator_histories.py --record-histories

and say in the changelog that Reads under way have to end before the update.
"""

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import azure.functions as func
import pytest
from azure.durable_functions import Orchestrator
from doubles.operation_runs import kept_operation
from doubles.orchestrator_runs import (
    Main,
    OrchestratorRun,
    answer_of,
    context_of,
    differences,
    orchestrator_of,
    text_of,
)
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import BEFORE, job_of, upload

import OperationOrchestrator
import ReconcileOrchestrator
import RetryOrchestrator
from local.host.durable.history import EventType, make_event
from OcrOrchestrator import main
from shared import names
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import ImageRejectedError, ThrottledError, VisionUnauthorizedError, VisionUnavailableError
from shared.images import ImageBytes, Owner
from shared.lifecycle import image_pages, reconcile_loop, reconcile_page
from shared.lifecycle.reconcile_loop import Plan
from shared.ocr import poll_loop
from shared.operations import loop as operation_loop
from shared.operations import step as operation_step
from shared.operations import work
from shared.operations.work import Operation
from shared.records.thumbnails import Thumbnail
from shared.uploads import retry_loop, retry_step
from shared.vision.poll_schedule import Median
from shared.vision.read_models import ReadResult

HISTORIES = Path(__file__).resolve().parents[1] / "fixtures" / "histories"
RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
MAINS = {
    "OcrOrchestrator": main,
    "RetryOrchestrator": RetryOrchestrator.main,
    "ReconcileOrchestrator": ReconcileOrchestrator.main,
    "OperationOrchestrator": OperationOrchestrator.main,
}
# The SDK recommends types that functions of the v1 model cannot give.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type")


def run_of(app: Parts, **more: Any) -> OrchestratorRun:
    return OrchestratorRun(app, job_of(app, RED), main, **more)


def short() -> OrchestratorRun:
    return run_of(parts())


def slow() -> OrchestratorRun:
    app = parts()
    app.vision.reads = [["notStarted", *["running"] * 30, "succeeded"]]
    return run_of(app)


def large() -> OrchestratorRun:
    """So large that every wait is a timer."""
    app = parts()
    app.vision.reads = [["running", "running", "succeeded"]]
    median = Median(40.0)
    return run_of(Parts(app.services._replace(median=median), app.images, app.host, app.vision, app.clock))


def throttled() -> OrchestratorRun:
    app = parts()
    app.vision.failures = [ThrottledError("later", retry_after_seconds=7.0), ThrottledError("later")]
    app.vision.at_call = lambda *_: app.vision.failures.extend(
        ThrottledError("later", retry_after_seconds=seconds) for seconds in (1.0, 30.0, 2.5)
    )
    return run_of(app)


def outage() -> OrchestratorRun:
    app = parts()
    app.vision.at_call = lambda *_: app.vision.failures.extend(
        [*[VisionUnavailableError("down")] * 9, *[VisionUnauthorizedError("wrong key (401)")] * 2]
    )
    return run_of(app)


def failed() -> OrchestratorRun:
    app = parts()
    app.vision.reads = [["running", "failed"]]
    return run_of(app)


def deadline() -> OrchestratorRun:
    app = parts(TEXT_DEADLINE_SECONDS="60")
    app.vision.reads = [["running"]]
    return run_of(app)


def continued() -> OrchestratorRun:
    """Throttled for so long that one execution would be replayed too often."""
    app = parts()
    app.vision.at_call = lambda *_: app.vision.failures.extend([ThrottledError("later", retry_after_seconds=9.0)] * 52)
    return run_of(app)


def cancelled() -> OrchestratorRun:
    app = parts()
    app.vision.reads = [["running"]]
    return run_of(app, cancel_after_turns=6)


def crashed_once() -> OrchestratorRun:
    return run_of(parts(), crashes={"OcrPoll": [ZeroDivisionError("oh")], "OcrStore": [KeyError("a"), KeyError("b")]})


def crashed_for_good() -> OrchestratorRun:
    return run_of(parts(), crashes={"OcrPoll": [ZeroDivisionError("oh")] * 3})


def crashed_twice_for_good() -> OrchestratorRun:
    return run_of(parts(), crashes={"OcrSubmit": [MemoryError()] * 3, "OcrStore": [MemoryError()] * 3})


def superseded() -> OrchestratorRun:
    app = parts()
    run = run_of(app)
    app.vision.at_call = lambda *_: app.images.write(names.IMAGES, "a.jpg", BLUE, content_type="image/jpeg") and None
    return run


def forgotten() -> OrchestratorRun:
    """The app slept for two days, and so the service has forgotten the document."""
    app = parts()
    poll = app.vision.get_read_result

    def at_call(*_: object) -> None:
        app.vision.at_call = None
        app.vision.forget()

    def late(*_: object, **__: object) -> ReadResult:
        app.clock.advance(49 * 3600.0)
        app.vision.get_read_result = poll  # type: ignore[method-assign]
        raise ThrottledError("later", retry_after_seconds=9.0)

    app.vision.at_call = at_call
    app.vision.get_read_result = late  # type: ignore[method-assign]
    return run_of(app)


def stored_already() -> OrchestratorRun:
    app = parts()
    run = run_of(app)
    OrchestratorRun(app, run.job, main).record()
    return run


SECRETS = ("hunter2", "S3CRET", "sv=2024")


def address(*, throttled_times: int = 1) -> OrchestratorRun:
    app = parts()
    app.vision.failures = [ThrottledError("later", retry_after_seconds=9.0)] * throttled_times
    app.vision.reads = [["running", "running", "succeeded"]]
    return OrchestratorRun(app, Job.from_json(BEFORE), main)


def address_continued() -> OrchestratorRun:
    return address(throttled_times=52)


def retry_of(app: Parts, **more: Any) -> OrchestratorRun:
    """An image's analysis that is to be tried again a minute from now."""
    upload(app, RED)
    return OrchestratorRun(
        app,
        Appointment("a.jpg", ("analysis",), "0x1,q", 60.0),
        RetryOrchestrator.main,
        orchestrator="RetryOrchestrator",
        activities={retry_loop.STEP: partial(retry_step.retry, starter="no text, so no task is handed over")},
        **more,
    )


def retried() -> OrchestratorRun:
    return retry_of(parts())


def retried_often(*, times: int = 3) -> OrchestratorRun:
    app = parts()
    app.vision.failures = [VisionUnavailableError("down")] * times
    return retry_of(app)


def retried_continued() -> OrchestratorRun:
    """Deferred so often that one execution would be replayed too often."""
    return retried_often(times=retry_loop.MAX_TURNS + 1)


def retry_crashed(*, times: int = 4) -> OrchestratorRun:
    return retry_of(parts(), crashes={retry_loop.STEP: [ZeroDivisionError("oh")] * times})


def retry_given_up() -> OrchestratorRun:
    """It crashes as often as it is tried, and what it left undone is recorded."""
    return retry_crashed(times=retry_loop.MOST_CRASHES * retry_loop.CRASH_ATTEMPTS)


def retry_lost() -> OrchestratorRun:
    """It crashes even when the crash is to be recorded."""
    return retry_crashed(times=(retry_loop.MOST_CRASHES + 1) * retry_loop.CRASH_ATTEMPTS)


class PlannedRun(NamedTuple):
    """A run of the reconciliation, as an orchestration is begun with it."""

    plan: Plan
    instance_id: str = reconcile_loop.WHOLE_ID

    def to_json(self) -> Plan:
        return self.plan


PLAN: Plan = {
    "id": "0123456789abcdef",
    "by": "timer",
    "mode": "repair",
    # As the recorded histories have them; later versions have more.
    "phases": [
        *("images", "analysis", "thumbnails", "text", "unfinished", "owners"),
        *("forgetting", "answers", "by_digest"),
    ],
    "began": "2026-01-01T00:00:00+00:00",
    "since": "2026-01-02T00:00:00+00:00",
    "until": "2026-01-01T00:00:00+00:00",
    "images_prefix": "",
    "records_prefix": "",
}


def reconciliation(app: Parts, **more: Any) -> OrchestratorRun:
    """Images that are older than the app, so that none is handed over, and records of one that is gone."""
    upload(app, RED)
    for number in range(3):
        app.images.write(names.IMAGES, f"old-{number}.jpg", BLUE, content_type="image/jpeg")
    app.images.write(names.ANALYSIS, "gone.jpg.json", b"{}", content_type="application/json")
    return OrchestratorRun(
        app,
        PlannedRun(PLAN),  # type: ignore[arg-type]  # it is begun alike
        ReconcileOrchestrator.main,
        orchestrator="ReconcileOrchestrator",
        activities={reconcile_loop.PAGE: partial(reconcile_page.page, starter="nothing is handed over")},
        **more,
    )


def reconciled() -> OrchestratorRun:
    return reconciliation(parts())


def reconciled_continued() -> OrchestratorRun:
    """With so many pages that one execution would be replayed too often."""
    app = parts()
    for number in range(reconcile_loop.MAX_PAGES):
        app.images.write(names.IMAGES, f"more-{number:03}.jpg", RED, content_type="image/jpeg")
    run = reconciliation(app)

    async def page(work: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(image_pages, "_IMAGES", 1)
            return await reconcile_page.page(work, "nothing is handed over")

    run.activities = {reconcile_loop.PAGE: page}
    return run


def reconcile_crashed(*, times: int = 4) -> OrchestratorRun:
    return reconciliation(parts(), crashes={reconcile_loop.PAGE: [None, None, *[ZeroDivisionError("oh")] * times]})


def reconcile_given_up() -> OrchestratorRun:
    """It crashes as often as a page is tried, and that is reported."""
    return reconcile_crashed(times=reconcile_loop.MOST_CRASHES * reconcile_loop.CRASH_ATTEMPTS)


def reconcile_lost() -> OrchestratorRun:
    """It crashes even when that is to be reported."""
    return reconcile_crashed(times=2 * reconcile_loop.MOST_CRASHES * reconcile_loop.CRASH_ATTEMPTS)


def operation_of(app: Parts, **more: Any) -> OrchestratorRun:
    """A question about bytes that a caller has sent and does not wait for."""
    return _operation(app, kept_operation(app), **more)


def _operation(app: Parts, operation: Operation, **more: Any) -> OrchestratorRun:
    return OrchestratorRun(
        app,
        operation,  # type: ignore[arg-type]  # it is begun alike
        OperationOrchestrator.main,
        orchestrator="OperationOrchestrator",
        activities={operation_loop.STEP: operation_step.step},  # type: ignore[dict-item]
        **more,
    )


def operated() -> OrchestratorRun:
    return operation_of(parts())


def operated_on_image() -> OrchestratorRun:
    """Nothing was sent, so there is nothing to delete at the end."""
    app = parts()
    etag = app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    return _operation(app, work.of_bytes(ImageBytes(RED, Owner("a.jpg", etag)), Thumbnail(100, 50, "vision")))


def operated_often(*, times: int = 3) -> OrchestratorRun:
    app = parts()
    app.vision.failures = [ThrottledError("later", retry_after_seconds=9.0)] * times
    return operation_of(app)


def operated_continued() -> OrchestratorRun:
    """Deferred so often that one execution would be replayed too often."""
    return operated_often(times=operation_loop.MAX_TURNS + 1)


def operation_refused() -> OrchestratorRun:
    app = parts()
    app.vision.failures = [ImageRejectedError("No.", code="image_not_supported")]
    return operation_of(app)


def operation_given_up() -> OrchestratorRun:
    """It waits for as long as anything waits."""
    app = parts()
    app.vision.failures = [ThrottledError("later", retry_after_seconds=40_000.0)] * 3
    return operation_of(app)


def operation_superseded() -> OrchestratorRun:
    run = operated_on_image()
    run.app.images.delete(names.IMAGES, "a.jpg")
    return run


def operation_crashed_once() -> OrchestratorRun:
    return operation_of(parts(), crashes={operation_loop.STEP: [ZeroDivisionError("oh"), None, KeyError("a")]})


def operation_crashed(*, times: int = operation_loop.CRASH_ATTEMPTS) -> OrchestratorRun:
    return operation_of(parts(), crashes={operation_loop.STEP: [ZeroDivisionError("oh")] * times})


def operation_lost() -> OrchestratorRun:
    """It crashes even when what was sent is to be deleted."""
    return operation_crashed(times=2 * operation_loop.CRASH_ATTEMPTS)


RUNS: dict[str, tuple[Callable[[], OrchestratorRun], str, str | None]] = {
    "short": (short, "Completed", "done"),
    "slow": (slow, "Completed", "done"),
    "large": (large, "Completed", "done"),
    "throttled": (throttled, "Completed", "done"),
    "outage": (outage, "Completed", "done"),
    "failed": (failed, "Completed", "failed"),
    "deadline": (deadline, "Completed", "failed"),
    "continued": (continued, "Completed", "done"),
    "cancelled": (cancelled, "Terminated", None),
    "crashed-once": (crashed_once, "Completed", "done"),
    "crashed-for-good": (crashed_for_good, "Completed", "failed"),
    "crashed-twice-for-good": (crashed_twice_for_good, "Completed", "failed"),
    "superseded": (superseded, "Completed", "superseded"),
    "forgotten": (forgotten, "Completed", "done"),
    "stored-already": (stored_already, "Completed", "done"),
    "address": (address, "Completed", "done"),
    "address-continued": (address_continued, "Completed", "done"),
    "retried": (retried, "Completed", "ended"),
    "retried-often": (retried_often, "Completed", "ended"),
    "retried-continued": (retried_continued, "Completed", "ended"),
    "retry-crashed": (retry_crashed, "Completed", "ended"),
    "retry-given-up": (retry_given_up, "Completed", "ended"),
    "retry-lost": (retry_lost, "Completed", "failed"),
    "reconciled": (reconciled, "Completed", "ended"),
    "reconciled-continued": (reconciled_continued, "Completed", "ended"),
    "reconcile-crashed": (reconcile_crashed, "Completed", "ended"),
    "reconcile-given-up": (reconcile_given_up, "Completed", "failed"),
    "reconcile-lost": (reconcile_lost, "Completed", "failed"),
    "operated": (operated, "Completed", "done"),
    "operated-on-image": (operated_on_image, "Completed", "done"),
    "operated-often": (operated_often, "Completed", "done"),
    "operated-continued": (operated_continued, "Completed", "done"),
    "operation-refused": (operation_refused, "Completed", "failed"),
    "operation-given-up": (operation_given_up, "Completed", "failed"),
    "operation-superseded": (operation_superseded, "Completed", "superseded"),
    "operation-crashed-once": (operation_crashed_once, "Completed", "done"),
    "operation-crashed": (operation_crashed, "Completed", "failed"),
    "operation-lost": (operation_lost, "Completed", "failed"),
}


@pytest.fixture(scope="module", autouse=True)
def _recorded(request: pytest.FixtureRequest) -> None:
    """Record everything anew, if that is what is wanted."""
    if request.config.getoption("--record-histories"):
        HISTORIES.mkdir(parents=True, exist_ok=True)
        for name, (run, _, _) in RUNS.items():
            (HISTORIES / f"{name}.json").write_text(text_of(run().record()))


def history(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HISTORIES / f"{name}.json").read_text())
    return found


def test_every_kind_of_run_is_recorded_and_nothing_else() -> None:
    assert sorted(path.stem for path in HISTORIES.glob("*")) == sorted(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_history_is_answered_as_it_was(name: str) -> None:
    found = history(name)
    assert list(differences(found, MAINS[orchestrator_of(found["executions"][0])])) == []


@pytest.mark.parametrize("name", RUNS)
def test_a_recording_is_of_the_run_that_it_is_called_after(name: str) -> None:
    found, (_, status, state) = history(name), RUNS[name]
    assert found["status"] == status
    assert (found["output"]["state"] if state else None) == state
    assert sum(len(execution["turns"]) for execution in found["executions"]) >= 2


@pytest.mark.parametrize("name", RUNS)
def test_the_engine_takes_the_same_way_today(name: str) -> None:
    """The recordings are no relics: the activities of today lead to the same calls and to the same end."""
    run, status, state = RUNS[name]
    found = run().record()
    assert (found["status"], found["output"]["state"] if state else None) == (status, state)
    assert calls(found) == calls(history(name))


def test_the_recordings_cover_timers_retries_continuing_and_every_activity() -> None:
    seen = {event["EventType"] for name in RUNS for each in history(name)["executions"] for event in each["history"]}
    assert {0, 4, 5, 6, 10, 11, 12, 13} <= seen
    continued = ("continued", "retried-continued", "reconciled-continued", "operated-continued")
    assert [len(history(name)["executions"]) for name in continued] == [2, 2, 2, 2]
    called = {call for name in RUNS for call in calls(history(name))}
    assert called == {"OcrSubmit", "OcrPoll", "OcrStore", "RetryStep", "ReconcilePage", "OperationStep"}


@pytest.mark.parametrize("run", [address, address_continued])
def test_a_run_that_the_version_before_has_begun_writes_the_address_nowhere_again(
    run: Callable[[], OrchestratorRun],
) -> None:
    """But into the input of its first call, which has to bring it to where it is kept."""
    found = run().record()
    assert found["executions"][0]["instance"] == "ocr-84fd049cd74739f0de823ccec5b55fc595d17daa"
    events = [event for execution in found["executions"] for event in execution["history"]]
    tellers = [event["EventType"] for event in events if any(each in json.dumps(event) for each in SECRETS)]
    # Its own start, and the first call of an activity.
    assert tellers == [0, 4]
    later = json.dumps([execution["input"] for execution in found["executions"][1:]] + [found["output"]])
    assert not [secret for secret in SECRETS if secret in later]


def calls(recording: dict[str, Any]) -> list[str]:
    """The activities that were scheduled, in order."""
    events = [event for execution in recording["executions"] for event in execution["history"]]
    return [event["Name"] for event in events if event["EventType"] == 4]


def test_a_retry_whose_history_has_the_text_as_a_sub_orchestration_waits_for_it_and_ends() -> None:
    """The version before read what became due that way; now RetryStep hands it over."""
    work = {"name": "a.jpg", "steps": ["analysis"], "key": "0x1,q", "attempts": 1, "crash": None}
    found = {"state": "ended", "steps": {"analysis": "done", "text": "due"}, "job": {"kind": "image"}}
    turns = [
        [event(EventType.TASK_SCHEDULED, 0, Name="RetryStep", Version=None, Input=json.dumps([json.dumps(work)]))],
        [
            event(EventType.TASK_COMPLETED, TaskScheduledId=0, Result=json.dumps(found)),
            event(
                EventType.SUB_ORCHESTRATION_CREATED,
                1,
                Name="OcrOrchestrator",
                Version=None,
                Input=json.dumps([json.dumps(found["job"])]),
                InstanceId="generated:1",
            ),
        ],
        [event(EventType.SUB_ORCHESTRATION_COMPLETED, TaskScheduledId=1, Result='{"state": "done"}')],
    ]
    given = json.dumps({"name": "a.jpg", "steps": ["analysis"], "key": "0x1,q", "seconds": 0.0, "attempts": 1})
    history = [event(EventType.EXECUTION_STARTED, Name="RetryOrchestrator", Version=None, Input=json.dumps(given))]
    answers = []
    for turn in turns:
        history += [event(EventType.ORCHESTRATOR_STARTED), *turn, event(EventType.ORCHESTRATOR_COMPLETED)]
        execution = {"history": history, "input": given, "instance": "retry-1"}
        context = context_of(execution, {"past": len(history), "events": len(history)})
        answers.append(answer_of(RetryOrchestrator.main, context))
    assert [answer["isDone"] for answer in answers] == [False, False, True]
    assert [answer.get("error") for answer in answers] == [None] * 3
    assert answers[2]["output"] == found
    child = {"functionName": "OcrOrchestrator", "instanceId": None}
    assert child.items() <= answers[1]["actions"][0][1].items()


def event(kind: EventType, number: int = -1, **members: Any) -> dict[str, Any]:
    """An event of a history, as the platform writes it."""
    return make_event(kind, 0.0, number, **members)


# The check can fail: each of these is a change that would break Reads that are under way.


def with_a_call_before(context: Any) -> Generator[Any, Any, Any]:
    yield context.call_activity("OcrPrepare", None)
    return (yield from poll_loop.orchestrate(context))


def with_a_timer_before(context: Any) -> Generator[Any, Any, Any]:
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    return (yield from poll_loop.orchestrate(context))


def patched(name: str, value: Any, loop: Any = poll_loop, whole: Main = main) -> Main:
    def orchestrate(context: func.OrchestrationContext) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, name, value)
            return whole(context)

    return orchestrate


patched_run = partial(patched, loop=reconcile_loop, whole=ReconcileOrchestrator.main)
patched_operation = partial(patched, loop=operation_loop, whole=OperationOrchestrator.main)
patched_retry = partial(patched, loop=retry_loop, whole=RetryOrchestrator.main)


def exchanged(state: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """Store before polling."""
    new = _ADVANCE(state, outcome)
    return {**new, "step": {"OcrPoll": "OcrStore", "OcrStore": "OcrPoll"}.get(new["step"], new["step"])}


_ADVANCE = poll_loop.advance
CHANGES: dict[str, tuple[str, Main]] = {
    "a call before all others": ("short", Orchestrator.create(with_a_call_before)),
    "a timer before all calls": ("short", Orchestrator.create(with_a_timer_before)),
    "another order of the calls": ("short", patched("advance", exchanged)),
    "another input of a call": ("short", patched("work_of", lambda state: {"job": state["job"]})),
    "another name of an activity": ("short", patched("SUBMIT", "OcrSend")),
    "other retries": ("short", patched("CRASH_WAIT_MILLISECONDS", 1000)),
    "less patience": ("slow", patched("PATIENCE_SECONDS", 1.0)),
    "more patience": ("large", patched("PATIENCE_SECONDS", 60.0)),
    "fewer turns before it continues as new": ("continued", patched("MAX_TURNS", 40)),
    "more turns before it continues as new": ("continued", patched("MAX_TURNS", 60)),
    "another name of the retry's activity": ("retried", patched_retry("STEP", "RetryImage")),
    "other retries of the retry's activity": ("retry-crashed", patched_retry("CRASH_ATTEMPTS", 2)),
    "another wait after a crash of a retry": ("retry-crashed", patched_retry("CRASH_SECONDS", 60.0)),
    "fewer turns before a retry continues as new": ("retried-continued", patched_retry("MAX_TURNS", 40)),
    "another name of the page's activity": ("reconciled", patched_run("PAGE", "ReconcileAll")),
    "another wait after a crash of a page": ("reconcile-crashed", patched_run("CRASH_SECONDS", 60.0)),
    "fewer pages before it continues as new": ("reconciled-continued", patched_run("MAX_PAGES", 40)),
    "another input of a page": ("reconciled", patched_run("work_of", lambda state: {"plan": state["plan"]})),
    "another name of the operation's activity": ("operated", patched_operation("STEP", "OperationTry")),
    "other retries of the operation's activity": ("operation-crashed", patched_operation("CRASH_ATTEMPTS", 2)),
    "fewer turns before an operation continues as new": ("operated-continued", patched_operation("MAX_TURNS", 40)),
    "another input of an operation": ("operated", patched_operation("work_of", lambda state: {"job": state["job"]})),
    "another end of an operation": ("operation-given-up", patched_operation("LONGEST", timedelta(hours=72))),
    "another status of an operation": ("operated-often", patched_operation("status", lambda state: {"is": "on"})),
    "another status": ("short", patched("status", lambda state, now: {"step": state["step"]})),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_it_asks_for_is_found(change: str) -> None:
    name, changed = CHANGES[change]
    assert next(differences(history(name), changed), None)
