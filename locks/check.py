"""
Part of `make lint`: every lock is what pyproject.toml asks for.

Each lock is compiled again over a copy of itself, which keeps its pins, so a newer release changes nothing;
a dependency that was added, dropped or bounded otherwise does.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from locks.compile import LOCKS, ROOT, compile_lock


def main() -> int:
    """Compare all; print the ones that are out of date."""
    outdated = []
    with tempfile.TemporaryDirectory() as folder:
        for name, sources in LOCKS:
            copy = Path(folder) / Path(name).name
            shutil.copy(ROOT / name, copy)
            compile_lock(copy, sources)
            if copy.read_text() != (ROOT / name).read_text():
                outdated.append(name)
    for name in outdated:
        print(f"locks: {name} is not what pyproject.toml asks for; run `make lock` and commit the result")
    if not outdated:
        print(f"locks: {len(LOCKS)} up to date")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
