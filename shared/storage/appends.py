"""
Append blobs, and parts of blobs, by the SDK's client of one blob.

The SDK is imported at the first call, as in `shared.storage.azure`.
"""

from typing import Any

from shared.storage import sdk_mapping
from shared.storage.blobs import Blob

# One request, as `shared.storage.account` sets the SDK up.
_PART_BYTES = 4 * 1024 * 1024


def begin(client: Any) -> None:
    """Make an empty append blob, only if there is no blob yet; the SDK's error for a conflict otherwise."""
    from azure.core import MatchConditions
    from azure.storage.blob import ContentSettings

    client.create_append_blob(
        content_settings=ContentSettings(content_type="application/octet-stream"),
        match_condition=MatchConditions.IfMissing,
    )


def beginning(client: Any, count: int) -> bytes:
    """The first bytes of a blob, at most *count*."""
    return _part(client, 0, count).data


def read_from(client: Any, offset: int) -> Blob:
    """
    The bytes of an append blob from *offset* on, none where it ends before.

    Each part is asked for without a condition: stored bytes stay as they are while others are added.
    """
    data = b""
    while True:
        info, part = _part(client, offset + len(data), _PART_BYTES)
        data += part
        if len(part) < _PART_BYTES:
            # The SDK tells the size of the part.
            end = offset + len(data) if data else client.get_blob_properties().size
            return Blob(info._replace(size=end), data)


def _part(client: Any, offset: int, count: int) -> Blob:
    from azure.core.exceptions import HttpResponseError

    try:
        stream = client.download_blob(offset=offset, length=count)
        return Blob(sdk_mapping.info(stream.properties), bytes(stream.readall()))
    except HttpResponseError as error:
        if error.status_code != 416:
            raise
        # An empty blob has no first byte, and no blob has one at its end.
        return Blob(sdk_mapping.info(client.get_blob_properties()), b"")
