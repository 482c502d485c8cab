"""
With LOG_NAMES=hash no line of the app has a name of an image, nor has an exception that leaves a function.

The paths are every function on disk in every weather of `doubles.worker_world`, whose images are all called `*.jpg`.
"""

import logging
import traceback
from collections.abc import Iterator

import pytest
from doubles import worker_world
from doubles.handovers import Watch
from doubles.wire import Wire, running_wire
from doubles.worker_logs import Worker
from doubles.worker_world import Run, all_runs

from shared import log

# The SDK recommends types that functions of the v1 model cannot give.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type")
# The end of all names in that world, and of no other text.
END = ".jpg"


class Texts(logging.Handler):
    """What the worker hands on of each line: its text, and the traceback of its exception."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with running_wire() as wire:
        yield wire


def runs_of(wire: Wire, texts: Texts) -> list[Run]:
    root = logging.getLogger()
    with Worker().running() as worker, Watch(worker).installed() as watch:
        root.addHandler(texts)
        try:
            return list(all_runs(worker, watch, wire))
        finally:
            root.removeHandler(texts)


def told_by(runs: list[Run]) -> list[str]:
    """What the platform logs of the errors that left their functions."""
    errors = [run.outcome.error for run in runs if run.outcome.error]
    return ["".join(traceback.format_exception(error)) for error in errors]


def test_no_line_and_no_error_has_a_name(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(worker_world.SETTINGS, "LOG_NAMES", "hash")
    texts = Texts()
    runs = runs_of(wire, texts)
    told = [*texts.texts, *told_by(runs)]
    assert [text for text in told if END in text.lower()] == []
    for name in ("a.jpg", "new.jpg"):
        assert any(log.digest_of(name) in text for text in told)
    assert any("request.crashed" in text and "ZeroDivisionError: withheld" in text for text in told)
    errors = {type(run.outcome.error).__name__ for run in runs if run.outcome.error}
    assert {"StorageError", "ZeroDivisionError"} <= errors


def test_the_same_search_finds_names_where_they_may_be(wire: Wire) -> None:
    texts = Texts()
    runs = runs_of(wire, texts)
    lines = [text for text in texts.texts if END in text]
    assert {"step.done", "text.stored", "step.handed_over", "upload.rescued"} <= {each.split()[0] for each in lines}
    assert [text for text in told_by(runs) if END in text] == []  # no error of that world quotes one
