"""
The short forms by which parts of the index know their records: of an ETag, of questions and of an image's bytes.

They only tell whether two are the same. Shortened, 10,000 entries are one small download.
"""

import hashlib
from collections.abc import Mapping

from shared import names

_ETAG_CHARACTERS = 5
# Of a question's key, which ends with its digest.
_KEY_CHARACTERS = 8
_SHA256_CHARACTERS = 8


def short(etag: str) -> str:
    """The beginning of an ETag's digest: five characters, of which one in 60 million pairs is the same by chance."""
    number = int.from_bytes(hashlib.sha256(etag.encode()).digest()[:8], "big")
    characters = []
    for _ in range(_ETAG_CHARACTERS):
        number, rest = divmod(number, len(_LETTERS))
        characters.append(_LETTERS[rest])
    return "".join(characters)


_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def asked(request: str) -> str:
    """The ends of the keys of questions, which metadata name by commas, in their order."""
    return ",".join(key[-_KEY_CHARACTERS:] for key in request.split(","))


def version(metadata: Mapping[str, str]) -> str:
    """The beginning of the SHA-256 of the bytes that a record is of; empty where its metadata do not tell it."""
    return metadata.get(names.SOURCE_SHA256, "")[:_SHA256_CHARACTERS]
