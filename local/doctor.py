"""
`python -m local doctor`: what this machine lacks for the local stack, and the command that mends it.

Of an app that runs, the stack's or one in Azure, it tells what its health report says.

It uses nothing but Python's own library, since the packages may be what is lacking.
"""

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from local import health_report
from local.addresses import DEFAULT_PORT, Addresses, add_stack_options
from local.app import AppClient
from local.errors import LocalError
from local.node import find_node, node_version
from local.stack.space import shortage
from local.stack.state_lock import busy_ports, running_port
from local.wording import program

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "locks" / "local.txt"
AZURITE = PROJECT / "local" / "azurite"
NEEDED_BYTES = 1 << 30  # set-up takes about 600 MB
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(.*)$", re.MULTILINE)
PLATFORM = re.compile(r"sys_platform == '(\w+)'")


@dataclass(frozen=True)
class Finding:
    """
    One thing that was looked at; *mend* is the command to run where it is not in order.

    A warning keeps nothing from working.
    """

    what: str
    is_ok: bool
    found: str
    mend: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        """Return the line to print."""
        word = "lacks" if not self.is_ok else "warns" if self.is_warning else "ok   "
        line = f"{word}  {self.what:<12} {self.found}"
        return f"{line}\n       {'':<12} -> {self.mend}" if not self.is_ok or self.is_warning else line


def main(argv: list[str]) -> int:
    """Print every finding; returns 1 if something is lacking."""
    parser = argparse.ArgumentParser(
        prog=f"{program()} doctor",
        description="Say what this machine lacks for the local stack, and the command that mends it.",
    )
    add_stack_options(parser)
    parser.add_argument(
        "--app",
        metavar="URL",
        help="the app whose health is told, in Azure or here (default: the running stack's); the environment's"
        " HEALTH_KEY opens its details",
    )
    options = parser.parse_args(argv)
    port = options.port or running_port(options.state) or DEFAULT_PORT
    findings = list(examine(port, options.state))
    url = options.app or (Addresses(port).host_url if AppClient(port).is_up() else None)
    if url:
        findings += app(url, os.environ.get("HEALTH_KEY", "").strip() or None)
    print(*findings, sep="\n")
    return 0 if all(finding.is_ok for finding in findings) else 1


def examine(port: int, state: Path) -> Iterator[Finding]:
    """Look at everything that the stack on *port* with its data in *state* needs."""
    yield python(sys.version_info[:3])
    yield packages(LOCK)
    yield node()
    yield azurite(AZURITE)
    yield ports(Addresses(port))
    yield disk(state)


def python(version: tuple[int, int, int]) -> Finding:
    """Judge the Python that runs this."""
    found = ".".join(map(str, version))
    is_ok = (3, 11) <= version[:2] <= (3, 13)
    mend = "install Python 3.11, 3.12 or 3.13 (Debian 12: apt install python3 python3-venv)"
    return Finding("Python", is_ok, found, mend)


def packages(lock: Path) -> Finding:
    """Compare the installed packages with the pinned ones of *lock*."""
    # A package can be pinned more than once, each time for other versions of Python.
    pinned: dict[str, set[str]] = {}
    for name, version, condition in PINNED.findall(lock.read_text()):
        # What is pinned for another system is not installed on this one.
        if set(PLATFORM.findall(condition)) <= {sys.platform}:
            pinned.setdefault(name, set()).add(version)
    wrong = [f"{name} {' or '.join(sorted(them))}" for name, them in pinned.items() if _installed(name) not in them]
    found = (
        f"{len(pinned)} as locked" if not wrong else f"not as locked: {', '.join(wrong[:5])}{' ...' * (len(wrong) > 5)}"
    )
    return Finding("packages", not wrong, found, "touch locks/local.txt && make setup")


def node() -> Finding:
    """Look for a Node that can run Azurite."""
    try:
        path = find_node()
    except LocalError as error:
        return Finding("Node", False, str(error).split(". ")[0], ".venv/bin/pip install --requirement locks/node.txt")
    return Finding("Node", True, f"{node_version(path)} at {path}")


def azurite(folder: Path) -> Finding:
    """Compare the installed Azurite with the pinned one."""
    pinned = json.loads((folder / "package.json").read_text())["dependencies"]["azurite"]
    try:
        found = json.loads((folder / "node_modules" / "azurite" / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        found = "not installed"
    return Finding("Azurite", found == pinned, found, "local/setup.sh azurite")


def ports(addresses: Addresses) -> Finding:
    """See whether the stack's ports are free, or its own."""
    busy = busy_ports(addresses)
    listed = ", ".join(map(str, addresses.ports.values()))
    if not busy:
        return Finding("ports", True, f"free: {listed}")
    if len(busy) == len(addresses.ports) and AppClient(addresses.port).is_up():
        return Finding("ports", True, f"a stack is running on {listed}")
    taken = ", ".join(f"{port} ({name})" for name, port in busy.items())
    return Finding("ports", False, f"in use: {taken}", "make start PORT=N, with five free ports in a row from N")


def disk(state: Path) -> Finding:
    """See whether there is room for the stack's data."""
    folder = next(folder for folder in (state, *state.resolve().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    short = shortage(folder, shutil.disk_usage)
    found = short.what if short else f"{free / 2**30:.1f} GB free in {folder}"
    is_ok = short is None and free >= NEEDED_BYTES
    return Finding("disk", is_ok, found, "free 1 GB, or keep the data elsewhere with --state")


def app(url: str, key: str | None) -> list[Finding]:
    """Return what the app at *url* says of itself; what is wrong only to who has its HEALTH_KEY."""
    try:
        report = health_report.ask(url, key)
    except LocalError as error:
        return [Finding("app", False, str(error), "look into its log, or start it")]
    findings = [_told(each) for each in report.problems or []]
    findings += [_told(each, is_warning=True) for each in report.warnings or []]
    if findings:
        return findings
    state = f"{'up' if report.is_up else 'down'} at {url}"
    if report.problems is None:
        mend = "run this again with the app's own HEALTH_KEY in the environment, to be told what is wrong"
        return [Finding("app", report.is_up, f"{state}, and says no more without its HEALTH_KEY", mend)]
    return [Finding("app", report.is_up, state)]


def _told(entry: dict[str, str], *, is_warning: bool = False) -> Finding:
    found = f"{entry['part']}: {entry['message']} ({entry['code']})"
    return Finding("app", is_warning, found, entry["action"], is_warning)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
