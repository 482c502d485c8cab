"""
Tokens of the app's Entra ID identity, for storage and for Azure AI services.

All clients of the same identity share one `Identity`. It asks the authority once in a token's life for each scope,
however short that life is and however often it is asked itself. azure-core would ask at every request for a token that
ends within five minutes.
"""

import math
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shared import threads
from shared.clock import Clock, SystemClock
from shared.configuration.storage_accounts import Principal
from shared.transport import time_budget

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

# A token is asked for anew in the last part of its life, and so long before its end at most; meanwhile it serves.
_RENEWED_PART, _RENEWED_SECONDS = 0.1, 300.0
# With less than this left it might end on its way.
_UNUSED_PART, _UNUSED_SECONDS = 0.05, 60.0
# The outcome of a fetch, a failure too, serves all callers for so long: another fetch would end in the same way.
_AGAIN_SECONDS = 5.0
# Where there is no deadline.
_LONGEST_SECONDS = 60.0


class NoToken(Exception):  # noqa: N818 (not an error of the app: each service has its own)
    """There is no token, or (`late`) not in time."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class Identity:
    """
    An identity and its tokens. Safe for threads; a credential as azure-core's clients take one.

    Args:
        principal: which.
        get_token: asks the authority for a token of a scope; by default azure-identity, which is imported when the
            first token is needed.
        clock: the time.
    """

    def __init__(
        self, principal: Principal, get_token: "Callable[..., AccessToken] | None" = None, *, clock: Clock | None = None
    ) -> None:
        self._principal = principal
        self._ask = get_token
        self._clock = clock or SystemClock()
        self._lock, self._making = threading.Lock(), threading.Lock()
        self._tokens: dict[tuple[str, str | None], _Tokens] = {}

    def token(self, scope: str, seconds: float) -> str:
        """
        A token, waited for so long at most.

        Raises:
            NoToken: there is none, or not in time.
        """
        return self._of(scope).current(seconds).token

    def refused(self, scope: str) -> None:
        """The token was not taken: ask for another next time, as the identity's rights may have changed."""
        self._of(scope).forget()

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """The same for azure-core's clients, in the time of the invocation; they name a tenant after a refusal only."""
        tenant = options.get("tenant_id")
        tokens = self._of(" ".join(scopes), tenant)
        if tenant:
            tokens.forget()
        return tokens.current(time_budget.left(_LONGEST_SECONDS))

    def _of(self, scope: str, tenant: str | None = None) -> "_Tokens":
        # A managed identity is one of a single tenant.
        key = (scope, None if self._principal.managed else tenant)
        with self._lock:
            if key not in self._tokens:
                options = {"tenant_id": key[1]} if key[1] else {}
                self._tokens[key] = _Tokens(partial(self._fetch, scope, **options), self._clock)
            return self._tokens[key]

    def _fetch(self, scope: str, **options: str) -> "AccessToken":
        with self._making:
            self._ask = self._ask or _of_azure(self._principal)
        return self._ask(scope, **options)


def _of_azure(principal: Principal) -> "Callable[..., AccessToken]":
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    made = (
        ManagedIdentityCredential(client_id=principal.client_id)
        if principal.managed
        else DefaultAzureCredential(managed_identity_client_id=principal.client_id)
    )
    get_token: Callable[..., AccessToken] = made.get_token
    return get_token


class _Held(NamedTuple):
    """A token with the moments when it came, from which on another is asked for, and from which on it is not used."""

    token: "AccessToken"
    came_at: float
    renewed_at: float
    unused_at: float

    @classmethod
    def since(cls, now: float, token: "AccessToken") -> "_Held":
        life = max(0.0, token.expires_on - now)
        renewed_at = token.expires_on - min(_RENEWED_SECONDS, life * _RENEWED_PART)
        return cls(token, now, renewed_at, token.expires_on - min(_UNUSED_SECONDS, life * _UNUSED_PART))

    def until(self, seconds: float) -> "_Held":
        """The same, used so long after it came at most."""
        until = min(self.unused_at, self.came_at + seconds)
        return self._replace(renewed_at=until, unused_at=until)


class _Fetch:
    """One fetch of a token, in a thread of its own: all callers wait for it, each as long as it can."""

    def __init__(self, ask: "Callable[[], AccessToken]", clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self.ended_at = math.inf
        self.held: _Held | None = None
        threads.begin("fetch a token", self._run)

    def wait(self, seconds: float) -> "AccessToken":
        # The machine's time, as for a socket: the authority knows no other.
        if not self._ended.wait(seconds):
            raise NoToken(f"Entra ID gave the app's identity no token within {seconds:.1f} s.", late=True)
        if self.held is None:
            problem = type(self._error).__name__
            raise NoToken(f"The app has no identity that Entra ID knows: {problem}.") from self._error
        return self.held.token

    def _run(self) -> None:
        try:
            token = self._ask()
            self.held = _Held.since(self._clock.utc().timestamp(), token)
        except BaseException as error:  # azure-identity passes on the errors of its many sources
            self._error = error
        self.ended_at = self._clock.now()
        self._ended.set()


class _Tokens:
    """The tokens of one scope: the last one, and the last fetch, which may be under way."""

    def __init__(self, ask: "Callable[[], AccessToken]", clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._last: _Fetch | None = None

    def current(self, seconds: float) -> "AccessToken":
        """The present token while it lasts; a fetch of the next one begins before it ends."""
        with self._lock:
            if self._last and self._last.held:
                self._held = self._last.held
            now, held = self._clock.utc().timestamp(), self._held
            if held and now < held.renewed_at:
                return held.token
            fetch = self._latest_fetch()
            if held and now < held.unused_at:
                return held.token
        return fetch.wait(seconds)

    def forget(self) -> None:
        """Use the present token no more, once it is five seconds old: before, the next one would be no better."""
        with self._lock:
            self._held = None
            if self._last and self._last.held:
                self._last.held = self._last.held.until(_AGAIN_SECONDS)

    def _latest_fetch(self) -> _Fetch:
        """The fetch that is under way or has just ended, else a new one."""
        if self._last is None or not self._is_fresh(self._last):
            self._last = _Fetch(self._ask, self._clock)
        return self._last

    def _is_fresh(self, fetch: _Fetch) -> bool:
        return self._clock.now() < fetch.ended_at + _AGAIN_SECONDS
