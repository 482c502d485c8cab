"""What the user may set with `azd env set`, and what each value has to look like."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from deployment import environment, existing
from deployment.failures import Failed

# What the app takes for VISION_FEATURES, in any case of letters.
FEATURES = ("Categories", "Adult", "Tags", "Description", "Faces", "Objects", "ImageType", "Color", "Brands")
_FEATURE = f"(?i:{'|'.join(FEATURES)})"
_SIDE = "(?:[1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-6])"  # the app cuts thumbnails of 1 to 4096 pixels a side
_TEMPLATE = Path(__file__).resolve().parents[2] / "infra"
# Variable -> what the whole value has to match, and that in words. An empty value is the default everywhere.
SHAPES = {
    "BLOBSIGHT_VISION_TIER": (r"F0|S1", "F0 or S1"),
    "BLOBSIGHT_VISION_RATE": (r"[1-9][0-9]*/[1-9][0-9]*", "CALLS/SECONDS, such as 10/1"),
    "BLOBSIGHT_VISION_MONTHLY_LIMIT": (r"[0-9]+", "a whole number of transactions"),
    "BLOBSIGHT_FEATURES": (f"{_FEATURE}( *, *{_FEATURE})*", f"a comma-separated choice of {', '.join(FEATURES)}"),
    "BLOBSIGHT_THUMBNAIL_SIZES": (
        f"{_SIDE}x{_SIDE}( *, *{_SIDE}x{_SIDE})*",
        "sizes such as 200x150,1024x768, with sides of 1 to 4096",
    ),
    "BLOBSIGHT_MONTHLY_BUDGET": (r"[0-9]+", "a whole amount of money, 0 for no budget"),
    "BLOBSIGHT_BUDGET_START": (r"[0-9]{4}-[0-9]{2}-01", "the first day of a month, such as 2026-01-01"),
    "BLOBSIGHT_ALERT_EMAIL": (r"[^@\s]+@[^@\s]+", "one e-mail address"),
    "BLOBSIGHT_CLOSED_NETWORK": (r"(?i:true|false)", "true or false"),
    "BLOBSIGHT_ALWAYS_READY": (r"[0-9]|[1-3][0-9]|40", "a whole number of instances up to 40"),
    "BLOBSIGHT_PYTHON": (r"3\.1[12]", "3.11 or 3.12"),
    "BLOBSIGHT_IMAGES_WRITABLE": (r"(?i:true|false)", "true or false"),
    "BLOBSIGHT_GALLERY_SIGN_IN": (r"(?i:true|false)", "true or false"),
    "BLOBSIGHT_GALLERY_CLIENT_ID": (
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "the client id of a registration in Entra ID, such as 00000000-0000-0000-0000-000000000000",
    ),
}
_OTHERS = (existing.IMAGES_VARIABLE, existing.VISION_VARIABLE)


def check() -> None:
    """
    Check every value that is set.

    Raises:
        Failed: with a line for each that is wrong.
    """
    # The template takes them as they are.
    padded = [name for name in (*SHAPES, *_OTHERS) if os.environ.get(name, "") != environment.optional(name)]
    wrong = [f"{name} is {os.environ[name]!r}, with white space around it. Set it without." for name in padded]
    for variable, (pattern, words) in SHAPES.items():
        value = environment.optional(variable)
        if value and not re.fullmatch(pattern, value):
            wrong.append(f"{variable} is {value!r}; it has to be {words}. Set it: `azd env set {variable} ...`.")
    wrong += _limit_too_low()
    if wrong:
        raise Failed("\n".join(wrong))


def tell() -> None:
    """Print what is set, and each name that nothing reads, because azd takes every name without a word."""
    given = [f"{variable}={environment.optional(variable)}" for variable in SHAPES if environment.optional(variable)]
    if given:
        print(f"Parameters that are set: {', '.join(given)}. The others have their defaults.")
    known = _known()
    for name in sorted(os.environ):
        if name.startswith("BLOBSIGHT_") and name not in known and environment.optional(name):
            meant = difflib.get_close_matches(name, SHAPES, 1, cutoff=0.85)
            print(f"Note: {name} is set, and no parameter has that name.{f' Is it {meant[0]}?' if meant else ''}")


def _limit_too_low() -> list[str]:
    """Return the fault of a limit that the app would refuse, because no analysis fits in it; 0 allows none."""
    variable = "BLOBSIGHT_VISION_MONTHLY_LIMIT"
    limit = environment.optional(variable)
    parameters = (_TEMPLATE / "main.parameters.json").read_text(encoding="utf-8")
    default = re.findall(r"\$\{BLOBSIGHT_FEATURES=([^}]+)\}", parameters)[0]
    features = environment.optional("BLOBSIGHT_FEATURES") or default
    price = len({name.strip().lower() for name in features.split(",")})
    if not re.fullmatch(r"[0-9]+", limit) or not 0 < int(limit) < price:
        return []
    return [
        f"{variable} is {limit}, and an analysis costs {price} transactions, one for each feature: nothing could be "
        f"analyzed. Set it: `azd env set {variable} ...`."
    ]


def _known() -> set[str]:
    """Return the variables that the template takes and gives."""
    texts = [(_TEMPLATE / name).read_text(encoding="utf-8") for name in ("main.parameters.json", "main.bicep")]
    return {name for text in texts for name in re.findall(r"\bBLOBSIGHT_[A-Z_]+", text)}
