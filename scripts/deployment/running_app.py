"""The app's own HTTP API, as any caller with its function key has it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from deployment import wire


class RunningApp:
    """
    The app at its address.

    Args:
        url: its address, without a slash at its end.
        key: its function key.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def image(self, name: str) -> wire.Reply:
        """Ask for an image's state."""
        return self._send("GET", f"/api/images/{quote(name)}")

    def retry(self, name: str) -> wire.Reply:
        """Have the deferred steps of an image tried again at once."""
        return self._send("POST", "/api/unfinished/retry", json.dumps({"name": name}).encode(), "application/json")

    def analyze(self, data: bytes) -> wire.Reply:
        """Have an image's bytes analyzed."""
        return self._send("POST", "/api/analyze", data, "application/octet-stream")

    def _send(self, method: str, path: str, data: bytes | None = None, content_type: str = "") -> wire.Reply:
        headers = {"x-functions-key": self._key, **({"Content-Type": content_type} if content_type else {})}
        return wire.send(method, self._url + path, headers, data)


def is_its_own(reply: wire.Reply) -> bool:
    """Whether the app itself has refused, and not the platform before it."""
    return reply.headers.get("content-type", "").startswith("application/problem+json")


def told(problem: dict[str, Any]) -> str:
    """Return what a problem of the app says: its code, what was wrong, what to do."""
    sentences = [str(problem.get(part) or "").rstrip(".") for part in ("detail", "message", "action")]
    return f"{problem.get('code')}: {'. '.join(filter(None, sentences))}."
