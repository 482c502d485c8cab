"""Keys of the host: made at the first start, kept in a file that only its owner can read, checked on request."""

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.host.errors import StartError

KEY_BYTES = 32
EXTENSIONS = ("blobs_extension", "eventgrid_extension", "durabletask_extension")


@dataclass(frozen=True)
class Keys:
    """
    The host's keys; with *enabled* false every request counts as one with the master key, as with Core Tools.

    Levels are `admin` (master key), `system`, `function` and, without a valid key, `anonymous`.
    """

    master: str
    functions: Mapping[str, str]
    systems: Mapping[str, str]
    enabled: bool

    def level(self, key: str) -> str:
        """Return the level that *key* gives."""
        if _equal(key, self.master):
            return "admin"
        if any(_equal(key, known) for known in self.systems.values()):
            return "system"
        if any(_equal(key, known) for known in self.functions.values()):
            return "function"
        return "anonymous"

    def allows(self, key: str, needed: str) -> bool:
        """Whether *key* opens what needs the level *needed*. A system key does not open a function-level function."""
        return not self.enabled or needed == "anonymous" or self.level(key) in (needed, "admin")

    def allows_extension(self, key: str, extension: str) -> bool:
        """Whether *key* opens the webhook of *extension*: its own system key or the master key."""
        own = self.systems.get(f"{extension.lower()}_extension", "")
        return not self.enabled or self.level(key) == "admin" or (bool(own) and _equal(key, own))


def read_keys(path: Path, *, enabled: bool) -> Keys:
    """Read the keys of *path*, making them first if the file is missing; raises StartError if it is unusable."""
    if not path.exists():
        _write_new(path)
    try:
        content = json.loads(path.read_text())
        return Keys(content["master"], dict(content["functionKeys"]), dict(content["systemKeys"]), enabled)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StartError(f"the keys file {path} cannot be used ({error!r}): remove it and new keys are made") from None


def _write_new(path: Path) -> None:
    keys = {
        "master": _new_key(),
        "functionKeys": {"default": _new_key()},
        "systemKeys": {name: _new_key() for name in EXTENSIONS},
    }
    # Written aside first: a crash must not leave half a file.
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file, indent=2)
    new.replace(path)


def _new_key() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def _equal(given: str, known: str) -> bool:
    # Whatever a caller sends is compared: half characters too.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), known.encode())
