"""
The SDK's client of one storage account, kept to the time of the invocation (`shared.transport.time_budget`).

Imported when the first blob is touched, as the SDK is.
"""

import math
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ExponentialRetry

from shared.configuration.storage_accounts import Account
from shared.transport import sockets, time_budget
from shared.transport.identities import Identity

# Every image that is analyzed comes in one request, as it is smaller.
PART_BYTES = 4 * 1024 * 1024
_pick = random.uniform
_CONNECT_SECONDS = 5.0
_STEP_SECONDS = 30.0
# A caller with less time makes two attempts at most, the second after a second or two.
_TIME_FOR_RETRIES_SECONDS = 60.0


class _Adapter(sockets.Adapter):
    """An attempt has the time that is left, and waits for each step half of it, so that there can be another one."""

    def __init__(self, connections: int, *, once: bool) -> None:
        self._part = 1.0 if once else 0.5
        # The default keeps 10 connections and throws the others away after each use.
        super().__init__(pool_connections=4, pool_maxsize=connections)

    def send(self, request: Any, stream: bool = False, timeout: Any = None, *args: Any, **options: Any) -> Any:
        seconds = time_budget.left(_STEP_SECONDS / self._part)
        if seconds <= 0:
            raise requests.exceptions.ReadTimeout("no time left", request=request)
        step = seconds * self._part
        sockets.wire_limit.begin(time_budget.left(math.inf), step)
        return super().send(request, stream, (min(_CONNECT_SECONDS, step), step), *args, **options)


class _Retry(ExponentialRetry):
    """Attempts that end in time. The SDK's own waits do not know of a deadline."""

    def configure_retries(self, request: Any) -> dict[str, Any]:
        settings: dict[str, Any] = super().configure_retries(request)
        settings["hurry"] = time_budget.left(_TIME_FOR_RETRIES_SECONDS) < _TIME_FOR_RETRIES_SECONDS
        if settings["hurry"]:
            settings["total"] = min(1, settings["total"])
        return settings

    def increment(self, settings: dict[str, Any], *args: Any, **options: Any) -> bool:
        more: bool = super().increment(settings, *args, **options)
        settings["pause"] = _pick(0.5, 1.0) * 2.0 ** (settings["count"] + (not settings["hurry"]))
        return more and settings["pause"] < time_budget.left(math.inf)

    def sleep(self, settings: dict[str, Any], transport: Any) -> None:
        time_budget.sleep(settings["pause"])


def client(
    account: Account,
    identity: Identity | None,
    *,
    connections: int,
    retries: int,
    answered: Callable[[Mapping[str, str]], None],
) -> BlobServiceClient:
    """
    The account's client. A call of it must be made inside `time_budget.within`.

    Args:
        account: the account.
        identity: the one that signs in; None with a connection string.
        connections: how many are kept.
        retries: how often a failed request is sent again.
        answered: told the headers of every answer, whose names it may give in any case.
    """
    session = requests.Session()
    adapter = _Adapter(connections, once=not retries)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    make: Callable[..., BlobServiceClient]
    if account.connection_string:
        make = partial(BlobServiceClient.from_connection_string, account.connection_string)
    else:
        make = partial(BlobServiceClient, account.blobs, credential=identity)
    # Proxies and authorities of the environment, read once; a session would read them at every request.
    given = session.merge_environment_settings(make().url, {}, None, None, None)
    session.trust_env, session.proxies = False, given["proxies"]
    transport = RequestsTransport(session=session, session_owner=False, connection_verify=given["verify"])
    return make(
        transport=transport,
        retry_policy=_Retry(retry_total=retries),
        raw_response_hook=lambda answer: answered(answer.http_response.headers),
        # The SDK holds each download twice, and by default one is 32 MB of a blob.
        max_single_get_size=PART_BYTES,
        max_chunk_get_size=PART_BYTES,
    )
