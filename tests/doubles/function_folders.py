"""The function folders of this app, as their function.json describes them."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from doubles.hosting import PROJECT_ROOT

FOLDERS = sorted(path.parent.name for path in PROJECT_ROOT.glob("*/function.json"))
DURABLE = frozenset({"orchestrationTrigger", "activityTrigger"})


def types(folder: str) -> frozenset[str]:
    """Return the types of a function's bindings."""
    config = json.loads((PROJECT_ROOT / folder / "function.json").read_text())
    return frozenset(binding["type"] for binding in config["bindings"])


def with_binding(*kinds: str) -> frozenset[str]:
    """Return the functions that have a binding of one of these types."""
    return frozenset(folder for folder in FOLDERS if types(folder) & {*kinds})


def deploy(root: Path, folders: Iterable[str] = FOLDERS) -> Path:
    """Copy the app as it is deployed, with these functions: no tests, no local stack, no local.settings.json."""
    for folder in (*folders, "shared"):
        shutil.copytree(PROJECT_ROOT / folder, root / folder)
    for file in ("host.json", "requirements.txt"):
        shutil.copy2(PROJECT_ROOT / file, root)
    return root
