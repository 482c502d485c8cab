"""`make start` in a fresh clone where something is wrong: it says at once what, what is allowed and what to do."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.checkout import Place, environment, publish
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack

from local.addresses import Addresses

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
    path.unlink()


def make(place: Place, target: str, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = " ".join([place.make(target), f"PORT={place.port}", *words])
    typed = ["bash", "-c", command]
    return subprocess.run(
        typed, cwd=place.folder, env=environment(**variables), capture_output=True, text=True, timeout=100
    )


def test_wrong_settings_and_a_broken_function_are_told_together_and_everything_stops(
    place: Place, settings: Path
) -> None:
    settings.write_text(json.dumps({"Values": {"VISION_RATE": "fast", "TEXT_MODE": "sometimes"}}))
    script = place.folder / "TagHttp" / "__init__.py"
    script.parent.mkdir()
    (script.parent / "function.json").write_text((place.folder / "DescribeHttp" / "function.json").read_text())
    script.write_text('"""A function of one\'s own."""\n\nimport nowhere\n')
    answer = make(place, "demo", THUMBNAIL_SIZES="100", TEXT_MODE="never")
    assert answer.returncode != 0
    told = answer.stderr[answer.stderr.index("start: ") :].splitlines()
    assert told[:2] == ["start: the app cannot work", "settings_invalid:"]
    assert sorted(line.split(" must be ")[0] for line in told[2:4]) == ["  THUMBNAIL_SIZES", "  VISION_RATE"]
    assert "docs/settings.md" in told[4]
    assert told[5:7] == [
        "functions that cannot be loaded:",
        "  TagHttp: ModuleNotFoundError: No module named 'nowhere' (TagHttp/__init__.py, line 3)",
    ]
    assert "ready after" not in answer.stdout


def test_a_host_that_cannot_start_says_why_once(place: Place) -> None:
    answer = make(place, "start", AzureFunctionsJobHost__functionTimeout="soon")
    assert answer.returncode != 0
    assert "start: host does not start: host.json: functionTimeout is 'soon'" in answer.stderr
    assert "starting it again" not in answer.stdout
