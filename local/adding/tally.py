"""Count how far the images are that are being added, keeping no more of each than is told in the end."""

from collections import Counter
from dataclasses import dataclass, field

from local.app import ImageState
from local.upload import Outcome

SHOWN = 20


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

    def lines(self) -> list[str]:
        """Return the lines to print: those kept, and how many more there were."""
        more = [f"and {self.count - len(self.first)} more"] if self.count > len(self.first) else []
        return [f"  {line}" for line in self.first + more]


@dataclass
class Tally:
    """How far *total* images are."""

    total: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    not_uploaded: int = 0
    complete: int = 0
    failed: Listing = field(default_factory=Listing)

    @property
    def uploaded(self) -> int:
        """How many are in the container, whether they were sent now or had been there."""
        return self.outcomes.total()

    @property
    def done(self) -> int:
        """How many need no further waiting."""
        return self.complete + self.failed.count

    def count_upload(self, outcome: Outcome) -> None:
        """One more is in the container."""
        self.outcomes[outcome] += 1

    def count_failed_upload(self, reason: str) -> None:
        """One more will not get there."""
        self.not_uploaded += 1
        self.failed.add(reason)

    def count_state(self, state: ImageState) -> None:
        """One more is complete or failed."""
        if state.state == "complete":
            self.complete += 1
        else:
            self.failed.add(f"{state.name}: {why_unfinished(state)}")

    def summary(self, seconds: float) -> str:
        """Return the line that sums up."""
        parts = [f"{self.complete} complete", f"{self.failed.count} failed"]
        if self.done < self.total:
            parts.append(f"{self.total - self.done} not done yet")
        parts.append(f"{self.outcomes[Outcome.PRESENT]} of them already there with the same bytes")
        if self.outcomes[Outcome.REPLACED]:
            parts.append(f"{self.outcomes[Outcome.REPLACED]} in place of another image of that name")
        return f"{self.total} images: {', '.join(parts)}; {seconds:.1f} s"


def why_unfinished(state: ImageState) -> str:
    """Return why an image is not complete: of its steps the first that is as the whole."""
    for step in sorted(state.unfinished, key=lambda step: step.state != state.state):
        return f"{step.what} is {step.state}: {step.problem or 'no reason given yet'}"
    return f"is {state.state}"
