"""
What an app finds around it: a storage and a vision service of its own.

Each way to run the app has one, so that what it writes and pays can be compared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import BlobServiceClient
from doubles.azurite import Azurite, running_azurite
from doubles.vision_calls import Caller

from local.stack.containers import CONTAINERS, make_containers
from local.vision.server import RunningVision, running_vision
from shared.index import reader
from shared.storage.azure import BlobStore

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
# How long a call took, in a receipt.
CALL_SECONDS = re.compile(r'(?<="seconds": )[0-9.]+(?=, "status": )')
ETAG = re.compile(r"0x[0-9A-F]{13,16}")


@dataclass(frozen=True)
class World:
    """The storage and the vision service of one side."""

    azurite: Azurite
    vision: RunningVision
    storage: BlobServiceClient

    def environment(self) -> dict[str, str]:
        """Return the settings of an app in this world; an upload that fails is not delivered again."""
        return {
            "VISION_ENDPOINT": self.vision.url,
            "VISION_KEY": self.vision.key,
            "VISION_RATE": "100/1",
            "URL_ALLOW": "127.0.0.0/8",
            "THUMBNAIL_SIZES": "200x150",
            "IMAGES_WRITABLE": "true",
            "ImagesStorage": self.azurite.connection_string,
            "AzureWebJobsStorage": self.azurite.connection_string,
            "AzureFunctionsJobHost__extensions__blobs__poisonBlobThreshold": "1",
            # A host's doing, and the runtime alone has none.
            "WEBSITE_HOSTNAME": "blobsight.azurewebsites.net",
        }

    def upload(self, container: str, name: str, content: bytes) -> None:
        """Write a blob as any client would."""
        self.storage.get_blob_client(container, name).upload_blob(content, overwrite=True)

    def fail(self, faults: Mapping[str, object]) -> None:
        """Set the vision service's faults."""
        with Caller(self.vision.url) as caller:
            assert caller.control("PUT", "faults", faults).ok

    def paid(self) -> dict[str, Any]:
        """Return what was asked of the vision service, by operation; the order of the bodies does not count."""
        with Caller(self.vision.url) as caller:
            operations: dict[str, Any] = caller.control("GET", "stats").json()["operations"]
        return {name: {**counted, "bodies": sorted(counted["bodies"])} for name, counted in operations.items()}

    def records(self) -> dict[str, Any]:
        """
        Return every blob: content and properties, and of the index what its entries tell.

        The images are left out, and the ledger, which tells the time.
        """
        found: dict[str, Any] = {"index": self._index()}
        for container in CONTAINERS:
            if container not in ("images", "quota", "index"):
                client = self.storage.get_container_client(container)
                for name in client.list_blob_names():
                    found[f"{container}/{name}"] = self._record(container, name)
        return found

    def _index(self) -> dict[str, Any]:
        """What is in the index of each image, without the digests of ETags."""
        return {
            stem: {
                part: self.plain(json.dumps({**content, "e": ""}, sort_keys=True))
                for part, content in sorted(entry.parts.items())
                if content is not None
            }
            for stem, entry in reader.snapshot(BlobStore(self.azurite.connection_string)).items()
            if entry.is_there
        }

    def plain(self, text: str) -> str:
        """Return *text* without what differs from run to run: addresses, ids, times, and ETags by their images."""
        # Most texts have none, and listing takes longer than all the rest.
        images = self.storage.get_container_client("images").list_blobs() if ETAG.search(text) else ()
        for image in images:
            text = text.replace(str(image.etag).strip('"'), f"<etag of {image.name}>")
        text = text.replace(self.azurite.blob_url, "<storage>").replace(self.vision.url, "<vision>")
        for pattern, name in ((UUID, "<id>"), (TIME, "<time>"), (ETAG, "<etag>"), (CALL_SECONDS, "<seconds>")):
            text = pattern.sub(name, text)
        return text

    def _record(self, container: str, name: str) -> dict[str, Any]:
        download = self.storage.get_blob_client(container, name).download_blob()
        content, properties = download.readall(), download.properties
        settings = properties.content_settings
        return {
            "content": self.plain(content.decode()) if settings.content_type == "application/json" else content,
            "type": settings.content_type,
            "cache": settings.cache_control,
            "metadata": self.plain(json.dumps(properties.metadata, sort_keys=True)),
        }


@contextmanager
def world() -> Iterator[World]:
    """Start storage and vision, with every container there."""
    with running_azurite() as azurite, running_vision() as vision:
        make_containers(azurite.connection_string)
        with BlobServiceClient.from_connection_string(azurite.connection_string) as storage:
            yield World(azurite, vision, storage)
