"""
The size of what is deployed, and what its cold start costs: CPU and time of each import, with and without bytecode.

    python -m bench.cold_start [--rounds 5]

A function is imported in a fresh interpreter that has `azure.functions`, as the worker has, and nothing but the package
and the packages that Azure's build installs (`make environments`). Exits 1 if a goal is missed.
"""

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.section import Goal, Section, goals_table, table

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
MOST_PACKAGE_MEGABYTES = 0.5
MOST_INSTALLED_MEGABYTES = 100.0
_MB = 1_000_000
_SECONDS = 60
ALL = "all of them in one process"
# What has bytecode, by the column's title. In Azure pip compiles the dependencies, and nothing compiles the app.
STATES = ("of all", "of the dependencies, as in Azure", "of neither")
_IMPORT = """
import importlib, json, sys, time
packages, root, *names = sys.argv[1:]
sys.path[:0] = [packages, root]
import azure.functions
before, cpu, wall = len(sys.modules), time.process_time(), time.perf_counter()
for name in names:
    importlib.import_module(name)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps([len(sys.modules) - before, cpu * 1000, wall * 1000]))
"""


class NotInstalledError(Exception):
    """The dependencies are not there as Azure's build installs them."""


class Import(NamedTuple):
    """How many modules were imported, and the milliseconds of CPU and of time that took."""

    modules: int
    cpu_ms: float
    wall_ms: float


class Place(NamedTuple):
    """Where a function is imported from."""

    packages: Path
    app: Path

    def imported(self, names: Sequence[str]) -> Import:
        """Import folders in a fresh process, which writes no bytecode. Raises RuntimeError with its last words."""
        words = ["-I", "-S", "-B", "-c", _IMPORT, str(self.packages), str(self.app), *names]
        done = subprocess.run([sys.executable, *words], cwd=self.app, capture_output=True, text=True, timeout=_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{', '.join(names)}: {done.stderr[-2000:]}")
        return Import(*json.loads(done.stdout))


def installed() -> Path:
    """Where set-up has installed what Azure's build does, for this Python. Raises NotInstalledError if it has not."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = ROOT / ".venv" / f"package-{version}"
    if not (home / ".installed").exists():
        raise NotInstalledError(f"{home} is missing: `make environments` installs the app's packages there")
    return home / ".python_packages/lib/site-packages"


def pack(folder: Path) -> tuple[Path, Path]:
    """Write the package into *folder*; returns it, and the folder it is unpacked to."""
    written, app = folder / "blobsight.zip", folder / "app"
    words = ["scripts/package.py", "--uncommitted", "--output", str(written)]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(written) as opened:
        opened.extractall(app)
    return written, app


def places(folder: Path, app: Path, packages: Path) -> dict[str, Place]:
    """The three ways to have bytecode, made in *folder* of an *app* and of *packages* that are compiled."""
    compiled, bare = folder / "compiled", folder / "bare"
    shutil.copytree(app, compiled)
    compileall.compile_dir(compiled, quiet=2)
    # Links are as good as copies: Python looks for bytecode beside the link.
    shutil.copytree(packages, bare, copy_function=os.symlink, ignore=shutil.ignore_patterns("__pycache__"))
    return dict(zip(STATES, (Place(packages, compiled), Place(packages, app), Place(bare, app)), strict=True))


def cell(rounds: Sequence[Import]) -> str:
    """A cell of the table: the medians."""
    return f"{median(each.cpu_ms for each in rounds):.0f} / {median(each.wall_ms for each in rounds):.0f}"


def imports(where: dict[str, Place], functions: Sequence[str], rounds: int) -> list[tuple[str, ...]]:
    """A row for each function and one for all of them; the states take turns."""
    rows = []
    for title, names in [*((name, [name]) for name in functions), (ALL, functions)]:
        found: dict[str, list[Import]] = {state: [] for state in where}
        for _ in range(rounds):
            for state, place in where.items():
                found[state].append(place.imported(names))
        modules = max(each.modules for each in found[STATES[0]])
        rows.append((title, str(modules), *(cell(each) for each in found.values())))
    return rows


def size(folder: Path) -> tuple[int, int, int]:
    """The number of files below *folder*, their bytes, and the bytes of bytecode among these."""
    found = [(path.suffix == ".pyc", path.stat().st_size) for path in folder.rglob("*") if path.is_file()]
    return len(found), sum(length for _, length in found), sum(length for is_code, length in found if is_code)


def section(rounds: int = ROUNDS, functions: Sequence[str] | None = None) -> Section:
    """Measure; *functions* are all, unless they are named."""
    packages = installed()
    with TemporaryDirectory() as folder:
        package, app = pack(Path(folder))
        named = functions or sorted(path.parent.name for path in app.glob("*/function.json"))
        own, written = size(app), package.stat().st_size
        others = size(packages)
        rows = imports(places(Path(folder), app, packages), named, rounds)
    distributions = len(list(packages.glob("*.dist-info")))
    weights = [
        ("the package, zipped", str(own[0]), f"{written / _MB:.2f}"),
        ("the package, unpacked", str(own[0]), f"{own[1] / _MB:.2f}"),
        (f"its {distributions} dependencies, installed", str(others[0]), f"{others[1] / _MB:.1f}"),
        ("of these, bytecode", "", f"{others[2] / _MB:.1f}"),
    ]
    text = f"""\
What is sent to Azure, and what its build installs beside it: wheels only, by pip's command of that build.

{table(("what", "files", "MB"), weights)}

What a cold start imports, each line in fresh processes of its own: milliseconds of CPU / of time, medians of {rounds}.
The interpreter has `azure.functions` already, as the worker has.

{table(("function", "modules", *(f"bytecode {state}" for state in STATES)), rows)}"""
    goals = [
        Goal.at_most("the package, zipped", MOST_PACKAGE_MEGABYTES, written / _MB, " MB"),
        Goal.at_most("its dependencies, installed", MOST_INSTALLED_MEGABYTES, others[1] / _MB, " MB"),
    ]
    return Section("The package and its cold start", text, goals)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each line")
    try:
        found = section(parser.parse_args().rounds)
    except NotInstalledError as error:
        print(error, file=sys.stderr)
        return 1
    print(found.text, goals_table(found.goals), sep="\n\n")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
