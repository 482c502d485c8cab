"""A terminal: commands one after the other in one shell, as somebody types them who follows a page."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

END_SECONDS = 110.0


class Terminal:
    """A bash that keeps its folder, its variables and its jobs from one command to the next."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self._shell = shell

    def run(self, command: str) -> tuple[int, str]:
        """The exit status of the command, and what it printed, on both channels."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        mark = uuid4().hex
        # A command must not read the ones after it; `:` because a comment alone is no command.
        self._shell.stdin.write(f"{{ :\n{command}\n}} </dev/null\nprintf '%s %d\\n' {mark} $?\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            before, found, status = line.partition(f"{mark} ")
            printed.append(before)
            if found:
                return int(status), "".join(printed).replace("\r", "")
        raise AssertionError(f"the shell ended in the middle of {command!r}: {''.join(printed)}")


@contextmanager
def terminal(folder: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Inside, a terminal in *folder*; it and its jobs are gone after."""
    shell = subprocess.Popen(
        ["bash"],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        yield Terminal(shell)
    finally:
        shell.stdin.write("kill $(jobs -p) 2>/dev/null\n")
        shell.stdin.close()
        shell.wait(END_SECONDS)
        shell.stdout.close()
