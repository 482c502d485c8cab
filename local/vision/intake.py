"""From a request to an image that has passed the service's checks of size, format and dimensions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256

from local.vision import refusals
from local.vision.body import BodyReader, BodyTooLargeError
from local.vision.fetch import fetch_image
from local.vision.header import ImageHeader, read_header
from local.vision.multipart import file_part

MAX_IMAGE_BYTES = 4 * 1024 * 1024  # v3.2 takes less than 4 MB
MIN_SIDE_PIXELS = 50
MAX_SIDE_PIXELS = 16_000
MAX_FRAMING_BYTES = 64 * 1024  # of a multipart body around its image

BYTES, JSON, MULTIPART = "application/octet-stream", "application/json", "multipart/form-data"


@dataclass(frozen=True)
class CheckedImage:
    """An image that the service accepts, as far as its first bytes tell."""

    data: bytes
    header: ImageHeader
    sha256: str


def media_type(headers: Message, *, allowed: Sequence[str] = (JSON, BYTES, MULTIPART)) -> str:
    """
    Return the media type of the body, one of those *allowed*.

    Parameters such as a charset do not matter. Raises Refusal (415).
    """
    stated = headers.get("Content-Type", "")
    kind = stated.split(";")[0].strip().lower()
    if kind not in allowed:
        raise refusals.unsupported_media_type(kind, allowed)
    return kind


def take_image(headers: Message, body: BodyReader) -> CheckedImage:
    """
    Read the image out of the body, or fetch it from the URL that the body names, and check it.

    Raises Refusal with the inner codes InvalidImageUrl, BadArgument, InvalidImageSize and InvalidImageFormat.
    """
    kind = media_type(headers)
    try:
        content = body.read(MAX_IMAGE_BYTES + MAX_FRAMING_BYTES)
    except BodyTooLargeError:
        raise refusals.bad_image_size(_too_large()) from None
    if kind == JSON:
        content = fetch_image(url_in(content), max_bytes=MAX_IMAGE_BYTES)
    elif kind == MULTIPART:
        content = file_part(content, headers["Content-Type"])
    return _check(content)


def url_in(content: bytes) -> str:
    """Return the URL that a JSON body names. Raises Refusal (BadArgument, InvalidImageUrl)."""
    try:
        asked = json.loads(content)
    except (ValueError, RecursionError):
        raise refusals.bad_body('The body is not JSON: {"url": "http://..."} is required.') from None
    url = asked.get("url") if isinstance(asked, dict) else None
    if not isinstance(url, str) or not url:
        raise refusals.bad_url('Image URL is badly formatted: {"url": "http://..."} is required.')
    return url


def _check(content: bytes) -> CheckedImage:
    if not content:
        raise refusals.bad_image_size("The image is empty.")
    if len(content) >= MAX_IMAGE_BYTES:
        raise refusals.bad_image_size(_too_large())
    header = read_header(content)
    if min(header.width, header.height) < MIN_SIDE_PIXELS:
        raise refusals.bad_image_size(
            f"Image must be at least {MIN_SIDE_PIXELS} pixels in width and height; "
            f"this one is {header.width}x{header.height}."
        )
    if max(header.width, header.height) > MAX_SIDE_PIXELS:
        raise refusals.bad_image_size(
            f"Image must be at most {MAX_SIDE_PIXELS} pixels in width and height; "
            f"this one is {header.width}x{header.height}."
        )
    return CheckedImage(content, header, sha256(content).hexdigest())


def _too_large() -> str:
    return f"Image must be smaller than {MAX_IMAGE_BYTES} bytes (4 MB)."
