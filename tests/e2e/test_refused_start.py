"""In a fresh clone where something is wrong, `make start` and what follows say at once what, and what to do."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.checkout import Place, TypedStack, environment, publish
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack

from local.addresses import Addresses
from local.app import AppClient
from local.errors import LocalError

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("clone")
    place = Place(folder / "blobsight", five_free_ports(), publish(folder / "repository"))
    place.set_up()
    yield place
    assert not RunningStack(Addresses(place.port), place.folder).has_processes()


@pytest.fixture
def settings(place: Place) -> Iterator[Path]:
    path = place.folder / "local.settings.json"
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def broken_function(place: Place) -> Iterator[str]:
    folder = place.folder / "TagHttp"
    folder.mkdir()
    (folder / "function.json").write_text((place.folder / "DescribeHttp" / "function.json").read_text())
    (folder / "__init__.py").write_text('"""A function of one\'s own."""\n\nimport nowhere\n')
    yield folder.name
    shutil.rmtree(folder)


def make(place: Place, target: str, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = " ".join([place.make(target), f"PORT={place.port}", *words])
    typed = ["bash", "-c", command]
    return subprocess.run(
        typed, cwd=place.folder, env=environment(**variables), capture_output=True, text=True, timeout=100
    )


def test_wrong_settings_and_a_broken_function_are_told_together_and_everything_stops(
    place: Place, settings: Path, broken_function: str
) -> None:
    settings.write_text(json.dumps({"Values": {"VISION_RATE": "fast", "TEXT_MODE": "sometimes"}}))
    answer = make(place, "demo", THUMBNAIL_SIZES="100", TEXT_MODE="never")
    assert answer.returncode != 0
    told = answer.stderr[answer.stderr.index("start: ") :].splitlines()
    assert told[:2] == ["start: the app cannot work", "settings_invalid:"]
    assert sorted(line.split(" must be ")[0] for line in told[2:4]) == ["  THUMBNAIL_SIZES", "  VISION_RATE"]
    assert "docs/settings.md" in told[4]
    assert told[5:7] == [
        "functions that cannot be loaded:",
        f"  {broken_function}: ModuleNotFoundError: No module named 'nowhere' ({broken_function}/__init__.py, line 3)",
    ]
    assert "ready after" not in answer.stdout


def test_a_host_that_cannot_start_says_why_once(place: Place) -> None:
    answer = make(place, "start", AzureFunctionsJobHost__functionTimeout="soon")
    assert answer.returncode != 0
    assert "start: host does not start: host.json: functionTimeout is 'soon'" in answer.stderr
    assert "starting it again" not in answer.stdout


def test_what_goes_wrong_later_is_told_at_once_too(place: Place, settings: Path) -> None:
    """Settings that are edited while the stack runs, and then the state folder that is removed under it."""
    stack = TypedStack(Addresses(place.port), place.folder / ".blobsight")
    stack.type_in(place.folder, f"{place.make('start')} PORT={place.port} SAMPLES=no", until="Ctrl-C stops everything")
    try:
        settings.write_text(json.dumps({"Values": {"THUMBNAIL_SIZES": "100"}}))
        before = stack.pids()["host"]
        os.kill(before, signal.SIGKILL)
        app = AppClient(place.port)
        wait_until(lambda: stack.pids().get("host", before) != before and app.is_up())
        with pytest.raises(LocalError, match="THUMBNAIL_SIZES must be sizes"):
            app.image("rocket.jpg")
        for command in ("add samples/rocket.jpg", "doctor"):
            answer = python(place, command)
            assert answer.returncode == 1
            assert "THUMBNAIL_SIZES must be sizes" in answer.stdout + answer.stderr
        shutil.rmtree(stack.state)
        wait_until(lambda: stack.has_said("was removed while the stack runs"))
        os.kill(stack.pids()["vision"], signal.SIGKILL)
        wait_until(lambda: stack.has_said("vision is not started again"))
    finally:
        stack.press_ctrl_c()
    assert "stopping" in stack.output
    assert stack.output.count("was removed while the stack runs") == 1
    assert "Traceback" not in stack.output


def python(place: Place, words: str) -> "subprocess.CompletedProcess[str]":
    typed = ["bash", "-c", f". .venv/bin/activate && python -m local {words} --port {place.port}"]
    return subprocess.run(typed, cwd=place.folder, env=environment(), capture_output=True, text=True, timeout=100)
