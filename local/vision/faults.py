"""
Faults on demand: what may go wrong, with which probability, reproducibly.

`parse_faults` reads and checks what is asked for; `FaultDice` decides for one call after the other.
"""

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.vision.operations import Operation
from local.vision.rate import KINDS, Rate
from local.vision.throttling import RETRY_AFTERS, RetryAfter

MAX_LATENCY_SECONDS = 600
Z_P99 = 2.3263478740408408  # 99th percentile of the standard normal distribution


class FaultsError(Exception):
    """What was asked for cannot be done; the message says what can."""


@dataclass(frozen=True)
class Latency:
    """A lognormal duration; a constant one when both are equal. Seconds."""

    median: float = 0.0
    p99: float = 0.0

    def draw(self, dice: random.Random) -> float:
        """Draw one duration in seconds."""
        deviate = dice.gauss(0, 1)
        if self.median == self.p99:
            return self.median
        return min(MAX_LATENCY_SECONDS, self.median * math.exp(deviate * math.log(self.p99 / self.median) / Z_P99))


@dataclass(frozen=True)
class Faults:
    """Everything that can be asked for. Probabilities are from 0 to 1."""

    rate: Rate | None = None
    has_rate: bool = False
    retry_after: RetryAfter = "header"
    throttle_every: Mapping[str, int] = field(default_factory=dict)
    status: Mapping[int, float] = field(default_factory=dict)
    reset: float = 0.0
    reset_body: float = 0.0
    drip: float = 0.0
    broken_json: float = 0.0
    latency: Latency = Latency()
    outage_until: float = 0.0
    read_time: Latency = Latency()
    read_failed: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class ReadFate:
    """What becomes of one Read: how long it takes at least, and whether it fails."""

    seconds: float = 0.0
    fails: bool = False


@dataclass(frozen=True)
class Strike:
    """What happens to one call."""

    status: int | None = None
    reset: bool = False
    reset_body: bool = False
    drip: bool = False
    broken_json: bool = False
    latency_seconds: float = 0.0


