"""Answer HTTP requests: to functions by their routes, to the host's admin API and to the webhooks of its extensions."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from local.host.admin import AdminApi
from local.host.app.converters import Datum
from local.host.app.loader import LoadedFunction
from local.host.blobs.webhook import BlobsWebhook
from local.host.durable.service import DurableService
from local.host.errors import BadRequestError, InvocationError
from local.host.events.webhook import EventsWebhook
from local.host.http.keys import Keys
from local.host.http.messages import (
    http_binding_data,
    read_body,
    request_datum,
    response_from,
)
from local.host.http.request_head import checked
from local.host.http.routes import Match, Route, empty_segment_hint, find_match
from local.host.http.target import Target
from local.host.runner import Runner

WEBHOOKS = "/runtime/webhooks/"
HOME = "This is a local Azure Functions host. GET /admin/functions lists what runs in it.\n"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """All that answers; the handler of one request is `answer`."""

    routes: tuple[Route, ...]
    keys: Keys
    runner: Runner
    admin: AdminApi
    blobs: BlobsWebhook
    events: EventsWebhook
    durable: DurableService
    custom_headers: Mapping[str, str]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request* and log it, without its query: that may hold a key."""
        started = time.perf_counter()
        response = await self._answer_or_refuse(request)
        for name, value in self.custom_headers.items():
            response.headers.setdefault(name, value)
        milliseconds = round((time.perf_counter() - started) * 1000)
        path = request.raw_path.partition("?")[0]
        logger.info("%s %s %d in %d ms", request.method, path, response.status, milliseconds)
        return response

    async def _answer_or_refuse(self, request: web.BaseRequest) -> web.Response:
        try:
            return await self._answer(checked(request), Target.parse(request.raw_path))
        except BadRequestError as error:
            return web.Response(status=error.status, text=f"{error}\n")
        except Exception:
            logger.exception("the host itself failed to answer")
            return web.Response(status=500)

    async def _answer(self, request: web.BaseRequest, target: Target) -> web.Response:
        path = target.path.lower()
        if path == "/admin" or path.startswith("/admin/"):
            return await self._answer_admin(request, target)
        if path.startswith(WEBHOOKS):
            return await self._answer_webhook(request, target)
        match = find_match(self.routes, request.method, target.path)
        if match is not None:
            return await self._answer_function(request, target, match)
        if path == "/" and request.method in ("GET", "HEAD"):
            return web.Response(text=HOME)
        return web.Response(status=404, text=empty_segment_hint(self.routes, request.method, target.path))

    async def _answer_admin(self, request: web.BaseRequest, target: Target) -> web.Response:
        is_open = target.path.rstrip("/").lower() == "/admin/host/ping"
        if not is_open and not self.keys.allows(_key(request, target), "admin"):
            return web.Response(status=401)
        return await self.admin.answer(request.method, target.path, await read_body(request))

    async def _answer_webhook(self, request: web.BaseRequest, target: Target) -> web.Response:
        extension, _, rest = target.path[len(WEBHOOKS) :].lower().partition("/")
        if extension not in ("blobs", "eventgrid", "durabletask") or (extension != "durabletask" and rest):
            return web.Response(status=404)
        if not self.keys.allows_extension(_key(request, target), extension):
            return web.Response(status=401)
        if extension == "durabletask":
            return await self.durable.answer(request, target, WEBHOOKS + extension)
        body = await read_body(request)
        webhook = self.blobs if extension == "blobs" else self.events
        return await webhook.answer(request.method, request.headers, target.parameters(), body)

    async def _answer_function(self, request: web.BaseRequest, target: Target, match: Match) -> web.Response:
        function = match.route.function
        key = _key(request, target)
        if function.metadata.disabled and self.keys.level(key) != "admin":
            return web.Response(status=404)
        if not self.keys.allows(key, match.route.auth_level):
            return web.Response(status=401)
        body = await read_body(request)
        trigger = request_datum(request, target, match.values, body)
        data = http_binding_data(target, match.values, body)
        try:
            results = await self.runner.run(function, trigger, data, {})
            return response_from(_http_answer(function, results), request.method)
        except InvocationError:
            return web.Response(status=500)
        except (TypeError, ValueError) as error:
            logger.error("%s gave an answer that cannot be sent: %s", function.name, error)
            return web.Response(status=500)


def _key(request: web.BaseRequest, target: Target) -> str:
    given = request.headers.get("x-functions-key")
    if given is not None:
        return given
    return {name.lower(): value for name, value in target.parameters().items()}.get("code", "")


def _http_answer(function: LoadedFunction, results: Mapping[str, Datum]) -> Datum | None:
    for binding in function.metadata.bindings:
        if binding.type.lower() == "http" and binding.direction == "out":
            return results.get(binding.name)
    return None
