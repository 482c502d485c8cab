"""
What Core Tools and the platform ask of an app's files, checked without them.

Core Tools is no package of a registry: its installer fetches a program from elsewhere, so no test may need it.
"""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from doubles.hosting import PROJECT_ROOT
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.name for path in PROJECT_ROOT.glob("*/function.json"))
FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,127}")


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((HERE / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


HOST = validator("host.schema.json")
FUNCTION = validator("function.schema.json")


def problems(of: Draft202012Validator, document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in of.iter_errors(document)]


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((PROJECT_ROOT / path).read_text())
    return document


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folders_name_can_be_a_functions(folder: str) -> None:
    assert FUNCTION_NAME.fullmatch(folder)
    assert folder.lower() != "host"
    assert [name.lower() for name in FOLDERS].count(folder.lower()) == 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_function_json_has_the_documented_shape(folder: str) -> None:
    config = read(f"{folder}/function.json")
    assert problems(FUNCTION, config) == []
    assert (PROJECT_ROOT / folder / config["scriptFile"]).is_file()
    names = [binding["name"] for binding in config["bindings"]]
    assert len(names) == len(set(names))


def test_host_json_has_the_documented_shape() -> None:
    assert problems(HOST, read("host.json")) == []


TRIGGER = {"type": "httpTrigger", "direction": "in", "authLevel": "function", "methods": ["get"], "route": "x"}
PLACE = {"path": "c/{n}", "connection": "C"}
BLOB = {"name": "b", "type": "blobTrigger", "direction": "in", "source": "EventGrid", **PLACE}
BROKEN_BINDINGS: Mapping[str, list[dict[str, Any]]] = {
    "none": [],
    "no trigger": [{"name": "$return", "type": "http", "direction": "out"}],
    "two triggers": [{"name": "req", **TRIGGER}, BLOB],
    "underscore": [{"name": "my_req", **TRIGGER}],
    "no direction": [{"name": "b", "type": "queueTrigger", "queueName": "abc", "connection": "C"}],
    "inout": [{"name": "req", **TRIGGER}, {"name": "b", "type": "blob", "direction": "inout", **PLACE}],
    "misspelt member": [{"name": "req", **TRIGGER, "authlevel": "function"}],
    "unknown level": [{"name": "req", **TRIGGER, "authLevel": "user"}],
    "unknown method": [{"name": "req", **TRIGGER, "methods": ["fetch"]}],
    "reserved route": [{"name": "req", **TRIGGER, "route": "Admin/x"}],
    "route from the root": [{"name": "req", **TRIGGER, "route": "/x"}],
    "polling trigger": [{**BLOB, "source": "LogsAndContainerScan"}],
    "token as container": [{**BLOB, "path": "{c}/x"}],
    "text blob": [BLOB, {"name": "x", "type": "blob", "direction": "in", **PLACE}],
    "unknown type": [{"name": "x", "type": "ftpTrigger", "direction": "in"}],
}


@pytest.mark.parametrize(
    "bindings",
    [
        [{"name": "req", **TRIGGER}, {"name": "$return", "type": "http", "direction": "out"}],
        [BLOB, {"name": "x", "type": "blob", "direction": "in", "dataType": "binary", **PLACE}],
        [BLOB, {"name": "x", "type": "blob", "direction": "out", **PLACE}],
        [{"name": "q", "type": "queueTrigger", "direction": "in", "queueName": "abc", "connection": "C"}],
        [{"name": "req", **TRIGGER}, {"name": "starter", "type": "durableClient", "direction": "in"}],
    ],
    ids=lambda bindings: " ".join(binding["type"] for binding in bindings),
)
def test_sound_bindings_pass(bindings: list[dict[str, Any]]) -> None:
    assert problems(FUNCTION, {"scriptFile": "__init__.py", "bindings": bindings}) == []


@pytest.mark.parametrize("name", BROKEN_BINDINGS)
def test_broken_bindings_would_be_seen(name: str) -> None:
    assert problems(FUNCTION, {"scriptFile": "__init__.py", "bindings": BROKEN_BINDINGS[name]})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "3.0"),
        ("functionTimeout", "00:20:00"),
        ("functionTimeout", "00:00:00"),
        ("extensionBundle.version", "[2.*, 3.0.0)"),
        ("extensions.blobs.maxDegreeOfParalelism", 8),
        ("extensions.blobs.poisonBlobThreshold", 0),
        ("extensions.http.routePrefix", 1),
        ("extensions.durableTask.hubName", "with-dash"),
        ("extensions.durableTask.storageProvider.partitionCount", 17),
        ("logging.logLevel.default", "Info"),
        ("logging.applicationInsights.samplingSettings.excludedTypes", "Exception"),
        ("http", {}),
    ],
)
def test_a_broken_host_json_would_be_seen(path: str, value: object) -> None:
    broken = deepcopy(read("host.json"))
    *parents, leaf = path.split(".")
    node = broken
    for parent in parents:
        node = node[parent]
    node[leaf] = value
    assert problems(HOST, broken)


def test_no_file_switches_the_worker_to_the_other_programming_model() -> None:
    """With a function_app.py the worker passes over every function.json, without a word in the log."""
    assert not (PROJECT_ROOT / "function_app.py").exists()
    assert "PYTHON_SCRIPT_FILE_NAME" not in read("local.settings.example.json")["Values"]


def test_local_settings_are_what_core_tools_reads() -> None:
    settings = read("local.settings.example.json")
    assert set(settings) <= {"IsEncrypted", "Values", "Host", "ConnectionStrings"}
    assert settings["IsEncrypted"] is False
    assert all(isinstance(value, str) for value in settings["Values"].values())
    assert settings["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert settings["Values"]["AzureWebJobsStorage"]
    # On Linux the name of a setting cannot hold a colon.
    assert not [name for name in settings["Values"] if ":" in name]


def test_every_connection_of_a_binding_is_among_the_settings() -> None:
    settings = read("local.settings.example.json")["Values"]
    bindings = [binding for folder in FOLDERS for binding in read(f"{folder}/function.json")["bindings"]]
    connections = {binding["connection"] for binding in bindings if "connection" in binding}
    assert connections <= set(settings)
    assert "ImagesStorage" in connections


def test_requirements_have_the_library_and_not_the_worker() -> None:
    """
    Core Tools warns of azure-functions-worker; the runtime of 3.13 cannot be installed on 3.11 and 3.12.

    Of the library, 1.x is for the Pythons below 3.13 and 2.x for 3.13.
    """
    text = (PROJECT_ROOT / "requirements.txt").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==(\d+)[0-9.]*(?: ; (.*?))? \\$", text, re.MULTILINE)
    library = {(major, condition) for name, major, condition in pins if name == "azure-functions"}
    assert library == {("1", "python_full_version < '3.13'"), ("2", "python_full_version >= '3.13'")}
    assert [major for name, major, _ in pins if name == "azure-functions-durable"] == ["1"]
    assert {name for name, *_ in pins}.isdisjoint({"azure-functions-worker", "azure-functions-runtime-v1"})
