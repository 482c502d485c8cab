"""The host's own configuration: host.json, and the settings of local.settings.json, which become the environment."""

import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.host.errors import StartError
from local.local_settings import read_json_object, read_local_settings

DEFAULT_ROUTE_PREFIX = "api"
DEFAULT_POISON_BLOB_THRESHOLD = 5
INVOCATIONS_PER_CORE = 8  # default of extensions.blobs.maxDegreeOfParallelism
DEFAULT_HUB = "TestHubName"
HUB_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{2,44}")
DURABLE_FUNCTIONS_PER_CORE = 10  # default of maxConcurrent...Functions
OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
MAX_BATCH = 32  # messages that a storage queue gives at once
# Core Tools polls as often; in Azure the default is a minute.
MAX_POLLING_SECONDS = 2.0
MIN_POLLING_SECONDS = 0.1
DEFAULT_FUNCTION_TIMEOUT_SECONDS = 300.0  # of a Consumption plan; the others have 30 minutes
LEAST_FUNCTION_TIMEOUT_SECONDS = 1.0
UNLIMITED = "-1"
TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d{1,7})?)")


@dataclass(frozen=True)
class DurableConfig:
    """What host.json says under `extensions.durableTask`."""

    hub: str = DEFAULT_HUB
    max_activities: int = DURABLE_FUNCTIONS_PER_CORE
    max_orchestrators: int = DURABLE_FUNCTIONS_PER_CORE


@dataclass(frozen=True)
class QueueConfig:
    """What host.json says under `extensions.queues`; *is_base64* is its `messageEncoding`."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_seconds: float = 0.0
    max_polling_interval_seconds: float = MAX_POLLING_SECONDS
    is_base64: bool = True


@dataclass(frozen=True)
class HostConfig:
    """What host.json says, with the platform's defaults; *function_timeout_seconds* is None for no limit."""

    route_prefix: str = DEFAULT_ROUTE_PREFIX
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    max_degree_of_parallelism: int = INVOCATIONS_PER_CORE
    poison_blob_threshold: int = DEFAULT_POISON_BLOB_THRESHOLD
    durable: DurableConfig = field(default_factory=DurableConfig)
    queues: QueueConfig = field(default_factory=QueueConfig)
    log_levels: Mapping[str, str] = field(default_factory=dict)
    functions: frozenset[str] | None = None
    function_timeout_seconds: float | None = DEFAULT_FUNCTION_TIMEOUT_SECONDS


def read_host_json(root: Path, environment: Mapping[str, str]) -> HostConfig:
    """
    Read `root/host.json`; a setting `AzureFunctionsJobHost__a__b` of *environment* overrides its member `a.b`.

    Raises StartError when the file is missing, is not plain JSON, or holds a value of the wrong kind.
    """
    tree = _json_object(root / "host.json", missing=f"{root} has no host.json, so it is no Functions app: give --root")
    _override(tree, environment)
    if tree.get("version") != "2.0":
        raise StartError(f'host.json: version is {tree.get("version")!r}; this host knows "2.0" only')
    blobs, http = _section(tree, "extensions", "blobs"), _section(tree, "extensions", "http")
    only = tree.get("functions")
    return HostConfig(
        route_prefix=_text(http, "routePrefix", DEFAULT_ROUTE_PREFIX).strip("/"),
        custom_headers={name: str(value) for name, value in _section(http, "customHeaders").items()},
        max_degree_of_parallelism=_count(blobs, "maxDegreeOfParallelism", INVOCATIONS_PER_CORE * (os.cpu_count() or 1)),
        poison_blob_threshold=_count(blobs, "poisonBlobThreshold", DEFAULT_POISON_BLOB_THRESHOLD),
        durable=_durable(_section(tree, "extensions", "durableTask"), environment),
        queues=_queues(_section(tree, "extensions", "queues")),
        log_levels={name: str(level) for name, level in _section(tree, "logging", "logLevel").items()},
        functions=frozenset(str(name).lower() for name in only) if isinstance(only, list) else None,
        function_timeout_seconds=_function_timeout(tree),
    )


def apply_local_settings(root: Path, environment: MutableMapping[str, str]) -> None:
    """
    Put the `Values` of `root/local.settings.json`, if there is one, into *environment*; what is set already wins.

    Raises StartError for an encrypted file and for values that are not text.
    """
    try:
        values = read_local_settings(root)
    except LocalError as error:
        raise StartError(str(error)) from None
    for name, value in values.items():
        environment.setdefault(name, value)


