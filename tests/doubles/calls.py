"""One HTTP request whose path goes over the wire exactly as it is written."""

import http.client
from collections.abc import Mapping

from doubles.hosting import Response


def call(
    port: int, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Send it to a port of this machine and return what came back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
