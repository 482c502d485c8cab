"""What stands before the service: its key or a token, its rate, and the faults that strike whatever is asked."""

import hmac
import threading
from collections.abc import Callable, Sequence
from email.message import Message
from http import HTTPStatus

from local.vision import refusals, tokens
from local.vision.faults import FaultDice, Faults, ReadFate, Strike
from local.vision.operations import Operation
from local.vision.rate import Rate, RateLimit
from local.vision.throttling import throttled

KEY_HEADER = "Ocp-Apim-Subscription-Key"


class KeysError(Exception):
    """These keys cannot be; the message says which can."""


class Admission:
    """
    Lets calls pass or refuses them.

    *key* is the one that is valid at first, *rate* the tier's; others may be put in their places.
    """

    def __init__(
        self, *, key: str, rate: Rate | None, clock: Callable[[], float], wall_clock: Callable[[], float]
    ) -> None:
        self._first_key, self._tier_rate, self._wall_clock = key, rate, wall_clock
        self._keys: tuple[str, ...] = (key,)
        self._limit = RateLimit(rate, clock)
        self._dice = FaultDice(Faults())
        self.stopping = threading.Event()

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self._dice.faults

    def set_faults(self, faults: Faults) -> None:
        """Put *faults* in force instead of those before; without a rate of their own the tier's holds."""
        self._limit.set(faults.rate if faults.has_rate else self._tier_rate)
        self._dice = FaultDice(faults)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are valid."""
        return self._keys

    def set_keys(self, keys: Sequence[str] | None) -> None:
        """Let these keys be valid and no others, from the next call on; None for the first one alone."""
        self._keys = (self._first_key,) if keys is None else tuple(keys)

    def admit(self, operation: Operation, headers: Message) -> Strike:
        """
        Return what is to happen to a call that may pass.

        Raises Refusal (401, 429, or a status that was asked for) and ConnectionStruck.
        """
        self._check_caller(headers)
        if self._wall_clock() < self.faults.outage_until:
            raise refusals.unavailable()
        wait_seconds = self._limit.wait_seconds()
        if wait_seconds > 0:
            raise self._throttled(operation, wait_seconds)
        if self._dice.throttles(operation):
            raise self._throttled(operation, 1)
        strike = self._dice.strike()
        if strike.reset:
            raise refusals.ConnectionStruck
        if strike.status is not None:
            self.pause(strike)
            raise self._injected(strike.status, operation, headers)
        return strike

    def read_fate(self) -> ReadFate:
        """Return what is to become of a Read that is accepted."""
        return self._dice.read_fate()

    def pause(self, strike: Strike) -> None:
        """Wait for the latency that was asked for, but not beyond the service's end."""
        if strike.latency_seconds > 0:
            self.stopping.wait(strike.latency_seconds)

    def _check_caller(self, headers: Message) -> None:
        token = tokens.bearer_token(headers)
        if token is None or KEY_HEADER in headers:
            self._check_key(headers)
        elif not tokens.is_valid(token, self._wall_clock()):
            raise refusals.token_denied()

    def _check_key(self, headers: Message) -> None:
        sent = headers.get(KEY_HEADER, "").encode()
        if not any(hmac.compare_digest(sent, key.encode()) for key in self._keys):
            raise refusals.access_denied(_realm(headers))

    def _throttled(self, operation: Operation, wait_seconds: float) -> refusals.Refusal:
        tier = self._limit.rate.tier if self._limit.rate else "S1"
        return throttled(operation, tier=tier, wait_seconds=wait_seconds, told_as=self.faults.retry_after)

    def _injected(self, status: int, operation: Operation, headers: Message) -> refusals.Refusal:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._throttled(operation, 1)
        return refusals.injected(status, realm=_realm(headers))


def _realm(headers: Message) -> str:
    return f"http://{headers.get('Host', 'localhost')}/vision"


def parse_keys(content: object) -> list[str]:
    """Read what a client asks for, `{"keys": [...]}`. Raises KeysError."""
    keys = content.get("keys") if isinstance(content, dict) and content.keys() == {"keys"} else None
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        raise KeysError('{"keys": ["one", "other"]} is required, a list of texts that are not empty.')
    return keys
