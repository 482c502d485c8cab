"""What the app's comparison of images and records has found is told in plain words, by each command that tells it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.fake_app import FakeApp, running_app

from local import doctor
from local.reconciliation import Reconciliation
from local.unfinished import watching
from local.unfinished.cli import main

PROJECT = Path(__file__).resolve().parents[3]
Run = Callable[..., int]


def section(**changes: Any) -> dict[str, Any]:
    """The member of a health report."""
    return {
        "imagesWithoutResult": 0,
        "checkedAt": "2026-11-30T03:30:01.25+00:00",
        "images": 900,
        "started": 0,
        "waitForBackfill": 0,
        "recordsRemoved": 4,
        "answersForgotten": 1,
        "mode": "repair",
        "state": "ended",
        "since": "2026-11-01T00:00:00+00:00",
        **changes,
    }


AT = "checked at 2026-11-30 03:30 UTC"
BACKFILL = (
    "500 images were there before the app's first start and wait for a backfill; an earlier RECONCILE_SINCE starts them"
)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, [f"images without a result: 0, {AT}"]),
        ({"imagesWithoutResult": 1, "started": 1}, [f"images without a result: 1, {AT}; it was started"]),
        ({"imagesWithoutResult": 3, "started": 3}, [f"images without a result: 3, {AT}; all were started"]),
        ({"imagesWithoutResult": 3, "started": 1}, [f"images without a result: 3, {AT}; 1 of them was started"]),
        (
            {"imagesWithoutResult": 3, "mode": "report"},
            [f"images without a result: 3, {AT}; none is started, as RECONCILE is `report`"],
        ),
        ({"waitForBackfill": 500}, [f"images without a result: 0, {AT}", BACKFILL]),
        (
            {"waitForBackfill": 1},
            [
                f"images without a result: 0, {AT}",
                "1 image was there before the app's first start and waits for a backfill; "
                "an earlier RECONCILE_SINCE starts it",
            ],
        ),
        ({"state": "running"}, [f"images without a result: 0, {AT}", "another comparison is under way"]),
        (
            {"state": "running", "checkedAt": None, "imagesWithoutResult": None, "started": None},
            ["images without a result: not known yet, as the first comparison is under way"],
        ),
        (
            {"state": "failed", "imagesWithoutResult": None},
            ["images without a result: not known, as the comparison of 2026-11-30 03:30 UTC failed (the log says why)"],
        ),
    ],
)
def test_the_health_report_is_told_in_words(changes: dict[str, Any], lines: list[str]) -> None:
    assert list(Reconciliation.of_health(section(**changes)).lines()) == lines


@pytest.fixture
def app() -> Iterator[FakeApp]:
    with running_app() as app:
        app.health_key = "k"
        yield app


def findings(app: FakeApp, **more: Any) -> list[doctor.Finding]:
    app.health = 200, {"status": "up", "problems": [], "warnings": [], "version": "0.1.0", **more}
    return doctor.app(f"http://127.0.0.1:{app.port}", "k")


def test_the_doctor_tells_it_and_warns_of_a_comparison_that_failed(app: FakeApp) -> None:
    found = findings(app, reconciliation=section(waitForBackfill=500))[-1]
    assert (found.is_ok, found.is_warning) == (True, False)
    assert found.found.splitlines() == [f"images without a result: 0, {AT}", BACKFILL]
    failed = findings(app, reconciliation=section(state="failed", imagesWithoutResult=None))[-1]
    assert (failed.is_ok, failed.is_warning) == (True, True)
    assert "unfinished reconcile" in failed.mend


def test_the_doctor_tells_that_an_app_has_compared_nothing_so_far(app: FakeApp) -> None:
    found = findings(app, reconciliation=None)[-1]
    assert (found.is_ok, found.is_warning) == (True, False)
    assert found.found.startswith("images without a result: not known before the first comparison")


def test_the_doctor_says_nothing_of_it_of_an_older_app_or_without_the_key(app: FakeApp) -> None:
    assert len(findings(app)) == 1
    app.health_key = "another"
    assert len(findings(app, reconciliation=None)) == 1


def status(state: str, phase: str = "images", output: object = None, **counts: int) -> dict[str, Any]:
    told = {"phase": phase, "counts": counts}
    return {"runtimeStatus": state, "customStatus": told, "input": json.dumps({"mode": "repair"}), "output": output}


def ended(**counts: int) -> dict[str, Any]:
    return status("Completed", "report", {"state": "ended", "counts": counts, "problem": None})


@pytest.fixture
def run(app: FakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)
    return lambda *words: main(["reconcile", *words, "--port", str(app.port), "--state", str(tmp_path)])


def test_a_comparison_is_begun_and_its_outcome_told_at_the_end(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"images": 903, "without_result": 3, "started": 3, "older": 500, "orphans": 2, "records_deleted": 8}
    app.comparisons = [status("Pending"), status("Running"), status("ContinuedAsNew"), ended(**counts)]
    assert (run(), app.begun) == (0, 1)
    assert capsys.readouterr().out.splitlines() == [
        "the app compares images and records",
        "903 images, 3 of those since the app's first start without a result; all were started",
        BACKFILL,
        "deleted: 8 records of 2 images no longer there",
    ]


def test_what_there_is_nothing_of_is_not_told(run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.comparisons = [ended(images=1, answers_forgotten=1)]
    assert run() == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 image, none of them without a result",
        "forgotten: the answers about 1 file or address that no image needs",
    ]


def test_a_comparison_that_only_counts_says_what_it_left(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.comparisons = [{**ended(images=9, without_result=1, orphans=2), "input": {"plan": {"mode": "report"}}}]
    assert run() == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "9 images, 1 of them without a result; none is started, as RECONCILE is `report`",
        "not deleted, as RECONCILE is `report`: the records of 2 images no longer there",
    ]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (status("Completed", "report", {"state": "failed", "counts": {}, "problem": "no storage"}), "no storage"),
        (status("Failed", output="it raised"), "it raised"),
        (status("Terminated"), "host.log says why"),
    ],
)
def test_a_comparison_that_was_given_up_is_an_error(
    run: Run, app: FakeApp, last: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app.comparisons = [status("Running"), last]
    assert run() == 1
    assert capsys.readouterr().err == f"unfinished: the app gave the comparison up: {told}\n"


def test_the_keys_of_the_stack_are_sent_to_a_host_that_checks_them(run: Run, app: FakeApp, tmp_path: Path) -> None:
    app.comparisons, app.key, app.durable_key = [ended()], "f", "d"
    assert run() == 1
    (tmp_path / "host").mkdir()
    keys = '{"master": "m", "functionKeys": {"default": "f"}, "systemKeys": {"durabletask_extension": "d"}}'
    (tmp_path / "host" / "keys.json").write_text(keys)
    assert run() == 0


def test_an_older_app_is_told_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 1
    assert capsys.readouterr().err == "unfinished: this app compares nothing: it is older than this command\n"


def test_an_app_that_goes_away_meanwhile_goes_on_with_it_later(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.comparisons = [status("Running")]

    def break_off() -> None:
        app.foreign = b"{}"

    app.before_status = break_off
    assert run() == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "unfinished: the app goes on with the comparison; `doctor` says what it found"
    )


def killed(app: FakeApp, requests: int) -> Callable[[], None]:
    """Have the host leave so many requests without an answer, beginning with the one that asks for the status."""

    def kill() -> None:
        app.before_status, app.silent = (lambda: None), requests

    return kill


def test_the_outcome_is_told_although_the_host_is_killed_meanwhile(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.comparisons, app.before_status = [status("Running"), status("Running"), ended(images=2)], killed(app, 3)
    assert run() == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == ["2 images, none of them without a result"]
    assert told.err == ""


def test_a_host_that_does_not_come_back_is_not_waited_for_for_ever(
    run: Run, app: FakeApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.0)
    app.comparisons, app.before_status = [ended(images=2)], killed(app, 1)
    assert run() == 1
    first, last = capsys.readouterr().err.splitlines()
    assert f"no app answers on port {app.port}" in first
    assert last == "unfinished: the app goes on with the comparison; `doctor` says what it found"


@pytest.mark.parametrize("words", [["a.jpg"], ["--all"], ["--pending"], ["--code", "x"], ["--step", "text"]])
def test_a_comparison_is_of_everything(run: Run, app: FakeApp, words: list[str]) -> None:
    app.comparisons = [ended()]
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert (stopped.value.code, app.begun) == (2, 0)


def test_ctrl_c_leaves_the_comparison_to_the_app(app: FakeApp, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    app.comparisons = [status("Running")]
    options = ["--port", str(app.port), "--state", str(tmp_path)]
    command = [sys.executable, "-m", "local", "unfinished", "reconcile", *options]

    def interrupt() -> None:
        process.send_signal(signal.SIGINT)
        process.wait(60)

    app.before_status = interrupt
    try:
        with subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            printed, errors = process.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (process.returncode, printed) == (130, "the app compares images and records\n")
    assert errors == "unfinished: stopped looking on; the app goes on with the comparison\n"
