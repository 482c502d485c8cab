"""Nothing is lost and nothing waits when the host is killed at any moment and started again."""

import json
import shutil
import signal
import textwrap
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from doubles.azurite import Azurite
from doubles.durable_apps import (
    API,
    PREFACE,
    DurableApp,
    start_id,
    status,
    wait_custom_status,
    wait_finished,
)
from doubles.hosting import blob_trigger, write_function
from doubles.patience import PATIENCE_SECONDS, wait_until

# Says that it runs, then waits for a file to appear.
GATED = """
    def main(payload: dict) -> str:
        with open(ROOT / "begun", "a") as file:
            print(payload["name"], file=file)
        while not (ROOT / "gate").exists():
            time.sleep(0.02)
        return payload["name"]
    """
NOTED = """
    def main(payload: dict) -> str:
        with open(ROOT / "noted", "a") as file:
            print(payload["name"], file=file)
        return payload["name"]
    """


@pytest.fixture
def app(tmp_path: Path) -> DurableApp:
    app = DurableApp(tmp_path)
    app.activity("Gated", GATED)
    app.activity("Note", NOTED)
    return app


def test_activity_in_flight_at_a_kill_runs_again_and_finished_ones_do_not(app: DurableApp) -> None:
    app.orchestrator(
        "Steps",
        """
        def run(context):
            first = yield context.call_activity("Note", {"name": "first"})
            second = yield context.call_activity("Gated", {"name": "second"})
            third = yield context.call_activity("Note", {"name": "third"})
            return [first, second, third]
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Steps")
        wait_until(lambda: app.notes("begun") == ["second"])
        host.kill()
    app.open_gate()
    with app.running() as host:
        assert wait_finished(host, instance)["output"] == ["first", "second", "third"]
        assert host.terminate() == 0, "".join(host.log)
    assert app.notes("noted") == ["first", "third"]
    assert app.notes("begun") == ["second", "second"]


def test_timer_that_waits_at_a_kill_fires_at_its_time_after_the_restart(app: DurableApp) -> None:
    app.orchestrator(
        "Wait",
        """
        def run(context):
            due = context.current_utc_datetime + timedelta(seconds=context.get_input())
            context.set_custom_status("waiting")
            yield context.create_timer(due)
            late = (context.current_utc_datetime - due).total_seconds()
            return late
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Wait", 6)  # a restart takes less, on a slow machine too
        wait_custom_status(host, instance, "waiting")
        host.kill()
    with app.running() as host:
        assert status(host, instance)["runtimeStatus"] == "Running"
        late_seconds = wait_finished(host, instance)["output"]
    assert 0 <= late_seconds < 1.5


def test_timer_that_came_due_while_the_host_was_away_fires_at_once(app: DurableApp) -> None:
    app.orchestrator(
        "Wait",
        """
        def run(context):
            context.set_custom_status("waiting")
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.5))
            return "awake"
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Wait")
        wait_custom_status(host, instance, "waiting")
        host.kill()
    with app.running() as host:
        assert wait_finished(host, instance)["output"] == "awake"


def test_host_that_dies_in_every_turn_and_in_an_activity_loses_and_repeats_nothing(app: DurableApp) -> None:
    app.orchestrator(
        "Dying",
        """
        def run(context):
            die("begin")
            first = yield context.call_activity("Note", {"name": "first"})
            die("after first")
            yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
            die("after timer")
            both = yield context.task_all([context.call_activity("Note", {"name": n}) for n in ("second", "third")])
            died = yield context.call_activity("Die", {"name": "activity"})
            child = yield context.call_sub_orchestrator("Child")
            die("end")
            return [first, *both, died, child]

        def die(where):
            if not (ROOT / where).exists():
                (ROOT / where).touch()
                os.kill(os.getpid(), 9)
        """,
    )
    app.orchestrator(
        "Child",
        """
        def run(context):
            if not (ROOT / "child").exists():
                (ROOT / "child").touch()
                os.kill(os.getpid(), 9)
            return (yield context.call_activity("Note", {"name": "in child"}))
        """,
    )
    app.activity(
        "Die",
        """
        def main(payload: dict) -> str:
            if not (ROOT / "activity").exists():
                (ROOT / "activity").touch()
                os.kill(os.getpid(), 9)
            return payload["name"]
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Dying", None, "dying")
        host.process.wait(timeout=PATIENCE_SECONDS)
    deaths = 1
    while not (app.root / "end").exists():
        with app.starting() as host:
            assert host.process.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL
        deaths += 1
    with app.running() as host:
        expected = ["first", "second", "third", "activity", "in child"]
        assert wait_finished(host, instance)["output"] == expected
        assert host.terminate() == 0, "".join(host.log)
    assert deaths == 6
    # Only what ran at the moment of a death may run twice.
    assert sorted(set(app.notes("noted"))) == ["first", "in child", "second", "third"]
    assert app.notes("noted").count("first") == 1
    assert app.notes("noted").count("in child") == 1


def test_stop_lets_an_activity_finish_and_the_next_start_goes_on_behind_it(app: DurableApp) -> None:
    app.orchestrator(
        "Steps",
        """
        def run(context):
            first = yield context.call_activity("Gated", {"name": "first"})
            second = yield context.call_activity("Note", {"name": "second"})
            return [first, second]
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Steps")
        wait_until(lambda: app.notes("begun") == ["first"])
        host.process.send_signal(signal.SIGTERM)
        host.wait_for_log("finishing what has begun")
        app.open_gate()
        assert host.process.wait(timeout=PATIENCE_SECONDS) == 0
    assert app.notes("noted") == []
    with app.running() as host:
        assert wait_finished(host, instance)["output"] == ["first", "second"]
    assert app.notes("begun") == ["first"]


def test_result_of_a_terminated_instance_does_not_reach_its_successor(app: DurableApp) -> None:
    app.orchestrator("Job", "def run(context):\n    return (yield context.call_activity(*context.get_input()))\n")
    with app.running() as host:
        start_id(host, "Job", ["Gated", {"name": "old"}], "job")
        wait_until(lambda: app.notes("begun") == ["old"])
        assert host.request("POST", f"{API}/instances/job/terminate?reason=stop").status == 202
        wait_finished(host, "job", "Terminated")
        start_id(host, "Job", ["Gated", {"name": "new"}], "job")
        wait_until(lambda: app.notes("begun") == ["old", "new"])
        app.open_gate()
        assert wait_finished(host, "job")["output"] == "new"


@pytest.mark.parametrize("broken", ["Job", "Note"])
def test_what_cannot_be_loaded_at_the_moment_waits_until_it_is_mended(app: DurableApp, broken: str) -> None:
    app.orchestrator(
        "Job",
        """
        def run(context):
            context.set_custom_status("waiting")
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.2))
            return (yield context.call_activity("Note", {"name": "late"}))
        """,
    )
    with app.running() as host:
        instance = start_id(host, "Job")
        wait_custom_status(host, instance, "waiting")
        host.kill()
    script = app.root / broken / "__init__.py"
    sound = script.read_text()
    script.write_text("import nowhere")
    with app.running() as host:
        host.wait_for_log(f"{broken} is disabled or cannot be loaded; calls that wait until it runs again: 1")
        assert host.terminate() == 0, "".join(host.log)
    script.write_text(sound + "\n# mended\n")
    with app.running() as host:
        assert wait_finished(host, instance)["output"] == "late"
    assert app.notes("noted") == ["late"]


def test_orchestrator_that_is_no_more_fails_its_instances_clearly(app: DurableApp) -> None:
    app.orchestrator("Job", "def run(context):\n    yield context.call_activity('Gated', {'name': 'x'})\n")
    with app.running() as host:
        instance = start_id(host, "Job")
        wait_until(lambda: app.notes("begun") == ["x"])
        host.kill()
    shutil.rmtree(app.root / "Job")
    app.open_gate()
    with app.running() as host:
        output = wait_finished(host, instance, "Failed")["output"]
    assert "The function 'Job' doesn't exist" in output


def test_activities_run_as_many_at_once_as_host_json_says(tmp_path: Path) -> None:
    app = DurableApp(tmp_path, extensions={"durableTask": {"maxConcurrentActivityFunctions": 2}})
    app.activity("Gated", GATED)
    app.orchestrator(
        "FanOut",
        """
        def run(context):
            tasks = [context.call_activity("Gated", {"name": str(n)}) for n in range(5)]
            return (yield context.task_all(tasks))
        """,
    )
    app.orchestrator("Quick", "def run(context):\n    return 'quick'\n")
    with app.running() as host:
        instance = start_id(host, "FanOut")
        wait_until(lambda: len(app.notes("begun")) == 2)
        # A whole orchestration later there are still two, and others are not held up.
        wait_finished(host, start_id(host, "Quick"))
        assert len(app.notes("begun")) == 2
        app.open_gate()
        assert wait_finished(host, instance)["output"] == ["0", "1", "2", "3", "4"]


def test_blob_function_starts_an_orchestration(azurite: Azurite, tmp_path: Path) -> None:
    app = DurableApp(tmp_path)
    app.activity("Note", NOTED)
    app.orchestrator(
        "Job", "def run(context):\n    return (yield context.call_activity('Note', context.get_input()))\n"
    )
    code = """
    async def main(blob: func.InputStream, starter: str) -> None:
        client = df.DurableOrchestrationClient(starter)
        await client.start_new("Job", "of-a-blob", {"name": blob.name})
    """
    client = {"name": "starter", "type": "durableClient", "direction": "in"}
    trigger = blob_trigger("durable/{name}")
    write_function(app.root, "OnUpload", [trigger, client], PREFACE + textwrap.dedent(code))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container("durable")
        service.get_blob_client("durable", "a.jpg").upload_blob(b"x")
    with app.running(environment={"ImagesStorage": azurite.connection_string}) as host:
        event = {"data": {"url": f"{azurite.blob_url}/durable/a.jpg", "eTag": "0x1", "blobType": "BlockBlob"}}
        target = "/runtime/webhooks/blobs?functionName=Host.Functions.OnUpload"
        answer = host.request("POST", target, json.dumps([event]), {"aeg-event-type": "Notification"})
        assert answer.status == 202
        wait_until(lambda: app.notes("noted") == ["durable/a.jpg"])
        assert wait_finished(host, "of-a-blob")["output"] == "durable/a.jpg"
        assert host.terminate() == 0, "".join(host.log)
