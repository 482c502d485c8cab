"""The workflows of `.github/workflows`, read as the tests need them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.y*ml"))


def workflow(name: str) -> dict[str, Any]:
    """One workflow; its `on`, which YAML 1.1 takes for a truth value, is under "on" again."""
    document: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return {"on": document.pop(True), **document}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job with where it stands, as `file: job`."""
    for file in FILES:
        for name, job in workflow(file.name)["jobs"].items():
            yield f"{file.name}: {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step with where it stands."""
    for where, job in jobs():
        for step in job.get("steps", ()):
            yield f"{where}: {step['name']}", step
