"""Requests and uploads as the Functions worker hands them to a function."""

import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
from azure.functions.blob import InputStream

from shared.api.endpoint import endpoint


def request(
    method: str = "POST",
    body: bytes | Mapping[str, Any] = b"",
    *,
    params: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    address: str = "http://127.0.0.1/api",
) -> func.HttpRequest:
    """
    An HTTP request.

    Args:
        method: the method.
        body: bytes, sent as `application/octet-stream`, or members of a JSON object.
        params: the query.
        route: what the route's parameters hold.
        headers: on top of the Content-Type.
        address: the whole one as the host gives it, with the query as it was sent.
    """
    is_json = isinstance(body, Mapping)
    content_type = "application/json; charset=utf-8" if is_json else "application/octet-stream"
    return func.HttpRequest(
        method=method,
        url=address,
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


def upload(name: str | None, data: bytes) -> func.InputStream:
    """A blob as the blob trigger hands it over: the name with its container, and the bytes."""
    return InputStream(data=data, name=name)


class Hub:
    """
    The durable client of a task hub in which nothing runs: what is started stays as it is until a test sets it.

    *statuses* holds, by instance id, what `get_status` answers.
    """

    def __init__(self) -> None:
        self.statuses: dict[str, Any] = {}
        self.started: list[tuple[str, str, dict[str, Any]]] = []
        self.terminated: list[str] = []
        self.failing: Exception | None = None

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str:
        if self.failing:
            raise self.failing
        status = self.statuses.get(instance_id)
        if status and status.runtime_status.value in ("Running", "Pending"):
            raise Exception("An Orchestration instance with the status Running already exists.")
        self.started.append((orchestration_function_name, instance_id, client_input))
        self.set(instance_id, "Pending", name=orchestration_function_name, given=json.dumps(client_input))
        return instance_id

    async def get_status(self, instance_id: str) -> Any:
        if self.failing:
            raise self.failing
        return self.statuses.get(instance_id)

    async def terminate(self, instance_id: str, reason: str) -> None:
        self.terminated.append(instance_id)

    async def purge_instance_history(self, instance_id: str) -> None:
        del self.statuses[instance_id]

    def set(
        self,
        instance_id: str,
        runtime_status: str,
        *,
        name: str = "OcrOrchestrator",
        custom_status: Any = None,
        output: Any = None,
        given: Any = None,
    ) -> None:
        """Let an instance have come so far."""
        self.statuses[instance_id] = SimpleNamespace(
            name=name,
            runtime_status=SimpleNamespace(value=runtime_status),
            custom_status=custom_status,
            output=output,
            input_=given if given is not None else getattr(self.statuses.get(instance_id), "input_", None),
        )


# One for all invocations, as in the worker.
_MARKS = threading.local()


def invocation(identifier: str = "invocation-1") -> func.Context:
    """The context of an invocation: its id, and where threads are marked with it."""
    return cast(func.Context, SimpleNamespace(invocation_id=identifier, thread_local_storage=_MARKS))


def answered(main: Callable[..., Any], req: func.HttpRequest, context: func.Context | None = None) -> func.HttpResponse:
    """What a function answers, synchronous or not, with a durable client's binding if it has one."""
    bindings = {"starter": "the durable client's binding"} if "starter" in inspect.signature(main).parameters else {}
    answer = main(req, context or invocation(), **bindings)
    found: func.HttpResponse = asyncio.run(answer) if inspect.isawaitable(answer) else answer
    return found


def raising(error: Exception, **headers: str) -> func.HttpResponse:
    """The answer of a function that raises the error."""

    @endpoint
    def main(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    return main(request(headers=headers), invocation())
