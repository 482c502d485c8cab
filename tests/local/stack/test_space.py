import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import doctor
from local.stack.space import ENOUGH_BYTES, NEEDED_BYTES, SpaceWatch, shortage, watched_space
from local.stack.state_lock import LOCK_NAME


@dataclass
class Disk:
    """One that holds what the test says."""

    free: int

    def usage_of(self, folder: Path) -> "Disk":
        return self


@pytest.fixture
def said() -> list[str]:
    return []


def test_enough_room_is_nothing_to_speak_of(tmp_path: Path, said: list[str]) -> None:
    SpaceWatch(tmp_path, said.append, usage_of=Disk(NEEDED_BYTES).usage_of).look()
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_said_at_once_with_the_figures_and_again_when_it_is_over(
    tmp_path: Path, said: list[str]
) -> None:
    disk, seconds = Disk(70_000_000), [0.0]
    watch = SpaceWatch(tmp_path, said.append, usage_of=disk.usage_of, clock=lambda: seconds[0])
    for seconds[0] in (0.0, 5.0, 10.0):
        watch.look()
    assert said == [f"disk: only 70 MB are free in {tmp_path}, of 100 MB that should be: uploads fail when it is full"]
    disk.free = ENOUGH_BYTES
    watch.look()
    assert [line.split(" in ")[0] for line in said[1:]] == ["disk: over after 10 s: only 70 MB are free"]


def test_a_little_more_or_less_around_the_bound_is_not_said_each_time(tmp_path: Path, said: list[str]) -> None:
    disk = Disk(0)
    watch = SpaceWatch(tmp_path, said.append, usage_of=disk.usage_of, clock=lambda: 0.0)
    for disk.free in (NEEDED_BYTES - 1, NEEDED_BYTES + 1, NEEDED_BYTES - 1, NEEDED_BYTES + 1):
        watch.look()
    assert len(said) == 1


def test_a_folder_that_cannot_be_written_is_said_whatever_is_free(tmp_path: Path) -> None:
    """As with a quota, a file system without room for another file, or one that is mounted read-only."""
    gone = tmp_path / "gone"
    found = shortage(gone, Disk(NEEDED_BYTES).usage_of)
    assert found is not None
    assert found.what == f"nothing can be written in {gone} (No such file or directory): uploads fail until it can"


def test_a_disk_that_was_nearly_full_and_is_full_is_said_at_once(tmp_path: Path, said: list[str]) -> None:
    folder, seconds = tmp_path / "state", [0.0]
    folder.mkdir()
    watch = SpaceWatch(folder, said.append, usage_of=Disk(1).usage_of, clock=lambda: seconds[0])
    watch.look()
    folder.rmdir()
    for seconds[0] in (5.0, 10.0):
        watch.look()
    assert [line.split(" in ")[0] for line in said] == ["disk: only 0 MB are free", "disk: nothing can be written"]


def test_a_folder_that_is_removed_under_the_stack_is_said_once_with_what_to_do(tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / "state"
    for name in ("azurite", LOCK_NAME):
        (folder / name).mkdir(parents=True)
    watch = SpaceWatch(folder, said.append, usage_of=Disk(ENOUGH_BYTES).usage_of)
    watch.look()
    (folder / "azurite").rmdir()
    watch.look()
    shutil.rmtree(folder)
    watch.look()
    # Some part makes its own folder anew.
    (folder / "azurite").mkdir(parents=True)
    watch.look()
    [line] = said
    assert line.startswith(f"state: {folder} was removed while the stack runs")
    assert line.endswith("stop with Ctrl-C, and start again")


def test_it_looks_while_the_stack_runs_and_not_afterwards(tmp_path: Path, said: list[str]) -> None:
    spoken = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        spoken.set()

    with watched_space(SpaceWatch(tmp_path, say, usage_of=Disk(0).usage_of)):
        assert spoken.wait(110)
    assert len(said) == 1
    assert "space" not in [thread.name for thread in threading.enumerate()]


def test_the_doctor_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", Disk(1_000_000).usage_of)
    finding = doctor.disk(tmp_path)
    assert (finding.is_ok, finding.found) == (
        False,
        f"only 1 MB are free in {tmp_path}, of 100 MB that should be: uploads fail when it is full",
    )
