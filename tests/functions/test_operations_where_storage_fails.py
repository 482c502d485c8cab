"""
A request that is not waited for, with storage failing at each single operation of its life, from keeping to dropping.

An operation of storage fails before it is done, or is done and its answer is lost. What may be left by either is what
docs/records.md ("What was sent") says the daily purge deletes.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import pytest
from doubles.http_requests import Hub, answered, request
from doubles.memory import MemoryBlobs
from doubles.operation_runs import run_in
from doubles.parts import parts
from doubles.pictures import picture

import DescribeHttp
import ThumbnailHttp
from shared import names, services
from shared.errors import StorageError

IMAGE = picture(colour=(200, 0, 0))
SIGNED = {"url": "https://example.com/private.jpg?sv=2024&sig=S3CRETSIG"}
SIDES = {"width": "40", "height": "40"}
OPERATIONS = ("head", "read", "write", "delete", "page", "acquire", "release")
MOST = 40


class Life(NamedTuple):
    """What became of a request: which operation has failed, if it came to that one, and what it has left."""

    failed: tuple[str, str] | None
    status: int
    ends: list[str]
    paid: int
    left: dict[str, list[str]]


def failing_at(number: int, blobs: list[MemoryBlobs], *, done: bool) -> list[tuple[str, str]]:
    """Let the operation of that number fail, counted over all accounts; the list gets it then."""
    failed: list[tuple[str, str]] = []
    count = 0

    def wrapped(operation: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(container: str, *given: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            is_meant = count == number
            found = real(container, *given, **options) if done or not is_meant else None
            if is_meant:
                failed.append((operation, container))
                raise StorageError("It has not answered.")
            return found

        return call

    for account in blobs:
        for operation in OPERATIONS:
            setattr(account, operation, wrapped(operation, getattr(account, operation)))
    return failed


def lived(number: int, folder: Any, params: dict[str, str], body: Any, *, done: bool, hub: Hub) -> Life:
    app = parts()
    failed = failing_at(number, [app.images, app.host], done=done)
    with services.replaced(app.services):
        asked = request(body=body, params=params, headers={"Prefer": "respond-async"})
        status = answered(folder.main, asked).status_code
        ends = [each["state"] for each in run_in(hub, app)]
    left = {container: list(app.host.contents(container)) for container in (names.INPUTS, names.KEYS)}
    return Life(failed[0] if failed else None, status, ends, len(app.vision.asked), left)


@pytest.mark.parametrize("done", [False, True], ids=["fails", "answer lost"])
@pytest.mark.parametrize("body", [IMAGE, SIGNED], ids=["bytes", "address"])
@pytest.mark.parametrize(
    ("folder", "params"),
    [(DescribeHttp, {}), (ThumbnailHttp, {**SIDES, "mode": "vision"}), (ThumbnailHttp, {**SIDES, "mode": "area"})],
    ids=["question", "thumbnail", "cut thumbnail"],
)
def test_an_operation_ends_and_pays_once_whatever_single_operation_of_storage_fails(
    folder: Any, params: dict[str, str], body: Any, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for number in range(1, MOST):
        hub = Hub()
        monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter, hub=hub: hub)
        life = lived(number, folder, params, body, done=done, hub=hub)
        if not life.failed:
            break
        seen.append(life.failed)
        if life.status == 503:
            assert (life.ends, life.paid) == ([], 0), life
        else:
            assert (life.status, life.ends, life.paid) == (202, ["done"], 1), life
        operation, container = life.failed
        may_leave = operation in ("write", "delete") and container in (names.INPUTS, names.KEYS)
        assert may_leave or not any(life.left.values()), life
    assert {*product(("write", "read", "delete"), [names.INPUTS]), ("write", names.CACHE)} <= {*seen}
    assert life.left == {names.INPUTS: [], names.KEYS: []}
