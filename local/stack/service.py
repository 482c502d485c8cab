"""One part of the stack as a process: started, watched, started again when it dies, stopped with time to finish."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import notices
from local.private import private_folder

PROJECT = Path(__file__).resolve().parents[2]
FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 5.0
SETTLED_SECONDS = 60.0  # a part that ran for so long died of something new: its delay starts anew
ATTEMPTS_TO_GET_READY = 3
STOP_SECONDS = 40.0  # more than the 30 s that a part takes at most to finish what it has begun
HURRIED_STOP_SECONDS = 1.0
SILENT_STOP_SECONDS = 2.0
LAST_WORDS_SECONDS = 1.0  # a bound, as a process that the part left behind would keep its output open


@dataclass(frozen=True)
class Recipe:
    """How to run one part. It counts as ready when a line of its standard output contains *ready_text*."""

    name: str
    command: Sequence[str]
    ready_text: str
    log: Path
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class Service:
    """
    One running part, in a process group of its own so that Ctrl-C in the terminal reaches only its supervisor.

    The process's standard input is a pipe that only this process holds: when the supervisor dies, however suddenly,
    the part reads its end and shuts itself down.
    """

    def __init__(self, recipe: Recipe, report: Callable[[str], None]) -> None:
        self.recipe = recipe
        self.ready = threading.Event()
        self.gave_up = threading.Event()
        self.last_words = ""
        self._report = report
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name=recipe.name, daemon=True)

    @property
    def pid(self) -> int | None:
        """The process id at this moment; None before the start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and keep it running until `stop`."""
        private_folder(self.recipe.log.parent)
        if self.recipe.log.exists():
            self.recipe.log.replace(self.recipe.log.with_suffix(".log.1"))
        self._thread.start()

    def stop(self, hurry: threading.Event, bound_seconds: float = STOP_SECONDS) -> None:
        """Ask the process to finish and wait for it; kill it after *bound_seconds*, or soon once *hurry* is set."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is not None:
            _signal(process, signal.SIGTERM)
            if not self._finished(process, hurry, bound_seconds):
                self._report(f"{self.recipe.name} did not stop in time and was killed")
                _kill_group(process)
                process.wait()
        if self._thread.is_alive():
            self._thread.join()

    def _finished(self, process: subprocess.Popen[str], hurry: threading.Event, bound_seconds: float) -> bool:
        begun = time.monotonic()
        told = False
        while process.poll() is None:
            waited = time.monotonic() - begun
            if hurry.is_set():
                return _ended_within(process, HURRIED_STOP_SECONDS)
            if waited > bound_seconds:
                return False
            if waited > SILENT_STOP_SECONDS and not told:
                told = True
                self._report(f"waiting for {self.recipe.name} to finish what it has begun; Ctrl-C again hurries")
            _ended_within(process, 0.05)
        return True

    def _keep_running(self) -> None:
        delay = FIRST_DELAY_SECONDS
        failures = 0
        while process := self._spawn():
            begun = time.monotonic()
            process.wait()
            self._reader.join(LAST_WORDS_SECONDS)
            if self._stopping.is_set():
                break
            if time.monotonic() - begun > SETTLED_SECONDS:
                delay = FIRST_DELAY_SECONDS
            failures += 1
            is_final = process.returncode == notices.NOT_AGAIN or failures == ATTEMPTS_TO_GET_READY
            if is_final and not self.ready.is_set():
                self.last_words = self._last_line()
                self.gave_up.set()
                break
            self._report(f"{self._obituary(process)}; starting it again in {delay:.1f} s")
            if self._stopping.wait(delay):
                break
            delay = min(delay * 2, MAX_DELAY_SECONDS)

    def _spawn(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            try:
                log = self.recipe.log.open("a")
            except OSError as error:
                self.last_words = f"{self.recipe.log} cannot be written ({error.strerror})"
                self._report(f"{self.recipe.name} is not started again: {self.last_words}")
                self.gave_up.set()
                return None
            with log:
                self._process = subprocess.Popen(
                    self.recipe.command,
                    # Python finds the parts' modules there.
                    cwd=PROJECT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    errors="replace",
                    env={**self.recipe.environment, "BLOBSIGHT_PARENT": "1"},
                    process_group=0,
                )
        self._reader = threading.Thread(target=self._read_output, args=[self._process], daemon=True)
        self._reader.start()
        return self._process

    def _read_output(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        with process.stdin, process.stdout, self.recipe.log.open("a") as log:
            for line in process.stdout:
                if notice := notices.received(line):  # its log has it already, with the time
                    self._report(f"{self.recipe.name}: {notice}")
                    continue
                log.write(line)
                log.flush()
                if self.recipe.ready_text in line:
                    self.ready.set()

    def _obituary(self, process: subprocess.Popen[str]) -> str:
        status = process.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        last = self._last_line() if status > 0 else ""
        return f"{self.recipe.name} {how}{last and f' ({last})'}"

    def _last_line(self) -> str:
        # The folder of the logs may have been removed.
        with contextlib.suppress(OSError, IndexError):
            return self.recipe.log.read_text(errors="replace").strip().splitlines()[-1]
        return ""


def _ended_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _signal(process: subprocess.Popen[str], number: int) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
