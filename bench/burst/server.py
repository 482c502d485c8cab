"""
The service of a burst: a rate limit, failures and latency, as `bench.world` has them on the virtual clock.

    python -m bench.burst.server TASK

TASK is JSON: `rate` (calls, seconds, kind), `unavailable` and `reset` (probabilities), `latency_seconds` (the median),
`seed`, `outage` (from and to, in seconds since the first call) and `foreign` (the share of the rate that somebody else
takes). It prints its port and ends with its standard input; `GET /_control` tells what came.
"""

import asyncio
import json
import math
import random
import sys
import time
from typing import Any, NamedTuple

from bench.peers import answers
from bench.peers.server import Connection, State
from local.vision.rate import Rate, RateLimit

_SPREAD = 0.4


class Fate(NamedTuple):
    """What becomes of a call: a reset, or an answer after so many seconds."""

    answer: bytes | None
    seconds: float = 0.0


class Tier(State):
    """The limit, the dice, and what came of them."""

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__()
        self._limit = RateLimit(Rate(**task["rate"]))
        self._unavailable, self._reset = task["unavailable"], task["reset"]
        self._latency_seconds = task["latency_seconds"]
        self._chance = random.Random(task["seed"])
        self._outage_begins, self._outage_ends = map(float, task["outage"])
        self._began: float | None = None
        self.told = {"calls": 0, "throttled": 0, "answered": 0, "in_outage": 0, "first": 0.0, "last": 0.0}

    def fate(self, path: str) -> Fate:
        """Decide about one call."""
        latency = self._chance.lognormvariate(0.0, _SPREAD) * self._latency_seconds
        self.told["calls"] += 1
        if self._is_out():
            self.told["in_outage"] += 1
            return Fate(answers.error(answers.Status(503)), latency / 10)
        wait = self._limit.wait_seconds()
        if wait:
            self.told["throttled"] += 1
            return Fate(answers.error(answers.Status(429, max(1, math.ceil(wait)))), latency / 10)
        self.told["last"] = time.monotonic()
        self.told["first"] = self.told["first"] or self.told["last"]
        dice = self._chance.random()
        if dice < self._reset:
            return Fate(None)
        if dice < self._reset + self._unavailable:
            return Fate(answers.error(answers.Status(503)), latency)
        self.told["answered"] += 1
        body = answers.body_for(path)
        return Fate(answers.head(200, len(body)) + body, latency)

    def _is_out(self) -> bool:
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        return self._outage_begins <= now - self._began < self._outage_ends

    async def serve_another(self, share: float, interval_seconds: float) -> None:
        """Somebody else who takes that share of the rate, and knows nothing of anybody."""
        chance = random.Random(share)
        while True:
            await asyncio.sleep(chance.expovariate(share / interval_seconds))
            self._limit.wait_seconds()


class LimitedConnection(Connection):
    """A connection whose requests meet the tier."""

    def __init__(self, tier: Tier) -> None:
        super().__init__(tier)
        self._tier = tier

    def _control(self) -> None:
        told = json.dumps(self._tier.told).encode()
        self._transport.write(answers.head(200, len(told), Connection="close") + told)
        self._transport.close()

    def _answer(self) -> None:
        fate = self._tier.fate(self._path)
        if fate.answer is None:
            self.abort()
        else:
            asyncio.get_running_loop().call_later(fate.seconds, self._write, fate.answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(task: dict[str, Any]) -> None:
    tier, loop = Tier(task), asyncio.get_running_loop()
    server = await loop.create_server(lambda: LimitedConnection(tier), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    if task["foreign"]:
        rate = task["rate"]
        another = loop.create_task(tier.serve_another(task["foreign"], rate["seconds"] / rate["calls"]))
        another.add_done_callback(lambda task: task.cancelled() or task.result())
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
