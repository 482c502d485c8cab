"""What opens the health report of a local stack's app: the HEALTH_KEY that the user has set, or one of the stack's."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from local.errors import LocalError
from local.local_settings import read_local_settings
from local.private import private_folder

NAME = "HEALTH_KEY"
FILE = "health.key"


def health_key(state: Path, settings: Mapping[str, str]) -> str:
    """Return the key of *settings*, or else that of the state folder, made if it is not there yet."""
    if given := settings.get(NAME, "").strip():
        return given
    path = private_folder(state, "host") / FILE
    if not path.exists():
        # Whole or not there, however the process ends.
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe())
        new.replace(path)
    return path.read_text()


def likely_keys(state: Path, root: Path) -> Iterator[str]:
    """Yield those with which the app of the stack on *state* may have been started, the app being in *root*."""
    with suppress(LocalError):
        settings = {**read_local_settings(root), **os.environ}
        if given := settings.get(NAME, "").strip():
            yield given
    with suppress(OSError):
        yield (state / "host" / FILE).read_text()
