import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles.fake_app import FakeApp, image_json, running_app
from doubles.ports import five_free_ports
from doubles.screen import on_a_screen

from local.app import utc_text
from local.unfinished.api import ATTEMPTS
from local.unfinished.cli import main
from local.unfinished.pauses import Pauses

PROJECT = Path(__file__).resolve().parents[3]
Run = Callable[..., int]
AHEAD = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def app() -> Iterator[FakeApp]:
    with running_app() as app:
        app.unfinished = [
            entry("a.jpg", "analysis", "failed", "vision_refused", attempts=1),
            entry("b.jpg", "thumbnails", "deferred", "throttled", until=AHEAD.isoformat(), running=False),
        ]
        yield app


@pytest.fixture
def options(app: FakeApp, tmp_path: Path) -> list[str]:
    return ["--port", str(app.port), "--state", str(tmp_path)]


@pytest.fixture
def run(options: list[str]) -> Run:
    return lambda *words: main([*words, *options])


def entry(name: str, step: str, state: str, code: str, **more: Any) -> dict[str, Any]:
    told = {"message": f"{code} it was.", "action": "Wait.", "attempts": 2, "until": None}
    return {"name": name, "step": step, "state": state, "code": code, **told, **more}


def pending(name: str, code: str = "settings_changed") -> dict[str, Any]:
    reason = {"code": code, "message": "The settings were changed."}
    waits = {"code": "waits_for_analysis", "message": "The analysis comes first."}
    sizes = [{"size": size, "state": "pending", "reason": reason} for size in ("200x150", "1024x768")]
    analysis, text = {"state": "pending", "reason": reason}, {"state": "pending", "reason": waits}
    return image_json(name, "pending", analysis=analysis, thumbnails=sizes, text=text)


def test_every_page_is_listed_with_reason_action_and_when_it_is_tried_again(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert capsys.readouterr().out.splitlines() == [
        "a.jpg: analysis is failed (vision_refused)",
        "  vision_refused it was. Wait.",
        "b.jpg: thumbnails are deferred (throttled)",
        f"  Tried 2 times, tried again at {utc_text(AHEAD)}.",
        "  throttled it was. Wait.",
        "2 steps are unfinished: 1 failed, 1 deferred",
    ]


@pytest.mark.parametrize(
    "turn",
    [
        {"until": None, "running": True},
        # An app of the version before has no `running`, and tells a past time or none.
        {"until": None},
        {"until": "2026-11-26T18:00:00+00:00"},
    ],
)
def test_what_is_being_tried_has_no_time(
    run: Run, app: FakeApp, turn: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    app.unfinished = [entry("b.jpg", "text", "deferred", "throttled", attempts=1, **turn)]
    assert run() == 0
    assert capsys.readouterr().out.splitlines()[1::2] == [
        "  Tried once, being tried now.",
        "1 step is unfinished: 1 deferred",
    ]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_the_name_whole_and_no_sentence_cut(app: FakeApp, options: list[str], columns: int) -> None:
    name = "2024/summer holidays by the sea/with a name that is longer than a line of a small terminal.jpg"
    sentence = "The file is a WebP image; Computer Vision analyzes JPEG, PNG, GIF and BMP, and nothing else at all."
    app.unfinished = [entry(name, "analysis", "failed", "format_not_supported", message=sentence)]
    status, lines = on_a_screen(["unfinished", *options], columns)
    assert (status, lines[0]) == (0, f"{name}: analysis is failed (format_not_supported)")
    assert max(map(len, lines[1:])) <= columns
    assert all(line.startswith("  ") for line in lines[1:-1])
    assert f"{sentence} Wait." in " ".join(" ".join(lines[1:]).split())


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (["--in-state", "failed"], ["a.jpg"]),
        (["--in-state", "deferred"], ["b.jpg"]),
        (["--only", "failed"], ["a.jpg"]),
        (["--only", "deferred"], ["b.jpg"]),
        (["--step", "thumbnails"], ["b.jpg"]),
        (["--code", "vision_refused"], ["a.jpg"]),
        (["--code", "other"], []),
    ],
)
def test_only_what_is_asked_for_is_listed(
    run: Run, words: list[str], listed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines if not line.startswith(" ")][:-1] == listed
    assert lines[-1].startswith("1 step is unfinished: 1 " if listed else "nothing is unfinished")


