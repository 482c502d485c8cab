"""How this process was started, so that it can be started again in its own place."""

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

CANNOT_START = 1


@dataclass(frozen=True)
class Beginning:
    """The folder and the environment of the start; the app's settings come into the environment later."""

    folder: str
    environment: Mapping[str, str]

    @classmethod
    def now(cls) -> "Beginning":
        """Take down how things are."""
        return cls(os.getcwd(), dict(os.environ))

    def again(self, port: int) -> NoReturn:
        """
        Put a new host on *port* in the place of this process, which keeps its number and what it has open for others.

        All threads end wherever they are, which nothing else can make them do, and so do all locks and sockets.
        """
        chosen = ["--port", str(port)]
        command = [sys.executable, *sys.orig_argv[1:]]
        if command[-2:] != chosen:
            command += chosen
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        try:
            os.chdir(self.folder)
            os.execve(sys.executable, command, self.environment)  # noqa: S606 - it is the command of this process
        except OSError as error:
            print(f"host: cannot start again: {error}", file=sys.stderr, flush=True)
        os._exit(CANNOT_START)
