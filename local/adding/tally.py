"""Count how far the images are that are being added, keeping no more of each than is told in the end."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from local.app import ImageState
from local.counts import counted, images
from local.reasons import reasons
from local.upload import Outcome

SHOWN = 20
FEWEST_TO_TELL_BY = 20


@dataclass
class Listing:
    """Lines of which all are counted and the first few are kept."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Count *line*, and keep it if it is one of the first."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(line)

    def lines(self, heading: str) -> list[str]:
        """Return the lines to print: those kept, and how many more there were; none if there are none."""
        more = [f"and {self.count - len(self.first)} more"] if self.count > len(self.first) else []
        return [heading, *(f"  {line}" for line in self.first + more)] if self.count else []


@dataclass
class Tally:
    """
    How far *total* images are.

    Attributes:
        outcomes: how many are in the container, sent now or there before.
        not_uploaded: the files that will not get there, each with the reason.
        failed: the images that failed, each with the reason; *codes* are those of all reasons.
    """

    total: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    not_uploaded: Listing = field(default_factory=Listing)
    complete: int = 0
    failed: Listing = field(default_factory=Listing)
    codes: set[str] = field(default_factory=set)

    @property
    def uploaded(self) -> int:
        """How many are in the container, whether they were sent now or had been there."""
        return self.outcomes.total()

    @property
    def settled(self) -> int:
        """How many are complete or failed."""
        return self.complete + self.failed.count

    def count_upload(self, outcome: Outcome) -> None:
        """One more is in the container."""
        self.outcomes[outcome] += 1

    def count_not_uploaded(self, reason: str) -> None:
        """One more will not get there."""
        self.not_uploaded.add(reason)

    def count_state(self, state: ImageState) -> None:
        """One more is complete or failed."""
        if state.state == "complete":
            self.complete += 1
        else:
            self.failed.add(f"{state.name}: {reasons(state)[0]}")
            self.codes.update(step.code for step in state.unfinished if step.code and step.state == "failed")

    def seconds_left(self, seconds: float) -> float | None:
        """How long the rest takes if it goes on as in the *seconds* since the beginning; None if that is not known."""
        rest = self.total - self.not_uploaded.count - self.settled
        return rest * seconds / self.settled if self.settled >= FEWEST_TO_TELL_BY and rest else None

    def how_far(self, unsettled: Collection[ImageState | None]) -> str:
        """Return how many of all are uploaded, and of how many of these what is known; *unsettled* are some of them."""
        return ", ".join(filter(None, [f"{self.uploaded} of {self.total} uploaded", self._states(unsettled)]))

    def summary(self, unsettled: Collection[ImageState | None], seconds: float) -> str:
        """Return the line that sums up."""
        parts = [self._states(unsettled)]
        if self.not_uploaded.count:
            parts.append(f"{self.not_uploaded.count} not uploaded")
        there = {
            "had been there with the same bytes": self.outcomes[Outcome.PRESENT],
            "took the place of another image of that name": self.outcomes[Outcome.REPLACED],
        }
        parts = [", ".join(filter(None, parts)), *(f"{count} {what}" for what, count in there.items() if count)]
        return "; ".join([f"{images(self.total)}: {parts[0]}", *parts[1:], f"{seconds:.1f} s"])

    def _states(self, unsettled: Collection[ImageState | None]) -> str:
        # One that the app has not heard of will be pending.
        others = Counter(state.state if state else "pending" for state in unsettled)
        return counted({**others, "complete": self.complete, "failed": self.failed.count})


def unsettled_lines(unsettled: Mapping[str, ImageState | None]) -> list[str]:
    """Return what is deferred and what is pending, each image with its reason."""
    listings = {"deferred": Listing(), "pending": Listing()}
    for name in sorted(unsettled):
        state = unsettled[name]
        reason = reasons(state)[0] if state else "the app has not heard of it"
        listings[state.state if state else "pending"].add(f"{name}: {reason}")
    return [line for state, listing in listings.items() for line in listing.lines(f"{state}:")]
