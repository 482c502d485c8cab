"""The ways in which other programs send an image that is not sent as it is, each with its Content-Type."""

import base64
import json
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
JSON, TEXT, OCTETS = "application/json", "text/plain", "application/octet-stream"
WWW_FORM = "application/x-www-form-urlencoded"


class Wrapping(NamedTuple):
    """What makes a body of an image's bytes, and the Content-Type that is sent with it."""

    wrap: Callable[[bytes], bytes]
    content_type: str


def base64_of(data: bytes) -> str:
    """Standard base64 without line breaks."""
    return base64.b64encode(data).decode()


def part(
    data: bytes,
    *,
    name: str | None = "file",
    filename: str | None = "a.png",
    kind: str = "image/png",
    boundary: str = BOUNDARY,
    newline: str = "\r\n",
) -> bytes:
    """One part of a form, its boundary before it; a field where there is no *filename*."""
    named = "" if name is None else f'; name="{name}"'
    disposition = f"form-data{named}" + ("" if filename is None else f'; filename="{filename}"')
    head = [f"--{boundary}", f"Content-Disposition: {disposition}", *([f"Content-Type: {kind}"] if kind else [])]
    return newline.join([*head, "", ""]).encode() + data + newline.encode()


def closed(*parts: bytes, boundary: str = BOUNDARY, newline: str = "\r\n") -> bytes:
    """A form of these parts."""
    return b"".join(parts) + f"--{boundary}--{newline}".encode()


def form(data: bytes) -> bytes:
    """As browsers send a file."""
    return closed(part(data))


def content_object(data: bytes, kind: str = "image/png") -> dict[str, str]:
    """As Logic Apps hold a file."""
    return {"$content-type": kind, "$content": base64_of(data)}


def _percent_encoded(data: bytes) -> bytes:
    return f"data:image/png,{quote(data, safe='')}".encode()


def _url(text: str) -> bytes:
    return json.dumps({"url": text}).encode()


def _escaped(text: str) -> bytes:
    """As PHP and .NET write JSON."""
    return text.replace("/", "\\/").replace("+", "\\u002B").encode()


WRAPPINGS = {
    "$content": Wrapping(lambda data: json.dumps(content_object(data)).encode(), JSON),
    "$content, compact, with a byte order mark": Wrapping(
        lambda data: b"\xef\xbb\xbf" + json.dumps(content_object(data), separators=(",", ":")).encode(),
        "application/json; charset=utf-8",
    ),
    "$content, indented": Wrapping(lambda data: json.dumps(content_object(data), indent=2).encode(), "text/json"),
    "$content first": Wrapping(
        lambda data: json.dumps({"$content": base64_of(data), "$content-type": 'image/"x"'}).encode(), JSON
    ),
    "$content alone": Wrapping(lambda data: json.dumps({"$content": base64_of(data)}).encode(), "application/a+json"),
    "$content, escaped": Wrapping(lambda data: _escaped(json.dumps(content_object(data))), JSON),
    "$content in lines": Wrapping(
        lambda data: json.dumps({"$content": base64.encodebytes(data).decode()}).encode(), JSON
    ),
    "base64 of $content": Wrapping(
        lambda data: base64.b64encode(json.dumps(content_object(data)).encode()), "text/plain; charset=utf-8"
    ),
    "base64": Wrapping(base64.b64encode, TEXT),
    "base64 without a Content-Type": Wrapping(base64.b64encode, ""),
    "base64 called an image": Wrapping(base64.b64encode, "image/png"),
    "base64 called JSON": Wrapping(base64.b64encode, JSON),
    "base64 as curl -d": Wrapping(base64.b64encode, WWW_FORM),
    "base64 in lines": Wrapping(base64.encodebytes, OCTETS),
    "base64 in lines of Windows": Wrapping(lambda data: base64.encodebytes(data).replace(b"\n", b"\r\n"), TEXT),
    "base64 for addresses": Wrapping(base64.urlsafe_b64encode, TEXT),
    "base64 without padding": Wrapping(lambda data: base64.b64encode(data).rstrip(b"="), TEXT),
    "base64 between white space": Wrapping(lambda data: b" \n\t " + base64.b64encode(data) + b" \r\n ", TEXT),
    "base64 as JSON": Wrapping(lambda data: json.dumps(base64_of(data)).encode(), JSON),
    "base64 as JSON, escaped": Wrapping(lambda data: _escaped(json.dumps(base64.encodebytes(data).decode())), JSON),
    "base64 in quotation marks": Wrapping(lambda data: b'\n"' + base64.b64encode(data) + b'"\n', TEXT),
    "base64 behind a byte order mark": Wrapping(lambda data: b"\xef\xbb\xbf" + base64.b64encode(data), TEXT),
    "data address": Wrapping(lambda data: b"data:image/png;base64," + base64.b64encode(data), TEXT),
    "data address as JSON": Wrapping(
        lambda data: json.dumps(f"data:image/png;base64,{base64_of(data)}").encode(), JSON
    ),
    "data address in capitals": Wrapping(
        lambda data: b"DATA:Image/PNG;name=a.png;BASE64," + base64.b64encode(data), WWW_FORM
    ),
    "data address, percent-encoded": Wrapping(_percent_encoded, TEXT),
    "data address, base64, percent-encoded": Wrapping(
        lambda data: b"data:;base64," + quote(base64_of(data), safe="").encode(), TEXT
    ),
    "url with a data address": Wrapping(lambda data: _url(f"data:image/png;base64,{base64_of(data)}"), JSON),
    "url with a data address, escaped": Wrapping(
        lambda data: _escaped(_url(f"data:image/png;base64,{base64_of(data)}").decode()), JSON
    ),
    "url with a data address, percent-encoded": Wrapping(lambda data: _url(_percent_encoded(data).decode()), JSON),
    "form": Wrapping(form, MULTIPART),
    "form, boundary in quotation marks": Wrapping(form, f'Multipart/Form-Data; boundary="{BOUNDARY}"'),
    "form without a boundary in its Content-Type": Wrapping(form, "multipart/form-data"),
    "form without a Content-Type": Wrapping(form, ""),
    "form called an image": Wrapping(form, "image/png"),
    "form called JSON": Wrapping(form, JSON),
    "form of Logic Apps": Wrapping(lambda data: closed(part(data, kind=OCTETS)), MULTIPART),
    "form of another kind": Wrapping(form, f"multipart/mixed; boundary={BOUNDARY}"),
    "form without a type of its file": Wrapping(lambda data: closed(part(data, kind="")), MULTIPART),
    "form without a name of its file": Wrapping(lambda data: closed(part(data, name=None)), MULTIPART),
    "form with bare line feeds": Wrapping(
        lambda data: closed(part(data, newline="\n"), newline="\n"), "multipart/form-data"
    ),
    "form with a preamble and an epilogue": Wrapping(
        lambda data: b"This is MIME.\r\n" + form(data) + b"The end.\r\n", MULTIPART
    ),
    "form without its last line break": Wrapping(lambda data: form(data)[:-2], MULTIPART),
    "form with base64": Wrapping(lambda data: form(base64.encodebytes(data)), MULTIPART),
    "form with a data address": Wrapping(
        lambda data: form(b"data:image/png;base64," + base64.b64encode(data)), MULTIPART
    ),
}
