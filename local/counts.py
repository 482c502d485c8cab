"""Say how many images are in which state."""

from collections.abc import Mapping

STATES = ("complete", "failed", "deferred", "pending")


def counted(states: Mapping[str, int]) -> str:
    """Return such as `13 complete, 2 failed` of how many there are of each state, those that occur."""
    return ", ".join(f"{states[state]} {state}" for state in STATES if states.get(state))


def images(count: int) -> str:
    """Return such as `1 image` or `9 images`."""
    return f"{count} image{'s' * (count != 1)}"
