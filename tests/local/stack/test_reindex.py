"""The command `reindex` begins a run of the index, says how far it is, and ends as the run ends."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.fake_app import FakeApp, running_app

from local import reindex
from local.unfinished import pauses, watching

PROJECT = Path(__file__).resolve().parents[3]
Run = Callable[..., int]


def state(name: str, images: int = 0, changed: int = 0, gone: int = 0, problem: str | None = None) -> dict[str, Any]:
    numbers = {"images": images, "changed": changed, "gone": gone}
    return {"state": name, **numbers, "began": None, "ended": None, "problem": problem}


@pytest.fixture
def app() -> Iterator[FakeApp]:
    with running_app() as app:
        yield app


@pytest.fixture
def run(app: FakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)
    return lambda: reindex.main(["--port", str(app.port), "--state", str(tmp_path)])


def test_a_run_is_begun_and_its_outcome_told_at_the_end(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.rebuilds = [state("running"), state("running", 500), state("ended", 903, 3, 2)]
    assert (run(), app.begun) == (0, 1)
    assert capsys.readouterr().out.splitlines() == [
        "the app makes its index anew",
        "903 images looked at, 3 written to the index; 2 of images that are gone went",
    ]


def test_a_run_that_is_under_way_is_looked_at_to_its_end(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.begun, app.rebuilds = 1, [state("ended", 1)]
    assert run() == 0
    assert capsys.readouterr().out.splitlines() == [
        "the app makes its index anew already",
        "1 image looked at, 0 written to the index",
    ]


def test_it_says_now_and_then_how_far_it_is(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "QUIET_SECONDS", 0.0)
    app.rebuilds = [state("running", 500), state("ended", 903)]
    assert run() == 0
    assert capsys.readouterr().err.splitlines() == ["reindex: going on: 500 images so far"]


def test_a_run_that_is_given_up_fails_with_its_problem(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.rebuilds = [state("failed", problem="Nothing comes.")]
    assert run() == 1
    assert capsys.readouterr().err == "reindex: the app gave it up: Nothing comes.\n"


def test_an_older_app_has_no_index(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 1
    assert capsys.readouterr().err == "reindex: this app has no index: it is older than this command\n"


def killed(app: FakeApp, requests: int) -> Callable[[], None]:
    """Have the host leave so many requests without an answer, beginning with the one that asks for the state."""

    def kill() -> None:
        app.before_status, app.silent = (lambda: None), requests

    return kill


def test_a_host_that_is_killed_meanwhile_is_waited_for(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.rebuilds, app.before_status = [state("running"), state("running"), state("ended", 2)], killed(app, 2)
    assert run() == 0
    assert capsys.readouterr().err == ""


def test_a_host_that_does_not_come_back_is_not_waited_for_for_ever(
    run: Run, app: FakeApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.0)
    app.rebuilds, app.before_status = [state("ended", 2)], killed(app, 1)
    assert run() == 1
    assert f"no app answers on port {app.port}" in capsys.readouterr().err


def test_keys_that_are_refused_are_said_to_be_so(
    app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.key = "secret"
    app.rebuilds = [state("ended")]
    assert reindex.main(["--port", str(app.port), "--state", str(tmp_path)]) == 1
    assert "reindex: A key is needed." in capsys.readouterr().err


def test_ctrl_c_ends_the_looking_on_alone(app: FakeApp, tmp_path: Path) -> None:
    app.rebuilds = [state("running", 5)]
    command = [sys.executable, "-m", "local", "reindex", "--port", str(app.port), "--state", str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "the app makes its index anew\n"
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told == "reindex: stopped looking on; the app goes on with it\n"
