"""What orchestrators of azure-functions-durable get from the local host while nothing happens to the host."""

import json
import time
from collections.abc import Iterator

import pytest
from doubles.durable_apps import (
    DurableApp,
    event_types,
    finish,
    start_id,
    status,
    wait_custom_status,
    wait_finished,
)
from doubles.hosting import Host

ACTIVITIES = {
    "Double": "def main(payload: dict) -> dict:\n    return {'n': payload['n'] * 2}\n",
    "Nothing": "def main(payload):\n    return None\n",
    "Echo": "async def main(payload):\n    return payload\n",
    "Throw": "def main(payload: str):\n    raise ConnectionError(f'vision service said {payload}')\n",
    "Secret": "def main(payload):\n    raise ValueError('GET https://a/b?sig=abc123&x=1 failed')\n",
    "NotJson": "def main(payload):\n    return object()\n",
    "Flaky": """
        def main(payload: dict) -> int:
            with open(ROOT / payload["name"], "a") as file:
                print("try", file=file)
            tries = len((ROOT / payload["name"]).read_text().splitlines())
            if tries < payload["succeeds"]:
                raise RuntimeError(f"try {tries}")
            return tries
        """,
}
ORCHESTRATORS = {
    "Chain": """
        def run(context):
            number = context.get_input()
            for _ in range(3):
                number = yield context.call_activity("Double", number)
            return number
        """,
    "FanOut": """
        def run(context):
            parts = [context.call_activity("Double", {"n": n}) for n in range(context.get_input())]
            results = yield context.task_all(parts)
            return [result["n"] for result in results or []]
        """,
    "AnyCase": "def run(context):\n    return (yield context.call_activity('ECHO', 'hello'))\n",
    "Nulls": """
        def run(context):
            nothing = yield context.call_activity("Nothing", None)
            return [nothing, context.get_input(), context.instance_id, context.parent_instance_id]
        """,
    "Retry": """
        def run(context):
            job = context.get_input()
            options = df.RetryOptions(20, job["attempts"])
            try:
                tries = yield context.call_activity_with_retry("Flaky", options, job)
            except Exception as error:
                tries = str(error).splitlines()[0]
            after = yield context.call_activity("Echo", "after")
            return [tries, after]
        """,
    "RetryAll": """
        def run(context):
            options = df.RetryOptions(20, 4)
            jobs = [{"name": f"all{succeeds}", "succeeds": succeeds} for succeeds in (3, 1, 2)]
            tasks = [context.call_activity_with_retry("Flaky", options, job) for job in jobs]
            tasks.append(context.call_activity("Echo", "plain"))
            results = yield context.task_all(tasks)
            last = yield context.call_activity("Echo", "last")
            return results + [last]
        """,
    "Catch": """
        def run(context):
            try:
                yield context.call_activity(*context.get_input())
            except Exception as error:
                return [type(error).__name__, str(error)]
        """,
    "AllFails": """
        def run(context):
            try:
                yield context.task_all([context.call_activity("Throw", "a"), context.call_activity("Echo", "b")])
            except Exception as error:
                after = yield context.call_activity("Echo", "after")
                return [str(error).splitlines()[0].strip(), after]
        """,
    "Timer": """
        def run(context):
            begin = context.current_utc_datetime
            yield context.create_timer(begin + timedelta(seconds=0.3))
            return (context.current_utc_datetime - begin).total_seconds()
        """,
    "Race": """
        def run(context):
            timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
            work = context.call_activity("Echo", "work")
            winner = yield context.task_any([timer, work])
            if winner == work:
                timer.cancel()
            after = yield context.call_activity("Echo", "after")
            return [winner == work, after]
        """,
    "OpenTimer": """
        def run(context):
            timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
            work = context.call_activity("Echo", "work")
            yield context.task_any([timer, work])
            context.set_custom_status("won")
            return "done"
        """,
    "Parent": """
        def run(context):
            first = yield context.call_sub_orchestrator("Child", {"n": 1})
            second = yield context.call_sub_orchestrator("Child", {"n": 2}, f"{context.instance_id}-child")
            return [first, second]
        """,
    "Child": """
        def run(context):
            doubled = yield context.call_activity("Double", context.get_input())
            return [doubled["n"], context.instance_id, context.parent_instance_id]
        """,
    "FailingChild": "def run(context):\n    yield context.call_activity('Echo', 1)\n    raise ValueError('no good')\n",
    "ParentOfFailing": """
        def run(context):
            try:
                yield context.call_sub_orchestrator_with_retry("FailingChild", df.RetryOptions(10, 2))
            except Exception as error:
                return str(error).splitlines()[0]
        """,
    "Count": """
        def run(context):
            n = context.get_input()
            context.set_custom_status(f"round {n}")
            yield context.call_activity("Echo", n)
            if n < 4:
                context.continue_as_new(n + 1)
                return
            return n
        """,
    "Status": """
        def run(context):
            context.set_custom_status({"step": 1})
            yield context.create_timer(context.current_utc_datetime + timedelta(minutes=10))
        """,
    "BigStatus": "def run(context):\n    context.set_custom_status('x' * 9000)\n    return 1\n    yield\n",
    "Raise": "def run(context):\n    yield context.call_activity('Echo', 1)\n    raise ValueError('bad input')\n",
    "Plain": "def run(context):\n    raise KeyError('never a generator')\n",
    "Immediate": "def run(context):\n    return 'at once'\n",
    "Unknown": """
        def run(context):
            try:
                yield context.call_activity("Nowhere", 1)
            except Exception:
                return "caught"
        """,
    "UnknownChild": "def run(context):\n    yield context.call_sub_orchestrator('Nowhere')\n",
    "Fickle": """
        def run(context):
            marker = ROOT / "fickle"
            name = "Double" if marker.exists() else "Echo"
            marker.touch()
            yield context.call_activity(name, {"n": 1})
            yield context.call_activity("Echo", 2)
        """,
    "Event": "def run(context):\n    yield context.wait_for_external_event('go')\n",
    "Http": "def run(context):\n    yield context.call_http('GET', 'http://127.0.0.1')\n",
    "EntityCall": "def run(context):\n    yield context.call_entity(df.EntityId('Counter', 'a'), 'get')\n",
    "Unserializable": "def run(context):\n    yield context.call_activity('Echo', 1)\n    return object()\n",
    "Replays": """
        def run(context):
            yield context.call_activity("Echo", 1)
            if not context.is_replaying:
                with open(ROOT / "replays", "a") as file:
                    print("once", file=file)
            yield context.call_activity("Echo", 2)
            yield context.call_activity("Echo", 3)
            return str(context.new_uuid())
        """,
    "Many": """
        def run(context):
            for n in range(context.get_input()):
                yield context.call_activity("Echo", n)
            return context.current_utc_datetime.isoformat()
        """,
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> DurableApp:
    app = DurableApp(tmp_path_factory.mktemp("orchestrations"))
    for name, code in ACTIVITIES.items():
        app.activity(name, code)
    for name, code in ORCHESTRATORS.items():
        app.orchestrator(name, code)
    return app


@pytest.fixture(scope="module")
def host(app: DurableApp) -> Iterator[Host]:
    with app.running() as host:
        yield host
        assert host.terminate() == 0, "".join(host.log)


def test_activities_run_one_after_the_other_on_each_others_results(host: Host) -> None:
    assert finish(host, "Chain", {"n": 1})["output"] == {"n": 8}


def test_fan_out_returns_the_results_in_the_order_asked_for(host: Host) -> None:
    assert finish(host, "FanOut", 20)["output"] == [n * 2 for n in range(20)]


def test_empty_fan_out_goes_on_at_once(host: Host) -> None:
    # The SDK gives None for it, not an empty list.
    assert finish(host, "FanOut", 0)["output"] == []


def test_activity_is_found_whatever_the_case_of_its_name(host: Host) -> None:
    assert finish(host, "AnyCase")["output"] == "hello"


def test_nothing_as_input_and_result_stays_nothing(host: Host) -> None:
    instance = start_id(host, "Nulls")
    assert wait_finished(host, instance)["output"] == [None, None, instance, None]


def test_orchestrator_that_is_no_generator_completes(host: Host) -> None:
    assert finish(host, "Immediate")["output"] == "at once"


@pytest.mark.parametrize(("attempts", "succeeds", "expected"), [(5, 3, 3), (3, 3, 3), (1, 1, 1)])
def test_retries_go_on_until_the_activity_succeeds(host: Host, attempts: int, succeeds: int, expected: int) -> None:
    job = {"name": f"good{attempts}-{succeeds}", "attempts": attempts, "succeeds": succeeds}
    assert finish(host, "Retry", job)["output"] == [expected, "after"]


@pytest.mark.parametrize("attempts", [1, 3])
def test_retries_end_with_the_last_error_and_the_orchestrator_goes_on(
    host: Host, app: DurableApp, attempts: int
) -> None:
    job = {"name": f"bad{attempts}", "attempts": attempts, "succeeds": 99}
    error = f"Activity function 'Flaky' failed:  RuntimeError: try {attempts} "
    assert finish(host, "Retry", job)["output"] == [error, "after"]
    assert len(app.notes(f"bad{attempts}")) == attempts


def test_retries_of_several_activities_at_once_do_not_mix_their_numbers(host: Host) -> None:
    assert finish(host, "RetryAll")["output"] == [3, 1, 2, "plain", "last"]


def test_activity_error_reaches_the_orchestrator_as_text_with_dotnet_details(host: Host) -> None:
    kind, text = finish(host, "Catch", ["Throw", "503"])["output"]
    reason, details = text.split(" \n ")
    assert kind == "Exception"
    assert reason == "Activity function 'Throw' failed:  ConnectionError: vision service said 503"
    assert json.loads(details)["Message"] == " ConnectionError: vision service said 503"


def test_activity_error_does_not_show_signatures(host: Host) -> None:
    text = finish(host, "Catch", ["Secret", 1])["output"][1]
    assert "abc123" not in text
    assert "GET https://a/b[Hidden Credential]" in text


def test_activity_result_that_is_no_json_is_an_error_of_the_activity(host: Host) -> None:
    text = finish(host, "Catch", ["NotJson", 1])["output"][1]
    assert text.startswith("Activity function 'NotJson' failed:  ValueError: activity trigger output must be json")


def test_failed_part_of_a_fan_out_is_caught_and_the_orchestrator_goes_on(host: Host) -> None:
    error = "Activity function 'Throw' failed:  ConnectionError: vision service said a"
    assert finish(host, "AllFails")["output"] == [error, "after"]


def test_timer_fires_at_its_time_by_the_orchestrators_clock(host: Host) -> None:
    assert 0.3 <= finish(host, "Timer")["output"] < 2


def test_task_any_goes_on_with_the_first_and_a_cancelled_timer_holds_nobody_up(host: Host) -> None:
    begin = time.monotonic()
    assert finish(host, "Race", 60)["output"] == [True, "after"]
    assert time.monotonic() - begin < 20


def test_task_any_goes_on_with_the_timer_if_that_is_first(host: Host) -> None:
    assert finish(host, "Race", -1)["output"] == [False, "after"]


def test_timer_that_was_not_cancelled_keeps_a_finished_orchestrator_running(host: Host) -> None:
    instance = start_id(host, "OpenTimer")
    wait_custom_status(host, instance, "won")
    assert status(host, instance)["runtimeStatus"] == "Running"
    assert wait_finished(host, instance)["output"] == "done"


def test_sub_orchestrations_know_their_parent_and_return_to_it(host: Host) -> None:
    instance = start_id(host, "Parent")
    first, second = wait_finished(host, instance)["output"]
    assert (first[0], first[2]) == (2, instance)
    assert first[1].endswith(":0")
    assert second == [4, f"{instance}-child", instance]
    assert status(host, f"{instance}-child")["output"] == second
    types = event_types(status(host, instance, "?showHistory=true"))
    ended = "SubOrchestrationInstanceCompleted"
    assert types == ["ExecutionStarted", ended, ended, "ExecutionCompleted"]


def test_failed_sub_orchestration_is_tried_again_and_then_an_error(host: Host) -> None:
    error = "Orchestrator function 'FailingChild' failed: no good "
    assert finish(host, "ParentOfFailing")["output"] == error


def test_continue_as_new_begins_a_fresh_history_with_the_new_input(host: Host) -> None:
    instance = start_id(host, "Count", 1)
    found = wait_finished(host, instance)
    assert (found["output"], found["customStatus"], found["input"]) == (4, "round 4", "4")
    history = status(host, instance, "?showHistory=true")
    assert event_types(history) == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]


