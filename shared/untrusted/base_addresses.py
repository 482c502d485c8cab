"""Addresses of services, to which paths are added. None is repeated in a problem: a key may have been put there."""

import re
from urllib.parse import urlsplit

# A host is a name or an address in brackets; what else stands in an authority may be a key or break a header.
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


def checked(text: str, example: str, schemes: tuple[str, ...] = ("http", "https")) -> tuple[str, str]:
    """
    Origin and path of the address, without doubled slashes and slashes at its end.

    Raises:
        ValueError: it is no such address; the text completes a sentence that names the setting.
    """
    must = f"must be an {'http(s)' if len(schemes) > 1 else schemes[0]} address such as {example}"
    if "@" in text:
        raise ValueError(f"{must}, without user and password")
    if "?" in text or "#" in text:
        raise ValueError(f"{must}, without query and fragment")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(must) from None
    # urlsplit drops line breaks, wherever they stand.
    whole = text.isprintable() and parts.scheme in schemes
    if not whole or host(parts.netloc) is None or not _is_path(parts.path):
        raise ValueError(must)
    return f"{parts.scheme}://{parts.netloc}", re.sub(r"/+", "/", parts.path).rstrip("/")


def host(authority: str) -> str | None:
    """The host of an authority, or None where the text is no host with a port or without."""
    found = _AUTHORITY.fullmatch(authority)
    return found["host"] if found and (found["port"] is None or 1 <= int(found["port"]) <= 65_535) else None


def _is_path(text: str) -> bool:
    return text.isascii() and text.isprintable() and not set(text) & set(' "\\<>')
