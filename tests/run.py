"""
Run every test in processes side by side: some wait for what others do with the processors.

    python tests/run.py [pytest's options]

The first says what it does; the output of each other one follows when all have ended. The exit status is the worst.
"""

import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest"]
# Some of the stacks, apart from the others, which would take longer than all else together.
APART = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("bodies_of_other_programs", "chaos", "contract", "logic_apps", "many_callers", "operations", "skills")
)
# Each has a process; the folders that are not named here have one together.
BESIDE = (
    ("tests/e2e", *(f"--ignore={path}" for path in APART)),
    ("tests/docs", "tests/bench", "tests/contract", *APART),
    ("tests/local", "tests/page"),
)


def main(options: list[str]) -> int:
    """Run all and return the exit status."""
    named = [folder for folders in BESIDE for folder in folders if Path(folder).is_dir()]
    print("All tests take about 15 minutes.", flush=True)
    print(f"Those of {', '.join(named)} run beside the others, and tell what came of them at the end.", flush=True)
    # Ctrl-C reaches each by itself, and each stops its stacks before it ends.
    signal.signal(signal.SIGINT, lambda *_: None)
    with ExitStack() as at_end:
        outputs = [at_end.enter_context(tempfile.TemporaryFile("w+")) for _ in BESIDE]
        beside = [
            subprocess.Popen([*PYTEST, *folders, *options], stdout=output, stderr=subprocess.STDOUT)
            for folders, output in zip(BESIDE, outputs, strict=True)
        ]
        try:
            others = subprocess.run([*PYTEST, *(f"--ignore={folder}" for folder in named), *options]).returncode
            statuses = [others, *(process.wait() for process in beside)]
        finally:
            for output in outputs:
                output.seek(0)
                print(output.read(), flush=True)
    # What a signal ended has the negative number of it.
    return max(map(abs, statuses))


if __name__ == "__main__":
    # Paths below are the project's.
    assert all(Path(path).exists() for paths in BESIDE for path in paths if path[0] != "-"), "run it in its folder"
    sys.exit(main(sys.argv[1:]))
