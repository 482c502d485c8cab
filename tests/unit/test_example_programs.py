"""The programs of `examples/`: what each answer of the app makes them do, on a clock that goes when they wait."""

import ast
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import responses
from doubles.clock import FakeClock

from examples import list_failures, read_pdf, thumbnail_to_file, upload_and_wait

FOLDER = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted(FOLDER.glob("*.py"))
MODULES = (list_failures, read_pdf, thumbnail_to_file, upload_and_wait)
APP = "http://127.0.0.1:7071/api"
PROBLEM = "application/problem+json"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    time = SimpleNamespace(sleep=clock.sleep, monotonic=clock.now, time=lambda: clock.utc().timestamp())
    for module in (read_pdf, thumbnail_to_file, upload_and_wait):
        monkeypatch.setattr(module, "time", time)
    return clock


@pytest.fixture
def app() -> Iterator[responses.RequestsMock]:
    """Gives its answers in their order, and each has to be asked for, with a timeout."""
    with responses.RequestsMock(registry=responses.registries.OrderedRegistry) as app:
        yield app
        assert all(call.request.req_kwargs["timeout"] for call in app.calls)


def problem(app: responses.RequestsMock, method: str, path: str, status: int, seconds: int | None = None) -> None:
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    body = json.dumps({"status": status, "code": "c", "detail": f"It is {status}.", "action": "Do this."})
    app.add(method, f"{APP}/{path}", body, status=status, headers=headers, content_type=PROBLEM)


def image(state: str, *problems: dict[str, Any]) -> dict[str, Any]:
    """What `GET /api/images/{name}` answers, with a thumbnail for each problem."""
    steps = [{"size": "200x150", "state": state, "problem": each} for each in problems]
    return {
        "name": "a.jpg",
        "state": state,
        "analysis": {"state": "done", "caption": "a cup", "tags": ["cup"]},
        "thumbnails": steps or [{"size": "200x150", "state": "done"}],
        "text": {"state": "none"},
    }


def reason(until: str | None, message: str = "It is so.") -> dict[str, Any]:
    return {"code": "c", "message": message, "action": "Do this.", "until": until}


def code_lines(program: Path) -> int:
    """Lines with code in them: no docstring, no comment, no import."""
    lines = set[int]()
    for each in ast.walk(ast.parse(program.read_text())):
        is_text = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        if isinstance(each, ast.stmt) and not is_text and not isinstance(each, ast.Import | ast.ImportFrom):
            lines |= set(range(each.lineno, each.lineno + 1 if hasattr(each, "body") else (each.end_lineno or 0) + 1))
    return len(lines)


def test_every_program_is_tested_here() -> None:
    assert sorted(Path(str(module.__file__)) for module in MODULES) == PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_is_short_and_needs_what_the_app_installs_alone(program: Path) -> None:
    packages = set()
    for each in ast.walk(ast.parse(program.read_text())):
        if isinstance(each, ast.Import):
            packages |= {alias.name for alias in each.names}
        if isinstance(each, ast.ImportFrom):
            packages.add(str(each.module))
    # azure-core comes with azure-storage-blob.
    others = packages - {"requests", "azure.storage.blob", "azure.core.exceptions"}
    assert {name.partition(".")[0] for name in others} <= set(sys.stdlib_module_names)
    # This one talks to storage and to the app.
    assert code_lines(program) <= {"upload_and_wait.py": 50}.get(program.name, 30)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.__name__))
def test_a_refusal_is_told_in_the_words_of_the_app_or_else_by_its_status(module: ModuleType) -> None:
    with responses.RequestsMock() as app:
        problem(app, "GET", "images", 404)
        app.add("GET", f"{APP}/health", status=401)
        told = [module.reason(module.requests.get(f"{APP}/{path}", timeout=1)) for path in ("images", "health")]
    assert told == ["It is 404. Do this.", "401 Unauthorized"]


