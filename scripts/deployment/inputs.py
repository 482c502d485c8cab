"""What the user may set with `azd env set`, and what each value has to look like."""

from __future__ import annotations

import re

from deployment import environment
from deployment.failures import Failed

# Variable -> what the whole value has to match, and that in words. An empty value is the default everywhere.
SHAPES = {
    "BLOBSIGHT_VISION_TIER": (r"F0|S1", "F0 or S1"),
    "BLOBSIGHT_VISION_RATE": (r"[1-9][0-9]*/[1-9][0-9]*", "CALLS/SECONDS, such as 10/1"),
    "BLOBSIGHT_VISION_MONTHLY_LIMIT": (r"[0-9]+", "a whole number of calls"),
    "BLOBSIGHT_THUMBNAIL_SIZES": (r"[0-9]+x[0-9]+( *, *[0-9]+x[0-9]+)*", "sizes such as 200x150,1024x768"),
    "BLOBSIGHT_MONTHLY_BUDGET": (r"[0-9]+", "a whole amount of money, 0 for no budget"),
    "BLOBSIGHT_BUDGET_START": (r"[0-9]{4}-[0-9]{2}-01", "the first day of a month, such as 2026-01-01"),
    "BLOBSIGHT_ALERT_EMAIL": (r"[^@\s]+@[^@\s]+", "one e-mail address"),
    "BLOBSIGHT_CLOSED_NETWORK": (r"(?i:true|false)", "true or false"),
    "BLOBSIGHT_ALWAYS_READY": (r"[0-9]+", "a whole number of instances"),
    "BLOBSIGHT_PYTHON": (r"3\.1[12]", "3.11 or 3.12"),
}


def check() -> None:
    """
    Check every value that is set.

    Raises:
        Failed: with a line for each that is wrong.
    """
    wrong = []
    for variable, (pattern, words) in SHAPES.items():
        value = environment.optional(variable)
        if value and not re.fullmatch(pattern, value):
            wrong.append(f"{variable} is {value!r}; it has to be {words}. Set it: `azd env set {variable} ...`.")
    if wrong:
        raise Failed("\n".join(wrong))
