"""
How a request shows that it may ask: a key of the resource, or an Entra ID token of the app's identity.

Both keys of a resource are valid at all times, and regenerating one ends it at once; so a refused key is answered with
the other one, and keys can be rotated with nothing lost. A token needs no key at all, but a custom subdomain: regional
endpoints refuse it (learn.microsoft.com, "Authenticate requests to Azure AI services", 2025-05-19).
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from shared import threads
from shared.errors import BlobsightError, NoTokenError, VisionUnauthorizedError
from shared.retry import Clock, Deadline, SystemClock

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SCOPE = "https://cognitiveservices.azure.com/.default"
# A token is asked for anew this long before it ends; meanwhile the old one serves.
_RENEW_BEFORE_SECONDS = 300.0
# With less than this left it might end on its way.
_LEAST_SECONDS = 60.0
# The outcome of a fetch, a failure too, serves all callers for so long: another fetch would end in the same way.
_AGAIN_SECONDS = 5.0

Headers = dict[str, str]


class Credentials(Protocol):
    """What a request carries to be let in."""

    def offers(self, deadline: Deadline) -> Iterator[Headers]:
        """
        The headers to try, one after the other as each is refused (401).

        Raises:
            NoTokenError: there are none, or not before the deadline.
        """

    def worked(self, headers: Headers) -> None:
        """These were let in: offer them first from now on."""

    def refused(self, last: BlobsightError) -> BlobsightError:
        """The error for when all were refused, made of the last refusal; names the settings, never their values."""


class Keys:
    """One key or two. Safe for threads."""

    def __init__(self, key: str, key_2: str | None = None) -> None:
        self._keys = [key, key_2] if key_2 else [key]
        self._first = 0

    def offers(self, deadline: Deadline) -> Iterator[Headers]:  # noqa: D102 (Credentials says it)
        first = self._first
        yield {KEY_HEADER: self._keys[first]}
        yield from ({KEY_HEADER: key} for number, key in enumerate(self._keys) if number != first)

    def worked(self, headers: Headers) -> None:  # noqa: D102
        self._first = self._keys.index(headers[KEY_HEADER])

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        if len(self._keys) == 1:
            return last
        return VisionUnauthorizedError(
            f"{last.message} And so was the key of VISION_KEY_2.",
            action="Set VISION_KEY or VISION_KEY_2 to a key of the very resource that VISION_ENDPOINT names.",
            request_id=last.request_id,
        )


class AccessToken(NamedTuple):
    """A token and when it ends, in seconds since 1970."""

    token: str
    expires_on: float


class _Fetch:
    """One fetch of a token, in a thread of its own: all callers wait for it, each until its own deadline."""

    def __init__(self, get: Callable[[], AccessToken], clock: Clock) -> None:
        self._get = get
        self._clock = clock
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self.ended_at = math.inf
        self.token: AccessToken | None = None
        threads.begin("fetch a token", self._run)

    def wait(self, deadline: Deadline) -> AccessToken:
        """
        The token.

        Raises:
            NoTokenError: there is none, or not before the deadline.
        """
        seconds = deadline.remaining()
        # The machine's time, as for a socket: the authority knows no other.
        if not self._ended.wait(seconds):
            raise NoTokenError(
                f"Entra ID gave the app's identity no token within {seconds:.1f} s.",
                action="Wait; if it lasts, check that the app reaches Entra ID, or set VISION_AUTH=key and VISION_KEY.",
            )
        if self.token is None:
            problem = type(self._error).__name__
            raise NoTokenError(f"The app has no identity that Entra ID knows: {problem}.") from self._error
        return self.token

    def _run(self) -> None:
        try:
            self.token = self._get()
        except BaseException as error:  # azure-identity passes on the errors of its many sources
            self._error = error
        self.ended_at = self._clock.now()
        self._ended.set()


class Identity:
    """
    The app's Entra ID identity. Safe for threads.

    Args:
        get_token: asks the authority for a token; by default azure-identity, which is imported when the first token is
            needed and finds a managed identity in Azure and the developer's own sign-in elsewhere.
        clock: the time.
    """

    def __init__(self, get_token: Callable[[str], Any] | None = None, *, clock: Clock | None = None) -> None:
        self._get_token = get_token
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        # The last token, and the last fetch, which may be under way.
        self._token: AccessToken | None = None
        self._fetch: _Fetch | None = None

    def offers(self, deadline: Deadline) -> Iterator[Headers]:  # noqa: D102
        yield {"Authorization": f"Bearer {self._current(deadline).token}"}

    def worked(self, headers: Headers) -> None:  # noqa: D102
        pass  # there is one token only

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        with self._lock:
            self._token = None  # the next request asks for another: its rights may have changed
            if self._fetch and self._fetch.token:
                self._fetch = None
        return VisionUnauthorizedError(
            last.message.replace("the key of VISION_KEY", "the app's identity"),
            action=(
                "Give the app's identity the role Cognitive Services User on the resource that VISION_ENDPOINT names; "
                "the endpoint has to be the resource's own subdomain, and a new role takes up to five minutes."
            ),
            request_id=last.request_id,
        )

    def _current(self, deadline: Deadline) -> AccessToken:
        """The present token while it lasts; a fetch of the next one begins before it ends."""
        with self._lock:
            if self._fetch and self._fetch.token:
                self._token = self._fetch.token
            now, token = self._clock.utc().timestamp(), self._token
            if token and token.expires_on - now >= _RENEW_BEFORE_SECONDS:
                return token
            fetch = self._latest_fetch()
            if token and token.expires_on - now >= _LEAST_SECONDS:
                return token
        return fetch.wait(deadline)

    def _latest_fetch(self) -> _Fetch:
        """The fetch that is under way or has just ended, else a new one."""
        if self._fetch is None or self._clock.now() >= self._fetch.ended_at + _AGAIN_SECONDS:
            self._fetch = _Fetch(self._ask, self._clock)
        return self._fetch

    def _ask(self) -> AccessToken:
        if self._get_token is None:
            from azure.identity import DefaultAzureCredential

            self._get_token = DefaultAzureCredential().get_token
        answer = self._get_token(SCOPE)
        return AccessToken(answer.token, float(answer.expires_on))
