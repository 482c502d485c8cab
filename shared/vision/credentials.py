"""
How a request shows that it may ask: a key of the resource, or an Entra ID token of the app's identity.

Both keys of a resource are valid at all times, and regenerating one ends it at once; so a refused key is answered with
the other one, and keys can be rotated with nothing lost. A token needs no key at all, but a custom subdomain: regional
endpoints refuse it (learn.microsoft.com, "Authenticate requests to Azure AI services", 2025-05-19).
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from shared.errors import BlobsightError, NoTokenError, VisionUnauthorizedError

KEY_HEADER = "Ocp-Apim-Subscription-Key"
SCOPE = "https://cognitiveservices.azure.com/.default"
# A token is asked for anew this long before it ends, so that none ends on its way.
_RENEW_BEFORE_SECONDS = 300.0

Headers = dict[str, str]


class Credentials(Protocol):
    """What a request carries to be let in."""

    def offers(self) -> Iterator[Headers]:
        """The headers to try, one after the other as each is refused (401)."""

    def worked(self, headers: Headers) -> None:
        """These were let in: offer them first from now on."""

    def refused(self, last: BlobsightError) -> BlobsightError:
        """The error for when all were refused, made of the last refusal; names the settings, never their values."""


class Keys:
    """One key or two. Safe for threads."""

    def __init__(self, key: str, key_2: str | None = None) -> None:
        self._keys = [key, key_2] if key_2 else [key]
        self._first = 0

    def offers(self) -> Iterator[Headers]:  # noqa: D102 (Credentials says it)
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


class Identity:
    """
    The app's Entra ID identity. Safe for threads.

    Args:
        get_token: asks the authority for a token; by default azure-identity, which is imported when the first token is
            needed and finds a managed identity in Azure and the developer's own sign-in elsewhere.
        now: seconds since 1970.
    """

    def __init__(self, get_token: Callable[[str], Any] | None = None, *, now: Callable[[], float] = time.time) -> None:
        self._get_token = get_token
        self._now = now
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def offers(self) -> Iterator[Headers]:  # noqa: D102
        yield {"Authorization": f"Bearer {self._current()}"}

    def worked(self, headers: Headers) -> None:  # noqa: D102
        pass  # there is one token only

    def refused(self, last: BlobsightError) -> BlobsightError:  # noqa: D102
        with self._lock:
            self._token = None  # the next request asks for another: its rights may have changed
        return VisionUnauthorizedError(
            last.message.replace("the key of VISION_KEY", "the app's identity"),
            action=(
                "Give the app's identity the role Cognitive Services User on the resource that VISION_ENDPOINT names; "
                "the endpoint has to be the resource's own subdomain, and a new role takes up to five minutes."
            ),
            request_id=last.request_id,
        )

    def _current(self) -> str:
        with self._lock:
            if self._token is None or self._token.expires_on - self._now() < _RENEW_BEFORE_SECONDS:
                self._token = self._ask()
            return self._token.token

    def _ask(self) -> AccessToken:
        if self._get_token is None:
            from azure.identity import DefaultAzureCredential

            self._get_token = DefaultAzureCredential().get_token
        try:
            answer = self._get_token(SCOPE)
        except Exception as error:  # azure-identity raises what its many sources raise
            raise NoTokenError(f"The app has no identity that Entra ID knows: {type(error).__name__}.") from error
        return AccessToken(answer.token, float(answer.expires_on))
