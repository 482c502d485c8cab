"""
The files of the page as browsers get them.

A file's address has a digest of its content, so that browsers keep it for a year and never show an old one. The shell
has these addresses, and is asked for anew each time; modules import each other by plain names, which its import map
leads to the addresses with digests.
"""

import base64
import gzip
import hashlib
import html
import json
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import azure.functions as func

from shared.api.responses import known_etags
from shared.errors import NotFoundError
from shared.gallery import wire

FOLDER = Path(__file__).resolve().parents[2] / "gallery"
ADDRESS = "/api/gallery"
SHELL = "index.html"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
DIGITS = 12
_FOREVER = "public, max-age=31536000, immutable"
_ANEW = "no-cache"
# Beside `nosniff`, which the host gives to every answer.
COMMON = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
# For answers that are no documents: nothing runs, even if a browser opens one by itself.
POLICY_OF_DATA = "default-src 'none'; frame-ancestors 'none'; sandbox"
_MAP = '<script type="importmap">'


class File(NamedTuple):
    """What one address answers with; `policy` is the Content-Security-Policy."""

    data: bytes
    zipped: bytes
    digest: str
    content_type: str
    policy: str

    @property
    def etag(self) -> str:
        """The digest as a weak ETag: the bytes on the wire depend on the encoding."""
        return f'W/"{self.digest}"'


class Page(NamedTuple):
    """All files: the shell, and the others by their plain names."""

    shell: File
    others: Mapping[str, File]


def answer(req: func.HttpRequest, name: str, *, watched: bool) -> func.HttpResponse:
    """
    The shell or a file of the page.

    Args:
        req: the request.
        name: what follows the page's address; empty is the shell.
        watched: whether changes of the folder are to show at once.

    Raises:
        NotFoundError: there is no such file. One with another digest is answered too, and never kept.
    """
    page = current(watched=watched)
    if not name:
        return _response(req, page.shell, _ANEW)
    plain, digest = _parts(name)
    file = page.others.get(plain)
    if file is None:
        raise NotFoundError("The page has no such file.", action="Load /api/gallery anew.")
    return _response(req, file, _FOREVER if digest == file.digest else _ANEW)


def address(name: str, file: File) -> str:
    """The address of a file that never changes what it answers."""
    stem, _, ending = name.rpartition(".")
    return f"{ADDRESS}/{stem}.{file.digest}.{ending}"


_lock = threading.Lock()
_current: tuple[object, Page] | None = None


def current(*, watched: bool) -> Page:
    """The page's files, read at the first use; if *watched*, also where one of them has changed."""
    global _current
    with _lock:
        seen = _state(FOLDER) if watched or _current is None else _current[0]
        if _current is None or _current[0] != seen:
            _current = seen, read(FOLDER)
        return _current[1]


def read(folder: Path) -> Page:
    """The files of a folder that are for browsers."""
    paths = [path for path in _served(folder) if path.name != SHELL]
    others = {path.name: _file(path.read_bytes(), path.suffix) for path in paths}
    return Page(_shell((folder / SHELL).read_text(encoding="utf-8"), others), others)


def _served(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in TYPES and not path.name.startswith("."))


def _state(folder: Path) -> object:
    return [(path.name, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in _served(folder)]


def _file(data: bytes, suffix: str, policy: str = POLICY_OF_DATA) -> File:
    # Without a time in it, the same bytes give the same bytes.
    zipped = gzip.compress(data, compresslevel=9, mtime=0)
    return File(data, zipped, hashlib.sha256(data).hexdigest()[:DIGITS], TYPES[suffix], policy)


def _shell(text: str, others: Mapping[str, File]) -> File:
    """The shell with the addresses that never change, and a policy that lets its import map run and no other text."""
    addresses = {f"{ADDRESS}/{name}": address(name, file) for name, file in others.items()}
    linked = re.sub(r'(?<==")[^"]+(?=")', lambda found: addresses.get(found[0], found[0]), text)
    modules = {plain: dated for plain, dated in addresses.items() if plain.endswith(".js")}
    imports = json.dumps({"imports": modules}, separators=(",", ":"))
    loads = [f'<link rel="modulepreload" href="{html.escape(dated)}">' for dated in modules.values()]
    head = "\n    ".join([f"{_MAP}{imports}</script>", *loads])
    # The map has to come before the first module is loaded.
    data = linked.replace("</title>", f"</title>\n    {head}", 1).encode()
    return _file(data, ".html", _policy(imports))


def _policy(import_map: str) -> str:
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            # A text never becomes markup or code, even by mistake.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _parts(name: str) -> tuple[str, str]:
    """The plain name of `stem.digest.ending`, and the digest; empty in a name without one."""
    found = re.fullmatch(rf"([a-z0-9_-]+)\.([0-9a-f]{{{DIGITS}}})\.([a-z0-9]+)", name)
    return (f"{found[1]}.{found[3]}", found[2]) if found else (name, "")


def _response(req: func.HttpRequest, file: File, caching: str) -> func.HttpResponse:
    headers = {
        **COMMON,
        "Cache-Control": caching,
        "Content-Security-Policy": file.policy,
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
    }
    known = {etag.removeprefix("W/") for etag in known_etags(req)}
    if file.etag.removeprefix("W/") in known or "*" in known:
        return func.HttpResponse(status_code=304, headers=headers, mimetype=file.content_type)
    data = file.data
    if wire.takes_gzip(req) and len(file.zipped) < len(file.data):
        data, headers["Content-Encoding"] = file.zipped, "gzip"
    return func.HttpResponse(data, headers=headers, mimetype=file.content_type)
