"""A virtual environment for each peer, made from its lock below bench/.venvs; made anew when the lock changes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENVS = HERE.parent / ".venvs"


def python_of(lock: str) -> Path:
    """The interpreter of the environment with *lock*, which is made if it is missing or out of date."""
    source = HERE / "locks" / f"{lock}.txt"
    folder = VENVS / lock
    stamp = folder / ".made"
    wanted = hashlib.sha256(source.read_bytes() + sys.version.encode()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"bench: environment of {lock}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([str(python), *install, "--requirement", str(source)], check=True)
        stamp.write_text(wanted)
    return python


def versions(python: Path) -> dict[str, str]:
    """What is installed, by name."""
    listing = subprocess.run(
        [str(python), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("==", 1) for line in listing.stdout.splitlines() if "==" in line)
