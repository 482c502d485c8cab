"""
A blob account as Azure answers for it where Azurite knows nothing of the kind: what it keeps, and how it is built.

For `responses`, in place of a whole account's address. Blobs are kept for one process and one thread at a time.
The headers and elements are those of the REST API of Azure Storage: "Put Blob", "Get Blob", "List Blobs" and "Version
2020-06-12".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import responses

CHANGE_FEED = ("$blobchangefeed", "meta/segments.json")
Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class AzureAccount:
    """
    Attributes:
        address: of its blobs.
        hierarchical: whether directories are real (Data Lake Storage Gen2): they are made with the first blob in them,
            stay, are listed, and have no blob of their name.
        versioning, soft_delete: whether what is overwritten and deleted is kept. With soft delete, Delete Blob refuses
            directories here; Azure has been seen to do so.
        refused: operations, such as `list`, that it answers with 403.
        blobs: what there is now, by container and name; a directory is None.
        asked: method, container and name of every request; `list` is a method here.
    """

    address: str
    hierarchical: bool = False
    versioning: bool = False
    soft_delete: bool = False
    refused: frozenset[str] = frozenset()
    blobs: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    _deleted: set[tuple[str, str]] = field(default_factory=set)
    _modified: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _metadata: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def answer_in(self, mock: responses.RequestsMock) -> None:
        """Answer every request for the account that *mock* sees."""
        place = re.compile(re.escape(self.address) + "/.*")
        for method in ("HEAD", "GET", "PUT", "DELETE"):
            mock.add_callback(method, place, callback=self._answer)

    def follow_changes(self, until: datetime) -> None:
        """Turn the change feed on, which has finished its last segment then."""
        self.blobs[CHANGE_FEED], self._modified[CHANGE_FEED] = b"{}", until

    def make_directory(self, container: str, name: str) -> None:
        """Make a directory, as Data Lake's own clients can."""
        self.blobs[container, name], self._metadata[container, name] = None, {"x-ms-meta-hdi_isfolder": "true"}

    def _answer(self, request: Any) -> Answer:
        parts = urlsplit(request.url.removeprefix(self.address))
        query = parse_qs(parts.query)
        container, _, name = unquote(parts.path.lstrip("/")).partition("/")
        method = "list" if query.get("comp") == ["list"] else request.method
        self.asked.append((method, container, name))
        if method in self.refused:
            return 403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b""
        if query.get("restype") == ["container"] and method == "PUT":
            return 201, {}, b""
        if method == "list":
            return 200, {"Content-Type": "application/xml"}, self._listed(container, query)
        return self._of_blob(method, (container, name), request)

    def _of_blob(self, method: str, place: tuple[str, str], request: Any) -> Answer:
        if method == "PUT":
            if self.hierarchical and not self._make_directories(*place):
                return 409, {"x-ms-error-code": "PathConflict"}, b""
            body = request.body
            told = {key.lower(): value for key, value in request.headers.items()}
            self._metadata[place] = {key: value for key, value in told.items() if key.startswith("x-ms-meta-")}
            self.blobs[place] = body.read() if hasattr(body, "read") else bytes(body or b"")
            self._modified[place] = datetime.now(UTC)
            version = {"x-ms-version-id": "2026-01-01T00:00:00.0000000Z"} if self.versioning else {}
            return 201, {**self._headers(place), **version}, b""
        if place not in self.blobs:
            return 404, {"x-ms-error-code": "BlobNotFound"}, b""
        if method == "DELETE":
            if self._is_directory(*place) and self.soft_delete:
                return 400, {"x-ms-error-code": "OperationNotSupportedOnDirectory"}, b""
            if any(each[0] == place[0] and each[1].startswith(f"{place[1]}/") for each in self.blobs):
                return 409, {"x-ms-error-code": "DirectoryIsNotEmpty"}, b""
            del self.blobs[place]
            # Where both are on, the current version becomes a previous one, and nothing is soft-deleted.
            if self.soft_delete and not self.versioning:
                self._deleted.add(place)
            return 202, {}, b""
        data = self.blobs[place] or b""
        told = {**self._headers(place), "Content-Length": str(len(data)), "x-ms-blob-type": "BlockBlob"}
        told |= self._metadata.get(place, {})
        if self.hierarchical:
            told |= {"x-ms-owner": "$superuser", "x-ms-group": "$superuser", "x-ms-permissions": "rw-r-----"}
            told |= {"x-ms-resource-type": "directory" if self.blobs[place] is None else "file"}
        if method == "HEAD":
            return 200, told, b""
        return 206, {**told, "Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}, data

    def _make_directories(self, container: str, name: str) -> bool:
        """Make those above a blob; False if a file is to be one, or a directory has the blob's name."""
        above = [(container, "/".join(name.split("/")[:count])) for count in range(1, name.count("/") + 1)]
        if self._is_directory(container, name) or any(self.blobs.get(each) is not None for each in above):
            return False
        for each in above:
            if each not in self.blobs:
                self.make_directory(*each)
        return True

    def _headers(self, place: tuple[str, str]) -> dict[str, str]:
        modified = self._modified.get(place, datetime(2026, 1, 1, tzinfo=UTC))
        return {"ETag": '"0x1"', "Last-Modified": format_datetime(modified, usegmt=True)}

    def _is_directory(self, container: str, name: str) -> bool:
        return (container, name) in self.blobs and self.blobs[container, name] is None

    def _listed(self, container: str, query: Mapping[str, list[str]]) -> bytes:
        (prefix,) = query.get("prefix", [""])
        deleted = self._deleted if "deleted" in query.get("include", [""])[0].split(",") else set()
        found = sorted({*self.blobs, *deleted})
        items = "".join(
            f"<Blob><Name>{escape(name)}</Name>{'<Deleted>true</Deleted>' * ((inside, name) in deleted)}"
            "<Properties><Etag>0x1</Etag><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType></Properties>"
            f"{'<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>' * self._is_directory(inside, name)}</Blob>"
            for inside, name in found
            if inside == container and name.startswith(prefix)
        )
        whole = f'<EnumerationResults ContainerName="{container}"><Blobs>{items}</Blobs><NextMarker/>'
        return f'<?xml version="1.0" encoding="utf-8"?>{whole}</EnumerationResults>'.encode()
