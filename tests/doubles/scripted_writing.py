"""One scripted pass over the images that callers store and delete."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from doubles.scripted_pass import Pass

from shared import names, services
from shared.errors import ConflictError, StorageError, StorageNameTakenError, StorageRefusedError

METHODS = ("PUT", "DELETE")
CHUNKED = {"Transfer-Encoding": "chunked"}


def written(run: Pass) -> None:
    """`images`, where they are stored and deleted: each way to name one, each condition, each fault."""
    for query in (False, True):
        _good(run, query=query)
        _refused(run, query=query)
        _in_the_way(run, query=query)


def _ask(run: Pass, method: str, name: str, body: Any = None, *, query: bool, **more: Any) -> Any:
    sent = body if body is not None else run.image() if method == "PUT" else b""
    where: dict[str, Any] = {"name": name} if query else {"path": {"name": name}}
    return run.ask("ImagesHttp", method, sent, **where, **more)


def _good(run: Pass, *, query: bool) -> None:
    first = _ask(run, "PUT", "new.jpg", query=query, headers={"If-None-Match": "*"})
    second = _ask(run, "PUT", "new.jpg", query=query, headers={"If-Match": first.headers["ETag"]})
    for method in METHODS:
        _ask(run, method, "new.jpg", query=query, headers={"If-Match": first.headers["ETag"]})
    _ask(run, "PUT", "new.jpg", query=query, headers={"If-None-Match": "*"})
    _ask(run, "DELETE", "new.jpg", query=query, headers={"If-Match": second.headers["ETag"]})
    _ask(run, "PUT", "new.jpg", query=query)
    _ask(run, "DELETE", "new.jpg", query=query)


def _refused(run: Pass, *, query: bool) -> None:
    _ask(run, "DELETE", "new.jpg", query=query)
    run.store("here.jpg")
    for method in METHODS:
        _ask(run, method, "../x", query=query)
        _ask(run, method, "here.jpg", query=query, other="1")
        _ask(run, method, "here.jpg", b"", query=query, headers=CHUNKED)
        _ask(run, method, "here.jpg", query=query, headers={"If-None-Match": "x"})
    _ask(run, "DELETE", "here.jpg", b"x", query=query)
    _ask(run, "PUT", "here.jpg", b"", query=query)
    _ask(run, "PUT", "here.jpg", {"name": "there.jpg"}, query=query)
    _ask(run, "PUT", "here.jpg", {"$content": "", "more": 1}, query=query)
    _ask(run, "PUT", "here.jpg", run.image() + b"\0" * 1024**2, query=query)
    closed = replace(run.app.services.settings, images_writable=False)
    with services.replaced(run.app.services._replace(settings=closed)):
        for method in METHODS:
            _ask(run, method, "here.jpg", query=query)


def _in_the_way(run: Pass, *, query: bool) -> None:
    images = run.app.images
    run.store("cold.jpg", process=False)
    images.tell(names.IMAGES, "cold.jpg", tier="Archive")
    _ask(run, "PUT", "cold.jpg", query=query)
    images.tell(names.IMAGES, "cold.jpg", archive_status="rehydrate-pending-to-hot")
    _ask(run, "PUT", "cold.jpg", query=query)
    run.store("held.jpg", process=False)
    images.acquire(names.IMAGES, "held.jpg", "a-lease", 60)
    for method in METHODS:
        _ask(run, method, "held.jpg", query=query)
        for error in (StorageError("down"), RuntimeError("a mistake")):
            with run.failing(error):
                _ask(run, method, "here.jpg", query=query)
    images.release(names.IMAGES, "held.jpg", "a-lease")
    for error in (StorageNameTakenError("a folder"), StorageRefusedError("no such name")):
        images.before = _failing("write", error)
        _ask(run, "PUT", "here.jpg", query=query)
    images.before = None
    for method, operation in (("PUT", "write"), ("DELETE", "delete")):
        images.before = _failing(operation, ConflictError("another one"))
        _ask(run, method, "here.jpg", query=query)
        images.before = None


def _failing(failing: str, error: Exception) -> Callable[[str, str, str], None]:
    def fail(operation: str, container: str, name: str) -> None:
        if (operation, container) == (failing, names.IMAGES):
            raise error

    return fail
