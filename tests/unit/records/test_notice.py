"""NOTICE names every package that set-up installs, with the licence that the package itself states."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTICE = (ROOT / "NOTICE").read_text()
ROWS = dict(re.findall(r"^  ([a-z0-9-]+) \(([^)]+)\): \S", NOTICE, re.MULTILINE))
LOCKS = sorted([ROOT / "requirements.txt", *ROOT.glob("locks/*.txt")])
PINNED = {name for lock in LOCKS for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)}
FOLDERS = {"azure-functions-runtime-v1": ROOT / ".venv" / "runtime-v1"}
# What packages say in their older ways, classifiers and free text, in SPDX's words.
SPDX = {
    "Apache License, Version 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
}
TEXT = re.compile(r"dist-info/(?:licenses/|LICEN[SC]E)", re.IGNORECASE)


def installed(name: str) -> metadata.Distribution | None:
    if name in FOLDERS:
        return next(iter(metadata.distributions(name=name, path=[str(FOLDERS[name])])), None)
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def stated(package: metadata.Distribution) -> set[str]:
    """The licences that a package states, in SPDX's words: an expression, if it has one, says all."""
    about = package.metadata
    if expressions := about.get_all("License-Expression"):
        return set(expressions)
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if "License ::" in each]
    texts = [*classifiers, *"".join(about.get_all("License") or []).splitlines()[:1]]
    return {SPDX.get(text, text) for text in texts}


INSTALLED = {name: package for name in PINNED if (package := installed(name)) is not None}


def test_every_package_that_is_pinned_is_named_and_no_other() -> None:
    assert set(ROWS) == PINNED


def test_most_packages_are_here_to_be_asked() -> None:
    assert len(INSTALLED) > 50


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_the_licence_is_the_one_that_the_package_states(name: str) -> None:
    assert ROWS[name] in stated(INSTALLED[name])


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_the_licence_text_is_where_it_is_said_to_be(name: str) -> None:
    files = [str(file) for file in INSTALLED[name].files or ()]
    elsewhere = re.findall(rf"{name}(?: \(site-packages/(\S+)\)| brings n)", NOTICE)
    if name in FOLDERS:
        elsewhere = [""]
    if not any(TEXT.search(file) for file in files):
        assert elsewhere, "no licence text in its own folder, and not a word of that"
    assert all(not place or place in files for place in elsewhere)


@pytest.mark.parametrize("folder", ["local/azurite", "tests/page/tools"])
def test_every_licence_of_the_packages_from_npm_is_named(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    licences = {package["license"] for path, package in lock["packages"].items() if path}
    assert {licence for licence in licences if licence not in NOTICE} == set()


# What set-up makes.
NOT_YET = ("local/azurite/node_modules", "tests/page/tools/node_modules", "bench/.venvs")


@pytest.mark.parametrize("path", re.findall(r"(?:samples|tests|local|bench|locks)/[\w./-]+\w", NOTICE))
def test_every_place_of_the_project_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists() or path.startswith(NOT_YET)
