"""`make demo`: the samples end to end, then nothing is left."""

import subprocess
import sys
from pathlib import Path

import pytest
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack

from local.addresses import Addresses

pytestmark = pytest.mark.e2e


def test_once_shows_every_sample_complete_and_stops_everything(tmp_path: Path) -> None:
    port = five_free_ports()
    command = [sys.executable, "-m", "local", "start", "--once", "--port", str(port), "--state", str(tmp_path)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    rows = [line for line in answer.stdout.splitlines() if line.startswith("│") and "complete" in line]
    assert len(rows) == 7
    assert all("2/2" in row for row in rows)
    assert not RunningStack(Addresses(port), tmp_path).has_processes()
