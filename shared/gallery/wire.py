"""What the page's data go over the wire as: JSON with an ETag, compressed; and pictures that a browser keeps."""

import hashlib
import json
from collections.abc import Mapping

import azure.functions as func

from shared import names
from shared.api import responses

# What changes is asked for again, and costs nothing where it has not changed.
_REVALIDATED = "private, no-cache"
# What an address with a version shows never changes.
_KEPT = "private, max-age=31536000, immutable"
# Below that, the head of a compressed body costs what it saves.
_LEAST_COMPRESSED_BYTES = 1024
_LEVEL = 4


def answer_json(req: func.HttpRequest, body: Mapping[str, object]) -> func.HttpResponse:
    """A JSON answer with the ETag of its body; 304 where the caller has it already."""
    return answer_text(req, json.dumps(body, ensure_ascii=False).encode(errors="replace"), names.JSON)


def answer_text(req: func.HttpRequest, data: bytes, content_type: str) -> func.HttpResponse:
    """The same for any text in UTF-8; a charset of the type is passed over."""
    mimetype = content_type.partition(";")[0]
    # The same for both encodings, so a weak one.
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": f"W/{etag}", "Cache-Control": _REVALIDATED, "Vary": "Accept-Encoding"}
    if not responses.known_etags(req).isdisjoint((etag, "*")):
        return func.HttpResponse(status_code=304, headers=headers, mimetype=mimetype)
    if len(data) >= _LEAST_COMPRESSED_BYTES and takes_gzip(req):
        import gzip  # here, because no other function of the process needs it

        data = gzip.compress(data, _LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return func.HttpResponse(data, headers=headers, mimetype=mimetype, charset="utf-8")


def answer_picture(data: bytes, content_type: str, etag: str, *, never_changes: bool) -> func.HttpResponse:
    """A picture; *etag* is unquoted, *never_changes* says whether its address has its version."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": _KEPT if never_changes else _REVALIDATED}
    return func.HttpResponse(data, headers=headers, mimetype=content_type)


def not_changed(req: func.HttpRequest, content_type: str, etag: str) -> func.HttpResponse | None:
    """304 if the caller has the picture of that ETag already, else None."""
    quoted = f'"{etag}"'
    if responses.known_etags(req).isdisjoint((quoted, "*")):
        return None
    # A cache keeps the type of a 304 in place of the one that it has.
    headers = {"ETag": quoted, "Cache-Control": _REVALIDATED}
    return func.HttpResponse(status_code=304, headers=headers, mimetype=content_type)


def takes_gzip(req: func.HttpRequest) -> bool:
    """Whether the caller takes gzip: `gzip` or `*`, without `;q=0`."""
    accepted: str = req.headers.get("Accept-Encoding", "")
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
