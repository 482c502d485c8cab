"""
Is the app able to work: settings, storage, Computer Vision. Asked at most twice a minute, whoever calls.
"""

import hmac
import threading
from contextlib import suppress
from typing import NamedTuple

from shared import names, services
from shared.errors import BlobsightError, BusyError
from shared.retry import Clock, SystemClock
from shared.services import Services
from shared.settings import health_key

# Anybody may call the endpoint, and each look spends one call of the quota.
_FRESH_SECONDS = 30.0
_VISION_SECONDS = 5.0


class Report(NamedTuple):
    """What was found; `problems` holds `{"part", "code", "message", "action"}` each."""

    problems: tuple[dict[str, str], ...]

    @property
    def up(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def short(self) -> dict[str, object]:
        """What anybody may know."""
        return {"status": "up" if self.up else "down"}

    def detailed(self) -> dict[str, object]:
        """What the operator may know."""
        return {**self.short(), "problems": list(self.problems)}


class Health:
    """The last look and its time. Safe for threads: one looks, the others wait for what it finds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[float, Report] | None = None

    def report(self) -> Report:
        """What the last look found, or a new one if that is too old."""
        with self._lock:
            if self._last is None or self._clock.now() - self._last[0] >= _FRESH_SECONDS:
                self._last = (self._clock.now(), look())
            return self._last[1]


_health = Health(SystemClock())


def report() -> Report:
    """The process's health."""
    return _health.report()


def may_know(key: str | None) -> bool:
    """Whether the key opens the details. Without the setting HEALTH_KEY none does."""
    expected = health_key()
    if not key or not expected:
        return False
    # A header is whatever bytes a stranger sent, which can be no text at all.
    return hmac.compare_digest(key.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))


def look() -> Report:
    """Ask every part once."""
    try:
        parts = services.current()
    except BlobsightError as error:
        return Report((_problem("settings", error),))
    problems = []
    for part, check in (("vision", _vision), ("images", _images), ("host", _host)):
        try:
            check(parts)
        except BlobsightError as error:
            problems.append(_problem(part, error))
    return Report(tuple(problems))


def _vision(parts: Services) -> None:
    # Where others come first, the service is well.
    with suppress(BusyError):
        parts.vision.list_models(timeout_seconds=_VISION_SECONDS)


def _images(parts: Services) -> None:
    parts.images.page(names.IMAGES, limit=1)


def _host(parts: Services) -> None:
    parts.host.page(names.CACHE, limit=1)


def _problem(part: str, error: BlobsightError) -> dict[str, str]:
    return {"part": part, "code": error.code, "message": error.message, "action": error.action}
