"""
The Pythons and libraries that the app has to run on in Azure: an environment for each, for Microsoft's runtime.

    python tests/doubles/runtime_environments.py    makes those that are missing or out of date

A Python that this machine does not have is no failure: it has no environment, and a run of the tests says so. The
platform of 3.11 and 3.12 has an `azure-functions` of its own, which wins over the app's, so one environment has an old
one in front.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
OWN_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
REQUIREMENTS = PROJECT_ROOT / "requirements.txt"
OLD_FUNCTIONS = PROJECT_ROOT / ".venv/functions-1.22"
OLD_FUNCTIONS_LOCK = PROJECT_ROOT / "locks/functions-1.22.txt"
# pip's settings, by the variables in which uv takes the same.
_SAME_IN_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}


@dataclass(frozen=True)
class RuntimeEnvironment:
    """A Python with the app's packages; *front* is a folder of packages that win over these."""

    version: str
    python: Path
    front: Path | None = None

    def __str__(self) -> str:
        """Return it as reports name it."""
        return f"Python {self.version}" + (" with azure-functions 1.22.1" if self.front else "")

    @property
    def is_there(self) -> bool:
        """Whether set-up has made it, from the locks as they are now."""
        packages = self.version == OWN_VERSION or _has(_home(self.version), REQUIREMENTS)
        return packages and (self.front is None or _has(self.front, OLD_FUNCTIONS_LOCK))


OWN = RuntimeEnvironment(OWN_VERSION, Path(sys.executable))


def environments() -> list[RuntimeEnvironment]:
    """Return one for each Python of this machine, then the oldest of these with the old library."""
    own = [RuntimeEnvironment(version, _python(version)) for version in found_pythons()]
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


def _python(version: str) -> Path:
    return Path(sys.executable) if version == OWN_VERSION else _home(version) / "bin/python"


def _home(version: str) -> Path:
    return PROJECT_ROOT / ".venv" / f"python{version}"


def _runs(python: Path, version: str) -> bool:
    """Whether it starts and is that version: a version manager puts names on PATH that start nothing."""
    if not python.exists():
        return False
    words = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip() == version


def make_all() -> None:
    """Make every environment that is missing, out of date or broken."""
    for version, python in found_pythons().items():
        home = _home(version)
        if version == OWN_VERSION or (_has(home, REQUIREMENTS) and _runs(home / "bin/python", version)):
            continue
        print(f"set-up: the app's packages for Python {version} (some seconds)", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(home)], check=True)
        _install("--python", str(home), lock=REQUIREMENTS)
        _mark(home, REQUIREMENTS)
    if not _has(OLD_FUNCTIONS, OLD_FUNCTIONS_LOCK):
        print("set-up: the oldest azure-functions that the platform may have", file=sys.stderr)
        shutil.rmtree(OLD_FUNCTIONS, ignore_errors=True)
        _install("--no-deps", "--target", str(OLD_FUNCTIONS), lock=OLD_FUNCTIONS_LOCK)
        _mark(OLD_FUNCTIONS, OLD_FUNCTIONS_LOCK)


def _install(*where: str, lock: Path) -> None:
    """Install with uv, which takes a few seconds where pip takes a minute."""
    words = ["-m", "uv", "pip", "install", "--quiet", "--require-hashes", *where, "--requirement", str(lock)]
    subprocess.run([sys.executable, *words], env={**as_uv_takes_it(_pip_settings()), **os.environ}, check=True)


def _pip_settings() -> str:
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def as_uv_takes_it(listed: str) -> dict[str, str]:
    """Return what `pip config list` has printed as uv's variables, so that a mirror is asked by both."""
    settings = {}
    # The environment wins over the files, and a command's own section over the general one.
    for section in ("global", "install", ":env:"):
        for line in listed.splitlines():
            place, _, value = line.partition("=")
            name = place.removeprefix(f"{section}.")
            if name != place and name in _SAME_IN_UV:
                settings[_SAME_IN_UV[name]] = str(ast.literal_eval(value))
    links = settings.get("UV_FIND_LINKS")
    # pip takes the newest of all places, uv the first place that has the package at all.
    return {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        **settings,
        **({"UV_FIND_LINKS": ",".join(links.split())} if links else {}),
    }


def _has(folder: Path, lock: Path) -> bool:
    mark = folder / ".installed"
    return mark.exists() and mark.read_text() == lock.read_text()


def _mark(folder: Path, lock: Path) -> None:
    """Written last: what was interrupted is made anew."""
    shutil.copyfile(lock, folder / ".installed")


if __name__ == "__main__":
    make_all()
