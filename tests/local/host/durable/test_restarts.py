"""Nothing is lost and nothing waits when the host is killed at any moment and started again."""

from pathlib import Path

import pytest
from doubles.durable_apps import (
    DurableApp,
    start_id,
    status,
    wait_custom_status,
    wait_finished,
)
from doubles.patience import wait_until

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
        instance = start_id(host, "Wait", 2.5)
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
