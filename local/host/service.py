"""A host from start to end: load the app, listen, work, stop without losing what has begun."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from local.host.admin import AdminApi
from local.host.app.config import HostConfig
from local.host.app.context import host_threads, mark_tasks
from local.host.app.invoker import Invoker
from local.host.app.loader import LoadedApp, LoadedFunction
from local.host.app.time_limit import TimeLimit, Watchdog
from local.host.blobs.bindings import BlobBindings
from local.host.blobs.listener import BlobLimits, BlobListener
from local.host.blobs.queue import BlobQueue
from local.host.blobs.storage import BlobStorage
from local.host.blobs.trigger import blob_functions
from local.host.blobs.webhook import BlobsWebhook
from local.host.durable.client import DurableClient
from local.host.durable.service import RPC_PATH, DurableService
from local.host.events.runs import EventRuns, event_functions
from local.host.events.webhook import EventsWebhook
from local.host.http.keys import Keys
from local.host.http.request_head import MAX_HEADER_BYTES, MAX_HEADERS, MAX_LINE_BYTES
from local.host.http.routes import Route
from local.host.process.exclusive import LOOPBACK, listening_socket
from local.host.queues.listener import QueueListener
from local.host.queues.trigger import queue_functions
from local.host.runner import Runner
from local.host.server import WEBHOOKS, Server
from local.host.timers.listener import LastRuns, TimerListener
from local.host.timers.trigger import timer_functions
from local.host.workers import Workers

DRAIN_SECONDS = 30.0
# Without a whole head of a request, from the connection's beginning or the last answer on: half a head may not keep a
# connection for ever, and a client at work does not wait so long.
IDLE_SECONDS = 60.0
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


@dataclass(frozen=True)
class End:
    """
    How a host ended.

    Attributes:
        finished: whether all that had begun has finished; otherwise some of its threads go on.
        start_again: why another process has to take this one's place; None if none has to.
    """

    finished: bool
    start_again: str | None


async def serve(plan: Plan, stop: asyncio.Event, ready: Callable[[], None], blocked: Callable[[str], None]) -> End:
    """
    Run the host until *stop* is set or a function has taken too long; *ready* is called once it answers.

    What has begun gets DRAIN_SECONDS to finish. *blocked* is called, with the reason and in another thread, when a
    function blocks the event loop for too long, so that nothing of that can be done. Raises if a worker cannot go on.
    """
    mark_tasks(asyncio.get_running_loop())
    storage = BlobStorage()
    environment = os.environ
    threads = host_threads(plan.config.max_degree_of_parallelism, "storage")
    limit = TimeLimit(plan.config.function_timeout_seconds)
    watchdog = Watchdog(limit, blocked)
    invoker = Invoker(environment)
    rpc = listening_socket(0)
    client = _durable_client(plan, rpc)
    runner = Runner(invoker, BlobBindings(storage, threads, environment), client.payload(), limit)
    workers = make_workers(plan, runner, client, storage, threads)
    await workers.durable.listen(rpc)
    http = await _listen(plan, runner, workers)
    tasks = workers.start()
    stopping = asyncio.create_task(stop.wait())
    try:
        ready()
        watchdog.start()
        futures: set[asyncio.Future[Any]] = {*tasks, stopping, limit.given_up}
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        finished = await _drain(http, workers, tasks)
        invoker.close()
        threads.shutdown(wait=finished, cancel_futures=True)
        storage.close()
        watchdog.stop()
    for task in tasks:
        if task.done():
            task.result()
    reason = limit.given_up.result() if limit.given_up.done() and not stop.is_set() else None
    return End(finished and not limit.has_left_some, reason)


def make_workers(
    plan: Plan, runner: Runner, client: DurableClient, storage: BlobStorage, threads: ThreadPoolExecutor
) -> Workers:
    """Return what works without being asked over HTTP; nothing of it has begun."""
    timers = timer_functions(plan.app.functions, os.environ)
    return Workers(
        _blob_listener(plan, runner, storage, threads),
        QueueListener(queue_functions(plan.app.functions, os.environ), runner, plan.config.queues),
        TimerListener(timers, runner, LastRuns(plan.state / "timers.json")),
        DurableService(plan.app, runner, client, plan.config.durable, plan.state),
        EventRuns(event_functions(plan.app.functions), runner),
    )


def _durable_client(plan: Plan, rpc: socket.socket) -> DurableClient:
    return DurableClient(
        hub=plan.config.durable.hub,
        # Azure's host calls itself so; the SDK puts the request's own origin in its place.
        base_url=f"http://localhost:{plan.listener.getsockname()[1]}{WEBHOOKS}durabletask",
        rpc_url=f"http://{LOOPBACK}:{rpc.getsockname()[1]}{RPC_PATH}",
        key=plan.keys.systems.get("durabletask_extension", ""),
    )


def _blob_listener(plan: Plan, runner: Runner, storage: BlobStorage, threads: ThreadPoolExecutor) -> BlobListener:
    queue = BlobQueue(plan.state / "events.sqlite")
    functions = blob_functions(plan.app.functions, os.environ)
    # A function that is broken or disabled at the moment keeps its events for later.
    folders = {*(function.name for function in plan.app.functions), *(broken.name for broken in plan.app.broken)}
    for name, count in queue.delete_all_except(folders).items():
        logger.warning("%d events for %s are dropped: the app has no such function any more", count, name)
    limits = BlobLimits(plan.config.max_degree_of_parallelism, plan.config.poison_blob_threshold)
    return BlobListener(queue, functions, runner, storage, threads, limits)


def make_server(plan: Plan, runner: Runner, workers: Workers, *, idle_seconds: float = IDLE_SECONDS) -> web.Server:
    """Return the server of all connections; it closes one on which no request comes for *idle_seconds*."""
    server = Server(
        routes=plan.routes,
        keys=plan.keys,
        runner=runner,
        admin=AdminApi(plan.app, plan.routes, workers, plan.url),
        blobs=BlobsWebhook(workers.blobs),
        events=EventsWebhook(workers.events),
        durable=workers.durable,
        custom_headers=plan.config.custom_headers,
    )
    return web.Server(
        server.answer,
        # A body is the function's to decompress, as in Azure.
        auto_decompress=False,
        access_log=None,
        keepalive_timeout=idle_seconds,
        # More than is allowed, so that this host refuses it and says why.
        max_field_size=2 * MAX_HEADER_BYTES,
        max_headers=2 * MAX_HEADERS,
        max_line_size=8 * MAX_LINE_BYTES,
    )


async def _listen(plan: Plan, runner: Runner, workers: Workers) -> web.ServerRunner:
    http = web.ServerRunner(make_server(plan, runner, workers), shutdown_timeout=DRAIN_SECONDS)
    await http.setup()
    await web.SockSite(http, plan.listener).start()
    return http


async def _drain(http: web.ServerRunner, workers: Workers, tasks: Sequence[asyncio.Task[None]]) -> bool:
    """Take nothing new and wait for what runs, all kinds at once."""
    workers.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(http.cleanup(), workers.drain(tasks)), DRAIN_SECONDS)
        # Not before: a request that is being answered may have brought an event or started an orchestration.
        await workers.close()
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
        where = f"{route.describe_methods()} {plan.url}/{route.template.text}" if route else _source(function)
        disabled = " (disabled)" if function.metadata.disabled else ""
        yield f"  {function.name:{width}}  {trigger.type}  {where}{disabled}".rstrip()
    for broken in plan.app.broken:
        yield f"  {broken.name:{width}}  DOES NOT RUN: {broken.reason}"


def _source(function: LoadedFunction) -> str:
    trigger = function.metadata.trigger
    if trigger.type.lower() == "eventgridtrigger":
        return f"{WEBHOOKS}EventGrid?functionName={function.name}"
    return trigger.text("path") or trigger.text("queueName") or trigger.text("schedule")
