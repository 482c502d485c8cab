"""Benchmarks: what the app is measured by, beside its peers. Never deployed; `make bench` runs them all."""

import sys
from types import TracebackType


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of what ended a benchmark, unless that was Ctrl-C: each of its processes would show where it was."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
