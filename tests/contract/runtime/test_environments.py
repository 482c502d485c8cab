"""Where Microsoft's runtime runs: which Pythons are found, and what the packages of each were made of."""

import json
import re
import sys
from pathlib import Path

import pytest
from doubles.runtime_environments import (
    OWN_VERSION,
    REQUIREMENTS,
    VERSIONS,
    RuntimeEnvironment,
    environments,
    pythons,
)
from packaging.markers import Marker

OTHER, THIRD = (version for version in VERSIONS if version != OWN_VERSION)


def executable(path: Path, does: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def shims(tmp_path: Path) -> Path:
    """What a version manager puts on PATH for Pythons that it does not start."""
    for version in (OTHER, THIRD):
        executable(tmp_path / f"shims/python{version}", "echo command not found >&2; exit 127")
    return tmp_path / "shims"


def test_a_name_that_starts_nothing_is_no_python(shims: Path, tmp_path: Path) -> None:
    assert pythons([str(shims)], tmp_path) == {OWN_VERSION: Path(sys.executable)}


def test_a_python_that_can_have_no_pip_is_none(tmp_path: Path) -> None:
    """Debian has it in a package of its own, python3-venv."""
    bare = executable(tmp_path / f"bin/python{OTHER}", f'case "$*" in *ensurepip*) exit 1;; esac; echo {OTHER}')
    assert pythons([str(bare.parent)], tmp_path) == {OWN_VERSION: Path(sys.executable)}


def test_the_first_python_on_path_that_starts_is_taken(shims: Path, tmp_path: Path) -> None:
    other = executable(tmp_path / f"bin/python{OTHER}", f"echo {OTHER}")
    executable(tmp_path / f"later/python{OTHER}", f"echo {OTHER}")
    executable(tmp_path / f"bin/python{THIRD}", "echo 3.9")
    found = pythons([str(shims), str(other.parent), str(tmp_path / "later")], tmp_path)
    assert found == {OWN_VERSION: Path(sys.executable), OTHER: other}


def test_a_python_of_pyenv_is_found_though_its_name_starts_nothing(shims: Path, tmp_path: Path) -> None:
    third = executable(tmp_path / f".pyenv/versions/{THIRD}.7/bin/python", f"echo {THIRD}")
    assert pythons([str(shims)], tmp_path)[THIRD] == third


def test_they_are_told_from_the_oldest(shims: Path, tmp_path: Path) -> None:
    for version in VERSIONS:
        executable(tmp_path / f"bin/python{version}", f"echo {version}")
    assert tuple(pythons([str(tmp_path / "bin")], tmp_path)) == VERSIONS


@pytest.fixture(params=[each for each in environments() if not each.front], ids=str)
def environment(request: pytest.FixtureRequest) -> RuntimeEnvironment:
    chosen: RuntimeEnvironment = request.param
    return chosen


def test_azures_build_compiles_nothing(environment: RuntimeEnvironment) -> None:
    """It has 60 seconds; a package without a wheel for its Python would be compiled there."""
    installed = json.loads(environment.report.read_text())["install"]
    assert installed
    assert [each["download_info"]["url"] for each in installed if not is_wheel(each["download_info"]["url"])] == []


def test_azures_build_installs_the_lock_and_nothing_else(environment: RuntimeEnvironment) -> None:
    pins = re.findall(r"^([a-z0-9-]+)==([^ ;]+)(?: ; (.*?))? \\$", REQUIREMENTS.read_text(), re.MULTILINE)
    python = {"python_full_version": f"{environment.version}.0", "python_version": environment.version}
    locked = {f"{name}-{version}" for name, version, when in pins if not when or Marker(when).evaluate(python)}
    found = {path.name.removesuffix(".dist-info") for path in environment.packages.glob("*.dist-info")}
    assert {name.replace("_", "-").lower() for name in found} == locked


def is_wheel(url: str) -> bool:
    return url.partition("#")[0].endswith(".whl")
