"""
Run every test in two processes side by side, which take about as long: those of the whole stack and of the benchmarks,
and the others.

    python tests/run.py [pytest's options]

The output of the first follows that of the others. The exit status is the worse of the two.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest"]
BESIDE = ("tests/e2e", "tests/docs", "tests/bench")


def main(options: list[str]) -> int:
    """Run both and return the exit status."""
    print("All tests take about ten minutes.", flush=True)
    print(f"Those of {', '.join(BESIDE)} run beside the others, and tell what came of them at the end.", flush=True)
    # Ctrl-C reaches both by itself, and each stops its stacks before it ends.
    signal.signal(signal.SIGINT, lambda *_: None)
    with tempfile.TemporaryFile("w+") as output:
        beside = subprocess.Popen([*PYTEST, *BESIDE, *options], stdout=output, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*PYTEST, *(f"--ignore={folder}" for folder in BESIDE), *options]).returncode
            whole_stack = beside.wait()
        finally:
            output.seek(0)
            print(output.read(), flush=True)
    # What a signal ended has the negative number of it.
    return max(abs(others), abs(whole_stack))


if __name__ == "__main__":
    # Paths below are the project's.
    assert all(Path(folder).is_dir() for folder in BESIDE), "run it in the project's folder"
    sys.exit(main(sys.argv[1:]))
