from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doubles.fake_app import FakeApp, running_app
from doubles.ports import five_free_ports

from local.unfinished import main

Run = Callable[..., int]


@pytest.fixture
def app() -> Any:
    with running_app() as app:
        app.unfinished = [
            entry("a.jpg", "analysis", "failed", "vision_refused", None),
            entry("b.jpg", "thumbnails", "deferred", "throttled", "2026-11-26T18:00:00+00:00"),
        ]
        yield app


@pytest.fixture
def run(app: FakeApp, tmp_path: Path) -> Run:
    return lambda *words: main([*words, "--port", str(app.port), "--state", str(tmp_path)])


def entry(name: str, step: str, state: str, code: str, until: str | None) -> dict[str, Any]:
    told = {"message": f"{code} it was.", "action": "Wait.", "attempts": 2}
    return {"name": name, "step": step, "state": state, "code": code, "until": until, **told}


def test_every_page_is_listed_with_reason_action_and_when_it_is_tried_again(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert capsys.readouterr().out.splitlines() == [
        "a.jpg: analysis is failed (vision_refused, tried 2x)",
        "  vision_refused it was. Wait.",
        "b.jpg: thumbnails is deferred (throttled, tried 2x, tried again at 2026-11-26T18:00:00+00:00)",
        "  throttled it was. Wait.",
        "2 unfinished",
    ]


@pytest.mark.parametrize(
    ("words", "listed"),
    [
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
    assert lines[-1] == ("1 unfinished" if listed else "nothing is unfinished")


@pytest.mark.parametrize(
    ("words", "bodies"),
    [
        (["a.jpg", "b.jpg"], [{"name": "a.jpg"}, {"name": "b.jpg"}]),
        (["a.jpg", "--step", "analysis"], [{"name": "a.jpg", "step": "analysis"}]),
        (["--code", "throttled"], [{"code": "throttled"}]),
        (["--all"], [{"all": True}]),
    ],
)
def test_what_is_named_is_tried_again(
    run: Run, app: FakeApp, words: list[str], bodies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("retry", *words) == 0
    assert app.retries == bodies
    assert capsys.readouterr().out.splitlines()[-1].endswith("tried again")


def test_nothing_to_try_again_is_a_failure_with_the_reason(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("retry", "c.jpg") == 1
    assert capsys.readouterr().err == "unfinished: Nothing is unfinished of c.jpg. List what is.\n"
    assert run("retry", "--code", "other") == 1
    assert capsys.readouterr().out == "nothing is unfinished\n"


@pytest.mark.parametrize("words", [["retry"], ["retry", "a.jpg", "--all"], ["list", "a.jpg"], ["--all"]])
def test_an_unclear_wish_is_wrong_usage_and_asks_the_app_nothing(run: Run, app: FakeApp, words: list[str]) -> None:
    assert run(*words) == 2
    assert app.retries == []


def test_without_an_app_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(five_free_ports()), "--state", str(tmp_path)]) == 1
    assert "is `make start` running?" in capsys.readouterr().err
