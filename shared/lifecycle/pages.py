"""
One page of a reconciliation: where it begins, how far it gets, and what came of it.

A page is bounded in time and memory, however full the containers are. It may be done twice, as a worker can be killed.

It lists once, and looks at the listing in parts side by side, until its time is over. The next page does the rest. The
continuation of a listing leads to its end only. To begin in between, the page lists once more: as many blobs as are
done with and still there.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from shared.clock import Deadline
from shared.durable.appointments import Appointment
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.services import App
from shared.storage.blobs import Blobs
from shared.threads import side_by_side

_T = TypeVar("_T")
_R = TypeVar("_R")

# Of one activity, which has 240 (`time_budget.BACKGROUND_SECONDS`), and whose last part has to end too.
SECONDS: Final = 120.0
PART: Final = 32
_PARALLEL: Final = 8


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


class Place(NamedTuple):
    """
    Where a page begins.

    Attributes:
        token: the continuation of the listing; None at its beginning.
        word: what the phase has to know besides.
    """

    token: str | None = None
    word: str = ""

    @classmethod
    def read(cls, continuation: str | None) -> "Place":
        """The place that an earlier page has told; the beginning where there was none."""
        return cls(*json.loads(continuation)) if continuation else cls()

    def told(self) -> str:
        """The same as a page tells it, also of the beginning."""
        return json.dumps(self)

    def past(self, blobs: Blobs, container: str, count: int, *, prefix: str = "") -> "Place | None":
        """The place past so many blobs; None if these are the last."""
        if not count:
            return self
        token = blobs.page(container, prefix=prefix, limit=count, continuation=self.token).continuation
        return self._replace(token=token) if token else None


def told(place: Place | None) -> str | None:
    """A place as a page tells it; None at the end."""
    return place.told() if place else None


def in_parts(app: App, action: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """The results of the action on the items, in their order; it ends early, between parts, if the time is over."""
    deadline = Deadline.after(SECONDS, app.clock)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for begin in range(0, len(items), PART):
            if begin and not deadline.remaining():
                return
            yield from side_by_side(pool, action, items[begin : begin + PART])
