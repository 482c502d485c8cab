"""
One page of a reconciliation, by its phase: the work of ReconcilePage.

A page is bounded in time and memory, however full the containers are. It may be done twice, as a worker can be killed.
"""

from collections.abc import Callable
from typing import NamedTuple

from shared.durable.appointments import Appointment
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.services import App


class Page(NamedTuple):
    """
    What came of a page.

    Attributes:
        continuation: where the phase goes on; None where it has ended.
        counts: what it found and did.
        left: the tries to hand over. Until they are, the page is not done.
    """

    continuation: str | None
    counts: Counts
    left: list[Appointment] = []  # noqa: RUF012


Phase = Callable[[App, PageWork], Page]
