"""What a part of the stack has to say to the person at the console: lines of its standard output with a sign."""

import os

SIGN = "notice: "


def is_supervised() -> bool:
    """Whether a supervisor holds this process and reads its standard output."""
    return os.environ.get("BLOBSIGHT_PARENT") == "1"


def send(text: str) -> None:
    """Have the supervisor, if there is one, say *text* at its console."""
    if is_supervised():
        print(f"{SIGN}{text}", flush=True)


def received(line: str) -> str | None:
    """Return the text of a notice, or None for another line."""
    return line.removeprefix(SIGN).rstrip() if line.startswith(SIGN) else None
