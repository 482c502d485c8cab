"""
How a question travels: one pooled session, one TLS context, one deadline, bounded answers.

Measured reasons for what looks unusual are in docs/decisions.md: requests builds a TLS context and reads the
whole bundle of authorities for every new connection (tens of milliseconds of CPU), and asks the environment for proxies
and passwords at every call.
"""

import ssl
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter

from shared.errors import UnexpectedAnswerError, VisionUnavailableError
from shared.retry import Deadline
from shared.vision.watchdog import HttpPool, HttpsPool, Watchdog

CONNECT_SECONDS = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_POOLS = {"http": HttpPool, "https": HttpsPool}


class Reply(NamedTuple):
    """An answer of any status, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests to one endpoint. Safe for threads."""

    def __init__(self, *, connections: int, ca_bundle: str | None = None, https_proxy: str | None = None) -> None:
        self._watchdog = Watchdog()
        self._session = requests.Session()
        # The environment is read once, by Settings; here it would be asked again at every call.
        self._session.trust_env = False
        if https_proxy:
            self._session.proxies["https"] = https_proxy
        adapter = _SharedTlsAdapter(connections, ca_bundle)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
    ) -> Reply:
        """
        Send one request and read its answer, whatever its status.

        Raises:
            VisionUnavailableError: no connection, no (whole) answer, or not before the deadline.
            UnexpectedAnswerError: an answer of more than `MAX_ANSWER_BYTES`.
        """
        seconds = deadline.remaining()
        if seconds <= 0:
            raise VisionUnavailableError("There was no time left to ask Computer Vision.", code="vision_too_slow")
        with self._watchdog.watching(seconds) as guard:
            try:
                with self._session.request(
                    method,
                    url,
                    headers={**headers, "Accept-Encoding": "identity"},
                    data=body,
                    timeout=(min(CONNECT_SECONDS, seconds), seconds),
                    stream=True,
                    # A redirect would carry the key to another place.
                    allow_redirects=False,
                ) as response:
                    reply = Reply(response.status_code, response.headers, _read(response, deadline))
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if guard.fired:
                    raise _too_slow() from error
                raise VisionUnavailableError(f"Computer Vision could not be asked: {_cause(error)}.") from error
            if guard.fired:
                # Headers that are cut off look as if there were no more of them.
                raise _too_slow()
            return reply


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    length = response.headers.get("Content-Length", "")
    # Where it is no length, the answer ends with its connection.
    announced = int(length) if length.isdecimal() and len(length) < 20 else 0
    received = bytearray()
    while announced <= MAX_ANSWER_BYTES and len(received) <= MAX_ANSWER_BYTES:
        _limit_socket(response.raw, deadline)
        # read1 returns what has arrived; read would wait for a whole chunk and let a dripping answer outlast any limit.
        chunk = response.raw.read1(_CHUNK_BYTES)
        if not chunk:
            if len(received) < announced:
                raise VisionUnavailableError(f"The answer broke off after {len(received)} of {announced} bytes.")
            return bytes(received)
        received += chunk
    raise UnexpectedAnswerError(f"Computer Vision's answer has more than {MAX_ANSWER_BYTES} bytes.")


def _limit_socket(raw: Any, deadline: Deadline) -> None:
    seconds = deadline.remaining()
    if seconds <= 0:
        raise _too_slow()
    # There is none under `responses`, nor when the answer came whole with its headers.
    socket = getattr(getattr(raw, "connection", None), "sock", None)
    if socket is not None:
        socket.settimeout(seconds)


def _too_slow() -> VisionUnavailableError:
    return VisionUnavailableError("Computer Vision's answer did not arrive in time.", code="vision_too_slow")


def _cause(error: BaseException) -> str:
    """The innermost error's class and text, without addresses and object ids that wrappers add."""
    while True:
        inner = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
        inner = getattr(error, "reason", None) if isinstance(getattr(error, "reason", None), Exception) else inner
        if not isinstance(inner, Exception):
            return f"{type(error).__name__} {error}".strip()[:200]
        error = inner


class _SharedTlsAdapter(HTTPAdapter):
    """Every connection is watched, and uses one TLS context, made when the first one is needed."""

    def __init__(self, connections: int, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        # Retries are the client's, which knows the deadline; the pool keeps a connection for every thread.
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of watched connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """The same for a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context(
                    cafile=self._ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH
                )
            return self._context

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection alone: the shared context verifies already."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Give the pool the shared context instead of the authorities' file."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._tls()} if host["scheme"] == "https" else {}
