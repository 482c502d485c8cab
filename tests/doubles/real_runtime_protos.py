"""
The messages that Microsoft's runtime fills in, as plain namespaces: it takes them from whoever runs it.

Names, numbers and members are those of FunctionRpc.proto (azure-functions-language-worker-protobuf).
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

DIRECTIONS = {"in": 0, "out": 1, "inout": 2}
DATA_TYPES = {"undefined": 0, "string": 1, "binary": 2, "stream": 3}


class StatusResult(SimpleNamespace):
    """The outcome of a request; `exception` is there on failure only."""

    Failure = 0
    Success = 1


PROTOS = SimpleNamespace(
    BindingInfo=SimpleNamespace(**DIRECTIONS, **DATA_TYPES),
    StatusResult=StatusResult,
    RpcException=SimpleNamespace,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
    FunctionLoadResponse=SimpleNamespace,
    FunctionMetadataResponse=SimpleNamespace,
)


def binding_info(binding: Mapping[str, Any]) -> SimpleNamespace:
    """Return a member of function.json's `bindings` as the host tells the worker about it."""
    return SimpleNamespace(
        type=binding["type"],
        direction=DIRECTIONS[str(binding.get("direction", "in")).lower()],
        data_type=DATA_TYPES[str(binding.get("dataType", "undefined")).lower()],
    )


def init_request() -> SimpleNamespace:
    """Return what the host says first."""
    request = SimpleNamespace(worker_init_request=SimpleNamespace(capabilities={}))
    return SimpleNamespace(request=request, properties={"host": "127.0.0.1", "protos": PROTOS})


def load_request(name: str, directory: str, script: str, config: Mapping[str, Any]) -> SimpleNamespace:
    """Return the request to load one function; its id is its name. *config* is the content of its function.json."""
    metadata = SimpleNamespace(
        name=name,
        directory=directory,
        script_file=script,
        entry_point=config.get("entryPoint", ""),
        bindings={binding["name"]: binding_info(binding) for binding in config["bindings"]},
    )
    load = SimpleNamespace(function_id=name, metadata=metadata)
    return SimpleNamespace(request=SimpleNamespace(function_load_request=load), properties={"protos": PROTOS})
