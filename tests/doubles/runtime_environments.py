"""
The Pythons and libraries that the app has to run on in Azure, for Microsoft's runtime: a folder of packages for each.

    python tests/doubles/runtime_environments.py    makes those that are missing or out of date

The packages are installed by the command of Azure's own build, with each Python's own pip, and are all that a Python
finds beside its standard library. A Python that this machine does not have is no failure: it has no folder, and a run
of the tests says so. The platform of 3.11 and 3.12 has an `azure-functions` of its own, which wins over the app's, so
one environment has an old one in front.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUIREMENTS = PROJECT_ROOT / "requirements.txt"
OLD_FUNCTIONS = PROJECT_ROOT / ".venv/functions-1.22"
OLD_FUNCTIONS_LOCK = PROJECT_ROOT / "locks/functions-1.22.txt"
CACHE = PROJECT_ROOT / ".venv/package-cache"
TARGET = ".python_packages/lib/site-packages"
# What Oryx runs in the app's folder for a remote build (microsoft/Oryx, PythonBashBuildSnippet.sh.tpl).
AZURES_BUILD = ("-m", "pip", "install", "--cache-dir", str(CACHE), "--prefer-binary", "-r", "requirements.txt")
AZURES_BUILD += (f"--target={TARGET}", "--upgrade")
REPORT = "report.json"


@dataclass(frozen=True)
class RuntimeEnvironment:
    """A Python; *front* is a folder of packages that win over the app's."""

    version: str
    python: Path
    front: Path | None = None

    def __str__(self) -> str:
        """Return it as reports name it."""
        return f"Python {self.version}" + (" with azure-functions 1.22.1" if self.front else "")

    @property
    def packages(self) -> Path:
        """The app's packages, and no others."""
        return _home(self.version) / TARGET

    @property
    def report(self) -> Path:
        """What pip says of their installation, in its format 1."""
        return _home(self.version) / REPORT

    @property
    def command(self) -> list[str]:
        """How it is started: without the environment's and the machine's own packages."""
        return [str(self.python), "-E", "-s", "-S"]

    @property
    def is_there(self) -> bool:
        """Whether set-up has made it, from the locks as they are now."""
        return _has(_home(self.version), REQUIREMENTS) and (self.front is None or _has(self.front, OLD_FUNCTIONS_LOCK))


OWN = RuntimeEnvironment(OWN_VERSION, Path(sys.executable))


def environments() -> list[RuntimeEnvironment]:
    """Return one for each Python of this machine, then the oldest of these with the old library."""
    own = [RuntimeEnvironment(version, python) for version, python in found_pythons().items()]
    return [*own, RuntimeEnvironment(own[0].version, own[0].python, OLD_FUNCTIONS)]


@cache
def found_pythons() -> Mapping[str, Path]:
    """Return the Pythons of this machine that run, by version."""
    return pythons(os.get_exec_path(), Path.home())


def pythons(path: Sequence[str], home: Path) -> Mapping[str, Path]:
    """
    Return the Pythons that run, by version: of those in the folders of *path* and those of pyenv in *home*.

    Of the running one's version it is that one.
    """
    found = {}
    for version in VERSIONS:
        on_path = [Path(folder) / f"python{version}" for folder in path]
        of_pyenv = sorted(home.glob(f".pyenv/versions/{version}.*/bin/python"))
        places = [Path(sys.executable)] if version == OWN_VERSION else [*on_path, *of_pyenv]
        running = next((place for place in places if _runs(place, version)), None)
        if running:
            found[version] = running
    return found


def _home(version: str) -> Path:
    return PROJECT_ROOT / ".venv" / f"package-{version}"


def _runs(python: Path, version: str) -> bool:
    """Whether it starts, is that version and can have a pip: a version manager's name on PATH may start nothing."""
    if not python.exists():
        return False
    words = [str(python), "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip() == version


def make_all() -> None:
    """Make every environment that is missing or out of date."""
    missing = {version: each for version, each in found_pythons().items() if not _has(_home(version), REQUIREMENTS)}
    if missing:
        print(f"set-up: the app's packages as Azure installs them, for {', '.join(missing)}", file=sys.stderr)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_build, missing, missing.values()))
    if not _has(OLD_FUNCTIONS, OLD_FUNCTIONS_LOCK):
        print("set-up: the oldest azure-functions that the platform may have", file=sys.stderr)
        shutil.rmtree(OLD_FUNCTIONS, ignore_errors=True)
        words = ["-m", "pip", "install", "--no-deps", "--target", str(OLD_FUNCTIONS), "-r", str(OLD_FUNCTIONS_LOCK)]
        _run(Path(sys.executable), words, PROJECT_ROOT)
        _mark(OLD_FUNCTIONS, OLD_FUNCTIONS_LOCK)


def _build(version: str, python: Path) -> None:
    """Do what Azure's build does with the package."""
    home = _home(version)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(REQUIREMENTS, home)
    with tempfile.TemporaryDirectory() as folder:
        if version != OWN_VERSION:
            # Its pip is its own, and meets no packages of the machine's.
            _run(python, ["-m", "venv", folder], home)
            python = Path(folder) / "bin/python"
        _run(python, AZURES_BUILD, home, PIP_REPORT=str(home / REPORT))
    _mark(home, REQUIREMENTS)


def _run(python: Path, words: Sequence[str], folder: Path, **own: str) -> None:
    """Run it in *folder*; only if it fails is its output shown."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **own}
    done = subprocess.run(
        [str(python), *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}set-up: {python} {' '.join(words)} failed")


def _has(folder: Path, lock: Path) -> bool:
    mark = folder / ".installed"
    return mark.exists() and mark.read_text() == lock.read_text()


def _mark(folder: Path, lock: Path) -> None:
    """Written last: what was interrupted is made anew."""
    shutil.copyfile(lock, folder / ".installed")


if __name__ == "__main__":
    make_all()
