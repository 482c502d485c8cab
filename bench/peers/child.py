"""
One measurement of one peer, in a process and an environment of its own: a task as JSON in, figures as JSON out.

    python -m bench.peers.child '{"task": "cost", "peer": "ours", ...}'
"""

import http.client
import json
import os
import sys
import threading
import time
import tracemalloc
from typing import Any
from urllib.parse import quote, urlsplit

from bench.peers import answers
from bench.peers.clients import Ask, Target, make

# How long a call that outlasts its deadline is watched.
WATCH_SECONDS = 4.0
_WARM_UP_CALLS = 5


class Service:
    """The loopback service's control."""

    def __init__(self, port: int) -> None:
        self._port = port

    def strike(self, fault: str, times: int = -1, *, gather: int = 0) -> None:
        """Strike the next *times* requests; -1 for all. The first *gather* are answered when all of them have come."""
        self._control(f"?fault={quote(fault)}&times={times}&gather={gather}")

    def counts(self) -> dict[str, int]:
        """Requests, connections and bytes of huge answers since the last strike."""
        return self._control("")

    def _control(self, query: str) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", f"/_control{query}")
            counts: dict[str, int] = json.load(connection.getresponse())
            return counts
        finally:
            connection.close()


def cost(ask: Ask, service: Service, task: dict[str, Any]) -> dict[str, float]:
    """CPU (user and system) and wall milliseconds a call, at so many threads, once every thread has its connection."""
    threads, calls = task["threads"], task["calls"]
    body = bytes(task["body_bytes"]) if task["body_bytes"] else None
    service.strike(task.get("fault", ""), gather=threads)
    gate = threading.Barrier(threads + 1, timeout=120)

    def caller() -> None:
        for _ in range(_WARM_UP_CALLS):
            ask(body)
        gate.wait()
        gate.wait()
        for _ in range(calls // threads):
            ask(body)
        gate.wait()

    for _ in range(threads):
        threading.Thread(target=caller, daemon=True).start()
    gate.wait()
    cpu, wall = time.process_time(), time.perf_counter()
    gate.wait()
    gate.wait()
    made = calls // threads * threads
    return {
        "cpu_ms": (time.process_time() - cpu) * 1000 / made,
        "wall_ms": (time.perf_counter() - wall) * 1000 / made,
        "connections": service.counts()["connections"],
    }


def memory(ask: Ask, service: Service, task: dict[str, Any]) -> dict[str, float]:
    """Megabytes above the body while it is sent: what Python allocated at most, and what the process grew at most."""
    service.strike("", 0)
    ask(bytes(1000))
    # Made in one piece: what was freed here could be taken again unseen.
    body = b"\xff" * task["body_bytes"]
    grown = _resident_peak_reset()
    ask(body)
    grown = _resident_peak() - grown
    tracemalloc.start()
    try:
        ask(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return {"traced_mb": peak / 2**20, "resident_mb": grown / 2**20}


def recover(ask: Ask, service: Service, task: dict[str, Any]) -> dict[str, Any]:
    """How a call ends that one transient fault strikes, for each fault."""
    outcomes = {}
    for fault in answers.TRANSIENT:
        service.strike(fault, 1)
        outcomes[fault] = watched(ask, None, task["target"]["deadline_seconds"])
        outcomes[fault]["requests"] = service.counts()["requests"]
    return outcomes


def endure(peer: str, service: Service, task: dict[str, Any]) -> dict[str, Any]:
    """How a call ends that is struck again and again, for each fault; each with a client of its own."""
    outcomes = {}
    target = Target(**task["target"])
    for fault in (*answers.TRANSIENT, *answers.ENDLESS):
        ask = make(peer, target)
        service.strike("", 0)
        ask(None)
        service.strike(fault)
        before = _resident_peak_reset()
        outcome = watched(ask, bytes(20 * 2**20) if fault == "unread upload" else None, target.deadline_seconds)
        outcome |= {"resident_mb": (_resident_peak() - before) / 2**20, **service.counts()}
        outcomes[fault] = outcome
    return outcomes


def watched(ask: Ask, body: bytes | None, deadline_seconds: float) -> dict[str, Any]:
    """How a call ends (empty: well; else the error's class) and after how long; watched a little past its deadline."""
    outcome: dict[str, Any] = {"ended": "still waiting"}

    def call() -> None:
        try:
            outcome["ended"] = "" if ask(body) is not None else "no answer"
        except Exception as error:
            outcome["ended"] = type(error).__name__

    thread = threading.Thread(target=call, daemon=True)
    start = time.perf_counter()
    thread.start()
    thread.join(deadline_seconds + WATCH_SECONDS)
    return {"ended": outcome["ended"], "seconds": time.perf_counter() - start}


def _resident_peak_reset() -> int:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _resident_peak()


def _resident_peak() -> int:
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Do the task of the first argument."""
    task = json.loads(sys.argv[1])
    target = Target(**task["target"])
    service = Service(task["control_port"])
    assert urlsplit(target.endpoint).hostname == "127.0.0.1"
    if task["task"] == "endure":
        figures = endure(task["peer"], service, task)
    else:
        measure = {"cost": cost, "memory": memory, "recover": recover}[task["task"]]
        figures = measure(make(task["peer"], target), service, task)
    print(json.dumps(figures), flush=True)
    # Calls that outlast their deadline are still under way.
    os._exit(0)


if __name__ == "__main__":
    main()
