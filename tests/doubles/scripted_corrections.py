"""One scripted pass over what people say of images."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from doubles.documents import several
from doubles.http_requests import parsed
from doubles.scripted_pass import Pass, busy

from shared import names
from shared.errors import StorageError, StorageNameTakenError
from shared.thumbnails import recut

ZEBRA: dict[str, Any] = {
    "caption": "A zebra",
    "alt": "A zebra at a fence",
    "tags": {"added": ["zebra"], "removed": ["horse"]},
    "focal": [0.25, 0.5],
}
METHODS = ("GET", "PUT", "DELETE")


def corrections(run: Pass) -> None:
    """`corrections`: each way to name an image, each part of a correction, each fault."""
    run.store("well.jpg")
    run.store("cold.jpg", process=False)
    run.app.images.tell(names.IMAGES, "cold.jpg", tier="Archive")
    for query in (False, True):
        _good(run, query=query)
        _faults(run, query=query)


def _ask(run: Pass, method: str, name: str, body: Any = None, *, query: bool, **more: Any) -> Any:
    sent = b"" if method != "PUT" and body is None else ZEBRA if body is None else body
    where: dict[str, Any] = {"name": name} if query else {"path": {"name": name}}
    return run.ask("CorrectionsHttp", method, sent, **where, **more)


def _good(run: Pass, *, query: bool) -> None:
    for body in (
        ZEBRA,
        {"caption": "A zebra"},
        {"alt": "A zebra"},
        {"alt": ""},
        {"tags": {"added": ["zebra"]}},
        {"tags": {"removed": ["horse"]}},
        {"focal": [0.1, 0.9]},
    ):
        etag = _ask(run, "PUT", "well.jpg", body, query=query).headers["ETag"]
        _ask(run, "GET", "well.jpg", query=query)
        run.ask("ImagesHttp", "GET", path={"name": "well.jpg"})
    _ask(run, "PUT", "cold.jpg", {"caption": "In the archive"}, query=query)
    _ask(run, "GET", "cold.jpg", query=query)
    for condition in (etag, '"0x0"'):
        _ask(run, "PUT", "well.jpg", query=query, headers={"If-Match": condition})
    _ask(run, "DELETE", "well.jpg", query=query, headers={"If-Match": '"0x0"'})
    _ask(run, "DELETE", "well.jpg", query=query)
    etag = _ask(run, "PUT", "well.jpg", query=query, headers={"If-None-Match": "*"}).headers["ETag"]
    _ask(run, "DELETE", "well.jpg", query=query, headers={"If-Match": etag})


def _faults(run: Pass, *, query: bool) -> None:
    for name in ("none.jpg", "../x"):
        for method in METHODS:
            _ask(run, method, name, query=query)
    for method in ("GET", "DELETE"):
        _ask(run, method, "well.jpg", query=query)
        _ask(run, method, "well.jpg", ZEBRA, query=query)
        _ask(run, method, "well.jpg", query=query, headers={"Transfer-Encoding": "chunked"})
    _ask(run, "PUT", "well.jpg", b"", query=query, headers={"Transfer-Encoding": "chunked"})
    _ask(run, "PUT", "well.jpg", {"title": "x"}, query=query)
    run.store("many.tif", several("TIFF", 3), process=False)
    _ask(run, "PUT", "many.tif", query=query)
    for method in METHODS:
        _ask(run, method, "well.jpg", query=query, other="1")
        _ask(run, method, "well.jpg", query=query, headers={"If-Match": "\x01"})
        for error in (StorageError("down"), RuntimeError("a mistake")):
            with run.failing(error):
                _ask(run, method, "well.jpg", query=query)
    run.app.images.before = _name_taken
    _ask(run, "PUT", "well.jpg", query=query)
    run.app.images.before = None
    with _cutting_fails():
        for method in ("PUT", "DELETE"):
            _ask(run, method, "well.jpg", query=query)
    assert parsed(_ask(run, "GET", "well.jpg", query=query))["code"] == "correction_not_found"


def _name_taken(operation: str, container: str, name: str) -> None:
    if (operation, container) == ("write", names.CORRECTIONS):
        raise StorageNameTakenError(f"{container}/{name} is a folder.")


@contextmanager
def _cutting_fails() -> Iterator[None]:
    """Inside, too many pictures are being decoded."""

    def fail(*_: object) -> int:
        raise busy()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recut, "recut", fail)
        yield
