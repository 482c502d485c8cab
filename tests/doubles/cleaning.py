"""Phases of a reconciliation, run to their end as the orchestrator runs them: page by page."""

from collections import Counter
from typing import Any

from doubles.parts import Parts

from shared.lifecycle import adoption
from shared.lifecycle.pages import Phase
from shared.lifecycle.reconcile_loop import PageWork, PhaseName, Plan

DAY = 86_400.0
_MOST_PAGES = 10_000


def adopted(app: Parts) -> Parts:
    """The app, after each of its images has got its mark."""
    adoption.note(app.services, app.clock.utc().isoformat())
    return app


def work(app: Parts, phase: PhaseName, continuation: str | None = None, mode: Any = "repair") -> PageWork:
    """The input of one page."""
    now = app.clock.utc().isoformat()
    plan = Plan(
        id="r1",
        by="timer",
        mode=mode,
        phases=[phase],
        began=now,
        since="2000-01-01T00:00:00+00:00",
        until=now,
        images_prefix="",
        records_prefix="",
    )
    return PageWork(plan=plan, phase=phase, continuation=continuation, counts={}, ended=False)


def run(app: Parts, phase: Phase, mode: str = "repair") -> Counter[str]:
    """What all pages of the phase count; `pages` is how many there were."""
    counts: Counter[str] = Counter()
    continuation = None
    for _ in range(_MOST_PAGES):
        page = phase(app.services, work(app, "answers", continuation, mode))
        counts.update({**page.counts, "pages": 1})
        assert page.left == []
        continuation = page.continuation
        if continuation is None:
            return counts
    raise AssertionError(f"no end after {_MOST_PAGES} pages")
