"""Ctrl-C while a command waits for an answer: no traceback, status 130, and nothing counted that was not done."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.ports import five_free_ports

PROJECT = Path(__file__).resolve().parents[3]
HOST, BLOBS = 0, 2  # whose answer is waited for, as the distance of its port from the host's


@pytest.mark.parametrize(
    ("words", "silent", "said"),
    [
        (["unfinished"], HOST, ""),
        (["unfinished", "--in-state", "pending"], HOST, ""),
        (
            ["unfinished", "retry", "--all"],
            HOST,
            "unfinished: stopped: so far 0 steps are tried again; the request under way may have reached more\n",
        ),
        (["doctor"], HOST, ""),
        (["remove", "a.jpg", "b.jpg"], BLOBS, "remove: stopped: 0 of 2 removed\n"),
    ],
)
def test_a_command_ends_at_once_without_a_traceback(words: list[str], silent: int, said: str, tmp_path: Path) -> None:
    port = five_free_ports()
    command = [sys.executable, "-m", "local", *words, "--port", str(port), "--state", str(tmp_path)]
    with socket.create_server(("127.0.0.1", port + silent)) as server:
        server.settimeout(60)
        with subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, said)
    # What doctor has found by then is told.
    assert printed == "" or printed.startswith("ok     Python")
