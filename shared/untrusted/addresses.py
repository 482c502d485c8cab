"""
Addresses as they may be kept and shown: without user, query and fragment, each of which can be a key.

A signature in the query opens a private file to every reader, so no record, history, answer or log has one.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

# At the beginning of an authority, and of a text that is no address; also of one that another has in its path.
_USER = re.compile(r"(?:\A|(?<=://))[^/]*@")
_IN_TEXT = re.compile(r"https?://[^\s\"<>]+", re.IGNORECASE)
# The same in a segment of a path, where its slashes, or all, are percent-encoded, perhaps more than once.
_ENCODED_IN_TEXT = re.compile(
    r"https?(?::|%(?:25)*+3a)(?:/%(?:25)*+2f|%(?:25)*+2f(?:/|%(?:25)*+2f))[^\s\"<>]+"
    r"|https?%(?:25)*+3a//[^\s\"<>]+",
    re.IGNORECASE,
)
_MOST_ENCODINGS = 5
# Shorter values (`sp=r`) open nothing by themselves, and to hide them would hide every such letter.
_SHORTEST_SECRET_CHARACTERS = 8
_HIDDEN = "(hidden)"


def shown(address: str) -> str:
    """The address without user, query and fragment. Any text is taken, and none is refused."""
    # By hand, because urlsplit raises for some texts that it is given.
    return _USER.sub("", re.split(r"[?#]", address, maxsplit=1)[0])


def hidden(text: str, address: str = "") -> str:
    """
    A text from elsewhere, such as a refusal that quotes the request, without the parts that `shown` leaves out.

    Args:
        text: the text; every address in it is shown as `shown` does, whole or cut off.
        address: the one that was sent; nothing of its user, query and fragment stays, however the text encodes it.
    """
    text = _IN_TEXT.sub(lambda found: shown(found[0]), text)
    text = _ENCODED_IN_TEXT.sub(lambda found: shown(decoded(found[0])), text)
    for secret in sorted(_secrets(address), key=len, reverse=True):
        text = re.sub("".join(map(_any_form, secret)), _HIDDEN, text)
    return text


def decoded(text: str) -> str:
    """A text as the programs behind others may read it: percent-encoding undone, however often it was done."""
    for _ in range(_MOST_ENCODINGS):
        text, before = unquote(text), text
        if text == before:
            break
    return text


def _secrets(address: str) -> Iterator[str]:
    """The parts of an address that may not be shown, decoded: with what they begin or end with, and the values."""
    before, hash_, fragment = address.partition("#")
    before, mark, query = before.partition("?")
    user, at, _ = before.partition("://")[2].partition("/")[0].rpartition("@")
    values = [value for _, value in parse_qsl(f"{query}&{fragment}", errors="surrogateescape")]
    yield from (unquote(part, errors="surrogateescape") for part in (user + at, mark + query, hash_ + fragment) if part)
    for value in (*user.split(":", 1), query, fragment, *values):
        if len(value) >= _SHORTEST_SECRET_CHARACTERS:
            yield unquote(value, errors="surrogateescape")


def _any_form(character: str) -> str:
    """A pattern for a character as it is, percent-encoded, or encoded more than once."""
    encoded = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in character.encode(errors="surrogateescape"))
    return f"(?:{re.escape(character)}|{encoded}{'|[+]' if character == ' ' else ''})"
