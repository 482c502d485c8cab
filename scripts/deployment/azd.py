"""The Azure Developer CLI: its sign-in, and the values of its environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deployment.failures import Failed
from deployment.waiting import SYSTEM_CLOCK, Clock

ARM_SCOPE = "https://management.azure.com/.default"
# A token is asked for anew so long before it ends: longer than the slowest single request.
_MARGIN_SECONDS = 300
# With less than this left, a token could end during the request.
_REQUEST_SECONDS = 60


class Tokens:
    """
    Tokens of the person or pipeline that is signed in with azd: no second sign-in, and no other tool.

    Each scope's token is kept until shortly before it ends. Its text is never printed.

    Args:
        clock: whose time passes.
        tenant: the directory that gives them; empty is `AZURE_TENANT_ID`, or else the person's own.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, tenant: str = "") -> None:
        self._clock = clock
        self._tenant = tenant
        self._kept: dict[str, tuple[str, datetime]] = {}

    def token(self, scope: str = ARM_SCOPE) -> str:
        """
        Return a token for the scope, such as `https://storage.azure.com/.default`.

        Raises:
            Failed: if azd is not there, is not signed in, or does not answer with a token.
        """
        kept = self._kept.get(scope)
        left = 0.0 if kept is None else (kept[1] - self._clock.utc()).total_seconds()
        if kept is None or left < _MARGIN_SECONDS:
            try:
                kept = _asked(scope, self._tenant)
            except Failed:
                # A network that is away for a moment must not end a long wait.
                if kept is None or left <= _REQUEST_SECONDS:
                    raise
            self._kept[scope] = kept
        return kept[0]

    def forget(self, scope: str = ARM_SCOPE) -> None:
        """Ask for a new token next time, because the kept one was refused."""
        self._kept.pop(scope, None)


def set_value(name: str, value: str) -> bool:
    """
    Write a value into the azd environment, and into this process's; return False where it has that value already.

    Raises:
        Failed: if azd cannot write it.
    """
    if os.environ.get(name, "").strip() == value:
        return False
    _run("env", "set", name, value)
    os.environ[name] = value
    return True


def _asked(scope: str, tenant: str) -> tuple[str, datetime]:
    """Return a new token and its end."""
    # Without the tenant, a guest of another directory gets a token of the home directory.
    tenant = tenant or os.environ.get("AZURE_TENANT_ID", "").strip()
    text = _run("auth", "token", "--output", "json", "--scope", scope, *(["--tenant-id", tenant] if tenant else []))
    for answer in _objects(text):
        try:
            return str(answer["token"]), _time(answer["expiresOn"])
        except (ValueError, KeyError, TypeError):
            continue
    # The text could hold a token, so that it is not told.
    raise Failed("`azd auth token` answered with something that is no token. Is azd 1.23.5 or newer?")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text: azd can print a line about a newer version of itself before its answer."""
    at = text.find("{")
    while at >= 0:
        try:
            found, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


def _time(text: str) -> datetime:
    """Read a time such as `2026-01-01T12:00:00Z` or `2026-01-01T14:00:00.1234567+02:00`; the fraction is left out."""
    zone = re.search(r"[+-][0-9]{2}:[0-9]{2}$", text)
    return datetime.fromisoformat(text[:19] + (zone[0] if zone else "+00:00"))


def _run(*arguments: str) -> str:
    """Run azd and return what it prints."""
    executable = shutil.which("azd")
    if executable is None:
        raise Failed("There is no azd on PATH. It is the Azure Developer CLI, which runs this script.")
    # azd writes UTF-8 on every machine; without an input it cannot wait for an answer that is asked for out of sight.
    done = subprocess.run(
        [executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-500:]
        hint = " Try `azd auth login`." if arguments[0] == "auth" else ""
        raise Failed(f"`azd {' '.join(arguments[:2])}` failed: {said or f'exit status {done.returncode}'}.{hint}")
    return done.stdout
