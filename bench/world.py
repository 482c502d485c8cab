"""
What the simulation runs against: a service with a rate limit and faults, and a blob for the processes' quota.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from bench.virtual import VirtualClock
from local.vision.rate import Rate, RateLimit
from shared.clock import Deadline
from shared.errors import ConflictError, VisionUnavailableError
from shared.storage.blobs import Blob, BlobInfo, IfEtag
from shared.transport.http import Reply, Transport

# The way there is a part of the latency, so that calls sent in one order arrive in another.
_WAY_THERE = 0.02
_STORAGE_SECONDS = (0.004, 0.02)
_ANSWER = json.dumps({"tags": [], "requestId": "simulated", "metadata": {"width": 64, "height": 64}}).encode()


class WrongClock:
    """The virtual clock of a machine whose date is off by some seconds."""

    def __init__(self, clock: VirtualClock, off_seconds: float) -> None:
        self.now, self.sleep, self.wait = clock.now, clock.sleep, clock.wait
        self._clock, self._off = clock, timedelta(seconds=off_seconds)

    def utc(self) -> datetime:
        """The date, as that machine believes it to be."""
        return self._clock.utc() + self._off


@dataclass(frozen=True)
class Faults:
    """What goes wrong with a call that the limit lets pass; `outage` is when nothing else happens, in seconds."""

    unavailable: float = 0.03
    reset: float = 0.01
    outage: tuple[float, float] = (0.0, 0.0)
    retry_after: bool = True


@dataclass
class Service(Transport):
    """
    Computer Vision as one client sees it: `Transport` without a wire.

    Attributes:
        calls: how many arrived.
        throttled: how many of them got a 429.
        during_outage: how many arrived in the outage.
    """

    clock: VirtualClock
    rate: Rate
    faults: Faults
    chance: random.Random
    calls: int = 0
    throttled: int = 0
    during_outage: int = 0
    served_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        phase = 0.0
        self.limit = RateLimit(self.rate, lambda: self.clock.now() + phase)
        # The service's windows do not begin when the burst does.
        phase = self.chance.random() * self.rate.seconds

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        """See Transport."""
        latency = self.chance.lognormvariate(0.0, 0.4) * 0.4
        self.clock.sleep(latency * _WAY_THERE * self.chance.random())
        now = self.clock.now()
        self.calls += 1
        if self.faults.outage[0] <= now < self.faults.outage[1]:
            self.during_outage += 1
            self.clock.sleep(latency / 10)
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, {}, b"")
        wait = self.limit.wait_seconds()
        if wait:
            self.throttled += 1
            self.clock.sleep(latency / 10)
            asked = {"Retry-After": str(max(1, -int(-wait // 1)))} if self.faults.retry_after else {}
            return Reply(HTTPStatus.TOO_MANY_REQUESTS, asked, b"")
        self.served_at.append(now)
        dice = self.chance.random()
        if dice < self.faults.reset:
            raise VisionUnavailableError("The connection was reset.")
        self.clock.sleep(min(latency, deadline.remaining()))
        if dice < self.faults.reset + self.faults.unavailable:
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, {}, b"")
        return Reply(HTTPStatus.OK, {"Content-Type": "application/json"}, _ANSWER)


class QuotaBlob:
    """One account's blobs, as far as `shared.pace.quota` needs them: each operation takes some milliseconds."""

    def __init__(self, clock: VirtualClock, chance: random.Random) -> None:
        self._clock, self._chance = clock, chance
        self._blobs: dict[str, Blob] = {}
        self.reads = self.writes = self.conflicts = 0

    def read(self, container: str, name: str) -> Blob | None:
        """See `shared.storage.blobs.Blobs`."""
        self._clock.sleep(self._chance.uniform(*_STORAGE_SECONDS))
        self.reads += 1
        return self._blobs.get(name)

    def write(self, container: str, name: str, data: bytes, *, content_type: str, **options: Any) -> str:
        """See `shared.storage.blobs.Blobs`."""
        self._clock.sleep(self._chance.uniform(*_STORAGE_SECONDS))
        condition: IfEtag = options["condition"]
        present = self._blobs.get(name)
        if condition.etag != (present.info.etag if present else None):
            self.conflicts += 1
            raise ConflictError("Somebody else was faster.")
        self.writes += 1
        etag = str(self.writes)
        self._blobs[name] = Blob(BlobInfo(name, etag, len(data)), data)
        return etag
