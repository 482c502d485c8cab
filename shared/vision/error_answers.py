"""
Refusals of Computer Vision, read into the error tree: what its status and its innermost code mean.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from shared import errors
from shared.transport.error_answers import Complaint, read, retry_after_seconds

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
_APPROVAL = r"(?i)missing approval|UnsupportedFeature"
# A volume is replenished once a month.
_MAX_DAYS = 31.0


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, operation: str, address: str = "", *, now: datetime
) -> errors.BlobsightError:
    """
    The error that an answer with this status (not 2xx) means.

    *address* is the image's, if it has one; *now* is the time (aware), for a `Retry-After` that is a date.
    """
    complaint = read(body, address)
    error = _kind(status, complaint, operation, complaint.summary(status))
    error.request_id = headers.get("apim-request-id")
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
            action="Wait until the resource's quota begins anew, or raise its pricing tier in the Azure portal.",
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
    return bool(re.search(_APPROVAL, f"{complaint.code} {complaint.message}"))


def _unapproved(said: str) -> errors.BlobsightError:
    return errors.VisionRefusedError(
        f"The resource has no approval for this feature ({said})",
        code="vision_approval_missing",
        action="Apply for it at https://aka.ms/facerecognition, or do not ask for this feature.",
    )


def _misplaced(status: int, operation: str, said: str) -> errors.BlobsightError:
    if status == 410:
        return errors.VisionNotFoundError(
            f"This version of Computer Vision is retired ({said})",
            code="vision_api_retired",
            action="Update the app: the service no longer speaks v3.2.",
        )
    return errors.VisionNotFoundError(f"There is no {operation} of Computer Vision v3.2 at VISION_ENDPOINT ({said})")
