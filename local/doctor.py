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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from local import health_report
from local.addresses import DEFAULT_PORT, Addresses, add_stack_options
from local.app import AppClient, function_key, master_key
from local.errors import LocalError
from local.health_key import likely_keys
from local.models.catalogue import SETTING, chosen
from local.models.recipes import RECIPES, fault
from local.node import find_node, node_version
from local.reconciliation import Reconciliation
from local.stack.space import shortage
from local.stack.state_lock import busy_ports, running_port
from local.wording import program, start_command
from local.wrapping import wrapped

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "locks" / "local.txt"
AZURITE = PROJECT / "local" / "azurite"
MARGIN = " " * 20
NEEDED_BYTES = 1 << 30  # set-up takes about 800 MB
_NOT_COMPARED = (
    "images without a result: not known before the first comparison; POST /api/unfinished/reconcile begins one"
)
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
        """Return the lines to print, broken where the terminal ends."""
        word = "lacks" if not self.is_ok else "warns" if self.is_warning else "ok"
        first, *others = self.found.splitlines()
        lines = [f"{word:<6} {self.what:<12} {first}", *(f"{MARGIN}{line}" for line in others)]
        if not self.is_ok or self.is_warning:
            lines.append(f"{MARGIN}-> {self.mend}")
        return "\n".join(wrapped(line, indent=len(MARGIN) + 3) for line in lines)


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
        help="the app whose health is told, in Azure or here (default: the running stack's); of another,"
        " the environment's HEALTH_KEY opens the details",
    )
    options = parser.parse_args(argv)
    port = options.port or running_port(options.state) or DEFAULT_PORT
    is_well = True
    for finding in chain(examine(port, options.state), running(port, options.state, options.app)):
        # At once: an app that sleeps answers the last question after half a minute.
        print(finding, flush=True)
        is_well = is_well and finding.is_ok
    return 0 if is_well else 1


def examine(port: int, state: Path) -> Iterator[Finding]:
    """Look at everything that the stack on *port* with its data in *state* needs."""
    yield python(sys.version_info[:3])
    yield packages(LOCK)
    yield node()
    yield azurite(AZURITE)
    yield models(os.environ)
    yield ports(Addresses(port), is_own=running_port(state) == port)
    yield disk(state)


def running(port: int, state: Path, url: str | None) -> Iterator[Finding]:
    """Ask the app at *url*, or else that of the stack on *port* if it runs."""
    if url is None:
        if not AppClient(port).is_up():
            return
        broken = list(obstacles(port, state))
        yield from broken
        if not all(finding.is_ok for finding in broken):
            return
        yield from app(Addresses(port).host_url, *likely_keys(state, PROJECT))
    else:
        yield from app(url, os.environ.get("HEALTH_KEY", "").strip())


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


def models(environment: Mapping[str, str]) -> Finding:
    """Compare the trained models that MODELS chooses with what set-up makes; the stack works without any."""
    try:
        wanted = chosen(environment)
    except LocalError as error:
        return Finding("models", False, str(error), f"unset {SETTING}")
    if not wanted:
        return Finding("models", True, f"none, by {SETTING}={environment[SETTING]}")
    lacking: dict[str, list[str]] = {}
    for recipe in RECIPES:
        if recipe.model in wanted and (wrong := fault(recipe)):
            lacking.setdefault(wrong, []).append(recipe.model.tells)
    if not lacking:
        return Finding("models", True, ", ".join(model.tells for model in wanted))
    told = "; ".join(f"those for {', '.join(names)} are {wrong}" for wrong, names in lacking.items())
    return Finding("models", True, told, "make models", is_warning=True)


def ports(addresses: Addresses, *, is_own: bool = False) -> Finding:
    """See whether the stack's ports are free, or in use by the stack of the state folder (*is_own*) or another one."""
    busy = busy_ports(addresses)
    listed = ", ".join(map(str, addresses.ports.values()))
    if not busy:
        return Finding("ports", True, f"free: {listed}")
    silent = _named({name: port for name, port in addresses.ports.items() if name not in busy})
    if is_own or (not silent and AppClient(addresses.port).is_up()):
        running = f"a stack is running on {', '.join(map(str, busy.values()))}"
        return Finding("ports", True, f"{running}, without {silent}" if silent else running)
    mend = f"{start_command(port='N')}, with five free ports in a row from N"
    return Finding("ports", False, f"in use: {_named(busy)}", mend)


def _named(ports: dict[str, int]) -> str:
    return ", ".join(f"{port} ({name})" for name, port in ports.items())


def disk(state: Path) -> Finding:
    """See whether there is room for the stack's data."""
    folder = next(folder for folder in (state, *state.resolve().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    short = shortage(folder, shutil.disk_usage)
    found = short.what if short else f"{free / 2**30:.1f} GB free in {folder}"
    is_ok = short is None and free >= NEEDED_BYTES
    return Finding("disk", is_ok, found, f"free 1 GB, or keep the data elsewhere: {start_command(state='DIR')}")


def obstacles(port: int, state: Path) -> Iterator[Finding]:
    """Tell what keeps the app of the running stack from all its work."""
    try:
        found = AppClient(port, key=function_key(state), master_key=master_key(state)).obstacles()
    except LocalError as error:
        yield Finding("app", True, str(error), "give --state", is_warning=True)
        return
    for each in found:
        *wrong, mend = each.splitlines()
        yield Finding("app", False, "\n".join(wrong), mend)


def app(url: str, *keys: str) -> list[Finding]:
    """Return what the app at *url* says of itself; what is wrong only if one of *keys* is its HEALTH_KEY."""
    try:
        reports = (health_report.ask(url, key) for key in keys or ("",))
        report = next(reports)
        while report.problems is None and (further := next(reports, None)):
            report = further
    except LocalError as error:
        return [Finding("app", False, str(error), "look into its log, or start it")]
    findings = [_told(each) for each in report.problems or []]
    findings += [_told(each, is_warning=True) for each in report.warnings or []]
    if report.spending:
        findings.append(Finding("app", True, _told_spending(report.spending)))
    if report.reconciliation:
        findings.append(_told_reconciliation(report.reconciliation))
    elif report.compares:
        findings.append(Finding("app", True, _NOT_COMPARED))
    if report.problems or report.warnings:
        return findings
    state = f"{'up' if report.is_up else 'down'} at {url}"
    state += f", version {report.version}" if report.version else ""
    if report.problems is None:
        mend = "run this again with the app's own HEALTH_KEY in the environment, to be told what is wrong"
        return [Finding("app", report.is_up, f"{state}, and says no more without its HEALTH_KEY", mend)]
    return [Finding("app", report.is_up, state), *findings]


def _told(entry: dict[str, str], *, is_warning: bool = False) -> Finding:
    found = f"{entry['part']}: {entry['message']} ({entry['code']})"
    return Finding("app", is_warning, found, entry["action"], is_warning)


def _told_reconciliation(found: Reconciliation) -> Finding:
    mend = "python -m local unfinished reconcile, or POST /api/unfinished/reconcile, once the reason is mended"
    return Finding("app", True, "\n".join(found.lines()), mend, is_warning=found.has_failed)


def _told_spending(spending: dict[str, dict[str, Any]]) -> str:
    """Tell `billed transactions (UTC): 12 of 100 on 2026-11-30, 340 in 2026-11`."""
    told = []
    for window, word in (("day", "on"), ("month", "in")):
        date, count, limit = (spending[window][member] for member in ("date", "transactions", "limit"))
        told.append(f"{count}{'' if limit is None else f' of {limit}'} {word} {date}")
    return f"billed transactions (UTC): {', '.join(told)}"


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
