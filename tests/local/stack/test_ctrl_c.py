"""Ctrl-C, pressed until a command has ended, shows no traceback, and the status says that it was ended."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from doubles.fake_app import running_app
from doubles.hosting import write_function
from doubles.patience import PATIENCE_SECONDS, wait_until
from doubles.ports import five_free_ports

from local.addresses import Addresses

PROJECT = Path(__file__).resolve().parents[3]


class Typed:
    """A command in a process group of its own, as a shell starts it; *printed* is what it has said by now."""

    def __init__(self, folder: Path, *words: object) -> None:
        self._output = folder / "output"
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local", *map(str, words)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def press_ctrl_c_until_it_ends(self) -> int:
        def pressed() -> bool:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGINT)
            return self._process.poll() is not None

        wait_until(pressed, poll_seconds=0.1)
        return self._process.wait(PATIENCE_SECONDS)


@contextmanager
def silent_storage(port: int) -> Iterator[Callable[[], bool]]:
    """Take connections on *port* and answer nothing; yields whether one has come."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0)
        taken: list[socket.socket] = []

        def has_come() -> bool:
            with suppress(BlockingIOError):
                taken.append(server.accept()[0])
            return bool(taken)

        try:
            yield has_come
        finally:
            for connection in taken:
                connection.close()


@pytest.mark.parametrize("command", ["vision", "host", "events"])
def test_in_a_part_alone(tmp_path: Path, command: str) -> None:
    typed = Typed(tmp_path, command, "--port", five_free_ports(), "--state", tmp_path / "state")
    wait_until(lambda: typed.printed or (tmp_path / "state").exists())
    assert typed.press_ctrl_c_until_it_ends() in (0, 130)
    assert "Traceback" not in typed.printed


def test_at_the_very_end() -> None:
    # Pressed again, unseen as yet, at the moment when no further one is to be heard.
    code = """
import signal, sys
from local import __main__ as console
pressed = iter([KeyboardInterrupt, KeyboardInterrupt])
ignore = signal.signal
def ignore_later(number, handler):
    for each in pressed:
        raise each
    return ignore(number, handler)
signal.signal = ignore_later
def ended_by_ctrl_c(argv):
    raise KeyboardInterrupt
console.main = ended_by_ctrl_c
console.run()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


# Pressed while Python runs a callback, where it can only print an exception and go on.
IN_A_CALLBACK = """
import signal, weakref
class Gone:
    pass
gone = Gone()
reference = weakref.ref(gone, lambda _: signal.raise_signal(signal.SIGINT))
del gone
"""


@pytest.mark.parametrize("imported", [IN_A_CALLBACK, 'exec("raise KeyboardInterrupt")'])
def test_while_a_command_is_imported(tmp_path: Path, imported: str) -> None:
    (tmp_path / "imported.py").write_text(f"{imported}\ndef main(argv):\n    return 1\n")
    started = "from local import __main__ as console\nconsole.COMMANDS['start'] = ('imported', '')\nconsole.run()\n"
    (tmp_path / "started.py").write_text(started)
    done = subprocess.run(
        [sys.executable, "-m", "started", "start"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_while_a_host_imports_its_functions(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write_function(root, "Slow", [{"type": "httpTrigger", "direction": "in", "name": "req"}], IN_A_CALLBACK)
    (root / "host.json").write_text('{"version": "2.0"}')
    command = ["host", "--root", str(root), "--port", "0", "--state", str(tmp_path / "state")]
    done = subprocess.run([sys.executable, "-m", "local", *command], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_in_a_start_that_is_to_process_the_samples_once(tmp_path: Path) -> None:
    typed = Typed(tmp_path, "start", "--once", "--port", five_free_ports(), "--state", tmp_path / "state")
    wait_until(lambda: "azurite" in typed.printed)
    # 0 would say that every sample is complete.
    assert typed.press_ctrl_c_until_it_ends() == 130
    assert "Traceback" not in typed.printed


def test_in_an_upload_while_storage_is_silent(tmp_path: Path) -> None:
    port = five_free_ports()
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    with running_app(port), silent_storage(Addresses(port).ports["blob storage"]) as has_come:
        typed = Typed(tmp_path, "add", tmp_path / "a.jpg", "--port", port, "--state", tmp_path / "state")
        wait_until(has_come)
        assert typed.press_ctrl_c_until_it_ends() == 130
    # Nothing else, of the SDK neither. What the second one has left may have come to an end after all.
    told = "add: stopped: 0 of 1 uploaded (and perhaps 1 more); the same command goes on from here\n"
    assert typed.printed == told
