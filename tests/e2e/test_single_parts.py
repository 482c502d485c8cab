"""Parts of the stack alone: those that `start --only` leaves out are started by their own commands."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack

from local.addresses import DEFAULT_PORT, Addresses

pytestmark = pytest.mark.e2e


@contextmanager
def part(*words: object) -> Iterator[None]:
    """Inside, `python -m local WORDS` runs and has said that it is ready."""
    command = [sys.executable, "-m", "local", *map(str, words)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "ready" in process.stdout.readline()
            yield
        finally:
            process.terminate()


def test_each_command_here_is_documented() -> None:
    page = (PROJECT / "docs" / "local-stack.md").read_text()
    for command in ("start --only azurite,host", "vision --port 7072", "events"):
        assert f"| `python -m local {command}` |" in page


def test_the_ports_of_the_example_settings_are_those_of_the_documented_commands() -> None:
    values = json.loads((PROJECT / "local.settings.example.json").read_text())["Values"]
    assert values["ImagesStorage"] == values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert values["VISION_ENDPOINT"] == Addresses(DEFAULT_PORT).vision_url
    page = (PROJECT / "docs" / "local-stack.md").read_text()
    found = re.search(
        r"`python -m local start --only azurite --port (\d+)` \| storage on the ports 10000 to 10002", page
    )
    assert found is not None
    assert [*Addresses(int(found[1])).ports.values()][2:] == [10000, 10001, 10002]


def test_the_host_with_azurite_works_with_a_vision_and_a_watcher_that_were_started_alone(tmp_path: Path) -> None:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path / "state")
    port = stack.addresses.port
    own = ("--state", stack.state)
    with part("vision", "--port", port + 1, *own):
        stack.start("--only", "host,azurite")
        try:
            assert set(stack.pids()) == {"azurite", "host", "vision"}
            with part("events", "--port", port, *own):
                stack.upload("a.png", picture("PNG"))
                assert stack.wait_for("a.png")["a.png"].state == "complete"
        finally:
            assert stack.stop() == 0, stack.output
    stack.start("--only", "vision")
    try:
        assert set(stack.pids()) == {"vision"}
    finally:
        assert stack.stop() == 0, stack.output
    answer = subprocess.run(
        [sys.executable, "-m", "local", "start", "--only", "host", "--port", str(port), "--state", str(stack.state)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 1
    assert "start: no storage listens on the ports" in answer.stderr
    assert not stack.has_processes()