def test_custom_status_is_shown_while_the_orchestrator_waits(host: Host) -> None:
    instance = start_id(host, "Status")
    wait_custom_status(host, instance, {"step": 1})


def test_custom_status_beyond_16_kb_of_utf_16_fails_the_instance(host: Host) -> None:
    assert "must not exceed 16384 bytes" in finish(host, "BigStatus", expected="Failed")["output"]


def test_orchestrator_exception_fails_the_instance_with_its_text(host: Host) -> None:
    found = finish(host, "Raise", expected="Failed")
    assert found["output"] == "Orchestrator function 'Raise' failed: bad input"


def test_exception_of_an_orchestrator_that_is_no_generator_fails_the_instance(host: Host) -> None:
    found = finish(host, "Plain", expected="Failed")
    assert found["output"] == "Orchestrator function 'Plain' failed: KeyError: 'never a generator'"


def test_result_that_is_no_json_fails_the_instance(host: Host) -> None:
    assert "not JSON serializable" in finish(host, "Unserializable", expected="Failed")["output"]


def test_unknown_activity_fails_the_instance_and_names_the_known_ones(host: Host) -> None:
    output = finish(host, "Unknown", expected="Failed")["output"]
    assert "The function 'Nowhere' doesn't exist, is disabled, or is not an activity function." in output
    assert all(f"'{name}'" in output for name in ACTIVITIES)


