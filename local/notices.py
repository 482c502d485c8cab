"""What a part of the stack has to say to the person at the console: lines of its standard output with a sign."""

import os
from typing import TextIO

SIGN = "notice: "
NOT_AGAIN = 78  # EX_CONFIG of sysexits.h


def is_supervised() -> bool:
    """Whether a supervisor holds this process and reads its standard output."""
    return os.environ.get("BLOBSIGHT_PARENT") == "1"


def final_status() -> int:
    """Return the exit status of a process that would fail again in the same way, for a supervisor or for a person."""
    return NOT_AGAIN if is_supervised() else 1


def send(text: str, output: TextIO | None = None) -> None:
    """Have the supervisor, if there is one, say *text* at its console; *output* is what it reads if not sys.stdout."""
    if is_supervised():
        print(f"{SIGN}{text}", file=output, flush=True)


def received(line: str) -> str | None:
    """Return the text of a notice, or None for another line."""
    return line.removeprefix(SIGN).rstrip() if line.startswith(SIGN) else None
