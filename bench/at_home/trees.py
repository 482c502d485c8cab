"""The trees that are compared: this one, and that of another commit."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]


class NoSuchCommitError(Exception):
    """The clone does not have the commit."""


@contextmanager
def tree_of(revision: str, repository: Path = ROOT) -> Iterator[Path]:
    """
    Put the tree of a commit into a folder, which is gone at the end.

    Raises:
        NoSuchCommitError: the clone does not have it.
    """
    found = subprocess.run(["git", "archive", "--format=tar", revision], cwd=repository, capture_output=True)
    if found.returncode:
        raise NoSuchCommitError(
            f"git archive {revision}: {found.stderr.decode().strip()}; "
            "name a commit of this clone with --before, or fetch the whole history with git fetch --unshallow"
        )
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
