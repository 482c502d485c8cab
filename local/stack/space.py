"""
Say where people look that the disk is full or nearly so, or that the state folder was removed.

Azurite only answers 500 then, and logs nothing.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from local.stack.state_lock import LOCK_NAME
from local.trouble import Trouble

# Twenty images of 4 MB with their records. Azurite's lists, a kilobyte for each blob, are written
# anew beside the old ones: they too have room up to some 10,000 images.
NEEDED_BYTES = 100_000_000
# Once it was said that there is too little, so much is enough again: a few small files do not make it come and go.
ENOUGH_BYTES = 150_000_000
LOOK_SECONDS = 5.0
PROBE_BYTES = 4096
# What is in the folder as long as the stack runs.
LASTING = (LOCK_NAME, "azurite", "host", "events", "logs")


class DiskUsage(Protocol):
    """What `shutil.disk_usage` tells."""

    @property
    def free(self) -> int:
        """The bytes that are left for this user."""


UsageOf = Callable[[Path], DiskUsage]


class Shortage(NamedTuple):
    """Too little room; `kind` is few or none."""

    kind: str
    what: str


def shortage(folder: Path, usage_of: UsageOf, needed_bytes: int = NEEDED_BYTES) -> Shortage | None:
    """Say that there is too little room for what is to be kept in *folder*, or no way to write; None if all is well."""
    try:
        free = usage_of(folder).free
        # A quota and the number of files end before the bytes do.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
    except OSError as error:
        return Shortage("none", f"nothing can be written in {folder} ({error.strerror}): uploads fail until it can")
    if free >= needed_bytes:
        return None
    left = f"only {free / 1e6:.0f} MB are free in {folder}, of {needed_bytes / 1e6:.0f} MB that should be"
    return Shortage("few", f"{left}: uploads fail when it is full")


class SpaceWatch:
    """Says once that room is short, and that it is no longer; or that the folder was removed, which is final."""

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        *,
        usage_of: UsageOf = shutil.disk_usage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._say = say
        self._seen: set[str] = set()
        self._is_removed = False
        self._usage_of = usage_of
        self._trouble = Trouble(lambda text: say(f"disk: {text}"), clock, grace_seconds=0.0)
        self._needed_bytes = NEEDED_BYTES

    def look(self) -> None:
        """Look once."""
        there = {name for name in LASTING if (self._folder / name).exists()}
        if self._is_removed or not self._seen <= there:
            self._tell_removed()
            return
        self._seen = there
        if found := shortage(self._folder, self._usage_of, self._needed_bytes):
            self._needed_bytes = ENOUGH_BYTES
            self._trouble.note(found.kind, found.what)
        else:
            self._needed_bytes = NEEDED_BYTES
            self._trouble.over()

    def _tell_removed(self) -> None:
        if not self._is_removed:
            self._say(
                f"state: {self._folder} was removed while the stack runs, with all images and records in it. "
                "Nothing works any more: stop with Ctrl-C, and start again"
            )
        self._is_removed = True


@contextmanager
def watched_space(watch: SpaceWatch) -> Iterator[None]:
    """Look every few seconds until the block ends."""
    ended = threading.Event()

    def keep_looking() -> None:
        watch.look()
        while not ended.wait(LOOK_SECONDS):
            watch.look()

    thread = threading.Thread(target=keep_looking, name="space", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
