"""The commands without `--port`: they mean the stack that has the state folder."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.fake_app import FakeApp, image_json
from doubles.ports import five_free_ports
from doubles.supervised_storage import Storage

from local.stack.state_lock import locked_state

PROJECT = Path(__file__).resolve().parents[3]
SAMPLE = PROJECT / "samples" / "coffee.jpg"
COMMANDS = (["add", str(SAMPLE)], ["unfinished"], ["host", "--in-stack"])


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "local", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=PROJECT, capture_output=True, text=True, timeout=100)


@pytest.fixture
def state(storage: Storage, tmp_path: Path) -> Iterator[Path]:
    """The state folder of a `start` with the ports of *storage*."""
    with locked_state(tmp_path / "state", storage.addresses.port):
        yield tmp_path / "state"


def test_an_app_that_runs_is_found(state: Path, app: FakeApp, storage: Storage) -> None:
    app.images[SAMPLE.name] = image_json(SAMPLE.name)
    added, listed, examined = (
        run(*words, "--state", str(state)) for words in (["add", str(SAMPLE)], ["unfinished"], ["doctor"])
    )
    assert (added.returncode, listed.returncode) == (0, 0), added.stderr + listed.stderr
    assert f"{SAMPLE.name}: complete" in added.stdout
    assert listed.stdout == "nothing is unfinished\n"
    assert f"up at {storage.addresses.host_url}" in examined.stdout


@pytest.mark.parametrize("words", [["events"], ["host", "--in-stack"]])
def test_a_part_takes_its_place_in_the_stack(state: Path, storage: Storage, words: list[str]) -> None:
    with subprocess.Popen(
        command(*words, "--state", str(state)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as part:
        assert part.stdout is not None
        ready = part.stdout.readline().strip()
        part.send_signal(signal.SIGINT)
    assert ready in ("events ready", f"host ready {storage.addresses.host_url}")


@pytest.mark.parametrize("words", COMMANDS)
def test_without_a_stack_it_is_said_how_to_start_one_and_where_was_looked(tmp_path: Path, words: list[str]) -> None:
    answer = run(*words, "--state", str(tmp_path))
    assert (answer.returncode, answer.stdout) == (1, "")
    start = f"python -m local start --state {tmp_path}"
    told = f"{words[0]}: no stack is running with its data in {tmp_path}: start one with `{start}`"
    assert answer.stderr.startswith(told)
    assert "Traceback" not in answer.stderr


def test_a_port_that_is_given_wins(state: Path, app: FakeApp) -> None:
    elsewhere = str(five_free_ports())
    answer = run("unfinished", "--state", str(state), "--port", elsewhere)
    assert (answer.returncode, f"port {elsewhere}" in answer.stderr) == (1, True)
