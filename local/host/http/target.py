"""
Read a request target as Kestrel, the server of Azure's host, does.

Python's URL libraries normalize names such as `%2e`, `+` or `%23` on the way; here the raw target is read instead.
"""

import codecs
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from local.host.errors import BadRequestError

# An encoded slash stays encoded, so that it is no segment boundary.
ENCODED = re.compile(r"(?:%(?!2[fF])[0-9A-Fa-f]{2})+")
ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# What a path may hold unencoded; an existing %XX stays as it is.
PATH_SAFE = "/:@!$&'()*+,;=-._~"
TRIPLET = re.compile(r"(%[0-9A-Fa-f]{2})")


def _keep_percent(error: UnicodeError) -> tuple[str, int]:
    """Leave bytes that are no UTF-8 percent-encoded, instead of failing."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("keep_percent", _keep_percent)


@dataclass(frozen=True)
class Target:
    """A request target: the decoded *path* (begins with a slash) and the *query* as sent, without its question mark."""

    path: str
    query: str

    @classmethod
    def parse(cls, raw: str) -> "Target":
        """Parse the target of a request line; raises BadRequestError."""
        if not raw.isascii():
            raise BadRequestError("the request target must be ASCII: percent-encode other characters")
        if found := ABSOLUTE.match(raw):
            raw = raw[found.end() :] or "/"
        path, _, query = raw.partition("#")[0].partition("?")
        if not path.startswith("/"):
            raise BadRequestError("the request target must begin with a slash")
        return cls(_without_dot_segments(_decode(path)), query)

    @property
    def encoded_path(self) -> str:
        """The path fit for a URL."""
        pieces = TRIPLET.split(self.path)
        return "".join(piece if index % 2 else quote(piece, safe=PATH_SAFE) for index, piece in enumerate(pieces))

    def parameters(self) -> dict[str, str]:
        """
        Return the query's values by name.

        Names that differ in case only are one name; repeated values are joined by commas; empty values are dropped.
        """
        joined: dict[str, list[str]] = {}
        spelling: dict[str, str] = {}
        for pair in filter(None, self.query.split("&")):
            name, _, value = pair.partition("=")
            name, value = unquote_plus(name), unquote_plus(value)
            if value:
                joined.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
        return {name: ",".join(values) for name, values in joined.items()}


def _decode(path: str) -> str:
    if "%00" in path:
        raise BadRequestError("the request target holds a null character")
    return ENCODED.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "keep_percent"), path)


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
