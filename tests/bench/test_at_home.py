"""The app in the platform's worker, in small: who gets a line of the log, how it is counted, and that all runs."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.at_home import __main__ as at_home
from bench.at_home.__main__ import Figure, compare, goals, lines_table, logged
from bench.at_home.child import InvocationTask, Worker
from bench.at_home.measures import CALLS, Bench
from bench.at_home.trees import ROOT, NoSuchCommitError, tree_of

# Says where each line comes from, in the line itself.
WAYS = """
import asyncio, contextvars, logging, threading
tell = logging.getLogger("app").info

def own_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()

def marked(context, action):
    context.thread_local_storage.invocation_id = context.invocation_id
    action()

async def child():
    tell("child_task said")

def say(context):
    tell("itself said é")
    own_thread(lambda: tell("bare_thread said"))
    copied = contextvars.copy_context()
    own_thread(lambda: copied.run(tell, "copied_thread said"))
    own_thread(lambda: marked(context, lambda: tell("marked_thread said")))
    logging.getLogger("app").debug("quiet said")
    logging.getLogger("azure_functions_worker").info("system said")
    logging.getLogger("azure.core.http").warning("Request URL: 'http://127.0.0.1'")
"""
ASYNCHRONOUS = WAYS + "\nasync def main(context, work):\n    say(context)\n    await asyncio.create_task(child())\n"
SYNCHRONOUS = WAYS + "\ndef main(context):\n    say(context)\n"
PLAIN = WAYS + "\nasync def main(work):\n    tell('plain said %s', work)\n"
RAISES = (
    WAYS
    + """
async def main(context):
    global copied
    copied = contextvars.copy_context()
    marked(context, lambda: tell("before said"))
    raise ZeroDivisionError
"""
)
BOTH, NEITHER = (True, True), (False, False)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    codes = {"WayAsync": ASYNCHRONOUS, "WaySync": SYNCHRONOUS, "WayPlain": PLAIN, "WayRaises": RAISES}
    for name, code in codes.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    worker, root = Worker(tmp_path), logging.getLogger()
    before = root.level
    root.addHandler(worker)
    root.setLevel(logging.INFO)
    yield worker
    root.setLevel(before)
    root.removeHandler(worker)
    for name in codes:
        sys.modules.pop(name, None)


def run(worker: Worker, function: str, **inputs: Any) -> dict[str, tuple[bool, bool]]:
    """Run a function; returns who gets each line, by its first word: the older worker's host, and the newer one's."""

    async def invoke() -> None:
        asyncio.get_running_loop().set_task_factory(lambda loop, action, **more: InvocationTask(action, loop=loop))
        await worker.invoke(function, **inputs)

    asyncio.run(invoke())
    return {line["event"]: (line["older"], line["newer"]) for line in worker.lines}


def test_a_line_reaches_the_platform_by_task_or_thread_and_from_newer_workers_by_context(worker: Worker) -> None:
    assert run(worker, "WayAsync", work=1) == {
        "itself": BOTH,
        "child_task": BOTH,
        "bare_thread": NEITHER,
        "copied_thread": (False, True),
        "marked_thread": (True, False),
        "azure.core.http": BOTH,
    }


def test_a_synchronous_function_is_known_by_its_thread(worker: Worker) -> None:
    found = run(worker, "WaySync")
    assert (found["itself"], found["copied_thread"], found["bare_thread"]) == (BOTH, (False, True), NEITHER)


def test_a_function_gets_the_inputs_that_it_takes(worker: Worker) -> None:
    run(worker, "WayPlain", work="w", starter="s")
    assert [(line["function"], line["event"], line["bytes"]) for line in worker.lines] == [("WayPlain", "plain", 12)]


def test_the_size_of_a_line_is_that_of_its_text_in_utf_8(worker: Worker) -> None:
    run(worker, "WaySync")
    assert worker.lines[0]["bytes"] == len("itself said é".encode())


def test_what_is_said_after_the_end_is_lost(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        run(worker, "WayRaises")
    # Neither this thread nor that context has forgotten the invocation.
    sys.modules["WayRaises"].copied.run(logging.getLogger("app").info, "late said")
    assert [(line["event"], line["older"], line["newer"]) for line in worker.lines] == [
        ("before", True, True),
        ("late", False, False),
    ]


def line(event: str, size: int, *, older: bool = True, newer: bool = True) -> dict[str, Any]:
    return {"function": "F", "event": event, "level": "INFO", "bytes": size, "older": older, "newer": newer}


def test_lines_and_bytes_are_counted_of_one_upload_and_lost_ones_apart() -> None:
    uploads = [
        {"lines": [line("a.done", 100), line("b.done", 50, older=False)]},
        {"lines": [line("a.done", 100), line("a.done", 200), line("b.done", 50, older=False, newer=False)]},
    ]
    assert logged(uploads, "older") == (1.5, 0.2, 1.0)
    assert logged(uploads, "newer") == (2.0, 0.225, 0.5)
    assert "| F | INFO | a.done | 1.5 | 200 | yes | yes |" in lines_table(uploads)
    assert "| F | INFO | b.done | 0.5 | 25 | **no** | **no** |" in lines_table(uploads)
    missed = [(goal.what, goal.measured) for goal in goals(uploads) if not goal.held]
    assert missed == [
        ("upload, worker of 3.11 and 3.12: lines lost", "1.00"),
        ("upload, worker of 3.13: lines lost", "0.50"),
    ]


@pytest.mark.parametrize(("lines", "size", "missed"), [(12, 250, 0), (13, 1, 2), (12, 251, 2)])
def test_an_upload_may_log_twelve_lines_and_three_kilobytes(lines: int, size: int, missed: int) -> None:
    uploads = [{"lines": [line("a.done", size)] * lines}]
    assert sum(not goal.held for goal in goals(uploads)) == missed


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert Figure("f", [2.0, 10.0, 4.0], [1.0, 20.0, 4.0]).row() == ("f", "4", "4", "1.00")
    assert Figure("f", [0.0, 1.0], [1.0, 1.0]).row() == ("f", "0.5", "1", "-")


def test_another_commit_is_taken_out_of_the_clone(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "a.txt").write_text("before")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "--message", "first")
    (tmp_path / "a.txt").write_text("now")
    with tree_of("HEAD", tmp_path) as tree:
        assert (tree / "a.txt").read_text() == "before"
    assert not tree.exists()
    with pytest.raises(NoSuchCommitError, match="name a commit of this clone with --before"), tree_of("0ff", tmp_path):
        pass


def test_two_trees_are_measured_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_home, "CALLS", [CALLS[0]._replace(calls=10)])
    with Bench(tmp_path) as bench:
        figures, before, now = compare(bench, ROOT, rounds=1, uploads=1, functions=["RescueUpload"])
    found = {figure.what: figure for figure in figures}
    assert all(min(*figure.before, *figure.now) >= 0 for figure in figures)
    assert found["import of RescueUpload: modules"].ratio == 1.0
    assert found["imports of all, each by itself: CPU, ms"].now == found["import of RescueUpload: CPU, ms"].now
    assert found["call, http, 1 thread: CPU, ms"].now[0] > 0
    for (upload,) in (before, now):
        said = {(line["function"], line["event"]) for line in upload["lines"]}
        assert {("AnalyzeOnUpload", "step.done"), ("OcrStore", "text.stored")} <= said
