"""When the app first ran beside its images."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from doubles.clock import EPOCH
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture

from shared import names, services
from shared.api.health import Look
from shared.errors import StorageError
from shared.lifecycle import first_start
from shared.uploads import on_upload


def noted(app: Parts) -> list[str]:
    content = app.host.contents(names.RECONCILIATION)
    return [json.loads(content[name])["at"] for name in content if name == names.FIRST_START]


def test_it_is_noted_once_and_stays() -> None:
    app = parts()
    assert first_start.moment(app.services) == EPOCH
    app.clock.advance(60)
    assert first_start.moment(restarted(app).services) == EPOCH
    assert noted(app) == [EPOCH.isoformat()]


def test_it_is_told_in_whole_seconds_as_storage_tells_the_creation_of_an_image() -> None:
    app = parts()
    app.clock.advance(9.7)
    assert first_start.moment(app.services) == EPOCH + timedelta(seconds=9)


def test_of_two_processes_the_first_is_right() -> None:
    app = parts()

    def before(operation: str, container: str, name: str) -> None:
        if operation == "write":
            app.host.before = None
            app.host.write(container, name, b'{"at": "2025-12-31T23:59:59+00:00"}', content_type=names.JSON)

    app.host.before = before
    assert first_start.moment(app.services) == EPOCH - timedelta(seconds=1)


def test_a_setting_wins() -> None:
    app = parts(RECONCILE_SINCE="2025-06-01")
    assert first_start.since(app.services) == datetime(2025, 6, 1, tzinfo=UTC)


def test_an_upload_notes_it_and_asks_once_in_a_process() -> None:
    app = parts()
    asked: list[str] = []
    app.host.before = lambda operation, container, name: asked.append(name) if name == names.FIRST_START else None
    with services.replaced(app.services):
        for name in ("a.jpg", "b.jpg"):
            data = picture()
            app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
            asyncio.run(on_upload.process(name, data, "starter"))
    assert noted(app) == [EPOCH.isoformat()]
    assert len(asked) == 3  # it is not there, it is written, it is read


def test_a_look_at_the_health_notes_it() -> None:
    app = parts()
    with services.replaced(app.services):
        assert Look()().reconciliation is None
    assert noted(app) == [EPOCH.isoformat()]


def test_storage_that_is_out_fails_nothing_and_is_asked_again() -> None:
    app = parts()

    def before(operation: str, container: str, name: str) -> None:
        raise StorageError("the account is down")

    app.host.before = before
    first_start.note(app.services)
    with pytest.raises(StorageError):
        first_start.moment(app.services)
    app.host.before = None
    app.clock.advance(60)
    first_start.note(app.services)
    assert noted(app) == [(EPOCH + timedelta(seconds=60)).isoformat()]


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff\xfe", b"[]", b"null", b"{}", b'{"at": 7}', b'{"at": "soon"}'])
def test_a_blob_that_is_damaged_tells_it_by_its_own_time(data: bytes) -> None:
    app = parts()
    app.host.write(names.RECONCILIATION, names.FIRST_START, data, content_type=names.JSON)
    app.clock.advance(3600)
    first_start.note(app.services)
    assert first_start.moment(app.services) == EPOCH


def test_a_moment_without_a_zone_is_in_utc() -> None:
    app = parts()
    app.host.write(names.RECONCILIATION, names.FIRST_START, b'{"at": "2025-12-31T00:00:00"}', content_type=names.JSON)
    assert first_start.moment(app.services) == EPOCH - timedelta(days=1)