class FaultDice:
    """Draws the fate of one call after the other; with a seed, the n-th call's is always the same."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._dice = random.Random(faults.seed)  # noqa: S311 - dice, not keys
        # Dice of their own: how many other calls there were in between does not matter.
        self._read_dice = random.Random(None if faults.seed is None else f"read {faults.seed}")  # noqa: S311
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def throttles(self, operation: str) -> bool:
        """Decide whether the next call of *operation* is one of those to be throttled, by its number."""
        every = self.faults.throttle_every.get(operation)
        if every is None:
            return False
        with self._lock:
            self._calls[operation] += 1
            return self._calls[operation] % every == 0

    def read_fate(self) -> ReadFate:
        """Decide about the next Read that is accepted."""
        with self._lock:
            failed_at = self._read_dice.random()
            return ReadFate(self.faults.read_time.draw(self._read_dice), failed_at < self.faults.read_failed)

    def strike(self) -> Strike:
        """Decide about the next call. Every call draws every die, so that one fault does not shift the others."""
        with self._lock:
            draw = self._dice.random
            status_at, reset_at, reset_body_at, drip_at, broken_at = draw(), draw(), draw(), draw(), draw()
            latency_seconds = self.faults.latency.draw(self._dice)
        return Strike(
            status=self._status(status_at),
            reset=reset_at < self.faults.reset,
            reset_body=reset_body_at < self.faults.reset_body,
            drip=drip_at < self.faults.drip,
            broken_json=broken_at < self.faults.broken_json,
            latency_seconds=latency_seconds,
        )

    def _status(self, drawn: float) -> int | None:
        for status, probability in sorted(self.faults.status.items()):
            if drawn < probability:
                return status
            drawn -= probability
        return None


def parse_faults(content: object) -> Faults:
    """Read what a client asks for. Raises FaultsError, which names the key and what it may be."""
    if not isinstance(content, dict):
        raise FaultsError(f"An object with any of {', '.join(READERS)} is required.")
    asked: dict[str, Any] = {}
    for key, value in content.items():
        if key not in READERS:
            raise FaultsError(f"'{key}' is not a fault: use any of {', '.join(READERS)}.")
        asked |= READERS[key](key, value)
    return Faults(**asked)


def _number(name: str, value: object, *, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FaultsError(f"'{name}' is {value!r}: a number from {low:g} to {high:g} is required.")
    return value


def _whole_number(name: str, value: object, *, low: int, high: int) -> int:
    number = _number(name, value, low=low, high=high)
    if number != int(number):
        raise FaultsError(f"'{name}' is {number!r}: a whole number is required.")
    return int(number)


def _probability(key: str, value: object) -> dict[str, Any]:
    return {key: _number(key, value, low=0, high=1)}


def _rate(key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {"rate": None, "has_rate": True}
    allowed = 'null or {"calls": 10, "seconds": 1, "kind": "bucket"} is required'
    if not isinstance(value, dict) or not {"calls", "seconds"} <= value.keys() <= {"calls", "seconds", "kind"}:
        raise FaultsError(f"'{key}' is {value!r}: {allowed}.")
    kind = value.get("kind", "bucket")
    if kind not in KINDS:
        raise FaultsError(f"'rate.kind' is {kind!r}: use {', '.join(KINDS)}.")
    calls = _whole_number("rate.calls", value["calls"], low=1, high=1_000_000)
    seconds = _number("rate.seconds", value["seconds"], low=0.001, high=86_400)
    return {"rate": Rate(calls, seconds, kind), "has_rate": True}


def _retry_after(key: str, value: object) -> dict[str, Any]:
    if value not in RETRY_AFTERS:
        raise FaultsError(f"'{key}' is {value!r}: use {', '.join(RETRY_AFTERS)}.")
    return {key: value}


def _throttle_every(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FaultsError(f"'{key}' is {value!r}: an object such as {{\"readResult\": 2}} is required.")
    for name in value:
        if name not in list(Operation):
            raise FaultsError(f"'{key}' has {name!r}: use any of {', '.join(Operation)}.")
    return {key: {name: _whole_number(f"{key}.{name}", every, low=1, high=1_000_000) for name, every in value.items()}}


def _status(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FaultsError(f"'{key}' is {value!r}: an object such as {{\"500\": 0.01}} is required.")
    for status in value:
        if not (status.isascii() and status.isdigit() and 400 <= int(status) <= 599):
            raise FaultsError(f"'{key}' has {status!r}: a status from 400 to 599 is required.")
    chances = {int(status): _number(f"{key}.{status}", chance, low=0, high=1) for status, chance in value.items()}
    if sum(chances.values()) > 1 + 1e-9:
        raise FaultsError(f"The probabilities of '{key}' add up to {sum(chances.values()):g}: at most 1 is possible.")
    return {key: chances}


def _latency(key: str, value: object) -> dict[str, Any]:
    return {"latency": _duration(key, value)}


def _read_seconds(key: str, value: object) -> dict[str, Any]:
    return {"read_time": _duration(key, value)}


def _duration(key: str, value: object) -> Latency:
    if isinstance(value, dict):
        if value.keys() != {"median", "p99"}:
            raise FaultsError(f'\'{key}\' is {value!r}: a number or {{"median": 0.4, "p99": 2}} is required.')
        median = _number(f"{key}.median", value["median"], low=0.001, high=MAX_LATENCY_SECONDS)
        return Latency(median, _number(f"{key}.p99", value["p99"], low=median, high=MAX_LATENCY_SECONDS))
    seconds = _number(key, value, low=0, high=MAX_LATENCY_SECONDS)
    return Latency(seconds, seconds)


def _outage_until(key: str, value: object) -> dict[str, Any]:
    return {key: _number(key, value, low=0, high=10**11)}


def _seed(key: str, value: object) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultsError(f"'{key}' is {value!r}: a whole number is required.")
    return {key: value}


READERS: dict[str, Callable[[str, object], dict[str, Any]]] = {
    "rate": _rate,
    "retry_after": _retry_after,
    "throttle_every": _throttle_every,
    "status": _status,
    "reset": _probability,
    "reset_body": _probability,
    "drip": _probability,
    "broken_json": _probability,
    "latency_seconds": _latency,
    "outage_until": _outage_until,
    "read_seconds": _read_seconds,
    "read_failed": _probability,
    "seed": _seed,
}