def apply_host_settings(root: Path, port: int, environment: MutableMapping[str, str]) -> None:
    """Set what every Functions host tells its functions about itself."""
    environment["AzureWebJobsScriptRoot"] = str(root)
    environment.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    environment.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    environment.setdefault("WEBSITE_HOSTNAME", f"localhost:{port}")


def _durable(section: Mapping[str, Any], environment: Mapping[str, str]) -> DurableConfig:
    hub = _text(section, "hubName", environment.get("WEBSITE_SITE_NAME") or DEFAULT_HUB)
    if hub.startswith("%") and hub.endswith("%"):
        hub = environment.get(hub.strip("%"), "")
    if not HUB_NAME.fullmatch(hub):
        raise StartError(f"host.json: hubName is {hub!r}; it must be a letter and then 2 to 44 letters and digits")
    default = DURABLE_FUNCTIONS_PER_CORE * (os.cpu_count() or 1)
    return DurableConfig(
        hub,
        _count(section, "maxConcurrentActivityFunctions", default),
        _count(section, "maxConcurrentOrchestratorFunctions", default),
    )


def _function_timeout(tree: Mapping[str, Any]) -> float | None:
    name = "functionTimeout"
    if str(tree.get(name)) == UNLIMITED:
        return None
    seconds = _time_span(tree, name, DEFAULT_FUNCTION_TIMEOUT_SECONDS)
    if seconds < LEAST_FUNCTION_TIMEOUT_SECONDS:
        raise StartError(f"host.json: {name} is {tree[name]!r}; at least 00:00:01 is needed, or {UNLIMITED}: no limit")
    return seconds


def _queues(section: Mapping[str, Any]) -> QueueConfig:
    batch_size = _count(section, "batchSize", 16)
    if batch_size > MAX_BATCH:
        raise StartError(f"host.json: batchSize is {batch_size}; at most {MAX_BATCH} are possible")
    encoding = _text(section, "messageEncoding", "base64").lower()
    if encoding not in ("base64", "none"):
        raise StartError(f"host.json: messageEncoding is {encoding!r}; it must be base64 or none")
    polling_seconds = _time_span(section, "maxPollingInterval", MAX_POLLING_SECONDS)
    if polling_seconds < MIN_POLLING_SECONDS:
        raise StartError(f"host.json: maxPollingInterval must not be less than {MIN_POLLING_SECONDS} s")
    return QueueConfig(
        batch_size,
        _count(section, "newBatchThreshold", batch_size // 2 * (os.cpu_count() or 1), least=0),
        _count(section, "maxDequeueCount", 5),
        _time_span(section, "visibilityTimeout", 0.0),
        polling_seconds,
        encoding == "base64",
    )


def _json_object(path: Path, *, missing: str) -> dict[str, Any]:
    try:
        return read_json_object(path)
    except FileNotFoundError:
        raise StartError(missing) from None
    except LocalError as error:
        raise StartError(str(error)) from None


def _override(tree: dict[str, Any], environment: Mapping[str, str]) -> None:
    for setting, value in environment.items():
        if not setting.startswith(OVERRIDE_PREFIX):
            continue
        *parents, leaf = setting.removeprefix(OVERRIDE_PREFIX).split("__")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                raise StartError(f"the setting {setting} needs an object in host.json where {parent} is {child!r}")
            node = child
        node[leaf] = value


def _section(tree: Mapping[str, Any], *names: str) -> dict[str, Any]:
    node: Any = tree
    for name in names:
        node = node.get(name, {})
        if not isinstance(node, dict):
            raise StartError(f"host.json: {'.'.join(names)} must be an object")
    return dict(node)


def _text(section: Mapping[str, Any], name: str, default: str) -> str:
    value = section.get(name, default)
    if not isinstance(value, str):
        raise StartError(f"host.json: {name} must be text")
    return value


def _count(section: Mapping[str, Any], name: str, default: int, least: int = 1) -> int:
    value = section.get(name, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least:
        raise StartError(f"host.json: {name} is {value!r}; a whole number of {least} or more is needed")
    return number


def _time_span(section: Mapping[str, Any], name: str, default_seconds: float) -> float:
    """Return the seconds of a .NET TimeSpan such as 00:00:02."""
    if name not in section:
        return default_seconds
    value = section[name]
    found = TIME_SPAN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise StartError(f"host.json: {name} is {value!r}; a time such as 00:00:02 is needed")
    days, hours, minutes = (int(part or 0) for part in found.groups()[:3])
    return ((days * 24 + hours) * 60 + minutes) * 60 + float(found[4])
