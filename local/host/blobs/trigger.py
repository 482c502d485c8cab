"""What a blob-triggered function is given: the blob's current content and the trigger metadata, named as in Azure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.host.app.connections import Connection, connection_of, fill_settings
from local.host.app.converters import Data, datum
from local.host.app.loader import LoadedFunction
from local.host.app.metadata import Binding
from local.host.blobs.paths import BlobPath
from local.host.blobs.storage import BlobContent


@dataclass(frozen=True)
class BlobFunction:
    """A function with a blob trigger, its path pattern and the account of its blobs."""

    function: LoadedFunction
    path: BlobPath
    connection: Connection

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name


def blob_functions(functions: Iterable[LoadedFunction], environment: Mapping[str, str]) -> dict[str, BlobFunction]:
    """Return the enabled blob-triggered functions by name."""
    found = {}
    for function in functions:
        trigger = function.metadata.trigger
        if trigger.type.lower() == "blobtrigger" and not function.metadata.disabled:
            connection = connection_of(trigger, environment)
            found[function.name] = BlobFunction(function, trigger_path(trigger, environment), connection)
    return found


def trigger_path(binding: Binding, environment: Mapping[str, str]) -> BlobPath:
    """Return the path pattern of a blob trigger; raises FunctionLoadError for one that cannot be used."""
    return BlobPath.parse(fill_settings(binding.text("path"), environment))


def binding_data(path: BlobPath, container: str, name: str, blob: BlobContent) -> dict[str, Any]:
    """
    Return the values that a trigger offers by name.

    With `"source": "EventGrid"` a path that does not match does not hold the function back: it only captures nothing.
    """
    return {
        "BlobTrigger": f"{container}/{name}",
        "Uri": blob.uri,
        "Properties": blob.properties,
        "Metadata": blob.metadata,
        **(path.match(container, name) or {}),
    }


def trigger_metadata(data: Mapping[str, Any]) -> Data:
    """Return *data* as the worker gets it: `Uri`, `Properties` and `Metadata` as JSON, the rest as text."""
    return {
        name: datum(json.dumps(value), "json") if name in ("Uri", "Properties", "Metadata") else datum(value, "string")
        for name, value in data.items()
    }
