"""What `make test` runs ends on Ctrl-C by itself, and shows no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from doubles.patience import PATIENCE_SECONDS, wait_until
from run import BESIDE

TESTS = Path(__file__).resolve().parents[1]
# As pytest does: it ends what it has begun, and tells of the interruption by its exit status.
INTERRUPTED_PYTEST = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
try:
    (folder / str(os.getpid())).touch()
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped its stacks")
    sys.exit(2)
"""
PROCESSES = 1 + len(BESIDE)
RUN = "import sys; import run; run.PYTEST = [sys.executable, '-c', *sys.argv[1:]]; sys.exit(run.main([]))"


def test_ctrl_c_lets_all_processes_end_and_tells_what_they_have_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, INTERRUPTED_PYTEST, str(tmp_path)]
    process = subprocess.Popen(
        command,
        cwd=TESTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == PROCESSES)
    finally:
        # Ctrl-C reaches every process of the terminal.
        os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert printed.count("stopped its stacks\n") == PROCESSES
    assert "minutes" in printed
    assert "Traceback" not in printed
