"""
Scripted answers: for known bytes, a prepared result instead of a measured one.

A file `<sha256 of the image>.json` holds results by operation; answers/README.md describes it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PACKAGED_ANSWERS = Path(__file__).parent / "answers"

Script = dict[str, dict[str, Any]]


class ScriptError(Exception):
    """A scripted answer cannot be used; the message names the file and what is wrong."""


class ScriptedAnswers:
    """Looks scripts up in *directories*; the first that has one wins. Files may come and go at any time."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = tuple(directories)

    def find(self, sha256: str) -> Script:
        """Return the script for these bytes, an empty one when there is none. Raises ScriptError."""
        for directory in self._directories:
            path = directory / f"{sha256}.json"
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise ScriptError(f"Scripted answer {path.name} cannot be read: {error}") from error
            if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
                raise ScriptError(f"Scripted answer {path.name} must be an object of objects, one for each operation.")
            return content
        return {}
