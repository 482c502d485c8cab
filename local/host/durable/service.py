"""The durable part of a host, from start to end: its store, its engine, its API and the SDK's own listener."""

import socket
from pathlib import Path

from aiohttp import web

from local.host.app.config import DurableConfig
from local.host.app.loader import LoadedApp
from local.host.durable.client import DurableClient
from local.host.durable.engine import Engine
from local.host.durable.functions import DurableFunctions
from local.host.durable.management import ApiRequest, ManagementApi
from local.host.durable.sdk_session import close_sdk_session
from local.host.durable.store import Store
from local.host.errors import BadRequestError
from local.host.http.messages import read_body
from local.host.http.request_head import requested_url
from local.host.http.target import Target
from local.host.runner import Runner

RPC_PATH = "/durabletask/"


class DurableService:
    """
    Runs the orchestrations and activities of an app.

    The SDK asks on *rpc*, a loopback socket, without a key: what it can reach there is what its functions may do.
    """

    def __init__(
        self, app: LoadedApp, runner: Runner, client: DurableClient, config: DurableConfig, state: Path
    ) -> None:
        self._store = Store(state / "durable.sqlite")
        self._engine = Engine(self._store, DurableFunctions.of(app), runner, config)
        self._api = ManagementApi(self._engine, self._store, client)
        self._rpc: web.ServerRunner | None = None

    async def listen(self, rpc: socket.socket) -> None:
        """Answer the SDK on *rpc*."""
        self._rpc = web.ServerRunner(web.Server(self._answer_rpc, access_log=None))
        await self._rpc.setup()
        await web.SockSite(self._rpc, rpc).start()

    async def run(self) -> None:
        """Begin what is due until `stop`; raises only if the store cannot be used."""
        await self._engine.run()

    async def answer(self, request: web.BaseRequest, target: Target, base: str) -> web.Response:
        """Answer a request of the management API, whose base is the path *base*; raises BadRequestError."""
        return await self._api.answer(
            ApiRequest(
                request.method,
                target.path[len(base) :],
                {name.lower(): value for name, value in target.parameters().items()},
                {name.lower(): value for name, value in request.headers.items()},
                await read_body(request),
                requested_url(request, target.encoded_path, target.query),
            )
        )

    def stop(self) -> None:
        """Begin no more turns and activities."""
        self._engine.stop()

    async def drain(self) -> None:
        """Wait until what runs has finished and is written down."""
        await self._engine.drain()

    async def close(self) -> None:
        """Answer no more; call it when no function runs any more that might ask."""
        await close_sdk_session()
        if self._rpc is not None:
            await self._rpc.cleanup()
        await self._engine.close()

    async def _answer_rpc(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            target = Target.parse(request.raw_path)
            if not target.path.startswith(RPC_PATH):
                return web.Response(status=404)
            return await self.answer(request, target, RPC_PATH)
        except BadRequestError as error:
            return web.json_response({"Message": str(error), "ExceptionMessage": str(error)}, status=400)
