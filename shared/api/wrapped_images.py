"""
Images that arrive as text: base64, a `data:` address, and the object with `$content` of Azure Logic Apps.

Logic Apps and Power Automate hold every file as such an object, and many programs know no other way to put bytes into
JSON. A text is taken apart by where it begins and ends, never by parsing all of it: the memory that it needs is at most
four times its own size, and the time grows with its size alone.
"""

import binascii
import io
import json
import re
from collections.abc import Callable
from typing import NoReturn

from shared.errors import BadRequestError, PayloadTooLargeError
from shared.json_types import Json
from shared.pictures.inspection import kind_of
from shared.untrusted import json_object
from shared.untrusted.characters import listed

# So many first characters tell of the kind of every image, also of a PDF behind other bytes.
SAMPLE_CHARACTERS = 2048
# So many characters are more than a word.
LEAST_CHARACTERS = 24
_MAX_TYPE_CHARACTERS = 256
_PIECE_BYTES = 64 * 1024

_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# Base64 for addresses, as base64.
_STANDARD = bytes.maketrans(b"-_", b"+/")
_LINE_BREAKS = b"\t\r\n"
_SPACE = b" \t\r\n"
_NO_DIGIT = re.compile(rb"[^A-Za-z0-9+/_\-\t\r\n]")
_SAMPLE = re.compile(rb"[A-Za-z0-9+/_\-\t\r\n]{0,%d}" % SAMPLE_CHARACTERS)

_BEGINNING = re.compile(rb'(?:\xef\xbb\xbf)?\s{0,256}("?)')
_CONTENT_OBJECT = re.compile(
    rb'(?:\xef\xbb\xbf)?\s{0,256}\{\s{0,256}(?:"\$content-type"\s{0,256}:\s{0,256}"(?:[^"\\]|\\.){0,256}"'
    rb'\s{0,256},\s{0,256})?"\$content"\s{0,256}:\s{0,256}"'
)
_URL_OBJECT = re.compile(rb'(?:\xef\xbb\xbf)?\s{0,256}\{\s{0,256}"url"\s{0,256}:\s{0,256}"(?=data:)', re.IGNORECASE)
_DATA_ADDRESS = re.compile(rb"data:([^,\s]{0,%d})," % _MAX_TYPE_CHARACTERS, re.IGNORECASE)

_CONTENT = frozenset({"$content", "$content-type"})
_EXPECTED = 'expected {"$content-type": "image/png", "$content": "the image\'s bytes as base64"}'
_EXPECTED_URL = 'expected {"url": "..."} and no other member'
_ACTION = "Encode the image's bytes as base64 once more, or send them as they are, without any encoding."


def image_in(body: bytes, *, is_json: bool, most: int | None = None) -> bytes | None:
    """
    The bytes of the image that a body holds as text; None if the body is no such text.

    Args:
        body: all of it.
        is_json: whether its Content-Type says JSON. An object is read only then.
        most: how many bytes the image may have.

    Raises:
        BadRequestError: `body_not_an_image` with the place of the fault in the text; `bad_json` of an object.
        PayloadTooLargeError: an image of more than *most* bytes, before it is decoded.
    """
    if is_json:
        if content := _CONTENT_OBJECT.match(body):
            return _of_content_object(body, content.end(), most)
        if url := _URL_OBJECT.match(body):
            return _of_url_object(body, url.end(), most)
    beginning = _BEGINNING.match(body)
    start, quotation = (beginning.end(), beginning[1]) if beginning else (0, b"")
    if address := _DATA_ADDRESS.match(body, start):
        return _of_data_address(address[1], _text(body, address.end(), quotation), most)
    return _of_base64(body, start, quotation, most)


