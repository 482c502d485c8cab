"""
Which characters a text from outside may have, and how much of one is shown.

Storage lists names as XML 1.0, and every answer, address and blob name is UTF-8. A text that none of them can carry
cannot be meant: the app refuses it here, before anything else reads it.
"""

import heapq
import re
from collections.abc import Iterable
from unicodedata import category

from shared.untrusted import addresses

# The longest text that makes sense is a continuation of storage's, which holds a name of 1,024 characters as base64.
MAX_CHARACTERS = 8192
_SHOWN_CHARACTERS = 40
_SHOWN_NAMES = 5
_IMPOSSIBLE = "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
_KINDS = {"Cs": "half of a surrogate pair", "Cc": "a control character"}


def fault(text: str, longest: int = MAX_CHARACTERS) -> str | None:
    """Say what is wrong with the text, to stand after its name (`has 9000 characters; ...`); None if nothing is."""
    if len(text) > longest:
        return f"has {len(text)} characters; at most {longest} are possible"
    found = re.search(_IMPOSSIBLE, text)
    if found is None:
        return None
    kind = _KINDS.get(category(found[0]), "no character")
    return f"has U+{ord(found[0]):04X}, which is {kind}, as character {found.start() + 1}; only text is possible"


def shown(text: str) -> str:
    """
    The text in quotation marks as a message may have it: ASCII, escaped, its beginning if it is long.

    An address, in any place and percent-encoded or not, is shown without user, query and fragment, each of which can be
    a key.
    """
    plain = addresses.decoded(text)
    text = addresses.shown(plain) if "://" in plain or "@" in plain else text
    return ascii(text) if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]!a}..."


def shown_segment(text: str) -> str:
    """The same of one segment of a path: what it says behind a ? or # was meant as a query, in which keys are."""
    return shown(addresses.shown(addresses.decoded(text)))


def listed(texts: Iterable[str]) -> str:
    """The first of several texts in their order; without quotation marks where they look like names."""
    first = heapq.nsmallest(_SHOWN_NAMES + 1, texts)
    told = [text if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", text) else shown(text) for text in first[:_SHOWN_NAMES]]
    return ", ".join(told) + (" and others" if len(first) > _SHOWN_NAMES else "")