def test_unknown_sub_orchestrator_fails_the_instance_and_names_the_known_ones(host: Host) -> None:
    output = finish(host, "UnknownChild", expected="Failed")["output"]
    assert "The function 'Nowhere' doesn't exist, is disabled, or is not an orchestrator function." in output
    assert "'Parent'" in output


def test_orchestrator_that_asks_for_something_else_on_replay_fails_clearly(host: Host) -> None:
    output = finish(host, "Fickle", expected="Failed")["output"]
    assert "Non-Deterministic workflow detected" in output
    assert "the activity 'Echo' as task number 0, but it now asks for the activity 'Double'" in output


@pytest.mark.parametrize(
    ("orchestrator", "advice"),
    [("Event", "wait_for_external_event: wait on a timer"), ("Http", "call_http: send"), ("EntityCall", "entities: ")],
)
def test_what_the_local_host_does_not_run_fails_the_instance_with_advice(
    host: Host, orchestrator: str, advice: str
) -> None:
    output = finish(host, orchestrator, expected="Failed")["output"]
    assert f"this local host does not run {advice}" in output


def test_orchestrator_knows_when_it_is_replayed(host: Host, app: DurableApp) -> None:
    finish(host, "Replays")
    assert app.notes("replays") == ["once"]


def test_history_of_600_events_is_no_burden(host: Host) -> None:
    begin = time.monotonic()
    instance = start_id(host, "Many", 120)
    found = wait_finished(host, instance)
    assert time.monotonic() - begin < 60
    assert found["runtimeStatus"] == "Completed"
    completed = [name for name in event_types(status(host, instance, "?showHistory=true")) if name == "TaskCompleted"]
    assert len(completed) == 120
