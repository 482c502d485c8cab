"""How a call beyond the rate is refused: the text and headers of a 429."""

import math
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Literal, get_args

from local.vision import refusals
from local.vision.operations import TITLES, Operation

RetryAfter = Literal["header", "text", "date", "none"]
RETRY_AFTERS: tuple[RetryAfter, ...] = get_args(RetryAfter)


def throttled(operation: Operation, *, tier: str, wait_seconds: float, told_as: RetryAfter) -> refusals.Refusal:
    """
    Refuse a call for the rate.

    *told_as* is where the waiting time stands: `header` in Retry-After as seconds and in the text, as the gateway does
    at its best; `text` in the text alone; `date` in Retry-After as a date alone; `none` nowhere.
    """
    seconds = max(1, math.ceil(wait_seconds))
    headers = {}
    if told_as == "header":
        headers["Retry-After"] = str(seconds)
    elif told_as == "date":
        headers["Retry-After"] = formatdate(time.time() + seconds, usegmt=True)
    return refusals.by_gateway(
        HTTPStatus.TOO_MANY_REQUESTS,
        _text(operation, tier=tier, seconds=seconds if told_as in ("header", "text") else None),
        headers=headers,
    )


def _text(operation: Operation, *, tier: str, seconds: int | None) -> str:
    sentences = [
        f"Requests to the {TITLES[operation]} Operation under Computer Vision API (v3.2) have exceeded rate limit of "
        f"your current ComputerVision {tier} pricing tier."
    ]
    if seconds is not None:
        sentences.append(f"Please retry after {seconds} {'second' if seconds == 1 else 'seconds'}.")
    if tier == "F0":
        sentences.append("To increase your rate limit switch to a paid tier.")
    return " ".join(sentences)
