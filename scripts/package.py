"""
Write the zip that is deployed: the app, and nothing else of this folder.

    python scripts/package.py [--output FILE] [--uncommitted]

It holds what `azd deploy` sends from a fresh clone: the files that git tracks, without those that .funcignore names by
the rules of .gitignore. Its times are the last commit's, so a commit gives the same bytes at every run. Where something
is not committed it is not written, and the exit status is 1; `--uncommitted` packs the tracked files as they are.
"""

import argparse
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IGNORED = ".funcignore"
OUTPUT = ROOT / "build" / "blobsight.zip"
# Without it there is no app.
HOST = "host.json"
# A zip knows no time before.
_OLDEST = datetime(1980, 1, 1, tzinfo=UTC)
# `rw-r--r--` of a plain file of Unix, whatever the umask of the one who cloned.
_MODE = 0o100644 << 16
_UNIX = 3
NEXT = """\
`azd deploy` makes the same by itself. Without azd, to an app of the Flex Consumption plan:
  az functionapp deployment source config-zip --resource-group GROUP --name APP --build-remote true --src {output}"""
WAY_OUT = """\
package: the files above differ from the commit, and a package has to be one that can be made again.
Commit them, or put them aside with `git stash --include-untracked`;
`python scripts/package.py --uncommitted` packs the files that git tracks as they are."""


class PackageError(Exception):
    """There is no package; the text says why, and what helps."""


def files(root: Path = ROOT) -> list[str]:
    """Return the names of the files to pack, in order: what git tracks in *root* and .funcignore does not name."""
    at_home = _git(root, "ls-files", "-z", "--cached", "--ignored", f"--exclude-from={IGNORED}")
    return sorted({*_git(root, "ls-files", "-z", "--cached")} - {*at_home})


def uncommitted(root: Path = ROOT) -> list[str]:
    """Return the names of changed, staged and new files in *root*, without those that .gitignore names."""
    found = _git(root, "status", "-z", "--porcelain", "--no-renames", "--untracked-files=all")
    return [line[3:] for line in found]


def committed_at(root: Path = ROOT) -> datetime:
    """Return when the last commit of *root* was made, in UTC."""
    [seconds] = _git(root, "log", "-1", "-z", "--format=%ct")
    return datetime.fromtimestamp(int(seconds), UTC)


def write(output: Path, names: Sequence[str], time: datetime, root: Path = ROOT) -> None:
    """
    Write the files *names* of *root* into the zip *output*, in that order.

    Every entry has *time* (to two seconds, which is all that a zip keeps) and the mode 644.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    # What is interrupted leaves no package that looks whole.
    part = output.with_name(f"{output.name}.part")
    with zipfile.ZipFile(part, "w") as package:
        for name in names:
            entry = zipfile.ZipInfo(name, max(time, _OLDEST).timetuple()[:6])
            entry.create_system, entry.external_attr, entry.compress_type = _UNIX, _MODE, zipfile.ZIP_DEFLATED
            package.writestr(entry, (root / name).read_bytes(), compresslevel=9)
    part.replace(output)


def _refuse_a_part_of_a_repository(root: Path) -> None:
    """Raise PackageError inside a larger repository, from whose root git would read the patterns of .funcignore."""
    above = _git(root, "rev-parse", "--show-prefix")
    if "".join(above).strip():
        raise PackageError(f"package: {root} is a folder of a larger repository; only a whole clone is packed.")


def _refuse_what_is_no_file(names: Sequence[str], root: Path) -> None:
    """Raise PackageError for what the zip cannot hold as the file that git means."""
    if HOST not in names:
        raise PackageError(f"package: git does not track {HOST} in {root}; only a clone of the app can be packed.")
    for name in names:
        # What a link leads to may lie anywhere, and need not be for others.
        if (root / name).is_symlink() or not (root / name).is_file():
            raise PackageError(f"package: {name} is tracked, and is no file here (a link, a submodule, or left out).")


def _git(root: Path, *arguments: str) -> list[str]:
    """Return what git prints, ended by NUL each. Raises PackageError with git's words if it fails."""
    # In a git hook the environment names the hook's own repository, which would be taken instead.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *arguments]
    try:
        # Git's names are UTF-8 on every system.
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, encoding="utf-8", errors="surrogateescape"
        )
    except FileNotFoundError:
        raise PackageError("package: there is no git on PATH, which says what belongs to the app.") from None
    if done.returncode:
        raise PackageError(f"package: only a clone can be packed; git says: {done.stderr.strip()}")
    return [each for each in done.stdout.split("\0") if each]


def _is_removed(path: Path) -> bool:
    return not path.exists() and not path.is_symlink()


def _shown(output: Path) -> str:
    try:
        return os.path.relpath(output)
    except ValueError:  # on another drive of Windows
        return str(output)


def _packed(output: Path, root: Path, *, as_it_is: bool) -> str:
    """Write the package; returns what to tell of it."""
    _refuse_a_part_of_a_repository(root)
    changed = uncommitted(root)
    if changed and not as_it_is:
        raise PackageError("\n".join([*(f"  {name}" for name in changed), WAY_OUT]))
    names = [name for name in files(root) if not (as_it_is and _is_removed(root / name))]
    _refuse_what_is_no_file(names, root)
    write(output, names, committed_at(root), root)
    [commit] = _git(root, "log", "-1", "-z", "--format=%h")
    of = f"of {commit} and files that differ from it" if changed else f"of commit {commit}"
    shown = _shown(output)
    return f"{shown}: {len(names)} files, {output.stat().st_size:,} bytes, {of}\n{NEXT.format(output=shown)}"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the package of *root* and print what it holds; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python scripts/package.py", description="Write the zip that is deployed.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the zip goes (%(default)s)")
    parser.add_argument("--uncommitted", action="store_true", help="pack the tracked files as they are")
    given = parser.parse_args(arguments)
    try:
        print(_packed(given.output, root, as_it_is=given.uncommitted))
    except (PackageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
