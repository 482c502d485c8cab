"""Blob storage by its REST API, with the sign-in of the person or pipeline that deploys."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from email.utils import formatdate
from urllib.parse import quote, urlencode

from deployment import azd, wire

SCOPE = "https://storage.azure.com/.default"
VERSION = "2023-11-03"


class Account:
    """
    The blob service of one storage account.

    Args:
        url: its address, such as `https://ACCOUNT.blob.core.windows.net`.
        tokens: where tokens come from.
    """

    def __init__(self, url: str, tokens: azd.Tokens) -> None:
        self.url = url.rstrip("/")
        self._tokens = tokens

    def put(self, container: str, name: str, data: bytes, content_type: str) -> wire.Reply:
        """Upload a block blob, in the place of one that is there."""
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": content_type}
        return self._send("PUT", f"{container}/{quote(name)}", headers, data)

    def get(self, container: str, name: str) -> wire.Reply:
        """Read a blob."""
        return self._send("GET", f"{container}/{quote(name)}", {})

    def delete(self, container: str, name: str) -> wire.Reply:
        """Remove a blob."""
        return self._send("DELETE", f"{container}/{quote(name)}", {})

    def names(self, container: str, prefix: str) -> list[str] | None:
        """Return the names that begin so, of the first 5,000; None where the container cannot be listed."""
        query = urlencode({"restype": "container", "comp": "list", "prefix": prefix})
        reply = self._send("GET", f"{container}?{query}", {})
        if reply.status == 404:
            return []
        try:
            # The answer is the storage account's own, and names are all that is taken from it.
            root = ElementTree.fromstring(reply.data if reply.ok else b"")  # noqa: S314
        except ElementTree.ParseError:
            return None
        return [each.text or "" for each in root.iterfind("Blobs/Blob/Name")]

    def _send(self, method: str, target: str, headers: dict[str, str], data: bytes | None = None) -> wire.Reply:
        token = self._tokens.token(SCOPE)
        own = {"Authorization": f"Bearer {token}", "x-ms-version": VERSION, "x-ms-date": formatdate(usegmt=True)}
        return wire.send(method, f"{self.url}/{target}", {**headers, **own}, data)


def code(reply: wire.Reply) -> str:
    """Return storage's name of the error, such as `AuthorizationPermissionMismatch`; the status where it has none."""
    return reply.headers.get("x-ms-error-code") or str(reply.status)
