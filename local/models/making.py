"""Fetch and convert models, each for itself, so that one that fails leaves the others."""

import fcntl
import hashlib
import importlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError
from local.models import packages
from local.models.catalogue import folder
from local.models.recipes import Recipe, failures_path, fault, record_path


def make(recipes: Sequence[Recipe]) -> dict[str, str]:
    """
    Make those of the models that are not there as they should be; returns by name why one was not made.

    It can be killed at any time: a model is renamed into its place when all of it is written, and the next run that
    makes one removes what a killed one left. Of two runs at once the second one waits, and makes what the first one
    did not.
    """
    try:
        return _made_alone(recipes)
    # Their folder cannot be written: it is read only, say, or the disk is full.
    except OSError as error:
        return {recipe.model.name: str(error) for recipe in recipes if fault(recipe)}


def _made_alone(recipes: Sequence[Recipe]) -> dict[str, str]:
    with _alone() as place:
        missing = [recipe for recipe in recipes if fault(recipe)]
        # Downloads wait for the network, side by side.
        with ThreadPoolExecutor(len(recipes) or 1) as pool:
            outcomes = list(pool.map(lambda recipe: _made(recipe, place / recipe.model.name), missing))
        failed = {recipe.model.name: why for recipe, why in zip(missing, outcomes, strict=True) if why}
        if failed:
            _write(failures_path(), failed, place)
        else:
            failures_path().unlink(missing_ok=True)
    return failed


@contextmanager
def _alone() -> Iterator[Path]:
    """Hold the folder of the models alone, with an empty directory in it for what is being made."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder().glob(".making-*"):
            shutil.rmtree(left, ignore_errors=True)
        # On the disk of the models, so that a rename is one step.
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder(), ignore_cleanup_errors=True) as place:
            yield Path(place)


def _made(recipe: Recipe, place: Path) -> str:
    """Make one model by way of the directory *place*; returns why that failed."""
    try:
        place.mkdir()
        file = _converted(recipe, packages.fetch(recipe, place))
        new = place / "new.onnx"
        new.write_bytes(file)
        new.replace(recipe.model.path)
        # Last: without it, the file counts as made by another version.
        _write(record_path(recipe), {"recipe": recipe.digest, "sha256": hashlib.sha256(file).hexdigest()}, place)
    except (LocalError, OSError) as error:
        return str(error)
    # A converter that a newer library breaks, say, keeps no other model from being made.
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return ""


def _converted(recipe: Recipe, members: list[bytes]) -> bytes:
    file: bytes = members[0]
    if recipe.modules:
        file = importlib.import_module(f"local.models.{recipe.modules[0]}").convert(*members)
    return file


def _write(path: Path, told: Mapping[str, str], place: Path) -> None:
    new = place / path.name
    new.write_text(json.dumps(told, indent=2) + "\n")
    new.replace(path)
