"""Durations for people."""


def about(seconds: float) -> str:
    """Return such as `about 20 seconds`, `about a minute` or `about 3 minutes`."""
    if seconds < 50:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    minutes = round(seconds / 60)
    return f"about {minutes} minutes" if minutes > 1 else "about a minute"


def duration(seconds: float) -> str:
    """Return it as a person says it, in seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
