"""What a benchmark hands to the page: its tables, and its goals with what was measured."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Goal(NamedTuple):
    """A figure that has to hold: what it is, its limit and the measured value as text, and whether it held."""

    what: str
    limit: str
    measured: str
    held: bool

    @classmethod
    def at_most(cls, what: str, limit: float, measured: float, unit: str = "") -> "Goal":
        """A figure that may not be above *limit*."""
        return cls(what, f"at most {limit:g}{unit}", f"{measured:.2f}{unit}", measured <= limit)

    @classmethod
    def at_least(cls, what: str, limit: float, measured: float, unit: str = "") -> "Goal":
        """A figure that may not be below *limit*."""
        return cls(what, f"at least {limit:g}{unit}", f"{measured:.2f}{unit}", measured >= limit)


class Section(NamedTuple):
    """One benchmark's part of the page, in Markdown without its heading."""

    title: str
    text: str
    goals: Sequence[Goal]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goals_table(goals: Iterable[Goal]) -> str:
    """The goals as a table in Markdown."""
    rows = [(goal.what, goal.limit, goal.measured, "yes" if goal.held else "**no**") for goal in goals]
    return table(("goal", "limit", "measured", "held"), rows)
