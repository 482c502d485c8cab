"""Blob inputs and outputs of a function: read before it runs, written after it has succeeded."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.host.app.connections import connection_of, fill_settings
from local.host.app.converters import Datum, datum
from local.host.app.metadata import Binding, FunctionMetadata
from local.host.blobs.paths import BlobTemplate
from local.host.blobs.storage import BlobStorage


class BlobBindings:
    """Reads and writes the blobs of `blob` bindings in threads."""

    def __init__(self, storage: BlobStorage, threads: ThreadPoolExecutor, environment: Mapping[str, str]) -> None:
        self._storage = storage
        self._threads = threads
        self._environment = environment

    async def read_inputs(self, metadata: FunctionMetadata, data: Mapping[str, Any]) -> dict[str, Datum]:
        """Return each blob input's content by binding name, for the trigger's binding *data*; absent if missing."""
        inputs = {}
        for binding in metadata.bindings:
            if binding.type.lower() == "blob" and binding.direction == "in":
                content = await self._read(binding, data)
                if content is not None:
                    inputs[binding.name] = _input_datum(binding, content)
        return inputs

    async def write_outputs(
        self, metadata: FunctionMetadata, outputs: Mapping[str, Datum], data: Mapping[str, Any], invocation_id: str
    ) -> None:
        """Write each blob output of *outputs*, by binding name."""
        for binding in metadata.bindings:
            output = outputs.get(binding.name)
            if binding.type.lower() == "blob" and output is not None and output.value is not None:
                content = output.value.encode() if isinstance(output.value, str) else bytes(output.value)
                container, blob = blob_template(binding, self._environment).fill(data)
                connection = connection_of(binding, self._environment)
                await self._in_thread(self._storage.write, connection, container, blob, content, invocation_id)

    async def _read(self, binding: Binding, data: Mapping[str, Any]) -> bytes | None:
        container, name = blob_template(binding, self._environment).fill(data)
        connection = connection_of(binding, self._environment)
        blob = await self._in_thread(self._storage.read, connection, container, name)
        return blob.content if blob else None

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def blob_template(binding: Binding, environment: Mapping[str, str]) -> BlobTemplate:
    """Return the path of a blob input or output; raises FunctionLoadError for one that cannot be used."""
    return BlobTemplate.parse(fill_settings(binding.text("path"), environment))


def _input_datum(binding: Binding, content: bytes) -> Datum:
    """Without `"dataType": "binary"` a blob passes through text, which destroys an image: in Azure as here."""
    if binding.data_type == "binary":
        return datum(content, "bytes")
    return datum(content.decode("utf-8-sig", "replace"), "string")
