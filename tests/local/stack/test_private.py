"""What the local stack stores is its owner's alone, whatever the umask and whatever was there before."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.hosting import running_host, write_host_json

from local.addresses import Addresses
from local.private import private_folder
from local.stack import recipes
from local.stack.service import Recipe, Service
from local.stack.state_lock import locked_state

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def open_to_all(request: pytest.FixtureRequest) -> Iterator[None]:
    """A umask of the user's own."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(state: Path) -> dict[str, int]:
    """The mode of *state* and of all below it, sockets and pipes too."""
    return {
        path.relative_to(state).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in [state, *state.rglob("*")]
    }


@pytest.mark.usefixtures("open_to_all")
def test_a_new_folder_is_private_with_all_that_is_made_above_and_below_it(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b", "host", "deep")
    assert folder == tmp_path / "a" / "b" / "host" / "deep"
    assert set(modes(tmp_path / "a").values()) == {0o700}


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o750, 0o701])
def test_a_folder_of_before_is_closed_to_others(tmp_path: Path, mode: int) -> None:
    for folder in (tmp_path / "state", tmp_path / "state" / "host"):
        folder.mkdir()
        folder.chmod(mode)
    above = stat.S_IMODE(tmp_path.stat().st_mode)

    private_folder(tmp_path / "state", "host")

    assert set(modes(tmp_path / "state").values()) == {0o700}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == above


def test_a_folder_that_all_users_share_stays_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    private_folder(shared, "host")
    assert modes(shared) == {".": 0o1777, "host": 0o700}


def in_claim(state: Path) -> None:
    with locked_state(state, 7071):
        pass


def in_azurite(state: Path) -> None:
    if not recipes.AZURITE_MAIN.exists():
        pytest.skip("Azurite is not installed here")
    recipes.azurite(Addresses(7071), state)


def in_log(state: Path) -> None:
    service = Service(Recipe("part", [sys.executable, "-c", ""], "ready", state / "part.log"), lambda _: None)
    service.start()
    service.stop(service.gave_up)


@pytest.mark.parametrize("part", [in_claim, in_azurite, in_log])
@pytest.mark.usefixtures("open_to_all")
def test_each_part_of_the_supervisor_makes_private_folders(tmp_path: Path, part: Callable[[Path], None]) -> None:
    state = tmp_path / "state"
    part(state)
    folders = [path for path in [state, *state.rglob("*")] if path.is_dir()]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@pytest.mark.usefixtures("open_to_all")
def test_whatever_the_host_makes_in_its_state_is_private(tmp_path: Path) -> None:
    write_host_json(tmp_path / "app")
    with running_host(tmp_path / "app", tmp_path / "state"):
        found = modes(tmp_path / "state")
    assert {"host/keys.json", "host/events.sqlite", "host/durable.sqlite"} <= set(found)
    assert not {name: oct(mode) for name, mode in found.items() if mode & 0o077}


@pytest.mark.parametrize(
    ("command", "ready"),
    [("vision", "vision ready"), ("events", "storage cannot be reached")],
    ids=["vision", "events"],
)
@pytest.mark.usefixtures("open_to_all")
def test_whatever_another_part_makes_in_its_state_is_private(
    tmp_path: Path, free_port: int, command: str, ready: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    words = [sys.executable, "-m", "local", command, "--port", str(free_port), "--state", str(state)]
    environment = {name: value for name, value in os.environ.items() if name != "ImagesStorage"}
    with subprocess.Popen(
        words, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert any(ready in line for line in process.stdout)
        finally:
            process.terminate()
            process.communicate()
    found = modes(state)
    assert command in found
    assert not {name: oct(mode) for name, mode in found.items() if mode & 0o077}
