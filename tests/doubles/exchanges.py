"""A request and its answer, as the app's own function saw them or as they went over a wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func


@dataclass(frozen=True)
class Exchange:
    """
    One exchange.

    Attributes:
        method: in capitals.
        path: decoded, from `/api` on.
        query: the parameters as they were sent, decoded.
        sent: the request's headers, with names in small letters.
        sent_body: the request's body.
        headers: the answer's, with names in small letters.
    """

    method: str
    path: str
    status: int
    query: Sequence[tuple[str, str]] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    sent_body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query if name.lower() != "code")
        return f"{self.method} {self.path}{'?' if query else ''}{query[:200]} -> {self.status}"


def small(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers with their names in small letters."""
    return {name.lower(): str(value) for name, value in headers.items()}


def of_function(route: str, req: func.HttpRequest, response: func.HttpResponse) -> Exchange:
    """The exchange of a function with this route in its function.json; the host sets Content-Type as here."""
    path = f"/api/{route}"
    for part in route.split("/"):
        if part.startswith("{"):
            value = req.route_params.get(part.strip("{*?}")) or ""
            path = path.replace(part, value)
    headers = small(response.headers)
    body = response.get_body() or b""
    if body or "content-type" in headers:
        headers.setdefault("content-type", response.mimetype)
    return Exchange(
        req.method,
        path if path.endswith("//") else path.removesuffix("/"),
        response.status_code,
        tuple(req.params.items()),
        small(req.headers),
        req.get_body(),
        headers,
        # The host leaves it out.
        b"" if req.method == "HEAD" else body,
    )


def of_wire(
    method: str,
    target: str,
    status: int,
    *,
    sent: Mapping[str, Any],
    sent_body: bytes,
    headers: Mapping[str, Any],
    body: bytes,
) -> Exchange:
    """The exchange of a client that sent *target*: an address, or its path and query."""
    parts = urlsplit(target)
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Exchange(method, unquote(parts.path), status, query, small(sent), sent_body, small(headers), body)


Judge = Callable[[Exchange], None]
