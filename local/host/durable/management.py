"""
The management API of durable functions: start, look, list, terminate, purge.

It answers under `/runtime/webhooks/durabletask` for callers with the key, and on a listener of its own for the SDK.
Statuses and texts: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api and the
extension's HttpApiHandler.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.host.durable.client import DurableClient
from local.host.durable.engine import Engine
from local.host.durable.errors import AlreadyExistsError, OrchestrationError
from local.host.durable.instances import Instance, NewInstance, Status, check_instance_id
from local.host.durable.listing import list_instances, purge_instances
from local.host.durable.queries import Queries
from local.host.durable.status import history_json, instance_json
from local.host.durable.store import Store
from local.host.durable.whole_numbers import whole_number
from local.host.errors import BadRequestError
from local.json_text import NotJsonError, read_json

START_RETRY_SECONDS = "10"
STATUS_RETRY_SECONDS = "5"
NOT_RUN = {
    "raiseevent": "external events: have the orchestrator wait on a timer and ask an activity",
    "suspend": "suspending: terminate the instance and start it again",
    "resume": "resuming: terminate the instance and start it again",
    "rewind": "rewinding: start the instance again with the same id",
    "restart": "restarting: start the instance again with its input",
    "entities": "entities: keep the state in a blob",
}


@dataclass(frozen=True)
class ApiRequest:
    """A request below the API's base address; names of *query* and *headers* in lower case, *url* as it was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    url: str

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a parameter that is `true` or `false`."""
        return self.query.get(name.lower(), str(default)).lower() == "true"


class ManagementApi:
    """Answers requests; who may ask has been checked before."""

    def __init__(self, engine: Engine, store: Store, client: DurableClient) -> None:
        self._engine = engine
        self._store = store
        self._queries = Queries(store)
        self._client = client

    async def answer(self, request: ApiRequest) -> web.Response:
        """Answer *request*; raises BadRequestError."""
        match request.method, [part for part in request.path.split("/") if part]:
            case "POST", ["orchestrators", name]:
                return await self._start(request, name, "")
            case "POST", ["orchestrators", name, instance_id]:
                return await self._start(request, name, instance_id)
            case "GET", ["instances"]:
                return await self._engine.on_disk(lambda: list_instances(self._queries, request.query, request.headers))
            case "DELETE", ["instances"]:
                return await self._engine.on_disk(lambda: purge_instances(self._queries, request.query))
            case "GET", ["instances", instance_id]:
                return await self._status(request, instance_id)
            case "DELETE", ["instances", instance_id]:
                count = await self._engine.on_disk(lambda: self._queries.purge(instance_id))
                return web.json_response({"instancesDeleted": count}) if count else web.Response(status=404)
            case "POST", ["instances", instance_id, "terminate"]:
                return await self._terminate(instance_id, request.query.get("reason", ""))
            case _, ["entities", *_]:
                return _refuse("entities")
            case "POST", ["instances", _, operation, *_] if operation.lower() in NOT_RUN:
                return _refuse(operation.lower())
        return web.Response(status=404)

    async def _start(self, request: ApiRequest, name: str, instance_id: str) -> web.Response:
        timeout_seconds, interval_seconds = _waits(request.query)
        try:
            text = _json_text(request.body)
        except NotJsonError as error:
            return _error(400, "Invalid JSON content", str(error), "Newtonsoft.Json.JsonReaderException")
        try:
            new = NewInstance(check_instance_id(instance_id), name, text, request.query.get("version"))
            await self._engine.start(new)
        except (BadRequestError, OrchestrationError) as error:
            message = "One or more of the arguments submitted is incorrect"
            return _error(400, message, str(error), "System.ArgumentException")
        except AlreadyExistsError as error:
            message = "Something went wrong while processing your request"
            return _error(500, message, str(error), "System.InvalidOperationException")
        if timeout_seconds and interval_seconds and await self._ends(new.id, timeout_seconds, interval_seconds):
            return await self._result(request, new.id)
        links = self._client.links(new.id)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": START_RETRY_SECONDS}
        del links["rewindPostUri"]
        return web.json_response({"id": new.id, **links}, status=202, headers=headers)

    async def _status(self, request: ApiRequest, instance_id: str) -> web.Response:
        instance = await self._find(instance_id)
        if instance is None:
            return web.Response(status=404)
        content = instance_json(instance, with_input=request.flag("showInput", default=True))
        if request.flag("showHistory"):
            events = await self._engine.on_disk(lambda: self._store.history(instance_id))
            content["historyEvents"] = history_json(events, with_output=request.flag("showHistoryOutput"))
        if not instance.status.is_final:
            headers = {"Location": request.url, "Retry-After": STATUS_RETRY_SECONDS}
            return web.json_response(content, status=202, headers=headers)
        wants_500 = request.flag("returnInternalServerErrorOnFailure") and instance.status is Status.FAILED
        return web.json_response(content, status=500 if wants_500 else 200)

    async def _ends(self, instance_id: str, timeout_seconds: float, interval_seconds: float) -> bool:
        """Wait for the end of an instance, looking every *interval_seconds*; false if it does not come in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            instance = await self._find(instance_id)
            if instance is None or instance.status.is_final:
                return instance is not None
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(min(interval_seconds, deadline - loop.time()))

    async def _result(self, request: ApiRequest, instance_id: str) -> web.Response:
        """Answer with the output of an instance that has completed, with the status of one that has ended otherwise."""
        instance = await self._find(instance_id)
        if instance is None or instance.status is not Status.COMPLETED:
            return await self._status(request, instance_id)
        return web.json_response(instance_json(instance)["output"])

    async def _terminate(self, instance_id: str, reason: str) -> web.Response:
        instance = await self._find(instance_id)
        if instance is None:
            return web.Response(status=404)
        if instance.status.is_final:
            return web.Response(status=410)
        await self._engine.terminate(instance_id, reason)
        return web.Response(status=202)

    async def _find(self, instance_id: str) -> Instance | None:
        return await self._engine.on_disk(lambda: self._store.find(instance_id))


def _json_text(body: bytes) -> str | None:
    return json.dumps(read_json(body), ensure_ascii=False, separators=(",", ":")) if body.strip() else None


def _error(status: int, message: str, exception: str, kind: str) -> web.Response:
    content: dict[str, Any] = {"Message": message, "ExceptionMessage": exception, "ExceptionType": kind}
    return web.json_response({**content, "StackTrace": ""}, status=status)


def _waits(query: Mapping[str, str]) -> tuple[float, float]:
    """Return how long to wait for the end and how often to look, in seconds; 0 if not given."""
    return float(whole_number(query, "timeout", 0)), float(whole_number(query, "pollingInterval", 0))


def _refuse(operation: str) -> web.Response:
    return web.json_response({"Message": f"This local host does not run {NOT_RUN[operation]}."}, status=501)
