"""What a message tells people to type is what they typed: make's words or those of `python -m local`."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.wording import program, program_elsewhere, start_command

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def typed_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOBSIGHT_MAKE", "1")


@pytest.fixture
def typed_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLOBSIGHT_MAKE", raising=False)


@pytest.mark.usefixtures("typed_python")
def test_options_are_those_of_the_command() -> None:
    assert start_command() == "python -m local start"
    assert start_command(port="N", state=Path("/a b")) == "python -m local start --port N --state '/a b'"
    assert start_command(vision="azure", samples=True) == "python -m local start --vision azure --samples"


@pytest.mark.usefixtures("typed_python")
def test_the_console_script_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (program(), program_elsewhere()) == ("python -m local", ".venv/bin/python -m local")
    monkeypatch.setattr(sys, "argv", ["blobsight", "add"])
    monkeypatch.setattr("local.wording.BIN", Path("/my project/.venv/bin"))
    elsewhere = "'/my project/.venv/bin/blobsight'"
    assert (program(), program_elsewhere(), start_command()) == ("blobsight", elsewhere, "blobsight start")


@pytest.mark.usefixtures("typed_make")
def test_options_are_variables_where_make_was_typed() -> None:
    assert start_command() == "make start"
    assert start_command(port=17571, state=Path("/a b")) == "make start PORT=17571 STATE='/a b'"
    assert start_command(vision="azure", samples=True) == "make start VISION=azure SAMPLES=yes"


@pytest.mark.parametrize("target", ["start", "demo"])
def test_make_gives_its_variables_to_the_command_as_options(target: str, tmp_path: Path) -> None:
    """The very line of the Makefile, with a Python that only says how it was called."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    called = bin_folder / "python"
    called.write_text(f'#!{sys.executable}\nimport os, sys\nprint(sys.argv[1:], os.environ["BLOBSIGHT_MAKE"])\n')
    called.chmod(0o700)
    state = f"""{tmp_path}/a "b" `touch {tmp_path}/obeyed`; 'c'"""
    words = [
        "-s",
        "-o",
        "setup",
        target,
        f"BIN={bin_folder}",
        "PORT=17571",
        f"STATE={state}",
        "VISION=azure",
        "SAMPLES=yes",
    ]
    answer = subprocess.run(["make", *words], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    expected = ["-m", "local", "start", *(["--once"] if target == "demo" else [])]
    expected += ["--port", "17571", "--state", state, "--vision", "azure", "--samples"]
    assert answer.stdout == f"{expected} 1\n", answer.stderr


def test_make_takes_no_samples_but_yes_and_no() -> None:
    command = ["make", "--dry-run", "-o", "setup", "start", "SAMPLES=all"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert "SAMPLES=all is neither yes nor no" in answer.stderr
