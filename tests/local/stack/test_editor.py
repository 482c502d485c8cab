"""What the folders of the editor and the container name is there: modules, options, tasks, targets, ports, settings."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import COMMANDS
from local.addresses import DEFAULT_PORT, Addresses
from local.host import cli as host_cli
from local.host.app.config import read_host_json
from local.stack import options as start_options
from shared.settings import described

PROJECT = Path(__file__).resolve().parents[3]
OVERRIDE = "AzureFunctionsJobHost__"
PARSERS = {"start": start_options.parse, "host": host_cli._parse}


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((PROJECT / path).read_text())
    return document


LAUNCHES = {each["name"]: each for each in read(".vscode/launch.json")["configurations"]}
TASKS = {each["label"]: each for each in read(".vscode/tasks.json")["tasks"]}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def assert_is_a_local_command(command: str, *options: str) -> None:
    assert command in COMMANDS
    # Ends the test where it knows an option no more.
    PARSERS[command](list(options))


@pytest.mark.parametrize("name", LAUNCHES)
def test_what_is_launched_under_the_debugger_is_there(name: str) -> None:
    launch = LAUNCHES[name]
    assert (launch["type"], launch["request"]) == ("debugpy", "launch")
    assert importlib.util.find_spec(launch["module"])
    assert launch["preLaunchTask"] in TASKS
    if launch["module"] == "local":
        assert_is_a_local_command(*launch["args"])


def test_a_run_that_stands_at_a_breakpoint_is_not_ended() -> None:
    environment: dict[str, str] = LAUNCHES["Functions in the local stack"]["env"]
    assert read_host_json(PROJECT, environment).function_timeout_seconds is None
    settings = {name for name in environment if not name.startswith(OVERRIDE)}
    assert settings == {"MAX_WAIT_SECONDS"} <= {each["name"] for each in described()}


@pytest.mark.parametrize("name", TASKS)
def test_what_a_task_runs_is_there(name: str) -> None:
    task = TASKS[name]
    assert task.get("dependsOn", name) in TASKS
    if task["command"] == "make":
        assert set(task["args"]) <= targets()
    else:
        assert task["command"] == "${workspaceFolder}/.venv/bin/python"
        assert task["args"][:2] == ["-m", "local"]
        assert_is_a_local_command(*task["args"][2:])


def test_the_container_forwards_the_ports_of_the_stack_and_sets_itself_up() -> None:
    container, ports = read(".devcontainer/devcontainer.json"), Addresses(DEFAULT_PORT).ports
    assert container["forwardPorts"] == list(ports.values())
    labels = {int(port): about["label"] for port, about in container["portsAttributes"].items()}
    assert labels == {port: name for name, port in ports.items()}
    make, target = container["postCreateCommand"].split()
    assert (make, target in targets()) == ("make", True)


def test_the_containers_python_is_one_that_the_app_runs_on() -> None:
    image = re.fullmatch(
        r"mcr\.microsoft\.com/devcontainers/python:(\d\.\d+)-bookworm", read(".devcontainer/devcontainer.json")["image"]
    )
    assert image
    assert image[1] in re.findall(r"python(3\.\d+) ", (PROJECT / "local" / "setup.sh").read_text())


def test_the_container_has_the_extensions_that_the_project_recommends() -> None:
    extensions = read(".devcontainer/devcontainer.json")["customizations"]["vscode"]["extensions"]
    assert extensions == read(".vscode/extensions.json")["recommendations"]
