"""
What a body is that should be an image or JSON and is neither: the common ways to send one wrongly, by their names.

Only the first bytes are looked at, and what they are counts for more than what the headers say.
"""

import binascii
import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from shared.api import wrapped_images
from shared.pictures.inspection import kind_of
from shared.untrusted.characters import shown

# As many first bytes are enough; nothing is decoded beyond them.
HEAD_BYTES = 2048
_SAMPLE_BYTES = 256
_SIGNATURE_BYTES = 16

_BYTES = "Send the image's bytes alone, as curl does with --data-binary @photo.jpg -H 'Content-Type: image/jpeg'."
_DECODE = f"Decode it first. {_BYTES}"
_ADDRESS = 'Send JSON with Content-Type: application/json: {"url": "https://..."}.'
_TYPED = "Add the header Content-Type: application/json, as curl does with -H 'Content-Type: application/json'."
_UNPACK = "Send it uncompressed and without Content-Encoding."


class Mistake(NamedTuple):
    """What the body is, to stand after "The body is", and how to send it right."""

    what: str
    action: str


# At the beginning of the body, behind white space, a byte order mark and a quotation mark.
_BEGINNINGS = (
    (rb'\{\s*"type"\s*:\s*"Buffer"', "bytes written as a list of numbers in JSON", _BYTES),
    (rb'\{\s*"0"\s*:\s*\d{1,3}\s*[,}]', "bytes written as numbers in JSON", _BYTES),
    (rb"\[\s*-?\d{1,3}\s*,\s*-?\d{1,3}\s*[,\]]", "bytes written as a list of numbers", _BYTES),
    (rb"(?i:https?://)", "an address as plain text", _ADDRESS),
    (rb"(?i:%7b%22|data%3a|https?%3a)", "percent-encoded text", f"Send it as it is. {_TYPED}"),
    (
        rb"\[object \w{1,40}\]",
        "the name that JavaScript gives an object as text",
        f"Send the file or its ArrayBuffer itself, or JSON.stringify(...) of an object. {_TYPED}",
    ),
    (
        rb"@?[\w.:/\\-]{1,255}\.(?i:jpe?g|mpo|png|gif|bmp|tiff?|pdf|webp|hei[cf]|avif|jp2|ico)\s*\Z",
        "a file's name",
        f'{_BYTES} For an uploaded image send {{"name": "..."}} as JSON.',
    ),
    (
        rb"(?i:<(!doctype|html|head|body|\?xml|!--))",
        "a page of HTML or XML",
        f"Look at what the program that made the body was answered. {_BYTES}",
    ),
    (rb"\x1f\x8b|x[\x01\x9c\xda]|\(\xb5/\xfd", "compressed", _UNPACK),
    (
        rb"\x89PNG\x1a|\x89PNG\n\x1a|\xff\xfe\x89\0P\0",
        "a PNG whose line breaks were changed on the way",
        f"curl does that with -d: use --data-binary. {_BYTES}",
    ),
    (rb"\xff\xfe[ -~]\0|\xfe\xff\0[ -~]", "text in UTF-16", f"Send JSON in UTF-8. {_BYTES}"),
    (rb"\xef\xbf\xbd", "an image that was read as text, which destroys it", f"Read the file as bytes. {_BYTES}"),
)
_WRAPPED = rb"(\xef\xbb\xbf)?\s{0,256}(?i:--|[\[{\"]|data:|https?://)"
_JSON = rb'(\xef\xbb\xbf)?\s{0,256}(\{\s{0,256}["}]|\[\s{0,256}["{\[\]])'
_PAIR = rb"[A-Za-z0-9_.%\[\]-]{1,64}="


def find_mistake(body: bytes, media_type: str, encoding: str) -> Mistake | None:
    """
    The mistake that the body shows, or None.

    Args:
        body: all of it, or its first `HEAD_BYTES`.
        media_type: of its Content-Type, in lower case, without parameters.
        encoding: its Content-Encoding, in lower case.
    """
    head = body[:HEAD_BYTES]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for pattern, what, action in _BEGINNINGS:
        if re.match(pattern, start) or re.match(pattern, start.removeprefix(b'"')):
            return Mistake(what, action)
    if (code := re.match(rb"(?:b[\"']|')", start)) and wrapped_images.is_base64_of_image(start[code.end() :]):
        return Mistake("base64 as a program prints it", "Leave out its quotation marks and the b before them.")
    written = _written(start)
    if written:
        return Mistake(f"{written[1]} written as {written[0]} text", _DECODE)
    json_like = looks_like_json(head)
    if encoding not in ("", "identity") and not json_like:
        return Mistake(f"compressed (Content-Encoding: {shown(encoding)})", _UNPACK)
    if json_like and not is_json(media_type):
        declared = f"its Content-Type is {shown(media_type)}" if media_type else "it has no Content-Type"
        return Mistake(f"JSON, but {declared}", _TYPED)
    if (media_type == "application/x-www-form-urlencoded" or is_json(media_type)) and re.match(_PAIR, start):
        return Mistake("a form of names and values", f"{_ADDRESS} {_BYTES}")
    return None


def find_mistake_of_file(file: bytes) -> Mistake | None:
    """The mistake that the file in a form shows, or None."""
    if looks_like_json(file):
        return Mistake("JSON", "Send the JSON as the body itself, with Content-Type: application/json.")
    return find_mistake(file, "", "")


def is_image(body: bytes) -> bool:
    """Whether it begins like an image; in a form, JSON or an address, a PDF's name may stand, which is none."""
    return kind_of(body) is not None and not re.match(_WRAPPED, body)


def is_json(media_type: str) -> bool:
    """Whether a Content-Type says JSON: `application/json`, `text/json` and all that end in `+json`."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def looks_like_json(body: bytes) -> bool:
    """Whether it begins as an object or a list of JSON does."""
    return re.match(_JSON, body[:HEAD_BYTES]) is not None


def _written(start: bytes) -> tuple[str, str] | None:
    """The way in which an image is written as text, and its kind; None if the sample is no such text."""
    sample = start[:_SAMPLE_BYTES]
    for way, decode in _WAYS.items():
        with suppress(ValueError):
            kind = kind_of(decode(sample))
            if kind:
                return way, kind.described
    return None


def _of_hex(sample: bytes) -> bytes:
    return binascii.unhexlify(_whole(_plain(sample).removeprefix(b"0x"), 2))


def _plain(sample: bytes) -> bytes:
    """Without white space and the quotation marks of a programming language."""
    return re.sub(rb"^b?[\"']|[\"']$|\s+", b"", sample)


def _whole(characters: bytes, size: int) -> bytes:
    """As many as decode together."""
    if len(characters) < wrapped_images.LEAST_CHARACTERS:
        raise ValueError("too short to be told from a word")
    return characters[: len(characters) // size * size]


def _of_letters(encoding: str) -> Callable[[bytes], bytes]:
    def decode(sample: bytes) -> bytes:
        if sample[:_SIGNATURE_BYTES].isascii():
            raise ValueError("as it is")
        return sample.decode(errors="ignore").encode(encoding, errors="ignore")

    return decode


_WAYS: dict[str, Callable[[bytes], bytes]] = {
    "hexadecimal": _of_hex,
    "UTF-8": _of_letters("latin-1"),
    "UTF-8 (from Windows-1252)": _of_letters("cp1252"),
}
