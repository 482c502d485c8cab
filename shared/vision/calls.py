"""
The calls of one question: each has an id of its own, known before it is sent, and says how it ended.

The id travels as `x-ms-client-request-id`, which services log by Microsoft's REST API guidelines for Azure. Who asks a
question keeps its calls (`kept`): a claim, in which the receipt of an image finds them. Other calls have an id too,
which nothing keeps.
"""

import contextvars
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.clock import Clock
from shared.errors import BlobsightError
from shared.json_types import Json

HEADER = "x-ms-client-request-id"
# The oldest are told as one, with their number and their sum: an outage of days must not grow a claim without end.
MOST_TOLD = 100


@dataclass
class Call:
    """
    One request to Computer Vision.

    Attributes:
        id: its `x-ms-client-request-id`.
        begun, ended: when; None where no question keeps it, and for the end before it comes.
        status: of its answer; None where none came.
        usage: what the service billed for it (`vision.billing.usage`).
        request_id: the service's own `apim-request-id`.
        problem: the code of the error that it ended with; None of an answer that is used.
    """

    id: str
    begun: datetime | None = None
    ended: datetime | None = None
    status: int | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    request_id: str | None = None
    problem: str | None = None

    def answered(self, status: int, usage: Mapping[str, int], request_id: str | None) -> None:
        """Note the answer, of any status."""
        self.status, self.usage, self.request_id = status, usage, request_id

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Note an error that the answer means."""
        try:
            yield
        except BlobsightError as error:
            self.problem = error.code
            raise

    def told(self, image: str) -> Json:
        """The form in which a claim keeps it: the members that it has. *image* is who asks (`images.asker`)."""
        members: dict[str, Any] = {
            "id": self.id,
            "image": image or None,
            "begun": self.begun and self.begun.isoformat(),
            "ended": self.ended and self.ended.isoformat(),
            "status": self.status,
            "usage": dict(self.usage) or None,
            "requestId": self.request_id,
            "problem": self.problem,
        }
        return {name: value for name, value in members.items() if value is not None}


class Calls:
    """
    The calls of one question by one asker, after those of the tries before. For one thread.

    Args:
        clock: the time.
        first: the id of the first call, which is known already.
        image: who asks (`images.asker`); empty where it is no image of the container.
        before: the calls of the tries before, in the form in which claims keep them.
        note: called before each further call, whose id is among `told` by then.
    """

    def __init__(
        self,
        clock: Clock,
        first: str,
        *,
        image: str = "",
        before: Sequence[Json] = (),
        note: Callable[["Calls"], object] = lambda calls: None,
    ) -> None:
        self._clock = clock
        self._first = first
        self._image = image
        self._before = tuple(before)
        self._note = note
        self._made: list[Call] = []

    def told(self) -> list[Json]:
        """All calls in their order, as a claim keeps them."""
        return bounded([*self._before, *(call.told(self._image) for call in self._made)])

    def planned(self) -> list[Json]:
        """The same with the first call, if none was made yet: it may be sent from now on."""
        if self._made:
            return self.told()
        return bounded([*self._before, Call(self._first, self._clock.utc()).told(self._image)])

    @contextmanager
    def made(self) -> Iterator[Call]:
        """One call; it ends with the block. One that ends unsent is none."""
        call = Call(_new_id() if self._made else self._first, self._clock.utc())
        self._made.append(call)
        if len(self._made) > 1:
            self._note(self)
        try:
            with call.judged():
                yield call
        except BlobsightError as error:
            if error.unsent:
                self._made.remove(call)
            raise
        finally:
            call.ended = self._clock.utc()


_current: contextvars.ContextVar[Calls | None] = contextvars.ContextVar("calls", default=None)


@contextmanager
def kept(calls: Calls) -> Iterator[None]:
    """Inside, each request to Computer Vision is one of these calls."""
    token = _current.set(calls)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def made() -> Iterator[Call]:
    """One call, kept by the question under way if that keeps its calls."""
    calls = _current.get()
    if calls is None:
        yield Call(_new_id())
        return
    with calls.made() as call:
        yield call


def lost(calls: Sequence[Json]) -> list[Json]:
    """Calls of a try whose worker is gone: one without an end may have been sent, answered and billed, or not."""
    return [each if "ended" in each or "count" in each else {**each, "lost": True} for each in calls]


def unanswered(told: Json) -> int:
    """How many of these calls, which are one in most cases, had no answer: they may have been billed or not."""
    if "count" in told:
        return int(told.get("unknown", 0))
    is_open = told.get("lost") or "ended" not in told
    return int(bool(is_open or ("problem" in told and "id" in told and "status" not in told)))


def bounded(calls: Sequence[Json]) -> list[Json]:
    """
    At most `MOST_TOLD` of them; the oldest are one.

    That has their `count`, the sum of their `usage`, and how many had no answer (`unknown`). It has the `image` that
    asked if that is the same of all.
    """
    over = len(calls) - MOST_TOLD
    if over <= 0:
        return list(calls)
    old, rest = calls[: over + 1], calls[over + 1 :]
    usage: dict[str, int] = {}
    for each in old:
        for name, count in each.get("usage", {}).items():
            usage[name] = usage.get(name, 0) + count
    count = sum(each.get("count", 1) for each in old)
    merged: Json = {"count": count, "usage": usage}
    if unknown := sum(map(unanswered, old)):
        merged["unknown"] = unknown
    merged |= {name: old[0][name] for name in ("begun",) if name in old[0]}
    askers = {each.get("image") for each in old}
    if len(askers) == 1 and None not in askers:
        merged["image"] = askers.pop()
    return [merged, *rest]


def _new_id() -> str:
    import uuid  # here, because it asks for the platform when imported; the storage SDK has done so long since

    return str(uuid.uuid4())