@pytest.mark.parametrize("key", [None, "the-key"])
def test_the_key_goes_into_the_header_if_there_is_one(
    app: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setattr(list_failures, "KEY", {"x-functions-key": key})
    app.add("GET", f"{APP}/unfinished", json={"unfinished": [], "continuation": None})
    assert list(list_failures.unfinished()) == []
    assert app.calls[0].request.headers.get("x-functions-key") == key


def test_all_pages_are_listed_and_an_empty_one_is_not_the_last(app: responses.RequestsMock) -> None:
    pages: list[tuple[list[dict[str, str]], str | None]] = [
        ([], "1/ä"),
        ([{"name": "a"}], "2"),
        ([{"name": "b"}], None),
    ]
    for entries, continuation in pages:
        app.add("GET", f"{APP}/unfinished", json={"unfinished": entries, "continuation": continuation})
    assert [each["name"] for each in list_failures.unfinished("deferred")] == ["a", "b"]
    asked = [getattr(call.request, "params", {}) for call in app.calls]
    assert [each.get("continuation") for each in asked] == [None, "1/ä", "2"]
    assert {each["state"] for each in asked} == {"deferred"}


def test_a_text_is_asked_for_at_its_location_after_the_seconds_that_the_app_says(
    app: responses.RequestsMock, clock: FakeClock
) -> None:
    problem(app, "POST", "ocr", 503, seconds=5)
    for method, path, seconds in (("POST", "ocr", 1), ("GET", "ocr/ocr-1", 2)):
        headers = {"Location": "/api/ocr/ocr-1", "Retry-After": str(seconds)}
        app.add(method, f"{APP}/{path}", json={"state": "running"}, status=202, headers=headers)
    app.add("GET", f"{APP}/ocr/ocr-1", json={"text": "hello\n"})
    assert read_pdf.read(b"%PDF-") == "hello\n"
    assert clock.sleeps == [5, 1, 2]
    assert [call.request.body for call in app.calls] == [b"%PDF-", b"%PDF-", None, None]


def test_a_text_that_takes_too_long_ends_with_how_far_it_is(app: responses.RequestsMock, clock: FakeClock) -> None:
    headers = {"Location": f"{APP}/ocr/ocr-1", "Retry-After": "9"}
    app.add("POST", f"{APP}/ocr", json={"state": "running", "step": "OcrPoll"}, status=202, headers=headers)
    with pytest.raises(RuntimeError, match=r'^202 Accepted .*"OcrPoll"'):
        read_pdf.read(b"%PDF-", patience_seconds=5)
    assert clock.sleeps == []


def test_a_thumbnail_that_another_caller_has_made_is_waited_for(app: responses.RequestsMock, clock: FakeClock) -> None:
    app.add("GET", f"{APP}/thumbnail", json={"state": "pending"}, status=202, headers={"Retry-After": "2"})
    problem(app, "GET", "thumbnail", 429, seconds=3)
    app.add("GET", f"{APP}/thumbnail", b"JPEG")
    assert thumbnail_to_file.thumbnail("b//a ä.jpg", 320, 200) == b"JPEG"
    assert clock.sleeps == [2, 3]
    asked = getattr(app.calls[0].request, "params", {})
    assert asked == {"name": "b//a ä.jpg", "width": "320", "height": "200"}


@pytest.mark.parametrize(("status", "seconds"), [(404, None), (429, 86_400), (503, None)])
def test_what_waiting_does_not_help_ends_at_once(
    app: responses.RequestsMock, clock: FakeClock, status: int, seconds: int | None
) -> None:
    asking = (
        ("POST", "ocr", lambda: read_pdf.read(b"%PDF-")),
        ("GET", "thumbnail", lambda: thumbnail_to_file.thumbnail("a.jpg", 1, 1)),
        ("GET", "images", lambda: upload_and_wait.wait_for("a.jpg")),
    )
    for method, path, ask in asking:
        problem(app, method, path, status, seconds)
        with pytest.raises(RuntimeError, match=rf"^It is {status}\. Do this\.$"):
            ask()
    assert clock.sleeps == []


def test_an_upload_is_looked_at_when_its_deferral_ends_and_not_before(
    app: responses.RequestsMock, clock: FakeClock
) -> None:
    past, soon, later = ((clock.utc() + timedelta(seconds=seconds)).isoformat() for seconds in (-9, 20, 60.5))
    problem(app, "GET", "images", 503, seconds=5)
    for state in (
        image("pending"),
        image("deferred", reason(soon), reason(later), reason(None)),
        image("deferred", reason(past)),
        image("deferred", reason(None)),
        image("complete"),
    ):
        app.add("GET", f"{APP}/images", json=state)
    assert upload_and_wait.wait_for("a.jpg")["analysis"]["caption"] == "a cup"
    assert clock.sleeps == [5, 1, 54.5, 1, 1]


def test_an_upload_that_is_deferred_for_too_long_ends_with_the_reason_and_the_time(
    app: responses.RequestsMock, clock: FakeClock
) -> None:
    app.add("GET", f"{APP}/images", json=image("deferred", reason("2026-02-01T00:00:00+00:00")))
    told = r"^a\.jpg is deferred\. It is so\. Do this\. The app tries again at 2026-02-01 00:00:00\+00:00\.$"
    with pytest.raises(RuntimeError, match=told):
        upload_and_wait.wait_for("a.jpg")
    assert clock.sleeps == []


def test_an_upload_that_has_failed_ends_with_each_reason_once(app: responses.RequestsMock, clock: FakeClock) -> None:
    app.add("GET", f"{APP}/images", json=image("failed", reason(None), reason(None), reason(None, "So, too.")))
    with pytest.raises(RuntimeError, match=r"^a\.jpg is failed\. It is so\. Do this\. So, too\. Do this\.$"):
        upload_and_wait.wait_for("a.jpg")


def test_an_upload_that_the_app_never_hears_of_ends_after_the_patience(clock: FakeClock) -> None:
    with responses.RequestsMock() as app:
        app.add("GET", f"{APP}/images", json=image("pending"))
        with pytest.raises(RuntimeError, match=r"^a\.jpg is pending\.$"):
            upload_and_wait.wait_for("a.jpg", patience_seconds=3)
    assert clock.now() == 3
