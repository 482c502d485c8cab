"""An `azd` on PATH that hands out tokens and notes what it is asked."""

import os
import stat
from pathlib import Path

import pytest

_SCRIPT = """#!/bin/sh
echo "$*" >> "$FAKE_AZD/calls"
[ -f "$FAKE_AZD/stderr" ] && { cat "$FAKE_AZD/stderr" >&2; exit 1; }
[ "$1" = auth ] && cat "$FAKE_AZD/answer"
exit 0
"""


class FakeAzd:
    """
    The executable and its journal.

    Args:
        folder: where it is put.
        monkeypatch: puts the folder in front of PATH.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        executable = folder / "azd"
        executable.write_text(_SCRIPT)
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
        self.answers('{"token": "t0ken", "expiresOn": "2026-01-01T01:00:00Z"}')
        monkeypatch.setenv("FAKE_AZD", str(folder))
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answers(self, text: str) -> None:
        """Answer `azd auth token` with this text."""
        (self._folder / "answer").write_text(text)

    def fails(self, text: str) -> None:
        """Fail with this on stderr from now on."""
        (self._folder / "stderr").write_text(text)

    def calls(self, beginning: str = "") -> list[str]:
        """Return the arguments of each call so far that begin so."""
        journal = self._folder / "calls"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [line for line in lines if line.startswith(beginning)]
