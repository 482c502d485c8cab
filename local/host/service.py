"""A host from start to end: load the app, listen, work, stop without losing what has begun."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.host.admin import AdminApi
from local.host.blob_bindings import BlobBindings
from local.host.blob_listener import BlobLimits, BlobListener
from local.host.blob_queue import BlobQueue
from local.host.blob_storage import BlobStorage
from local.host.blob_trigger import blob_functions
from local.host.config import HostConfig
from local.host.durable.client import DurableClient
from local.host.durable.service import RPC_PATH, DurableService
from local.host.exclusive import LOOPBACK, listening_socket
from local.host.invoker import Invoker
from local.host.keys import Keys
from local.host.loader import LoadedApp
from local.host.routes import Route
from local.host.runner import Runner
from local.host.server import WEBHOOKS, Server
from local.host.webhooks import BlobsWebhook

DRAIN_SECONDS = 30.0
MAX_HEADER_BYTES = 32_768
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """All that a host is made of."""

    config: HostConfig
    app: LoadedApp
    routes: tuple[Route, ...]
    keys: Keys
    state: Path
    listener: socket.socket

    @property
    def url(self) -> str:
        """Where the host answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.listener.getsockname()[1]}"


async def serve(plan: Plan, stop: asyncio.Event, ready: Callable[[], None]) -> bool:
    """
    Run the host until *stop* is set; *ready* is called once it answers.

    Returns whether everything that had begun was finished within DRAIN_SECONDS. Raises if the event queue breaks.
    """
    storage = BlobStorage()
    environment = os.environ
    threads = ThreadPoolExecutor(plan.config.max_degree_of_parallelism, thread_name_prefix="storage")
    invoker = Invoker(environment)
    rpc = listening_socket(0)
    client = _durable_client(plan, rpc)
    runner = Runner(invoker, BlobBindings(storage, threads, environment), client.payload())
    durable = DurableService(plan.app, runner, client, plan.config.durable, plan.state)
    listener = _listener(plan, runner, storage, threads)
    http = await _listen(plan, runner, listener, durable)
    events = asyncio.create_task(listener.run())
    orchestrations = await durable.start(rpc)
    stopping = asyncio.create_task(stop.wait())
    try:
        ready()
        await asyncio.wait({events, orchestrations, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        finished = await _drain(http, listener, events, durable)
        invoker.close()
        threads.shutdown(wait=finished, cancel_futures=True)
        storage.close()
    await asyncio.gather(events, orchestrations)
    return finished


def _durable_client(plan: Plan, rpc: socket.socket) -> DurableClient:
    return DurableClient(
        hub=plan.config.durable.hub,
        # Azure's host calls itself so; the SDK puts the request's own origin in its place.
        base_url=f"http://localhost:{plan.listener.getsockname()[1]}{WEBHOOKS}durabletask",
        rpc_url=f"http://{LOOPBACK}:{rpc.getsockname()[1]}{RPC_PATH}",
        key=plan.keys.systems.get("durabletask_extension", ""),
    )


def _listener(plan: Plan, runner: Runner, storage: BlobStorage, threads: ThreadPoolExecutor) -> BlobListener:
    queue = BlobQueue(plan.state / "events.sqlite")
    functions = blob_functions(plan.app.functions, os.environ)
    # A function that is broken or disabled at the moment keeps its events for later.
    folders = {*(function.name for function in plan.app.functions), *(broken.name for broken in plan.app.broken)}
    for name, count in queue.delete_all_except(folders).items():
        logger.warning("%d events for %s are dropped: the app has no such function any more", count, name)
    limits = BlobLimits(plan.config.max_degree_of_parallelism, plan.config.poison_blob_threshold)
    return BlobListener(queue, functions, runner, storage, threads, limits)


async def _listen(plan: Plan, runner: Runner, listener: BlobListener, durable: DurableService) -> web.ServerRunner:
    server = Server(
        routes=plan.routes,
        keys=plan.keys,
        runner=runner,
        admin=AdminApi(plan.app, plan.routes, listener, plan.url),
        blobs=BlobsWebhook(listener),
        durable=durable,
        custom_headers=plan.config.custom_headers,
    )
    # A body is the function's to decompress, as in Azure.
    handler = web.Server(server.answer, auto_decompress=False, access_log=None, max_field_size=MAX_HEADER_BYTES)
    http = web.ServerRunner(handler, shutdown_timeout=DRAIN_SECONDS)
    await http.setup()
    await web.SockSite(http, plan.listener).start()
    return http


async def _drain(
    http: web.ServerRunner, listener: BlobListener, events: asyncio.Task[None], durable: DurableService
) -> bool:
    """Take nothing new and wait for what runs, all kinds at once."""
    listener.stop()
    durable.stop()

    async def finish_events() -> None:
        # Until it has returned it may start one more.
        await asyncio.wait([events])
        await listener.drain()

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(http.cleanup(), finish_events(), durable.drain()), DRAIN_SECONDS)
        # Not before: a request that is being answered may have brought an event or started an orchestration.
        await listener.close()
        await durable.close()
        return True
    logger.warning(
        "some invocations did not finish within %d s; blob events and activities among them run again", DRAIN_SECONDS
    )
    return False


def describe(plan: Plan) -> Iterator[str]:
    """Return the lines of a table: each function with what triggers it, then those that do not run and why."""
    routes = {route.function.name: route for route in plan.routes}
    names = [function.name for function in plan.app.functions] + [broken.name for broken in plan.app.broken]
    width = max(map(len, names), default=0)
    for function in plan.app.functions:
        trigger = function.metadata.trigger
        route = routes.get(function.name)
        where = f"{route.describe_methods()} {plan.url}/{route.template.text}" if route else trigger.text("path")
        disabled = " (disabled)" if function.metadata.disabled else ""
        yield f"  {function.name:{width}}  {trigger.type}  {where}{disabled}"
    for broken in plan.app.broken:
        yield f"  {broken.name:{width}}  DOES NOT RUN: {broken.reason}"
