"""What is there already is brought up to date with settings that were changed since, though no event comes for it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.demo import Demo
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.running_stack import PROJECT, RunningStack

from local.samples import sample_files

pytestmark = pytest.mark.e2e


@pytest.fixture
def stack(demo: Demo) -> Iterator[RunningStack]:
    """Not started yet; every sample is in its state."""
    stack = RunningStack(demo.stack.addresses, demo.stack.state)
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def test_samples_and_added_files_get_the_records_that_new_settings_ask_for(
    stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own.png", tmp_path / "other.png"
    own.write_bytes(picture("PNG"))
    other.write_bytes(picture("PNG", colour=(0, 0, 200)))
    stack.start()
    assert [add(stack, each).returncode for each in (own, other)] == [0, 0]
    analyzed = stack.paid_calls()["analyze"]
    assert stack.stop() == 0, stack.output
    assert "pending" not in stack.output

    monkeypatch.setenv("THUMBNAIL_SIZES", "64x64")
    # The admin API wants the master key then.
    stack.start("--enable-auth")
    for sample in sample_files(tmp_path / "samples"):
        assert f"{sample.name}: complete" in stack.output
    # The samples are not counted: the start has made their records.
    assert "2 images are pending, because settings were changed since their records were made" in stack.output
    assert f"unfinished retry --pending --state {stack.state}" in stack.output
    answer = add(stack, own)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "own.png: already there with the same bytes" in answer.stdout
    assert "thumbnails/own.png/64x64-smart.jpg" in answer.stdout
    retried = stack.run("unfinished", "retry", "--pending")
    assert (retried.returncode, retried.stderr) == (0, "")
    assert retried.stdout.startswith("other.png: thumbnails are tried again ")
    wait_until(lambda: stack.run("unfinished").stdout == "nothing is unfinished\n")
    assert stack.run("unfinished", "--in-state", "pending").stdout == "nothing is pending\n"
    assert stack.paid_calls()["analyze"] == analyzed


def add(stack: RunningStack, path: Path) -> "subprocess.CompletedProcess[str]":
    options = ["--port", str(stack.addresses.port), "--state", str(stack.state)]
    command = [sys.executable, "-m", "local", "add", str(path), *options]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=100)
