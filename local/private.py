"""Keep what the local stack stores, images, records, keys and logs, from the other users of the machine."""

import os
import stat
from pathlib import Path

from local.errors import LocalError

# What a process leaves out of the mode of every file that it makes.
UMASK = 0o077
FOLDER_MODE = 0o700


def private_folder(state: Path, *parts: str) -> Path:
    """
    Return the folder of *parts* below *state*, made if it is missing; all from *state* down are their owner's alone.

    A folder that is there already is closed to others too, unless it is another user's or, like /tmp, everybody's.
    Raises LocalError for one that cannot be made or closed.
    """
    own = [state.joinpath(*parts[:count]) for count in range(len(parts) + 1)]
    try:
        for folder in reversed(state.parents):
            _make(folder)
        for folder in own:
            _make(folder)
            _close(folder)
    except OSError as error:
        raise LocalError(
            f"the state folder {own[-1]} cannot be used ({error.strerror}): choose another folder with --state"
        ) from None
    return own[-1]


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(FOLDER_MODE, exist_ok=True)


def _close(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid == os.getuid() and not status.st_mode & stat.S_ISVTX:
        folder.chmod(FOLDER_MODE)
