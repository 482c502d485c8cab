"""Name a command in the words that its reader uses: make's, where `make start` or `make demo` was typed."""

import os
import shlex
import sys
from pathlib import Path

# What `.venv/bin/blobsight` calls itself, which runs from any folder.
CONSOLE_SCRIPT = "blobsight"
BIN = Path(__file__).resolve().parent.parent / ".venv" / "bin"


def program() -> str:
    """Return the words that stand before the name of a command: those by which this process was started."""
    return CONSOLE_SCRIPT if sys.argv[0] == CONSOLE_SCRIPT else "python -m local"


def program_elsewhere() -> str:
    """Return `program` as it works in a terminal without the virtual environment, in the same folder."""
    if program() == CONSOLE_SCRIPT:
        return shlex.quote(str(BIN / CONSOLE_SCRIPT))
    return program().replace("python", ".venv/bin/python")


def is_of_make() -> bool:
    """Whether make started this process."""
    return os.environ.get("BLOBSIGHT_MAKE") == "1"


def start_command(**options: object) -> str:
    """
    Return the command that starts a stack with these options.

    The names are those of `start`'s options, such as `port="N"`, `state=folder`, `vision="azure"` or `samples=True`.
    """
    if is_of_make():
        words = [f"{name.upper()}={_value(value)}" for name, value in options.items()]
        return " ".join(["make start", *words])
    words = [f"--{name}" if value is True else f"--{name} {_value(value)}" for name, value in options.items()]
    return " ".join([f"{program()} start", *words])


def _value(value: object) -> str:
    return "yes" if value is True else shlex.quote(str(value))
