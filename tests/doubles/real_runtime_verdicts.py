"""What the local host and Microsoft's runtime say about the same function folders when they load them."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doubles.hosting import http_return, http_trigger, running_host, write_function, write_host_json
from doubles.real_runtime import running_runtime

HTTP = (http_trigger(), http_return())
CONNECTIONS = {"ImagesStorage": "UseDevelopmentStorage=true", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
OWN_ERROR = "FunctionLoadError: "


@dataclass(frozen=True)
class Folder:
    """A function folder to be written."""

    code: str
    bindings: tuple[Mapping[str, Any], ...] = HTTP
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Both sides' words on one folder; None means that it loads."""

    local: str | None
    real: str | None


def function_with(signature: str) -> str:
    """Return the code of a function that does nothing; *signature* begins behind the opening parenthesis."""
    return f"import collections, typing\nimport azure.functions as func\n\ndef main({signature}:\n    pass\n"


def verdicts(root: Path, folders: Mapping[str, Folder]) -> dict[str, Verdict]:
    """Write the *folders* into *root*, load them on both sides, and return what each says of each."""
    write_host_json(root)
    for name, folder in folders.items():
        write_function(root, name, folder.bindings, folder.code, **folder.config)
    with running_host(root, root.parent / "state", environment=CONNECTIONS) as host:
        status = host.request("GET", "/admin/host/status").json()
    local = {name: _without_addresses(reason) for name, reason in (text.split(": ", 1) for text in status["errors"])}
    with running_runtime(root, CONNECTIONS) as runtime:
        real = {name: _readable(message) for name, message in runtime.refused.items()}
        assert {*runtime.loaded, *real} == set(folders)
    return {name: Verdict(local.get(name), real.get(name)) for name in folders}


def _readable(message: str) -> str:
    """
    Return a message of the runtime without the name of its own class of errors.

    Some it raises with a template and its values apart, so that their text is that of a tuple: they are joined here.
    """
    message = _without_addresses(message.removeprefix(OWN_ERROR))
    found = re.fullmatch(r"RuntimeError: (\(.*\))", message, re.DOTALL)
    if not found:
        return message
    template, *values = ast.literal_eval(re.sub(r"PosixPath\(('[^']*')\)", r"\1", found[1]))
    return str(template) % tuple(values)


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+>", ">", text)
