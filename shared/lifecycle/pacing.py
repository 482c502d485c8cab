"""
How far a page of a reconciliation gets: one listing, looked at in parts side by side, until its time is over.

What is left of the listing then is the next page's. The continuation of a listing leads to its end only, so where the
time was over earlier, a second listing of as many blobs as are done with and still there leads to the place between.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from shared.clock import Deadline
from shared.services import App
from shared.storage.blobs import Blobs
from shared.threads import side_by_side

_T = TypeVar("_T")
_R = TypeVar("_R")

# Of one activity, which has 240 (`time_budget.BACKGROUND_SECONDS`), and whose last part has to end too.
SECONDS: Final = 120.0
_PARALLEL: Final = 8
_PART: Final = 32


def in_parts(app: App, action: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """The results of the action on the items, in their order; it ends early, between parts, if the time is over."""
    deadline = Deadline.after(SECONDS, app.clock)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for begin in range(0, len(items), _PART):
            if begin and not deadline.remaining():
                return
            yield from side_by_side(pool, action, items[begin : begin + _PART])


def place_after(blobs: Blobs, container: str, prefix: str, start: str | None, count: int) -> str | None:
    """The continuation that leads past so many blobs from *start*, which may be 0; None if these are the last."""
    return blobs.page(container, prefix=prefix, limit=count, continuation=start).continuation if count else start
