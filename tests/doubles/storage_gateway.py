"""
What stands before a storage account in Azure and Azurite does not have: no keys, and roles.

A reverse proxy on loopback, with TLS, before the blob, queue and table ports of an Azurite that takes tokens. It passes
on whatever a token comes with, refuses every key and signature, and an identity where a role is missing, with the codes
and the bodies that Azure has for this (learn.microsoft.com, "Status and error codes", "Prevent Shared Key
authorization").
"""

import asyncio
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from doubles.azurite import Azurite
from yarl import URL

SERVICES = ("blob", "queue", "table")
NO_KEYS = ("KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
NO_ROLE = (
    "AuthorizationPermissionMismatch",
    "This request is not authorized to perform this operation using this permission.",
)
# Of one connection alone, not of what it carries (RFC 9110, 7.6.1).
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# What aiohttp would add of its own.
_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Azurite closes a connection that is idle for 5 s; one that is kept longer here could be closed under a request.
_IDLE_SECONDS = 2.0
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Role:
    """What an identity may do: in one service of one account, to read or to write."""

    account: str
    service: str
    writes: bool


@dataclass(frozen=True)
class Seen:
    """One request: where to, and what it came with: `Bearer` and a token, `SharedKey`, `SAS` or nothing."""

    role: Role
    method: str
    path: str
    shown: str
    token: str = field(repr=False)


@dataclass
class StorageGateway:
    """
    A running one.

    Attributes:
        origins: its addresses, by service.
        lacking: the roles that the app's identities do not have; a test may change it.
        seen: the requests, in order.
    """

    origins: dict[str, str] = field(default_factory=dict)
    lacking: set[Role] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)

    def url(self, service: str, account: str) -> str:
        """Return the address of an account's service, without a slash at the end."""
        return f"{self.origins[service]}/{account}"

    def urls(self, account: str) -> dict[str, str]:
        """Return the addresses of all services of an account, by service."""
        return {service: self.url(service, account) for service in self.origins}

    def deny(self, account: str, service: str) -> None:
        """Take away the roles to read and to write there."""
        self.lacking |= {Role(account, service, False), Role(account, service, True)}

    def refusal(self, seen: Seen) -> tuple[str, str] | None:
        """Return code and message for a request that may not pass."""
        if seen.shown not in ("Bearer", ""):
            return NO_KEYS
        return NO_ROLE if seen.role in self.lacking else None


@contextmanager
def running_storage_gateway(azurite: Azurite, certificate: tuple[Path, Path]) -> Iterator[StorageGateway]:
    """Stand before *azurite*, which speaks TLS with that *certificate*, on ports the system chooses."""
    gateway = StorageGateway()
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        urls = zip(SERVICES, (azurite.blob_url, azurite.queue_url, azurite.table_url), strict=True)
        targets = {service: url.rpartition("/")[0] for service, url in urls}
        connector = aiohttp.TCPConnector(
            ssl=ssl.create_default_context(cafile=certificate[0]), limit=0, keepalive_timeout=_IDLE_SECONDS
        )
        async with aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=_ADDED,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session:
            runners = [await _served(gateway, session, service, targets[service], certificate) for service in SERVICES]
            ready.set()
            await stop.wait()
            for runner in runners:
                await _ended(runner)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        while not ready.wait(0.1):
            assert thread.is_alive(), "the gateway did not start"
        yield gateway
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _served(
    gateway: StorageGateway, session: aiohttp.ClientSession, service: str, target: str, certificate: tuple[Path, Path]
) -> web.ServerRunner:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen = _seen(service, request)
        gateway.seen.append(seen)
        refused = gateway.refusal(seen)
        return _refused(service, *refused) if refused else await _passed_on(session, target, request)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    gateway.origins[service] = f"https://127.0.0.1:{runner.addresses[0][1]}"
    return runner


async def _ended(runner: web.ServerRunner) -> None:
    # A client that keeps its connection never answers the end of TLS, which would be waited for.
    for connection in runner.server.connections if runner.server else ():
        if connection.transport:
            connection.transport.abort()
    await runner.cleanup()


def _seen(service: str, request: web.BaseRequest) -> Seen:
    path = urlsplit(request.raw_path).path
    shown, _, token = request.headers.get("Authorization", "").partition(" ")
    if not shown and "sig" in request.query:
        shown = "SAS"
    return Seen(Role(path.split("/")[1], service, request.method not in _READING), request.method, path, shown, token)


def _refused(service: str, code: str, message: str) -> web.Response:
    number = str(uuid.uuid4())
    headers = {"x-ms-error-code": code, "x-ms-request-id": number, "x-ms-version": "2025-11-05"}
    if service == "table":
        body = json.dumps({"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}})
        headers["Content-Type"] = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
    else:
        told = f"<Code>{code}</Code><Message>{message}\nRequestId:{number}</Message>"
        body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error>{told}</Error>'
        headers["Content-Type"] = "application/xml"
    return web.Response(status=HTTPStatus.FORBIDDEN, body=body.encode(), headers=headers)


async def _passed_on(session: aiohttp.ClientSession, target: str, request: web.BaseRequest) -> web.StreamResponse:
    async with session.request(
        request.method,
        URL(f"{target}{request.raw_path}", encoded=True),
        headers=[(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP],
        data=request.content.iter_any() if request.body_exists else None,
        allow_redirects=False,
    ) as found:
        answer = web.StreamResponse(status=found.status, reason=found.reason)
        for name, value in found.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                answer.headers.add(name, value)
        await answer.prepare(request)
        async for part in found.content.iter_any():
            await answer.write(part)
        await answer.write_eof()
        return answer
