from typing import Any

import pytest
from doubles.clock import FakeClock

from shared.records import unfinished_document

NOW = "2026-01-01T00:01:00+00:00"
LATER = "2026-01-01T00:01:00.000001+00:00"


@pytest.mark.parametrize(
    ("document", "state", "turn"),
    [
        ({"until": LATER}, "deferred", (LATER, False)),
        ({"until": NOW}, "deferred", (None, True)),
        ({"until": "2026-01-01T00:00:10.681596+00:00"}, "deferred", (None, True)),
        # RetryStep is trying it.
        ({"until": None, "tries": 1, "try": "0123456789abcdef"}, "deferred", (None, True)),
        # The record went while it was looked at, or cannot be read.
        ({}, "deferred", (None, True)),
        ({"until": LATER}, "failed", (None, False)),
        ({"until": None}, "failed", (None, False)),
    ],
)
def test_a_record_says_when_its_step_is_tried_again(document: Any, state: str, turn: tuple[str | None, bool]) -> None:
    found = unfinished_document.turn(document, state, FakeClock(60.0))
    assert (found["until"], found["running"]) == turn
