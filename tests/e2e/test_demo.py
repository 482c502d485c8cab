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
    cells = {row[0]: row[1:] for row in ([cell.strip() for cell in line.split("│")[1:-1]] for line in rows)}
    assert {name: row[2] for name, row in cells.items()} == {
        **dict.fromkeys(("astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"), "2/2"),
        **dict.fromkeys(("receipt.png", "sign.jpg", "scan.png"), "2/2"),
        **dict.fromkeys(("minutes.pdf", "recipe.tif"), ""),
    }
    beginnings = {name: row[3][:10] for name, row in cells.items() if row[3]}
    assert beginnings == {
        "receipt.png": "CORNER COF",
        "sign.jpg": "RIVER PARK",
        "scan.png": "Dear neigh",
        "minutes.pdf": "Minutes of",
        "recipe.tif": "Apple cake",
    }
    assert "LOST in Azure" not in (tmp_path / "logs" / "host.log").read_text()
    assert not RunningStack(Addresses(port), tmp_path).has_processes()
