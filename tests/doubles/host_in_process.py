"""
The local host in this process, without sockets: bytes go in as a client would send them, and an answer comes out.

Everything of the host is real but the functions: each is one that answers 200 and reads every text that it was given.
"""

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import azure.functions as func
from aiohttp import web

from local.host.app.config import read_host_json
from local.host.app.converters import Data, Datum, converter_for, datum, decode
from local.host.app.loader import LoadedApp, LoadedFunction
from local.host.app.metadata import function_folders, read_function
from local.host.blobs.storage import BlobStorage
from local.host.durable.client import DurableClient
from local.host.http.keys import read_keys
from local.host.http.routes import build_routes
from local.host.runner import Runner
from local.host.service import IDLE_SECONDS, Plan, make_server, make_workers

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class _Functions(Runner):
    """Runs no function: looks at what it would get, as the worker's wire does, and answers 200."""

    def __init__(self) -> None:
        self.requests: list[func.HttpRequest] = []

    async def run(
        self, function: LoadedFunction, trigger: Datum, binding_data: Mapping[str, Any], metadata: Data
    ) -> Mapping[str, Datum]:
        if function.metadata.trigger.type != "httpTrigger":
            return {}
        request: func.HttpRequest = decode(converter_for("httpTrigger"), trigger, {})
        for texts in (request.headers, request.params, request.route_params, {"": request.url}):
            # Protocol buffers, by which Azure's host hands them on, take whole characters only.
            json.dumps(dict(texts), ensure_ascii=False).encode()
        self.requests.append(request)
        answer = converter_for("http").encode(func.HttpResponse("ran"), expected_type=None)
        return {"$return": answer, "": datum(None, None)}


class _Connection(asyncio.Transport):
    """Collects what is sent until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed.set()

    abort = close

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class InProcessHost:
    """A host for one test; *requests* is what its functions got."""

    def __init__(self, runner: "asyncio.Runner", server: web.Server, functions: _Functions, plan: Plan) -> None:
        self.plan = plan
        self._runner = runner
        self._server = server
        self._functions = functions

    @property
    def routes(self) -> list[tuple[str, str]]:
        """The method and template of every route of the app."""
        return sorted(
            (method, route.template.text) for route in self.plan.routes for method in (route.methods or {"GET"})
        )

    @property
    def requests(self) -> list[func.HttpRequest]:
        """What the functions got, the last at the end."""
        return self._functions.requests

    def send(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Send one request, with a Host unless *headers* has one; return the status and all that came after it."""
        given = [(b"Host", b"localhost"), *headers] if b"host" not in {name.lower() for name, _ in headers} else headers
        length = [] if body is None else [(b"Content-Length", b"%d" % len(body))]
        lines = [b"%s: %s" % header for header in [*given, *length, (b"Connection", b"close")]]
        head = b"\r\n".join([b"%s %s HTTP/1.1" % (method.encode(), target), *lines, b"", b""])
        _, status, rest = self.exchange(head + (body or b"")).split(b" ", 2)
        return int(status), rest

    def exchange(self, sent: bytes) -> bytes:
        """Send these bytes on a connection of their own; return what comes until the host closes it."""
        return self._runner.run(self._exchange(sent))

    async def _exchange(self, sent: bytes) -> bytes:
        connection = _Connection()
        protocol = self._server()
        protocol.connection_made(connection)
        protocol.data_received(sent)
        await connection.closed.wait()
        protocol.connection_lost(None)
        return connection.sent


@contextmanager
def host_in_process(
    state: Path, *, enable_auth: bool = False, root: Path = PROJECT_ROOT, idle_seconds: float = IDLE_SECONDS
) -> Iterator[InProcessHost]:
    """Make a host of the function folders in *root*, whose connection settings the environment must have."""
    with (
        asyncio.Runner() as runner,
        closing(socket.socket()) as listener,
        closing(BlobStorage()) as storage,
        ThreadPoolExecutor(1) as threads,
    ):
        # Never listens: a host wants to know its port.
        listener.bind(("127.0.0.1", 0))
        plan = _plan(root, state, listener, enable_auth)
        functions = _Functions()

        async def start() -> tuple[web.Server, Any]:
            client = DurableClient("TestHub", "http://localhost/runtime/webhooks/durabletask", "http://localhost/", "k")
            workers = make_workers(plan, functions, client, storage, threads)
            return make_server(plan, functions, workers, idle_seconds=idle_seconds), workers

        server, workers = runner.run(start())
        yield InProcessHost(runner, server, functions, plan)
        workers.stop()
        runner.run(workers.close())


def _plan(root: Path, state: Path, listener: socket.socket, enable_auth: bool) -> Plan:
    environment = {"ImagesStorage": "UseDevelopmentStorage=true", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    config = read_host_json(root, environment)
    unused = cast(Any, None)
    loaded = [
        LoadedFunction(read_function(folder, environment), lambda: None, unused) for folder in function_folders(root)
    ]
    routes, app = build_routes(LoadedApp(tuple(loaded), ()), config.route_prefix)
    return Plan(config, app, routes, read_keys(state / "keys.json", enabled=enable_auth), state, listener)
