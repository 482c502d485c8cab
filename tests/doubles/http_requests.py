"""Requests and uploads as the Functions worker hands them to a function."""

import io
import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func


def request(
    method: str = "POST",
    body: bytes | Mapping[str, Any] = b"",
    *,
    params: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> func.HttpRequest:
    """
    An HTTP request.

    Args:
        method: the method.
        body: bytes, sent as `application/octet-stream`, or members of a JSON object.
        params: the query.
        route: what the route's parameters hold.
        headers: on top of the Content-Type.
    """
    is_json = isinstance(body, Mapping)
    content_type = "application/json; charset=utf-8" if is_json else "application/octet-stream"
    return func.HttpRequest(
        method=method,
        url="http://127.0.0.1/api",
        headers={"Content-Type": content_type, **(headers or {})},
        params=dict(params or {}),
        route_params=dict(route or {}),
        body=json.dumps(body).encode() if isinstance(body, Mapping) else body,
    )


def parsed(response: func.HttpResponse) -> dict[str, Any]:
    """The JSON object that a response holds."""
    document: dict[str, Any] = json.loads(response.get_body())
    return document


def problem_of(response: func.HttpResponse, status: int, code: str) -> dict[str, Any]:
    """
    The problem that a response holds, after every check that holds for all problems.

    The members of RFC 9457, a code, an action, the correlation id of the header; nothing of the app's inside.
    """
    document = parsed(response)
    assert (response.status_code, document["code"]) == (status, code), document
    assert response.mimetype == "application/problem+json"
    assert document["status"] == status
    assert document["type"] == f"urn:blobsight:problem:{code}"
    assert document["title"]
    assert document["detail"]
    assert document["action"]
    assert document["correlationId"] == response.headers["X-Correlation-Id"]
    assert None not in document.values()
    text = response.get_body().decode()
    assert "Traceback" not in text
    assert "secret" not in text
    return document


class Upload(func.InputStream):
    """A blob as the blob trigger hands it over: the name with its container, and the bytes."""

    def __init__(self, name: str | None, data: bytes) -> None:
        self._name = name
        self._stream = io.BytesIO(data)

    @property
    def name(self) -> str | None:
        return self._name

    def read(self, size: int | None = -1) -> bytes:
        return self._stream.read(size)


class Invocation(func.Context):
    """The context of an invocation; only its id is ever asked for."""

    def __init__(self, invocation_id: str = "invocation-1") -> None:
        self._invocation_id = invocation_id

    @property
    def invocation_id(self) -> str:
        return self._invocation_id
