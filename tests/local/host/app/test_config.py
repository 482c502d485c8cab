"""host.json and local.settings.json are read with the platform's defaults, and problems are told in one line."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.host.app.config import DurableConfig, QueueConfig, apply_local_settings, read_host_json
from local.host.app.connections import fill_settings
from local.host.errors import StartError


def write(root: Path, content: Any, name: str = "host.json") -> None:
    (root / name).write_text(content if isinstance(content, str) else json.dumps(content))


def test_defaults_are_the_platforms(tmp_path: Path) -> None:
    write(tmp_path, {"version": "2.0"})
    config = read_host_json(tmp_path, {})
    assert config.route_prefix == "api"
    assert config.max_degree_of_parallelism == 8 * (os.cpu_count() or 1)
    assert config.poison_blob_threshold == 5
    assert config.functions is None
    assert config.function_timeout_seconds == 300
    cores = os.cpu_count() or 1
    assert config.durable == DurableConfig("TestHubName", max_activities=10 * cores, max_orchestrators=10 * cores)


def test_members_are_read(tmp_path: Path) -> None:
    blobs = {"maxDegreeOfParallelism": 3, "poisonBlobThreshold": 2}
    http = {"routePrefix": "/v1/", "customHeaders": {"X-A": "1"}}
    write(tmp_path, {"version": "2.0", "extensions": {"blobs": blobs, "http": http}, "functions": ["One"]})
    config = read_host_json(tmp_path, {})
    assert (config.max_degree_of_parallelism, config.poison_blob_threshold) == (3, 2)
    assert (config.route_prefix, dict(config.custom_headers)) == ("v1", {"X-A": "1"})
    assert config.functions == frozenset({"one"})


@pytest.mark.parametrize(
    ("value", "seconds"), [("00:05:00", 300), ("00:00:01", 1), ("1.02:03:04.5", 93784.5), ("-1", None), (-1, None)]
)
def test_function_timeout_is_read(tmp_path: Path, value: object, seconds: float | None) -> None:
    write(tmp_path, {"version": "2.0", "functionTimeout": value})
    assert read_host_json(tmp_path, {}).function_timeout_seconds == seconds


@pytest.mark.parametrize("value", ["00:00:00", "00:00:00.9", "-2", "5", 300, None, "", "00:05"])
def test_function_timeout_that_azure_refuses_is_told_about(tmp_path: Path, value: object) -> None:
    write(tmp_path, {"version": "2.0", "functionTimeout": value})
    with pytest.raises(StartError, match=r"functionTimeout is .*00:00:0[12]"):
        read_host_json(tmp_path, {})


def test_durable_members_are_read(tmp_path: Path) -> None:
    durable = {"hubName": "%HUB%", "maxConcurrentActivityFunctions": 4, "maxConcurrentOrchestratorFunctions": 5}
    write(tmp_path, {"version": "2.0", "extensions": {"durableTask": durable}})
    config = read_host_json(tmp_path, {"HUB": "OcrHub"})
    assert config.durable == DurableConfig("OcrHub", max_activities=4, max_orchestrators=5)


@pytest.mark.parametrize("name", ["ab", "1hub", "my-hub", "h" * 46, "%UNSET%"])
def test_hub_name_that_azure_refuses_is_told_about(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"version": "2.0", "extensions": {"durableTask": {"hubName": name}}})
    with pytest.raises(StartError, match="hubName is"):
        read_host_json(tmp_path, {})


def test_setting_overrides_a_member(tmp_path: Path) -> None:
    write(tmp_path, {"version": "2.0", "extensions": {"blobs": {"poisonBlobThreshold": 2}}})
    overrides = {
        "AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "7",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "",
    }
    config = read_host_json(tmp_path, overrides)
    assert (config.poison_blob_threshold, config.route_prefix) == (7, "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"version": "2.0" // comment\n}', "comments are not allowed"),
        ([], "must hold a JSON object"),
        ({}, "version is None"),
        ({"version": "1.0"}, "version is '1.0'"),
        ({"version": "2.0", "extensions": []}, "extensions must be an object|extensions.blobs must be an object"),
        ({"version": "2.0", "extensions": {"blobs": {"poisonBlobThreshold": 0}}}, "a whole number of 1 or more"),
        ({"version": "2.0", "extensions": {"blobs": {"maxDegreeOfParallelism": "x"}}}, "a whole number of 1 or more"),
        ({"version": "2.0", "extensions": {"http": {"routePrefix": 3}}}, "routePrefix must be text"),
    ],
)
def test_unusable_host_json_is_told_about(tmp_path: Path, content: Any, reason: str) -> None:
    write(tmp_path, content)
    with pytest.raises(StartError, match=reason):
        read_host_json(tmp_path, {})


def test_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="give --root"):
        read_host_json(tmp_path, {})


def test_local_settings_do_not_replace_what_is_set(tmp_path: Path) -> None:
    write(tmp_path, "\ufeff" + json.dumps({"Values": {"A": "file", "B": "file"}}), "local.settings.json")
    environment = {"A": "own"}
    apply_local_settings(tmp_path, environment)
    assert environment == {"A": "own", "B": "file"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"IsEncrypted": True, "Values": {}}, "encrypted"),
        ({"Values": []}, "Values must be an object"),
        ({"Values": {"A": 3}}, "the value of A must be text"),
        ("{", "not plain JSON"),
    ],
)
def test_unusable_local_settings_are_told_about(tmp_path: Path, content: Any, reason: str) -> None:
    write(tmp_path, content, "local.settings.json")
    with pytest.raises(StartError, match=reason):
        apply_local_settings(tmp_path, {})


def test_settings_are_filled_in() -> None:
    assert fill_settings("%C%/{name}-%C%", {"C": "images"}) == "images/{name}-images"


def test_members_of_queues_are_read(tmp_path: Path) -> None:
    queues = {
        "batchSize": 4,
        "newBatchThreshold": 0,
        "maxDequeueCount": 2,
        "visibilityTimeout": "00:01:30",
        "maxPollingInterval": "1.00:00:00.5",
        "messageEncoding": "None",
    }
    write(tmp_path, {"version": "2.0", "extensions": {"queues": queues}})
    assert read_host_json(tmp_path, {}).queues == QueueConfig(4, 0, 2, 90, 86_400.5, is_base64=False)


def test_defaults_of_queues_are_those_of_a_developers_machine(tmp_path: Path) -> None:
    write(tmp_path, {"version": "2.0"})
    threshold = 8 * (os.cpu_count() or 1)
    assert read_host_json(tmp_path, {}).queues == QueueConfig(16, threshold, 5, 0, 2, is_base64=True)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("batchSize", 0),
        ("batchSize", 33),
        ("newBatchThreshold", -1),
        ("maxDequeueCount", 0),
        ("visibilityTimeout", 30),
        ("maxPollingInterval", "00:00:00.05"),
        ("messageEncoding", "utf8"),
    ],
)
def test_member_of_queues_that_azure_refuses_is_told_about(tmp_path: Path, member: str, value: object) -> None:
    write(tmp_path, {"version": "2.0", "extensions": {"queues": {member: value}}})
    with pytest.raises(StartError, match=member):
        read_host_json(tmp_path, {})
