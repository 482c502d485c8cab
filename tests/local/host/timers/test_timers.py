"""Timer-triggered functions run at their times, once for those that were missed, and when somebody asks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles.hosting import running_host, write_function, write_host_json
from doubles.patience import wait_until

NOTE = """
import json, pathlib
import azure.functions as func

def main(timer: func.TimerRequest) -> None:
    with open(pathlib.Path(__file__).parent.parent / "runs", "a") as file:
        print(json.dumps([timer.past_due, timer.schedule_status]), file=file)
"""
YEARLY = "0 0 0 1 1 *"


class App:
    """An app with one timer function, which notes its runs."""

    def __init__(self, folder: Path, schedule: str, **properties: Any) -> None:
        self.root, self.state = folder / "app", folder / "state"
        write_host_json(self.root)
        self.timer(schedule, **properties)

    def timer(self, schedule: str, **properties: Any) -> None:
        binding = {"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": schedule, **properties}
        write_function(self.root, "Purge", [binding], NOTE)

    def runs(self) -> list[Any]:
        path = self.root / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def set_last_run(self, at: datetime) -> None:
        path = self.state / "host" / "timers.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"Purge": at.isoformat()}))


def test_timer_runs_again_and_again_at_its_times(tmp_path: Path) -> None:
    app = App(tmp_path, "* * * * * *")
    with running_host(app.root, app.state) as host:
        wait_until(lambda: len(app.runs()) >= 2)
        assert host.terminate() == 0, "".join(host.log)
    assert [run[0] for run in app.runs()] == [False] * len(app.runs())


def test_time_missed_while_the_host_was_away_is_made_up_for_once(tmp_path: Path) -> None:
    app = App(tmp_path, YEARLY)
    app.set_last_run(datetime.now(UTC) - timedelta(days=3000))
    for _ in range(2):
        with running_host(app.root, app.state) as host:
            wait_until(app.runs)
            assert host.request("GET", "/admin/host/ping").status == 200
            assert host.terminate() == 0, "".join(host.log)
    assert [run[0] for run in app.runs()] == [True]


def test_first_start_runs_nothing(tmp_path: Path) -> None:
    app = App(tmp_path, YEARLY)
    with running_host(app.root, app.state) as host:
        wait_until((app.state / "host" / "timers.json").exists)
        assert host.terminate() == 0, "".join(host.log)
    assert app.runs() == []


def test_missed_time_of_a_timer_without_monitor_is_gone(tmp_path: Path) -> None:
    app = App(tmp_path, YEARLY, useMonitor=False)
    app.set_last_run(datetime.now(UTC) - timedelta(days=3000))
    with running_host(app.root, app.state) as host:
        assert host.terminate() == 0, "".join(host.log)
    assert app.runs() == []


def test_timer_with_run_on_startup_runs_at_each_start(tmp_path: Path) -> None:
    app = App(tmp_path, YEARLY, runOnStartup=True)
    for count in (1, 2):
        with running_host(app.root, app.state) as host:
            wait_until(lambda expected=count: len(app.runs()) == expected)
            assert host.terminate() == 0, "".join(host.log)
    past_due, schedule_status = app.runs()[0]
    assert past_due is False
    assert datetime.fromisoformat(schedule_status["Next"]) > datetime.now(UTC)


def test_schedule_may_be_a_setting(tmp_path: Path) -> None:
    app = App(tmp_path, "%PURGE_SCHEDULE%")
    with running_host(app.root, app.state, environment={"PURGE_SCHEDULE": "* * * * * *"}) as host:
        wait_until(app.runs)
        assert host.terminate() == 0, "".join(host.log)


def test_admin_api_runs_a_timer_function_now(tmp_path: Path) -> None:
    app = App(tmp_path, YEARLY)
    with running_host(app.root, app.state) as host:
        assert host.request("POST", "/admin/functions/purge", "{}").status == 202
        wait_until(app.runs)
        assert host.terminate() == 0, "".join(host.log)
    assert [run[0] for run in app.runs()] == [False]


@pytest.mark.parametrize("content", ["{", "[]", '{"Purge": "yesterday"}', '{"Purge": 1}'])
def test_unreadable_file_of_last_runs_is_told_and_replaced(tmp_path: Path, content: str) -> None:
    app = App(tmp_path, YEARLY)
    app.set_last_run(datetime.now(UTC))
    path = app.state / "host" / "timers.json"
    path.write_text(content)
    with running_host(app.root, app.state) as host:
        host.wait_for_log("timers.json is not used")
        wait_until(lambda: path.read_text() != content)
        assert host.terminate() == 0, "".join(host.log)
    datetime.fromisoformat(json.loads(path.read_text())["Purge"])