def test_pending_images_are_listed_with_their_reasons_and_what_redoes_them(
    run: Run, app: FakeApp, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    app.images = {name: pending(name) for name in ("old.jpg", "older.jpg")} | {"done.jpg": image_json("done.jpg")}
    assert run("--in-state", "pending") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "old.jpg: pending"
    assert lines[1].startswith("  analysis and thumbnails are pending: The settings were changed")
    assert lines[2] == "  text waits for the analysis"
    assert lines[-2] == "2 images are pending; this has all that are pending tried again:"
    assert lines[-1] == f"  python -m local unfinished retry --pending {' '.join(options)}"


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (["--step", "text"], ["old.jpg", "new.jpg"]),
        (["--step", "thumbnails", "--code", "not_made"], ["new.jpg"]),
        (["--code", "settings_changed"], ["old.jpg"]),
        (["--code", "other"], []),
    ],
)
def test_only_the_pending_images_that_are_asked_for_are_listed(
    run: Run, app: FakeApp, words: list[str], listed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    app.images = {"old.jpg": pending("old.jpg"), "new.jpg": pending("new.jpg", "not_made")}
    assert run("--in-state", "pending", *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines if line.endswith(": pending")] == listed
    assert (lines == ["nothing is pending"]) is (not listed)


@pytest.mark.parametrize(
    ("words", "bodies"),
    [
        (["a.jpg", "b.jpg"], [{"name": "a.jpg"}, {"name": "b.jpg"}]),
        (["a.jpg", "--step", "analysis"], [{"name": "a.jpg", "step": "analysis"}]),
        (["--code", "throttled"], [{"code": "throttled"}]),
        (["--all"], [{"all": True}]),
        (["--pending"], [{"pending": True}]),
        (["--pending", "--step", "analysis"], [{"pending": True, "step": "analysis"}]),
    ],
)
def test_what_is_named_is_tried_again(
    run: Run, app: FakeApp, words: list[str], bodies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    app.images = {"old.jpg": pending("old.jpg")}
    assert run("retry", *words) == 0
    assert app.retries == bodies
    assert capsys.readouterr().out.splitlines()[-1].partition(" tried again")[0] in ("1 step is", "2 steps are")


def test_of_many_the_first_are_told_and_all_are_counted(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.images = {name: pending(name) for name in (f"{number}.jpg" for number in range(45))}
    app.retry_page = 20
    assert run("retry", "--pending") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["0.jpg: analysis is tried again at once", "1.jpg: analysis is tried again in 30 s"]
    assert lines[19:] == [
        "19.jpg: analysis is tried again in 10 min",
        "and 25 more",
        "45 steps are tried again, the last of them in 22 min",
    ]


def test_nothing_to_try_again_is_a_failure_with_the_reason(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("retry", "c.jpg") == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "unfinished: Nothing is unfinished of c.jpg. List what is.\n")
    assert run("retry", "--code", "other") == 1
    assert capsys.readouterr().out == "nothing is unfinished with the code other\n"
    app.unfinished.clear()
    assert run("retry", "--all") == 1
    told = "nothing has failed; `unfinished` lists what is deferred, and `--code CODE` has that tried now\n"
    assert capsys.readouterr().out == told
    assert run("retry", "--pending") == 1
    assert capsys.readouterr().out == "nothing is pending\n"


def test_a_name_that_is_not_there_keeps_no_other_from_being_tried(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("retry", "c.jpg", "a.jpg") == 1
    printed = capsys.readouterr()
    assert printed.err == "unfinished: Nothing is unfinished of c.jpg. List what is.\n"
    assert printed.out.splitlines() == ["a.jpg: analysis is tried again at once", "1 step is tried again"]


@pytest.mark.parametrize(
    "words",
    [
        ["retry"],
        ["retry", "a.jpg", "--all"],
        ["retry", "--pending", "--all"],
        ["retry", "--all", "--in-state", "failed"],
        ["list", "a.jpg"],
        ["--all"],
        ["--pending"],
        ["--in-state", "complete"],
    ],
)
def test_an_unclear_wish_is_wrong_usage_and_asks_the_app_nothing(run: Run, app: FakeApp, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
    assert app.retries == []


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background, the tests too, has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_foreground")
def test_ctrl_c_tells_what_was_put_to_be_tried_by_then(app: FakeApp, options: list[str]) -> None:
    app.retry_page = 1
    command = [sys.executable, "-m", "local", "unfinished", "retry", "--all", *options]

    def interrupt(number: int) -> None:
        if number == 2:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    app.before_retry = interrupt
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, len(app.retries)) == (130, 2)
    assert printed == "a.jpg: analysis is tried again at once\n"
    assert errors == "unfinished: stopped: so far 1 step is tried again; the request under way may have reached more\n"


def test_an_app_that_goes_away_in_the_middle_leaves_a_true_count(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.retry_page = 1

    def go_away(number: int) -> None:
        if number == 2:
            app.key = "another"

    app.before_retry = go_away
    app.unfinished = [entry(f"{number}.jpg", "analysis", "failed", "x") for number in range(3)]
    assert run("retry", "--all") == 1
    assert capsys.readouterr().err.splitlines() == [
        "unfinished: A key is needed. Send one.",
        "unfinished: so far 2 steps are tried again, the last of them in 30 s",
    ]


def test_a_long_wait_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    pauses = Pauses(lambda: "looking on; 3 images so far", lambda: now)
    for now in (9.0, 10.0, 12.0, 19.0, 20.0):
        pauses.passed()
        if now == 12.0:
            pauses.printed()
    assert capsys.readouterr().err == "unfinished: looking on; 3 images so far\n"
    now = 22.0
    pauses.passed()
    assert capsys.readouterr().err == "unfinished: looking on; 3 images so far\n"


def test_without_an_app_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = five_free_ports()
    assert main(["--port", str(port), "--state", str(tmp_path)]) == 1
    assert f"start a stack there with `python -m local start --port {port}`" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"{ab", b"\xff"])
@pytest.mark.parametrize("words", [[], ["--in-state", "pending"], ["retry", "--all"]])
def test_another_program_on_the_port_is_told_without_a_traceback(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str], words: list[str], body: bytes
) -> None:
    app.foreign = body
    assert run(*words) == 1
    told = f"unfinished: port {app.port} is not that of this app: name the running stack by --state or --port\n"
    assert capsys.readouterr().err == told


def test_an_app_that_says_when_to_come_back_is_asked_again(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.unfinished = [entry("a.jpg", "analysis", "failed", "x")]
    app.busy = ATTEMPTS - 1
    assert run("retry", "--all") == 0
    assert capsys.readouterr().out.endswith("1 step is tried again\n")
    app.busy = ATTEMPTS
    assert run("retry", "--all") == 1
    assert capsys.readouterr().err == "unfinished: Storage is busy. Wait.\n"


def test_wrong_settings_are_told_with_their_sentences(
    run: Run, app: FakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = ["THUMBNAIL_SIZES is wrong."]
    app.misdeployed = {"code": "settings_invalid", "detail": "All.", "problems": sentences, "action": "Mend them."}
    assert run() == 1
    told = "unfinished: the app cannot work\nsettings_invalid:\n  THUMBNAIL_SIZES is wrong.\nMend them."
    assert capsys.readouterr().err.startswith(told)
