"""One burst: a service, and the processes of one client that begin together."""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bench.peers.clients import PEERS
from bench.peers.environments import python_of
from bench.peers.rounds import ROOT, environment
from bench.simulate import Scenario

OURS = "ours"
# Each is the app's own or a peer's; ours is always paced here.
CLIENTS = tuple(client for client in PEERS if client != "ours, paced")
# Of one question, for the app by default and for the peers as their timeout.
DEADLINE_SECONDS = 30.0
LATENCY_SECONDS = 0.4
# A burst of a thousand images takes 105 s at the rate; who takes six times that is not going to end.
PATIENCE_SECONDS = 630.0
_SEED = 1


class Burst(NamedTuple):
    """
    What came of a burst.

    Attributes:
        seconds: from the beginning to the last image that was done.
        rate: calls that the limit let pass, from the first to the last, of those that it could have.
        cpu_ms: of the client's processes, for each image, storage included.
        failures: errors that were raised, by their code or class.
        events: warnings of the app's ledger.
    """

    lost: int
    calls: int
    throttled: int
    in_outage: int
    answered: int
    seconds: float
    deferred: int
    rate: float
    cpu_ms: float
    failures: Counter[str]
    events: Counter[str]


def run(scenario: Scenario, client: str, storage: str) -> Burst:
    """Run a scenario once with one client; *storage* is the connection string of an account for the ledger."""
    rate, believed = scenario.rate, scenario.believed or scenario.rate
    service = {
        "rate": asdict(rate),
        "unavailable": scenario.faults.unavailable,
        "reset": scenario.faults.reset,
        "latency_seconds": LATENCY_SECONDS,
        "seed": _SEED,
        "outage": scenario.faults.outage,
        "foreign": scenario.foreign,
    }
    with ExitStack() as stack:
        server = stack.enter_context(_Process(Path(sys.executable), "bench.burst.server", service))
        endpoint = f"http://127.0.0.1:{int(server.line())}"
        task = {
            "client": client,
            "endpoint": endpoint,
            "threads": scenario.threads,
            "images": scenario.images // scenario.processes,
            "deadline_seconds": DEADLINE_SECONDS,
            "storage": storage,
            "ledger": f"{uuid.uuid4().hex}.json",
            "pace": (believed.calls, believed.seconds),
        }
        python = _python(client)
        children = [stack.enter_context(_Process(python, "bench.burst.child", task)) for _ in range(scenario.processes)]
        for child in children:
            child.line()
        began = time.monotonic()
        for child in children:
            child.say("go")
        told = [json.loads(child.line()) for child in children]
        counts = requests.get(f"{endpoint}/_control", timeout=10).json()
    return _summed(scenario, told, counts, began)


def _python(client: str) -> Path:
    """The app's own environment, which has the storage SDK too, or the peer's."""
    return Path(sys.executable) if client == OURS else python_of(PEERS[client])


def _summed(scenario: Scenario, told: list[dict[str, Any]], counts: dict[str, Any], began: float) -> Burst:
    done = sum(each["done"] for each in told)
    passed = counts["calls"] - counts["throttled"] - counts["in_outage"]
    possible = (counts["last"] - counts["first"]) * scenario.rate.calls / scenario.rate.seconds
    failures, events = (sum((Counter(each[kind]) for each in told), Counter()) for kind in ("failures", "events"))
    return Burst(
        lost=scenario.images - done,
        calls=counts["calls"],
        throttled=counts["throttled"],
        in_outage=counts["in_outage"],
        answered=counts["answered"],
        seconds=max(each["finished_at"] for each in told) - began,
        deferred=sum(each["deferred"] for each in told),
        rate=(passed - 1) / possible if possible else 0.0,
        cpu_ms=sum(each["cpu_seconds"] for each in told) * 1000 / scenario.images,
        failures=failures,
        events=events,
    )


class _Process:
    """A Python process that is spoken to in lines, and killed when it has run for too long."""

    def __init__(self, python: Path, module: str, task: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [str(python), "-m", module, json.dumps(task)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._patience = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        self._patience.daemon = True
        self._patience.start()

    def say(self, text: str) -> None:
        """Write it a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def line(self) -> str:
        """The next line that it writes; RuntimeError if it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._patience.cancel()
