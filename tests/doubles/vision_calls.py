"""Calls to the local vision service, and pictures to send it."""

import io
import json
import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from PIL import Image, ImageDraw

SAMPLES = Path(__file__).parents[2] / "samples"
OCTETS = "application/octet-stream"
ALL_FEATURES = "ImageType,Faces,Adult,Categories,Color,Tags,Description,Objects,Brands"


def sample(name: str) -> bytes:
    """Return the bytes of samples/*name*.jpg."""
    return (SAMPLES / f"{name}.jpg").read_bytes()


def picture(
    width: int = 120, height: int = 90, *, colour: str = "orange", kind: str = "JPEG", **options: object
) -> bytes:
    """Return a one-coloured picture with a darker disc in its middle."""
    image = Image.new("RGB", (width, height), colour)
    x, y, radius = width // 2, height // 2, min(width, height) // 4
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), "navy")
    return encoded(image, kind, **options)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Return *image* as a file of *kind*."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return the picture in *data*, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


class Caller:
    """A client of one running service."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url, self.key = url, key
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def post(
        self,
        operation: str,
        data: bytes | Iterable[bytes] | None = None,
        *,
        query: str = "",
        content_type: str = OCTETS,
        **more: Any,
    ) -> requests.Response:
        """Post bytes to an operation, or to a path that begins with a slash; *query* has no question mark."""
        headers = {"Content-Type": content_type} if content_type else {}
        if self.key is not None:
            headers["Ocp-Apim-Subscription-Key"] = self.key
        headers |= more.pop("headers", {})
        path = operation if operation.startswith("/") else f"/vision/v3.2/{operation}"
        address = f"{self.url}{path}" + (f"?{query}" if query else "")
        return self._session.post(address, data=data, headers=headers, timeout=30, **more)

    def post_url(self, operation: str, url: object) -> requests.Response:
        """Post the address of an image."""
        content_type = "application/json; charset=utf-8"
        return self.post(operation, json.dumps({"url": url}).encode(), content_type=content_type)

    def get(self, path: str) -> requests.Response:
        """Get a path below /vision/v3.2/."""
        headers = {"Ocp-Apim-Subscription-Key": self.key} if self.key is not None else {}
        return self._session.get(f"{self.url}/vision/v3.2/{path}", headers=headers, timeout=30)

    def control(self, method: str, what: str, content: object = None) -> requests.Response:
        """Use the control address."""
        return self._session.request(method, f"{self.url}/_control/{what}", json=content, timeout=30)


def connection_to(url: str) -> socket.socket:
    """Open a bare connection to the service at *url*."""
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def inner_code(answer: requests.Response) -> str:
    """Return the specific code of a refused image operation."""
    return str(answer.json()["error"]["innererror"]["code"])
