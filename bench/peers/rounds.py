"""
The measurements in their order: every peer in a fresh process, the peers interleaved, so many rounds.

The machine may be busy with other things; peers that take turns within seconds meet the same weather, and ratios hold
where milliseconds do not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.peers.authority import Authority
from bench.peers.clients import PEERS
from bench.peers.environments import python_of

ROOT = Path(__file__).resolve().parents[2]
CALL_SECONDS = 3.0
# One transient fault may ask for a second, and the peers have pauses of their own.
RECOVERY_SECONDS = 10.0
MEGABYTES = (4, 20)
_THREADS_AT_MOST = 16


class Cell(NamedTuple):
    """One thing to measure of every peer; its name is that of a column."""

    name: str
    task: str
    scheme: str = "http"
    threads: int = 1
    calls: int = 0
    body_bytes: int = 0
    fault: str = ""


# So many that what a client does now and then, such as collecting its garbage, is counted too.
_CALLS = 960
COSTS = (
    Cell("http, 1 thread", "cost", calls=_CALLS),
    Cell("http, 16 threads", "cost", threads=16, calls=_CALLS),
    Cell("TLS, 1 thread", "cost", "https", calls=_CALLS),
    Cell("TLS, 16 threads", "cost", "https", threads=16, calls=_CALLS),
    Cell("new TLS connection", "cost", "https", calls=40, fault="close after each"),
    Cell("4 MB upload, TLS", "cost", "https", calls=12, body_bytes=4 * 2**20),
)
MEMORY = tuple(
    Cell(f"{megabytes} MB, {scheme}", "memory", scheme, body_bytes=megabytes * 2**20)
    for megabytes in MEGABYTES
    for scheme in ("http", "https")
)

# By peer, then by cell: what each round measured.
Figures = dict[str, dict[str, list[dict[str, float]]]]
# By peer, then "recover" or "endure", then by fault: how the call ended.
Faults = dict[str, dict[str, dict[str, dict[str, Any]]]]


class Server(NamedTuple):
    """A running loopback service."""

    ports: dict[str, int]
    bundle: Path


@contextmanager
def serving(authority: Authority) -> Iterator[Server]:
    """Run the loopback service in a process of its own."""
    command = [sys.executable, "-m", "bench.peers.server", str(authority.certificate), str(authority.key)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            http, https = json.loads(process.stdout.readline())
            yield Server({"http": http, "https": https}, authority.bundle)
        finally:
            process.stdin.close()
            process.wait(10)


def measure(
    peer: str,
    server: Server,
    cell: Cell,
    *,
    deadline_seconds: float = 30.0,
    root: Path = ROOT,
    python: Path | None = None,
) -> dict[str, Any]:
    """Measure one cell of one peer, in a fresh process; of the tree at *root*, by default in the peer's environment."""
    target = {
        "endpoint": f"{cell.scheme}://127.0.0.1:{server.ports[cell.scheme]}",
        "ca_bundle": str(server.bundle),
        "deadline_seconds": deadline_seconds,
        "threads": _THREADS_AT_MOST,
    }
    task = {**cell._asdict(), "peer": peer, "target": target, "control_port": server.ports["http"]}
    done = subprocess.run(
        [str(python or python_of(PEERS[peer])), "-m", "bench.peers.child", json.dumps(task)],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"{peer}, {cell.name or cell.task}: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def costs(authority: Authority, number_of_rounds: int) -> Figures:
    """The CPU of every peer so many times, the peers in turn; their memory, which no other load changes, once."""
    figures: Figures = {peer: {cell.name: [] for cell in COSTS + MEMORY} for peer in PEERS}
    names = list(PEERS)
    with serving(authority) as server:
        for number in range(number_of_rounds):
            first = number % len(names)
            for cell in COSTS if number else COSTS + MEMORY:
                for peer in names[first:] + names[:first]:
                    figures[peer][cell.name].append(measure(peer, server, cell))
            print(f"bench: round {number + 1} of {number_of_rounds}", file=sys.stderr, flush=True)
    return figures


def faults(authority: Authority) -> Faults:
    """How each peer's calls end that are struck once ("recover") and for ever ("endure"). They wait more than work."""

    def both(peer: str) -> dict[str, dict[str, dict[str, Any]]]:
        with serving(authority) as server:
            return {
                "recover": measure(peer, server, Cell("", "recover"), deadline_seconds=RECOVERY_SECONDS),
                "endure": measure(peer, server, Cell("", "endure"), deadline_seconds=CALL_SECONDS),
            }

    for lock in set(PEERS.values()):
        python_of(lock)
    with ThreadPoolExecutor(len(PEERS)) as pool:
        return dict(zip(PEERS, pool.map(both, PEERS), strict=True))


def environment() -> dict[str, str]:
    """Without proxies and authorities of the machine: some peers would take these instead of what they are given."""
    foreign = ("_proxy", "_ca_bundle", "ssl_cert_file", "ssl_cert_dir")
    return {name: value for name, value in os.environ.items() if not name.lower().endswith(foreign)}
