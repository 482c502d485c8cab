"""What the loopback service answers: the bodies, and the ways in which an answer can go wrong."""

import json
from typing import NamedTuple

_TAGS = [{"name": f"something number {number}", "confidence": 0.99 - number / 100} for number in range(24)]
_METADATA = {"width": 1024, "height": 768}

# What each version's client can read, about 2 KB.
V32 = json.dumps(
    {
        "categories": [{"name": "outdoor_", "score": 0.9}],
        "tags": _TAGS,
        "description": {"tags": ["outdoor"], "captions": [{"text": "a house by a lake", "confidence": 0.9}]},
        "requestId": "0c1f7a3e-5f3e-4b6e-9d5a-000000000000",
        "metadata": {**_METADATA, "format": "Jpeg"},
        "modelVersion": "2021-05-01",
    }
).encode()
V40 = json.dumps(
    {
        "modelVersion": "2023-10-01",
        "captionResult": {"text": "a house by a lake", "confidence": 0.9},
        "tagsResult": {"values": _TAGS},
        "metadata": _METADATA,
    }
).encode()
HUGE_BYTES = 100 * 1024 * 1024
DRIP_SECONDS = 0.1


class Status(NamedTuple):
    """An error answer; seconds for Retry-After, or None for no such header."""

    status: int
    retry_after_seconds: int | None = None


STATUSES = {
    "429 with Retry-After": Status(429, 1),
    "429": Status(429),
    "500": Status(500),
    "502": Status(502),
    "503": Status(503),
    "503 with Retry-After": Status(503, 1),
    "504": Status(504),
}
BREAKS = ("reset", "close before headers", "reset in the body", "short body")
# Each strikes once; a call that is asked to wait or to try again can succeed.
TRANSIENT = (*STATUSES, *BREAKS)
# Each strikes every time, and the call has to end all the same.
ENDLESS = ("drip in the headers", "drip in the body", "hang", "unread upload", "100 MB answer")


def body_for(path: str) -> bytes:
    """The answer to a request for *path*."""
    return V40 if "imageanalysis" in path else V32


def head(status: int, length: int, **headers: str) -> bytes:
    """The head of an answer with a JSON body of so many bytes."""
    lines = [f"HTTP/1.1 {status} Whatever", "Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def error(fault: Status) -> bytes:
    """The whole answer of a status fault, as Computer Vision words it."""
    body = json.dumps({"error": {"code": str(fault.status), "message": "Not now."}}).encode()
    waits = {} if fault.retry_after_seconds is None else {"Retry_After": str(fault.retry_after_seconds)}
    return head(fault.status, len(body), **waits) + body
