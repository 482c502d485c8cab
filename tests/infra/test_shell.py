"""Everything that a shell runs passes shellcheck: the scripts, the steps of the workflows, and the hooks of azd."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml
from doubles.workflows import PROJECT, steps

SHEBANG = re.compile(rb"#!.*\b(ba|da|k)?sh\b.*\n")
SHELLCHECK = shutil.which("shellcheck")
needs_shellcheck = pytest.mark.skipif(
    SHELLCHECK is None, reason="shellcheck is not installed (Debian: apt install shellcheck)"
)


def scripts() -> Iterator[tuple[str, str]]:
    """Every file of the project that begins as a script of a shell, by its path."""
    # In a git hook the environment names the hook's own repository, which would be taken instead.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    for name in sorted(filter(None, listed.stdout.split("\0"))):
        # A file that is deleted and not yet committed is listed too.
        if (PROJECT / name).is_file() and SHEBANG.match((PROJECT / name).read_bytes()):
            yield name, (PROJECT / name).read_text()


def workflow_steps() -> Iterator[tuple[str, str]]:
    for where, step in steps():
        if "run" in step:
            yield where, f"#!/usr/bin/env bash\nset -e\n{step['run']}"


def hooks() -> Iterator[tuple[str, str]]:
    """Every hook of azure.yaml for other systems than Windows; azd runs it with sh."""
    for name, hook in yaml.safe_load((PROJECT / "azure.yaml").read_text())["hooks"].items():
        yield f"azure.yaml: {name}", f"#!/bin/sh\n{hook['posix']['run']}\n"


def found_by_shellcheck(text: str) -> str:
    assert SHELLCHECK is not None
    return subprocess.run([SHELLCHECK, "-"], input=text, capture_output=True, text=True, timeout=60).stdout


def test_the_scripts_of_the_project_are_found() -> None:
    assert {name for name, _ in scripts()} >= {".ci/run", "local/setup.sh"}
    assert len(list(workflow_steps())) >= 5
    assert len(list(hooks())) >= 5


@needs_shellcheck
@pytest.mark.parametrize(
    ("where", "text"), [*scripts(), *workflow_steps(), *hooks()], ids=lambda text: text.partition("\n")[0][:60]
)
def test_shellcheck_finds_nothing(where: str, text: str) -> None:
    assert found_by_shellcheck(text) == "", where


@needs_shellcheck
def test_shellcheck_finds_what_is_wrong() -> None:
    assert "SC2086" in found_by_shellcheck("#!/bin/sh\nrm $1\n")
