"""What set-up prints: one line a step, and what an installer says only where it fails."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = {"azurite": "local/azurite", "page-tools": "tests/page/tools"}
NODE = "#!/bin/sh\nexit 0\n"
NPM = """#!/bin/sh
echo 'added 374 packages in 6s'
echo 'npm notice New major version of npm available! 10.8.2 -> 11.6.2' >&2
exit "$NPM_STATUS"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of nothing but its set-up, with a Node and an npm that install nothing."""
    for folder in FOLDERS.values():
        (tmp_path / folder / "node_modules").mkdir(parents=True)
    shutil.copy(PROJECT / "local" / "setup.sh", tmp_path / "local")
    (tmp_path / "bin").mkdir()
    for name, script in {"node": NODE, "npm": NPM}.items():
        path = tmp_path / "bin" / name
        path.write_text(script)
        path.chmod(0o700)
    return tmp_path


def set_up(project: Path, *words: str, npm_status: int = 0) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": f"{project}/bin:{os.environ['PATH']}", "NPM_STATUS": str(npm_status)}
    command = [project / "local" / "setup.sh", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("azurite", "set-up: Azurite (npm ci, about half a minute)\n"),
        ("page-tools", "set-up: the tools that check the page (npm ci, a few seconds)\n"),
    ],
)
def test_success_is_one_line_that_tells_how_long_it_takes(project: Path, step: str, told: str) -> None:
    answer = set_up(project, step)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", told)
    assert (project / FOLDERS[step] / "node_modules" / ".installed").exists()


@pytest.mark.parametrize("step", FOLDERS)
def test_what_an_installer_says_as_it_fails_is_told_and_ends_the_set_up(project: Path, step: str) -> None:
    answer = set_up(project, step, npm_status=7)
    assert (answer.returncode, answer.stdout) == (7, "")
    assert "added 374 packages" in answer.stderr
    assert not (project / FOLDERS[step] / "node_modules" / ".installed").exists()


def test_ctrl_c_shows_no_traceback_of_the_python_that_makes_the_environment(project: Path) -> None:
    python = project / "bin" / "python3.11"
    # As the real one does: it tells where it was, and ends by the signal, which every process of the terminal gets.
    python.write_text(
        "#!/bin/bash\n[ \"$1\" = -m ] || exit 0\ntrap 'echo Traceback >&2; trap - INT; kill -INT $$' INT; kill -INT 0\n"
    )
    python.chmod(0o700)
    environment = {**os.environ, "PATH": f"{project}/bin:{os.environ['PATH']}"}
    command = [project / "local" / "setup.sh", "venv"]
    answer = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, start_new_session=True
    )
    assert answer.returncode == -signal.SIGINT
    assert "about two minutes" in answer.stderr
    assert "Traceback" not in answer.stderr
