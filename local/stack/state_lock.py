"""
The lock file by which one stack at a time has the state directory, and by which every other command finds that stack.

Before anything starts, the ports are looked at too.
"""

import fcntl
import json
import os
import socket
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from local.addresses import AZURE_STATE, DEFAULT_STATE, LOOPBACK, Addresses, port_number
from local.errors import LocalError
from local.private import private_folder
from local.wording import start_command

LOCK_NAME = "start.lock"
# A supervisor that was killed leaves parts behind which are finishing what they had begun, for 30 s at most.
LEFTOVER_SECONDS = 35.0
LOOK_SECONDS = 0.3
# What a part of the stack holds while it runs.
PART_LOCKS = {"events": "events/lock", "host": "host/lock", "vision": "vision/calls.jsonl"}


@contextmanager
def locked_state(state: Path, port: int) -> Iterator[bool]:
    """
    Hold the state directory for this process; yields whether its last holder was killed before it could clean up.

    Raises LocalError when another `start` holds it.
    """
    with (private_folder(state) / LOCK_NAME).open("a+", errors="replace") as lock:
        lock.seek(0)
        last_holder = lock.read()
        if not _taken(lock):
            raise LocalError(_held(state, last_holder))
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "port": port}))
        lock.flush()
        try:
            yield bool(last_holder)
        finally:
            lock.truncate(0)


def running_port(state: Path) -> int | None:
    """Return the host's port of the stack that has the state directory; None when no `start` holds it."""
    try:
        with (state / LOCK_NAME).open() as lock:
            # What a `start` that was killed has left behind tells of no stack: its lock went with it.
            if not lock.read(1) or _is_free(lock):
                return None
            lock.seek(0)
            return port_number(str(json.loads(lock.read())["port"]))
    except (OSError, ValueError, KeyError, TypeError, ArgumentTypeError):
        return None


def stack_port(port: int | None, state: Path) -> int:
    """Return *port*, that of `--port`, or else that of the stack on *state*; raises LocalError when none runs there."""
    found = running_port(state) if port is None else port
    if found is None:
        with_own_service = f" {AZURE_STATE}" if running_port(AZURE_STATE) else ""
        start = start_command() if state == DEFAULT_STATE else start_command(state=state)
        raise LocalError(
            f"no stack is running with its data in {state.resolve()}: start one with `{start}`, "
            f"or name the running one by --state{with_own_service} or --port"
        )
    return found


def require_free_ports(addresses: Addresses, parts: Collection[str] = (), *, wait_seconds: float = 0.0) -> None:
    """Raise LocalError naming the ports of these *parts*, or of all, that are still in use after *wait_seconds*."""
    deadline = time.monotonic() + wait_seconds
    while busy := _of_parts(busy_ports(addresses), parts):
        if time.monotonic() >= deadline:
            raise LocalError(_busy(busy))
        time.sleep(0.1)


def wait_for_leftovers(state: Path, parts: Collection[str], say: Callable[[str], None]) -> None:
    """
    Wait until these parts of a stack that was killed have finished what they had begun, and say so; for 35 s at most.

    A part that still runs then is told of by the part that takes its place.
    """
    deadline = time.monotonic() + LEFTOVER_SECONDS
    said = False
    while held := [part for part, lock in PART_LOCKS.items() if part in parts and _is_held(state / lock)]:
        if time.monotonic() >= deadline:
            return
        if not said:
            say(f"the last start was killed: its {' and '.join(held)} may take {LEFTOVER_SECONDS:.0f} s to finish")
            said = True
        time.sleep(0.1)


def busy_ports(addresses: Addresses) -> dict[str, int]:
    """Return the ports of *addresses* that something listens on, by what would listen there."""
    return {name: port for name, port in addresses.ports.items() if not _port_is_free(port)}


def _of_parts(ports: dict[str, int], parts: Collection[str]) -> dict[str, int]:
    owners = {name: "azurite" if name.endswith(" storage") else name for name in ports}
    return {name: port for name, port in ports.items() if not parts or owners[name] in parts}


def _taken(lock: TextIO) -> bool:
    # A command that looks whether the lock is held has it for an instant.
    deadline = time.monotonic() + LOOK_SECONDS
    while not _flock(lock, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _is_free(lock: TextIO) -> bool:
    return _flock(lock, fcntl.LOCK_SH)


def _flock(lock: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(path: Path) -> bool:
    try:
        with path.open() as lock:
            return not _is_free(lock)
    except OSError:
        return False


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that were closed lately do not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _held(state: Path, holder: str) -> str:
    try:
        about = json.loads(holder)
        who = f"process {about['pid']}, port {about['port']}"
    except (ValueError, KeyError, TypeError):
        who = "another `start`"
    other = start_command(port="N", state="DIR")
    return f"{state} is in use by a running stack ({who}): stop that one, or choose another folder: `{other}`"


def _busy(busy: dict[str, int]) -> str:
    listed = ", ".join(f"{port} ({name})" for name, port in busy.items())
    other = start_command(port="N")
    return f"in use: port {listed}. Stop what listens there, or choose five others in a row from N: `{other}`"