def from_base64(text: str | bytes, most: int | None = None) -> bytes:
    """
    The bytes that a text of base64 is, standard or for addresses, with or without its padding and line breaks.

    Args:
        text: the base64 alone.
        most: how many bytes it may be.

    Raises:
        BadRequestError: `body_not_an_image`, with the place of the fault.
        PayloadTooLargeError: `image_too_large`.
    """
    given = text.encode(errors="replace") if isinstance(text, str) else text
    digits = given.translate(_STANDARD, _LINE_BREAKS).strip(b" ")
    padding = len(digits[-3:]) - len(digits[-3:].rstrip(b"="))
    size = len(digits) - padding
    if len(digits.translate(None, _DIGITS)) != padding:
        _refuse_character(given)
    if size % 4 == 1 or padding == 3 or (padding and (size + padding) % 4):
        _refuse(f"has {size} characters and {padding} times = behind them, which is no whole number of bytes")
    _check_size(size * 3 // 4, most)
    return binascii.a2b_base64(digits if padding or not size % 4 else digits + b"=" * (-size % 4))


def is_base64_of_image(text: bytes) -> bool:
    """Whether a text begins as the base64 of an image does."""
    return kind_of(_beginning_of(text)) is not None


def _of_content_object(body: bytes, start: int, most: int | None) -> bytes:
    text, members = _taken_out(body, start, _EXPECTED)
    if not members.keys() <= _CONTENT:
        json_object.refuse(f"The JSON body has {listed(members)}", _EXPECTED)
    if "$content-type" in members:
        json_object.text_of(members, "$content-type", _EXPECTED)
    return from_base64(_unescaped(text), most)


def _of_url_object(body: bytes, start: int, most: int | None) -> bytes:
    text, members = _taken_out(body, start, _EXPECTED_URL)
    if len(members) != 1:
        json_object.refuse(f"The JSON body has {listed(members)}", _EXPECTED_URL)
    address = _DATA_ADDRESS.match(text)
    if not address:
        _refuse(f"is a data: address without a comma among its first {_MAX_TYPE_CHARACTERS} characters")
    head, content = address[1], text[address.end() :]
    del text, address
    return _of_data_address(head, _unescaped(content), most)


def _taken_out(body: bytes, start: int, expected: str) -> tuple[bytes, Json]:
    """The text that begins at *start*, as it is written, and the members of the object without it."""
    end = body.find(b'"', start)
    if end < 0:
        json_object.refuse(f"The body is no JSON: the text that begins at byte {start + 1} has no end", expected)
    return body[start:end], json_object.parsed(body[:start] + body[end:], expected)


def _of_base64(body: bytes, start: int, quotation: bytes, most: int | None) -> bytes | None:
    sample = body[start : start + 2 * SAMPLE_CHARACTERS]
    beginning = _beginning_of(_beginning_unescaped(sample) if quotation else sample)
    if content := _CONTENT_OBJECT.match(beginning):
        return _of_content_object(from_base64(_text(body, start, quotation)), content.end(), most)
    return from_base64(_text(body, start, quotation), most) if kind_of(beginning) else None


def _beginning_of(text: bytes) -> bytes:
    """The first bytes that a text of base64 is, as far as it is one; none of a text that is hardly more than a word."""
    sample = _SAMPLE.match(text)
    digits = sample[0].translate(_STANDARD, _LINE_BREAKS) if sample else b""
    return binascii.a2b_base64(digits[: len(digits) // 4 * 4]) if len(digits) >= LEAST_CHARACTERS else b""


def _beginning_unescaped(sample: bytes) -> bytes:
    """As far as it can be read, without an escape at its end, which may be cut."""
    sample = re.sub(rb"\\.{0,4}\Z", b"", sample.partition(b'"')[0])
    try:
        return _unescaped(sample)
    except BadRequestError:
        return sample.partition(b"\\")[0]


def _of_data_address(head: bytes, content: bytes, most: int | None) -> bytes:
    """The content of an address `data:head,content`, as the URL standard reads it."""
    content = _percent_decoded(content)
    if head.lower().endswith(b";base64"):
        return from_base64(content, most)
    _check_size(len(content), most)
    return content


def _text(body: bytes, start: int, quotation: bytes) -> bytes:
    """The text that stands from *start* on: all there is, or a text of JSON up to its quotation mark."""
    if not quotation:
        return body[start:].strip(_SPACE) if start else body
    end = body.find(b'"', start)
    if end < 0:
        _refuse("begins with a quotation mark and does not end with one")
    if body[end + 1 : end + 2048].strip(_SPACE) or len(body) > end + 2048:
        _refuse(f"goes on behind its second quotation mark, which is byte {end + 1} of the body")
    return _unescaped(body[start:end])


def _unescaped(text: bytes) -> bytes:
    """A text of JSON without its escapes: many writers escape the slashes and plus signs of base64."""
    return _in_pieces(text, b"\\", 6, _without_escapes) if b"\\" in text else text


def _without_escapes(piece: bytes) -> bytes:
    try:
        plain: str = json.loads(b'"' + piece + b'"', strict=False)
    except ValueError:
        _refuse("has a backslash that begins no escape of JSON")
    return plain.encode(errors="replace")


def _percent_decoded(text: bytes) -> bytes:
    return _in_pieces(text, b"%", 3, _without_percent) if b"%" in text else text


def _without_percent(piece: bytes) -> bytes:
    """As quoted-printable, which differs by its mark alone and is decoded 20 times as fast as addresses are."""
    piece = piece.translate(None, _LINE_BREAKS)
    decoded = binascii.a2b_qp(piece.replace(b"=", b"=3D").replace(b"%", b"="))
    if len(decoded) != len(piece) - 2 * piece.count(b"%"):
        _refuse("has a % that two hexadecimal digits do not follow")
    return decoded


def _in_pieces(text: bytes, mark: bytes, longest: int, decode: Callable[[bytes], bytes]) -> bytes:
    """Decode what begins with *mark* and has *longest* characters at most: at once, it would be an object for each."""
    decoded = io.BytesIO()
    start = 0
    while start < len(text):
        end = start + _PIECE_BYTES
        # Not through the middle of one.
        cut = text.rfind(mark, end - longest + 1, end) if end < len(text) else -1
        end = cut if cut > start else end
        decoded.write(decode(text[start:end]))
        start = end
    return decoded.getvalue()


def _check_size(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise PayloadTooLargeError(
            f"The image in the body has {size} bytes; at most {most} are taken"
            f" ({most // 1024**2} MB, MAX_UPLOAD_MEGABYTES).",
            action="Save it with fewer pixels, or compress it more; or raise MAX_UPLOAD_MEGABYTES.",
        )


def _refuse_character(text: bytes) -> NoReturn:
    found = next(_NO_DIGIT.finditer(text, len(text) - len(text.lstrip(_SPACE))))
    why = "; a + in an address or a form becomes one" if found[0] == b" " else ""
    _refuse(f"has {chr(found[0][0])!a} as character {found.start() + 1}, which is no digit of base64{why}")


def _refuse(what: str) -> NoReturn:
    raise BadRequestError(f"The text that holds the image {what}.", code="body_not_an_image", action=_ACTION)
