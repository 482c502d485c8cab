"""
How a question travels to a service: one deadline, bounded answers. `shared.transport.adapter` has the wire.
"""

from collections.abc import Mapping
from typing import NamedTuple

import requests
import urllib3

from shared.clock import Deadline
from shared.errors import AnswerTooLargeError, NoTimeLeftError, VisionUnavailableError
from shared.transport.adapter import Adapter, prepared

CONNECT_SECONDS = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# A socket's limit can end a little before the deadline that it was set by.
_ROUNDING_SECONDS = 0.01


class Reply(NamedTuple):
    """An answer of any status, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """
    Sends requests to one endpoint. Safe for threads.

    Args:
        service: its name, for messages.
        connections: how many are kept.
        ca_bundle: a file of the authorities to trust; by default those of requests.
        https_proxy: the address of a proxy.
    """

    def __init__(
        self, *, service: str, connections: int, ca_bundle: str | None = None, https_proxy: str | None = None
    ) -> None:
        self._service = service
        self._adapter = Adapter(connections, ca_bundle)
        self._proxies = {"https": https_proxy} if https_proxy else {}

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
        Send one request and read its answer, of any status. A redirect is an answer: followed, it would carry the key
        to another place.

        Raises:
            NoTimeLeftError: the deadline is over, so nothing was sent.
            VisionUnavailableError: no connection, no (whole) answer, or not before the deadline.
            AnswerTooLargeError: an answer of more than `MAX_ANSWER_BYTES`.
        """
        seconds = deadline.remaining()
        if seconds <= 0:
            raise NoTimeLeftError(f"There was no time left to ask {self._service}.")
        try:
            with self._adapter.send_within(
                seconds,
                prepared(method, url, headers, body),
                connect_seconds=min(CONNECT_SECONDS, seconds),
                proxies=self._proxies,
            ) as response:
                return Reply(response.status_code, response.headers, self._read(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if deadline.remaining() <= _ROUNDING_SECONDS:
                raise self._too_slow() from error
            raise VisionUnavailableError(f"{self._service} could not be asked: {_cause(error)}.") from error

    def _read(self, response: requests.Response, deadline: Deadline) -> bytes:
        length = response.headers.get("Content-Length", "")
        # Where it is no length, the answer ends with its connection.
        announced = int(length) if length.isdecimal() and len(length) < 20 else 0
        received = bytearray()
        while announced <= MAX_ANSWER_BYTES and len(received) <= MAX_ANSWER_BYTES:
            if deadline.remaining() <= 0:
                raise self._too_slow()
            # read1 returns what has arrived; read would wait for a whole chunk, so a drip could outlast any limit.
            chunk = response.raw.read1(_CHUNK_BYTES)
            if not chunk:
                return bytes(received)  # all of it: urllib3 raises where there is less than was announced
            received += chunk
        raise AnswerTooLargeError(f"{self._service}'s answer has more than {MAX_ANSWER_BYTES} bytes.")

    def _too_slow(self) -> VisionUnavailableError:
        return VisionUnavailableError(f"{self._service}'s answer did not arrive in time.", code="vision_too_slow")


def _cause(error: BaseException) -> str:
    """The innermost error's class and text, without addresses and object ids that wrappers add."""
    while True:
        inner = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
        inner = getattr(error, "reason", None) if isinstance(getattr(error, "reason", None), Exception) else inner
        if not isinstance(inner, Exception):
            return f"{type(error).__name__} {error}".strip()[:200]
        error = inner
