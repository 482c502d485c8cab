"""
What the witnesses saw: programs of others that the tests let speak about this one.

    covered("official SDK 0.9.1", "operations", "describe")

A test calls `covered` after it has asserted; what a failing test called is dropped. The terminal summary then has a
line for each witness: `official SDK 0.9.1: 8 operations, 26 cases`. One that a run could not ask has a line with the
reason, by `not_asked`.
"""

import os


class Coverage:
    """Distinct things seen by each witness, of tests that passed."""

    def __init__(self) -> None:
        self._pending: list[tuple[str, str, str]] = []
        self._seen: dict[str, dict[str, set[str]]] = {}
        self._not_asked: dict[str, str] = {}

    def add(self, witness: str, what: str, which: str) -> None:
        """Remember *which* of *what* until the running test has ended."""
        self._pending.append((witness, what, which))

    def settle(self, *, passed: bool) -> None:
        """Keep what was added since the last call if the test passed, else forget it."""
        pending, self._pending = self._pending, []
        if passed:
            for witness, what, which in pending:
                self._seen.setdefault(witness, {}).setdefault(what, set()).add(which)

    def leave_out(self, witness: str, reason: str) -> None:
        """Remember why *witness* is not asked."""
        self._not_asked[witness] = reason

    def lines(self) -> list[str]:
        """Return a line for each witness, in the order in which they first spoke; then those that were not asked."""
        seen = [
            f"{witness}: " + ", ".join(f"{len(which)} {what}" for what, which in kinds.items())
            for witness, kinds in self._seen.items()
        ]
        return seen + [f"{witness}: not asked, {reason}" for witness, reason in self._not_asked.items()]


COVERAGE = Coverage()


def covered(witness: str, what: str, which: str = "") -> None:
    """
    Say that *witness* saw *which* one of *what*, a noun in the plural.

    The same *which* counts once. Without it the running test itself is what was seen, so that
    `covered("official SDK 0.9.1", "cases")` counts tests.
    """
    COVERAGE.add(witness, what, which or os.environ["PYTEST_CURRENT_TEST"])


def not_asked(witness: str, reason: str) -> None:
    """Say why *witness* has no part in this run."""
    COVERAGE.leave_out(witness, reason)
