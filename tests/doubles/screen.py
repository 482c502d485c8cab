"""A command as it is run at a terminal of some width: what it prints there."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def on_a_screen(words: Sequence[str], columns: int = 80) -> tuple[int, list[str]]:
    """Run `python -m local` with *words*; returns its exit status and the lines, of both channels."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "local", *words]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    try:
        while read := _read(ours):
            printed += read
    finally:
        os.close(ours)
    return process.wait(60), printed.decode().replace("\r\n", "\n").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the program has closed it
        return b""
