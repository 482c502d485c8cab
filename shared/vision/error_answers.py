"""
Refusals of Computer Vision, read into the error tree.

The service and the gateways before it answer errors in six shapes (nested with and without an inner error, flat, an
old gateway's, a retired version's, and HTML or nothing). All are read here, once; what they mean follows from the
status and the innermost code.
"""

import email.utils
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared import errors
from shared.pace.ledger import MAX_PUSH_SECONDS
from shared.untrusted import addresses

# Codes that blame the image's bytes: the same bytes will be refused again.
_IMAGE_CODES = {
    "InvalidImageFormat": "image_unreadable",
    "UnsupportedImageFormat": "image_unreadable",
    "InvalidImage": "image_unreadable",
    "InvalidImageSize": "image_size_refused",
    "InvalidImageDimension": "image_size_refused",
    "NotSupportedImage": "image_not_supported",
}
_URL_CODES = ("InvalidImageUrl", "FailedToDownloadImage")
_APPROVAL = re.compile(r"missing approval|UnsupportedFeature", re.IGNORECASE)
_AFTER = re.compile(r"(?:retry after|try again in) ([0-9]+) second", re.IGNORECASE)
# A volume is replenished once a month.
_MAX_DAYS = 31.0
_MAX_SHOWN_CHARACTERS = 300
_MAX_READ_CHARACTERS = 20_000


class Complaint(NamedTuple):
    """What an error body says: the innermost code and the message, as far as there are any."""

    code: str | None
    message: str | None


def read(body: bytes, address: str = "") -> Complaint:
    """Read an error body of any shape; never fails. *address* is the image's, of which no secret part is repeated."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Complaint(None, None)
    if not isinstance(parsed, dict):
        return Complaint(None, None)
    outer = parsed.get("error")
    outer = outer if isinstance(outer, dict) else parsed
    inner: dict[str, Any] = next(
        (outer[key] for key in ("innererror", "innerError") if isinstance(outer.get(key), dict)), {}
    )
    codes = (inner.get("code"), outer.get("code"), outer.get("statusCode"))
    messages = (inner.get("message"), outer.get("message"))
    return Complaint(
        next(filter(None, (_text(each, address) for each in codes)), None),
        next(filter(None, (_text(each, address) for each in messages)), None),
    )


def _text(value: Any, address: str) -> str | None:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value):
        # Before it is cut: half a signature would not be found any more.
        return addresses.hidden(str(value)[:_MAX_READ_CHARACTERS], address)[:_MAX_SHOWN_CHARACTERS]
    return None


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, operation: str, address: str = "", *, now: datetime
) -> errors.BlobsightError:
    """
    The error that an answer with this status (not 2xx) means.

    *address* is the image's, if it has one; *now* is the time (aware), for a `Retry-After` that is a date.
    """
    complaint = read(body, address)
    # A gateway's code is the status once more.
    code = complaint.code if complaint.code not in (None, str(status)) else ""
    said = f"{status} {code}: {complaint.message or 'no message'}".replace(" :", ":")
    request_id = headers.get("apim-request-id")
    error = _kind(status, complaint, operation, said)
    error.request_id = request_id
    if error.retry_after_seconds is None and error.transient:
        error.retry_after_seconds = retry_after_seconds(headers, complaint.message, now)
    return error


def _kind(status: int, complaint: Complaint, operation: str, said: str) -> errors.BlobsightError:
    if status == 429:
        return errors.ThrottledError(f"Computer Vision throttled {operation} ({said})")
    if status in (401, 403):
        return _denied(status, complaint, said)
    if status in (404, 410):
        return _misplaced(status, operation, said)
    if status == 408 or status >= 500:
        return errors.VisionUnavailableError(f"Computer Vision could not do {operation} ({said})")
    if status == 413:
        return errors.PayloadTooLargeError(f"Computer Vision found the image too large ({said})")
    if 400 <= status < 500:
        return _refused(complaint, operation, said)
    return errors.UnexpectedAnswerError(f"Computer Vision answered {operation} in a way that means nothing ({said})")


def _refused(complaint: Complaint, operation: str, said: str) -> errors.BlobsightError:
    code = complaint.code or ""
    if _needs_approval(complaint):
        return _unapproved(said)
    if code in _IMAGE_CODES:
        return errors.ImageRejectedError(f"Computer Vision refused the image ({said})", code=_IMAGE_CODES[code])
    if code in _URL_CODES:
        return errors.VisionRefusedError(
            f"Computer Vision could not fetch the image ({said})",
            code="image_url_refused",
            action="Give an address that Computer Vision can reach without signing in, or send the bytes.",
        )
    return errors.VisionRefusedError(f"Computer Vision refused {operation} ({said})")


def _denied(status: int, complaint: Complaint, said: str) -> errors.BlobsightError:
    message = complaint.message or ""
    if _needs_approval(complaint):
        return _unapproved(said)
    if "out of call volume quota" in message.lower():
        days = re.search(r"in ([0-9]+) day", message)
        return errors.ThrottledError(
            f"The resource's call volume is used up ({said})",
            code="vision_quota_exhausted",
            action="Wait for the quota, or raise the tier.",
            retry_after_seconds=min(float(days[1]), _MAX_DAYS) * 86_400 if days else 3_600.0,
        )
    if status == 403:
        return errors.VisionUnauthorizedError(
            f"Computer Vision refused the app's network or identity ({said})",
            code="vision_forbidden",
            action="Allow the app in the networking settings of the resource that VISION_ENDPOINT names.",
        )
    return errors.VisionUnauthorizedError(f"Computer Vision refused the key of VISION_KEY ({said})")


def _needs_approval(complaint: Complaint) -> bool:
    """Whether a Limited Access feature was refused, which the service does with 400 and with 403."""
    return bool(_APPROVAL.search(f"{complaint.code} {complaint.message}"))


def _unapproved(said: str) -> errors.BlobsightError:
    return errors.VisionRefusedError(
        f"The resource has no approval for this feature ({said})",
        code="vision_approval_missing",
        action="Apply for the Limited Access feature, or do not ask for it.",
    )


def _misplaced(status: int, operation: str, said: str) -> errors.BlobsightError:
    if status == 410:
        return errors.VisionNotFoundError(
            f"This version of Computer Vision is retired ({said})",
            code="vision_api_retired",
            action="Update the app: the service no longer speaks v3.2.",
        )
    return errors.VisionNotFoundError(f"There is no {operation} of Computer Vision v3.2 at VISION_ENDPOINT ({said})")


def retry_after_seconds(headers: Mapping[str, str], message: str | None, now: datetime) -> float | None:
    """
    How long the service asked to wait: `Retry-After` as seconds or date, or in the message's text.

    Returns:
        Whole seconds, 1 to `MAX_PUSH_SECONDS`; None if it asked for no wait, or in a way that means nothing.
    """
    seconds = _asked(headers.get("Retry-After", "").strip(), message or "", now)
    return float(math.ceil(min(seconds, MAX_PUSH_SECONDS))) if seconds > 0 else None


def _asked(header: str, message: str, now: datetime) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header):
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        found = _AFTER.search(message)
        return float(found[1]) if found else 0.0
