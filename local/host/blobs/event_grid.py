"""Which blob a storage event of Event Grid is about."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from local.host.errors import BadRequestError
from local.host.events.deliveries import data_of


@dataclass(frozen=True)
class BlobEvent:
    """The blob that an event is about; *etag* without quotes."""

    container: str
    blob: str
    etag: str
    blob_type: str


def blob_event(event: Mapping[str, Any]) -> BlobEvent:
    """Return the blob that a storage *event* is about, by its `data.url`; raises BadRequestError."""
    data = data_of(event)
    url = data.get("url")
    if not isinstance(url, str):
        raise BadRequestError("an event must have data.url, the address of the blob")
    container, blob = blob_of_url(url)
    return BlobEvent(container, blob, str(data.get("eTag", "")).strip('"'), str(data.get("blobType", "BlockBlob")))


def blob_of_url(url: str) -> tuple[str, str]:
    """
    Return container and name of the blob at *url*.

    An emulator's address has the account as the first segment of its path; a real one has it in the host's name.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadRequestError(f"data.url {url!r} is no address: {error}") from None
    segments = parts.path.lstrip("/").split("/", 2 if _account_in_path(parts.hostname or "") else 1)
    container, blob = (unquote(segment) for segment in segments[-2:]) if len(segments) > 1 else ("", "")
    if not parts.hostname or not container or not blob or len(segments) != 2 + _account_in_path(parts.hostname):
        raise BadRequestError(f"data.url {url!r} is not the address of a blob")
    return container, blob


def _account_in_path(host: str) -> bool:
    if "." not in host:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
