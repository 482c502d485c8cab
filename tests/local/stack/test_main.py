import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local import doctor
from local.__main__ import main

PROJECT = Path(__file__).resolve().parents[3]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)


def test_help_names_every_command() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    assert all(
        f"\n    {name}" in answer.stdout for name in ("start", "vision", "host", "events", "add", "remove", "doctor")
    )


def test_the_version_is_that_of_the_project() -> None:
    with (PROJECT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    answer = run("--version")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"blobsight {version}\n", "")


def test_no_command_is_wrong_usage_and_shows_the_help() -> None:
    answer = run()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "COMMAND" in answer.stderr


def test_an_unknown_command_is_wrong_usage() -> None:
    answer = run("begin")
    assert answer.returncode == 2
    assert "invalid choice: 'begin'" in answer.stderr


@pytest.mark.parametrize("command", ["start", "add", "remove", "unfinished", "events", "doctor"])
def test_each_command_tells_its_options(command: str) -> None:
    answer = run(command, "--help")
    assert answer.returncode == 0
    assert "--port N" in answer.stdout


def test_a_port_without_room_for_the_other_four_is_wrong_usage() -> None:
    answer = run("start", "--port", "65533")
    assert answer.returncode == 2
    assert "five in a row" in answer.stderr


@pytest.mark.parametrize("command", ["start", "vision", "host", "events"])
def test_a_state_folder_that_cannot_be_one_is_told_without_a_traceback(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = run(command, "--state", str(tmp_path / "file"))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"{command}: the state folder {tmp_path}/file")
    assert answer.stderr.endswith("choose another folder with --state\n")
    assert answer.stderr.count("\n") == 1


def test_help_imports_no_package(tmp_path: Path) -> None:
    """So that it answers at once, and on a machine that has nothing installed yet."""
    script = "import sys; from local.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "assert not {'azure', 'rich', 'PIL'} & set(sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_a_reader_that_has_read_enough_ends_a_command_without_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "local", "doctor"]
    with os.fdopen(writing) as closed:
        answer = subprocess.run(command, cwd=PROJECT, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (answer.returncode, answer.stderr) == (141, "")


def test_ctrl_c_ends_a_command_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "main", interrupted)
    assert main(["doctor"]) == 130
