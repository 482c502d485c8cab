"""
A checkout of the project, as somebody gets it who follows the README: cloned, set up, with a stack of its own.

What set-up would download is linked instead: the virtual environment that runs the tests, the models in it, Azurite,
the tools that check the page.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from doubles.patience import wait_until
from doubles.running_stack import PROJECT, READY_SECONDS, STOP_SECONDS, RunningStack

from local.addresses import DEFAULT_PORT

# Where the pages say that images lie on the web; a server on loopback has the samples in its place.
WEB = "https://example.com"
LOOPBACK = {"localhost", "127.0.0.1"}
INSTALLED = ("-o", ".venv/.local", "-o", ".venv/.dev", "-o", ".venv/.runtime", "-o", "due-models")
AZURITE = "local/azurite/node_modules"
PAGE_TOOLS = "tests/page/tools/node_modules"


def publish(folder: Path) -> Path:
    """Make *folder* a repository with the project's files as they are now, committed or not; returns it."""
    _git("init", "--quiet", "--bare", str(folder))
    (folder / "info" / "exclude").write_text(".venv\nnode_modules\n")
    here = ("--git-dir", str(folder), "--work-tree", str(PROJECT))
    _git(*here, "add", "--all")
    _git(*here, "-c", "user.name=tests", "-c", "user.email=tests@localhost", "commit", "--quiet", "--message", "now")
    return folder


def environment(**own: str) -> dict[str, str]:
    """The environment of somebody at a terminal: nothing of the make and the pytest that run the tests."""
    foreign = ("MAKE", "MFLAGS", "PYTEST", "VISION_", "PYTHONPATH", "COVERAGE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **own}


@dataclass
class Place:
    """Where commands of the pages are run: a checkout's folder, the stack's ports, the server with the samples."""

    folder: Path
    port: int
    repository: Path
    web: str = ""

    def here(self, text: str) -> str:
        """
        What the page says, as it has to be said here.

        Raises AssertionError if an address beyond loopback is left in it.
        """
        text = text.replace("<this repository>", shlex.quote(str(self.repository))).replace(WEB, self.web or WEB)
        text = re.sub(r"(?<=[:(])707[1-5]\b", lambda found: str(self.port + int(found[0]) - DEFAULT_PORT), text)
        text = re.sub(r"\bpython -m local \w+", rf"\g<0> --port {self.port}", text)
        text = re.sub(r"^make (start|demo)$", f"{self._set_up()} && {self.make('')} \\1 PORT={self.port}", text)
        assert set(re.findall(r"\w+://([\w.-]+)", text)) <= LOOPBACK, text
        return text

    def back(self, text: str) -> str:
        """What was printed here, as the page has it."""
        text = text.replace(self.web or WEB, WEB).replace(f" --port {self.port}", "")
        ports = {str(self.port + offset): str(DEFAULT_PORT + offset) for offset in range(5)}
        return re.sub("|".join(ports), lambda found: ports[found[0]], text)

    def make(self, target: str) -> str:
        """The command that makes *target* and takes what is linked for what set-up made."""
        return shlex.join(["make", *INSTALLED, "-o", f"{AZURITE}/.installed", *([target] if target else [])])

    def _set_up(self) -> str:
        """Make an environment with scripts of its own, and the packages and models of the one that runs the tests."""
        packages = " && ".join(
            f"ln -s {shlex.quote(str((PROJECT / folder).resolve()))} {folder}" for folder in (AZURITE, PAGE_TOOLS)
        )
        environment = f"{shlex.quote(sys.executable)} -m venv --without-pip .venv && rm -r .venv/lib"
        linked = " ".join(shlex.quote(f"{sys.prefix}/{each}") for each in ("lib", "models"))
        return f"{environment} && ln -s {linked} .venv && {packages}"

    def set_up(self) -> None:
        """Clone the repository into the folder, and link what set-up would download."""
        _git("clone", "--quiet", str(self.repository), str(self.folder))
        subprocess.run(["bash", "-c", self._set_up()], cwd=self.folder, check=True)


@dataclass
class TypedStack(RunningStack):
    """A stack that was started by what somebody typed at a terminal, and is stopped by Ctrl-C there."""

    typed: list[str] = field(default_factory=list)

    def type_in(self, folder: Path, *commands: str, until: str) -> None:
        """Type the commands, of which the last one stays, and return once that has said *until*."""
        self.typed = list(commands)
        self.process = subprocess.Popen(
            ["bash", "-e", "-c", "\n".join(commands)],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C reaches every process of the terminal.
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=[self.process], daemon=True).start()
        wait_until(lambda: self.has_said(until) or self._has_ended(), READY_SECONDS)
        assert not self._has_ended(), self.output

    def press_ctrl_c(self) -> None:
        """Stop it, and return when nothing of it is left."""
        assert self.process is not None
        process = self.process
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS)
        wait_until(lambda: not self.has_processes(), STOP_SECONDS)
        wait_until(lambda: process.stdout is None or process.stdout.closed)


def _git(*arguments: str) -> None:
    # Not with the settings of whoever runs the tests.
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *arguments], env={**kept, **own}, cwd=PROJECT, check=True, capture_output=True)
