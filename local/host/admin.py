"""The host's admin API: is it there, what runs in it, run something now."""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.host.app.loader import LoadedApp, LoadedFunction
from local.host.blobs.queue import BlobMessage
from local.host.errors import BadRequestError
from local.host.events.deliveries import parse_events
from local.host.http.routes import Route
from local.host.logs import lost_lines
from local.host.workers import Workers
from local.json_text import NotJsonError, read_json

VERSION = "4.0.0-local"


class AdminApi:
    """Answers requests under `/admin/`; who may ask has been checked before, except for `ping`, which all may."""

    def __init__(self, app: LoadedApp, routes: tuple[Route, ...], workers: Workers, base_url: str) -> None:
        self._app = app
        self._routes = {route.function.name: route for route in routes}
        self._workers = workers
        self._base_url = base_url
        self._started = time.monotonic()

    async def answer(self, method: str, path: str, body: bytes) -> web.Response:
        """Answer a request for *path*, which begins with `/admin/`; raises BadRequestError."""
        match method, path.strip("/").lower().split("/")[1:]:
            case "GET" | "POST", ["host", "ping"]:
                return web.Response()
            case "GET", ["host", "status"]:
                return web.json_response(self._status())
            case "GET", ["functions"]:
                return web.json_response([self._describe(function) for function in self._app.functions])
            case "GET", ["functions", name]:
                function = self._app.find(name)
                return web.json_response(self._describe(function)) if function else web.Response(status=404)
            case "GET", ["functions", name, "status"]:
                return self._function_status(name)
            case "POST", ["functions", name]:
                return await self._run(name, body)
        return web.Response(status=404)

    def _status(self) -> dict[str, Any]:
        return {
            "id": "local",
            "state": "Running",
            "version": VERSION,
            "processUptime": round((time.monotonic() - self._started) * 1000),
            "errors": [f"{each.name}: {each.reason}" for each in self._app.broken if not each.disabled],
            # Not Azure's, which does not tell.
            "logLinesLostInAzure": lost_lines.count,
        }

    def _function_status(self, name: str) -> web.Response:
        if self._app.find(name):
            return web.json_response({})
        errors = [function.reason for function in self._app.broken if function.name.lower() == name.lower()]
        return web.json_response({"errors": errors}) if errors else web.Response(status=404)

    def _describe(self, function: LoadedFunction) -> dict[str, Any]:
        route = self._routes.get(function.name)
        return {
            "name": function.name,
            "href": f"{self._base_url}/admin/functions/{function.name}",
            "invoke_url_template": f"{self._base_url}/{route.template.text}" if route else None,
            "language": "python",
            "config": dict(function.metadata.config),
            "isDisabled": function.metadata.disabled,
        }

    async def _run(self, name: str, body: bytes) -> web.Response:
        """
        Run a function now.

        A blob function for `{"input": "container/blob"}`, through its queue like an event; a queue function for
        `{"input": "text of a message"}`, once and without its queue; an Event Grid function for `{"input": "an event as
        JSON"}`, once; a timer function.
        """
        if self._app.find(name) is None:
            return web.Response(status=404)
        if self._workers.timers.run_now(name):
            return web.Response(status=202)
        if consumer := self._workers.queues.find(name):
            consumer.run_now(_input(body, "text of a message"))
            return web.Response(status=202)
        if receiver := self._workers.events.find(name):
            events = parse_events(_input(body, "an event as JSON").encode())
            if len(events) > 1:
                raise BadRequestError("input must be one event")
            self._workers.events.run_now(receiver, events[0])
            return web.Response(status=202)
        function = self._workers.blobs.find(name)
        if function is None:
            raise BadRequestError(
                f"{name} is disabled or has another trigger: blob, Event Grid, queue and timer functions are run here"
            )
        container, _, blob = _input(body, "container/name").partition("/")
        if not container or not blob:
            raise BadRequestError('input must be the path of a blob: {"input": "container/name"}')
        await self._workers.blobs.put([BlobMessage(function.name, container, blob, '""')])
        return web.Response(status=202)


def _input(body: bytes, example: str) -> str:
    needed = f'the body must be {{"input": "{example}"}}'
    try:
        content = read_json(body)
    except NotJsonError as error:
        raise BadRequestError(f"{needed}, and it is no JSON: {error}") from None
    value = content.get("input") if isinstance(content, Mapping) else None
    if not isinstance(value, str):
        raise BadRequestError(f"{needed}, and it has no text named input")
    return value
