"""The commands as a user types them in a clone that is set up: by the console script, in a folder of their own."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doubles.checkout import Place, TypedStack, environment, publish
from doubles.ports import five_free_ports

from local.addresses import Addresses
from shared import __version__

pytestmark = pytest.mark.e2e
Answer = subprocess.CompletedProcess[str]


@dataclass
class Desk:
    """A user's folder, with a stack that was started there and keeps its data there."""

    folder: Path
    place: Place
    stack: TypedStack

    @property
    def script(self) -> Path:
        """What was installed into the clone's environment."""
        return self.place.folder / ".venv" / "bin" / "blobsight"

    def type(self, *words: str) -> Answer:
        """Run a command to its end, with the state folder named as from here."""
        command = [str(self.script), *words, "--state", "data"]
        return subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    place = Place(folder / "my clone", five_free_ports(), publish(folder / "repository"))
    place.set_up()
    made = subprocess.run(
        ["bash", "-c", place.make("setup")], cwd=place.folder, env=environment(), capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    mine = folder / "mine"
    mine.mkdir()
    shutil.copy(place.folder / "samples" / "rocket.jpg", mine / "photo.jpg")
    # Nothing of the folder that one happens to be in is taken for the project's.
    (mine / "json.py").write_text("raise SystemExit('this is mine')\n")
    shutil.copy(mine / "json.py", mine / "local.py")
    desk = Desk(mine, place, TypedStack(Addresses(place.port), mine / "data"))
    start = [str(desk.script), "start", "--no-samples", "--port", str(place.port), "--state", "data"]
    try:
        desk.stack.type_in(mine, shlex.join(start), until="Ctrl-C stops everything")
        yield desk
    finally:
        desk.stack.press_ctrl_c()


def test_the_script_does_what_the_module_does_from_any_folder(desk: Desk) -> None:
    assert (desk.folder / "data" / "host" / "keys.json").exists()
    added = desk.type("add", "photo.jpg")
    assert (added.returncode, added.stderr) == (0, "")
    assert "photo.jpg: complete" in added.stdout
    listed = desk.type("unfinished")
    assert (listed.returncode, listed.stderr) == (0, "")
    removed = desk.type("remove", "photo.jpg")
    assert (removed.returncode, removed.stderr) == (0, "")
    assert removed.stdout.startswith("photo.jpg: removed\n")
    examined = desk.type("doctor")
    assert f"a stack is running on {desk.place.port}, " in examined.stdout
    assert f"up at {desk.stack.addresses.host_url}" in examined.stdout
    # It needs no HEALTH_KEY of one's own.
    assert "says no more" not in examined.stdout


def test_it_calls_itself_by_its_name(desk: Desk) -> None:
    assert desk.type("add", "--help").stdout.startswith("usage: blobsight add ")
    (proposed,) = [line for line in desk.stack.lines if line.endswith(" FILE\n")]
    typed = subprocess.run(
        ["bash", "-c", proposed.replace(" FILE", " --help")], cwd="/", env=environment(), capture_output=True, text=True
    )
    assert typed.stdout.startswith("usage: blobsight add "), typed.stderr
    elsewhere = subprocess.run([desk.script, "unfinished"], cwd="/", env=environment(), capture_output=True, text=True)
    assert elsewhere.returncode == 1
    # The state folder that it means by itself is the project's, as everywhere.
    where = desk.place.folder / ".blobsight"
    assert elsewhere.stderr.startswith(f"unfinished: no stack is running with its data in {where}: ")
    assert "`blobsight start`" in elsewhere.stderr


def test_an_environment_that_is_there_already_gets_it_at_the_next_set_up(desk: Desk) -> None:
    desk.script.unlink()
    again = ["bash", "-c", f"{desk.place.make('setup')}"]
    for _ in range(2):
        subprocess.run(again, cwd=desk.place.folder, env=environment(), check=True, capture_output=True)
        version = subprocess.run([desk.script, "--version"], cwd="/", capture_output=True, text=True)
        assert (version.returncode, version.stdout) == (0, f"blobsight {__version__}\n")
