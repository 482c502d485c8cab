"""
Part of `make lint`: every lock is what pyproject.toml asks for, and Azure has nothing to compile.

Each lock is compiled again over a copy of itself, which keeps its pins, so a newer release changes nothing;
a dependency that was added, dropped or bounded otherwise does. Azure's build of an app has 60 seconds, so each package
of requirements.txt needs a wheel for every Python that the app can run on there, this machine's or not.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from locks.compile import LOCKS, ROOT, compile_lock, untold

PYTHONS = ("3.11", "3.12", "3.13")
# Azure's Linux has a newer glibc than 2.28, so it takes these wheels.
PLATFORM = "x86_64-manylinux_2_28"


def without_wheels(python: str, lock: Path = ROOT / "requirements.txt") -> str:
    """Return what uv says of the first package of *lock* that has no wheel for *python* in Azure; else nothing."""
    words = ["-m", "uv", "pip", "install", "--dry-run", "--quiet", "--no-config"]
    words += ["--only-binary", ":all:", "--python-version", python, "--python-platform", PLATFORM]
    with tempfile.TemporaryDirectory() as nothing:
        words += ["--target", nothing, "--requirement", str(lock)]
        done = subprocess.run([sys.executable, *words], env=untold(), capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


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
    compiled = {python: said for python in PYTHONS if (said := without_wheels(python))}
    for python, said in compiled.items():
        print(f"locks: Azure would have to compile a package for Python {python}; pin one that has a wheel\n{said}")
    if not outdated and not compiled:
        print(f"locks: {len(LOCKS)} up to date; wheels for Python {', '.join(PYTHONS)}")
    return 1 if outdated or compiled else 0


if __name__ == "__main__":
    sys.exit(main())
