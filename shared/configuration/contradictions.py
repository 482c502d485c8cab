"""
Faults between settings that are right by themselves.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.contract import MAX_THUMBNAIL_PIXELS


def find(values: Mapping[str, Any]) -> list[str]:
    """
    The problems, each of which names its settings.

    Args:
        values: the settings that are right by themselves, by their names in `Settings`.
    """
    return [*_credentials(values), *_thumbnails(values), *_limits_too_low(values)]


def _credentials(values: Mapping[str, Any]) -> list[str]:
    auth, address = values.get("vision_auth"), values.get("vision_endpoint", "")
    found = []
    if auth == "key" and values.get("vision_key", "") is None:
        found.append("VISION_KEY is not set: a key of that resource (or set VISION_AUTH=identity)")
    if auth == "identity" and re.search(r"\.api\.cognitive\.", address):
        found.append(
            "VISION_ENDPOINT must be the resource's own subdomain for VISION_AUTH=identity, because a region's takes"
            f" keys only; it is {address!r}"
        )
    return found


def _thumbnails(values: Mapping[str, Any]) -> list[str]:
    mode, found = values.get("thumbnail_mode_set"), []
    if mode not in (None, "center") and values.get("thumbnail_smart") is False:
        found.append(
            f"THUMBNAIL_MODE is {mode!r}, and THUMBNAIL_SMART=false means center: leave one of the two out, or set "
            "THUMBNAIL_MODE=center"
        )
    most = MAX_THUMBNAIL_PIXELS
    large = [f"{width}x{height}" for width, height in values.get("thumbnail_sizes") or () if max(width, height) > most]
    if mode == "vision" and large:
        found.append(
            f"THUMBNAIL_SIZES has {', '.join(large)}, and with THUMBNAIL_MODE=vision Computer Vision makes sides of 1 "
            f"to {most}: set smaller sizes, or THUMBNAIL_MODE=auto"
        )
    return found


def _limits_too_low(values: Mapping[str, Any]) -> list[str]:
    """A problem for each limit of transactions under which no analysis could ever be made; 0 is meant to allow none."""
    # As `vision.billing.price` has it.
    price = len(values.get("vision_features", ()))
    limits = (("VISION_DAILY_LIMIT", "vision_daily_limit"), ("VISION_MONTHLY_LIMIT", "vision_monthly_limit"))
    return [
        f"{name} is lower than one analysis costs, so nothing could be analyzed: each feature of VISION_FEATURES is a"
        f" transaction, so set it to {price} or more, to 0 for no paid call, or leave it out for no limit; it is"
        f" '{values[field]}'"
        for name, field in limits
        if values.get(field) and values[field] < price
    ]
