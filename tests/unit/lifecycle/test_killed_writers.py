"""Processes that are killed while they store or delete an image for a caller: nothing is lost or paid twice."""

import signal
import uuid
from collections.abc import Iterator

import pytest
from doubles import index_burst, index_worker
from doubles.azurite import Azurite, running_azurite
from doubles.killed_at import killed_at
from doubles.pictures import picture

from shared import names
from shared.lifecycle import deletion
from shared.services import App
from shared.uploads import steps

# As the functions do it: the lines of the index are stored at the end.
ASK = """
from doubles import index_worker
from doubles.http_requests import answered, request
from doubles.pictures import picture

import ImagesHttp
from shared import services

def work(connection_string):
    app = index_worker.build(connection_string)
    with services.replaced(app):
        body = picture(colour=(0, 0, 200)) if {method!r} == "PUT" else b""
        answer = answered(ImagesHttp.main, request({method!r}, body, params={{"name": "a.jpg"}}))
        assert answer.status_code in (200, 201), answer.get_body()
"""
RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))


@pytest.fixture
def account() -> Iterator[Azurite]:
    with running_azurite(accounts=(f"kills{uuid.uuid4().hex[:8]}",)) as running:
        yield running


def upload(app: App, data: bytes) -> None:
    """Put the image into its container, and do what its event does."""
    app.images.write(names.IMAGES, "a.jpg", data, content_type="image/png")
    deliver(app)


def deliver(app: App) -> None:
    steps.process(app, "a.jpg", None)
    app.index_writer.flush()


def calls(app: App) -> int:
    """How many questions were paid for: each has one claim."""
    return sum(1 for _ in app.host.page(names.CACHE, limit=1000).items)


def test_a_put_that_is_killed_at_any_operation_has_stored_all_or_nothing(account: Azurite) -> None:
    app = index_worker.build(account.connection_string)
    upload(app, RED)
    paid_once = calls(app)
    stored = 0
    with killed_at(account.connection_string, ASK.format(method="PUT")) as put:
        for at in range(30):
            upload(app, RED)
            status = put(at)
            image = app.images.read(names.IMAGES, "a.jpg")
            assert image is not None
            assert image.data in (RED, BLUE)
            stored += image.data == BLUE
            # Its event, or none where nothing was stored.
            deliver(app)
            assert index_burst.differing(app) == []
            assert [each.state for each in steps.process(app, "a.jpg", None)] == ["skipped", "skipped"]
            if status != -signal.SIGKILL:
                break
    assert status == 0
    assert at >= 3
    assert stored >= 2
    # Red and blue, each once, however often they came.
    assert calls(app) == 2 * paid_once


def test_a_deletion_that_is_killed_at_any_operation_is_ended_by_its_event(account: Azurite) -> None:
    app = index_worker.build(account.connection_string)
    upload(app, RED)
    killed, gone, paid_once = 0, 0, calls(app)
    with killed_at(account.connection_string, ASK.format(method="DELETE")) as delete:
        for at in range(0, 80, 3):
            upload(app, RED)
            status = delete(at)
            if app.images.head(names.IMAGES, "a.jpg") is None:
                gone += 1
                deletion.forget(app, "a.jpg")
                app.index_writer.flush()
                assert not any(
                    app.images.page(container).items
                    for container in (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)
                )
                assert not any(entry.is_there for entry in index_burst.entries(app).values())
            else:
                assert [each.state for each in steps.process(app, "a.jpg", None)] == ["skipped", "skipped"]
                assert index_burst.differing(app) == []
            if status != -signal.SIGKILL:
                break
            killed += 1
    assert status == 0
    assert killed >= 5
    assert gone >= 5
    assert calls(app) == paid_once
