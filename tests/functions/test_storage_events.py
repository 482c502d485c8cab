"""StorageEvents: an event as the installed `azure-functions` hands it over, and what there is afterwards."""

import asyncio
import itertools
import json
import random
from typing import Any

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from doubles.damage import damages
from doubles.documented_events import (
    EXAMPLES,
    created,
    decoded,
    deleted,
    directory_deleted,
    directory_renamed,
    renamed,
    tier_changed,
)
from doubles.http_requests import Hub, invocation
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.storage_events import as_cloud_event
from doubles.task_hub import TaskHub

from shared import names, services
from shared.durable.appointments import Appointment
from shared.errors import SettingsError, StorageError
from shared.lifecycle import first_start, plans
from shared.lifecycle.storage_events import LARGEST_OF_TRIGGER
from shared.records import by_step
from shared.uploads import steps
from StorageEvents import main

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)


def tell(body: Any) -> None:
    """Deliver one event."""
    asyncio.run(main(decoded(body), "the durable client's binding", invocation()))


def put(app: Parts, name: str, data: bytes = RED) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def processed(app: Parts, name: str, data: bytes = RED) -> None:
    put(app, name, data)
    steps.process(app.services, name, None)


def records(app: Parts) -> list[str]:
    return [f"{container}/{name}" for container in RECORDS for name in app.images.contents(container)]


def blobs(app: Parts) -> dict[str, dict[str, bytes]]:
    return {container: app.images.contents(container) for container in (names.IMAGES, *RECORDS)}


def logged(caplog: pytest.LogCaptureFixture, name: str) -> list[tuple[str, str]]:
    """Level and text of each line of an event."""
    return [(line.levelname, line.getMessage()) for line in caplog.records if line.getMessage().startswith(name)]


def appointment(name: str, key: str) -> Any:
    task = Appointment(name, by_step.STEPS, key, 0.0, 0)
    return "RetryOrchestrator", task.instance_id, task.to_json()


@pytest.fixture
def hub(app: Parts) -> Any:
    """A task hub in which the app's own orchestrations run."""
    with TaskHub(app).running() as hub:
        yield hub


def grow_old(app: Parts) -> None:
    """What there is now is older than the app."""
    app.clock.advance(3600)
    first_start.note(app.services)


def test_a_deleted_image_takes_its_records_with_it(app: Parts, task_hub: Hub) -> None:
    processed(app, "album/a b.jpg")
    processed(app, "album/b.jpg", BLUE)
    others = [each for each in records(app) if "album/b.jpg" in each]
    app.images.delete(names.IMAGES, "album/a b.jpg")
    tell(deleted("album/a b.jpg"))
    assert records(app) == others
    tell(deleted("album/a b.jpg"))
    assert records(app) == others
    assert task_hub.started == []


def test_an_image_that_is_there_again_keeps_its_records(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    processed(app, "a.jpg")
    before = records(app)
    with caplog.at_level("INFO"):
        tell(deleted("a.jpg"))
    assert records(app) == before
    ((level, line),) = logged(caplog, "event.ignored")
    assert level == "INFO"
    assert "blob=a.jpg reason=there_again" in line


def test_a_snapshot_that_is_deleted_removes_nothing_even_of_an_image_that_is_gone(app: Parts) -> None:
    processed(app, "a.jpg")
    app.images.delete(names.IMAGES, "a.jpg")
    before = records(app)
    tell(deleted("a.jpg", query="?snapshot=2026-11-29T19:13:00.1522383Z"))
    assert records(app) == before


def test_storage_that_does_not_answer_has_the_event_come_again(app: Parts) -> None:
    processed(app, "a.jpg")
    app.images.delete(names.IMAGES, "a.jpg")

    def down(operation: str, container: str, name: str) -> None:
        raise StorageError("down")

    app.images.before = down
    with pytest.raises(StorageError):
        tell(deleted("a.jpg"))
    app.images.before = None
    tell(deleted("a.jpg"))
    assert records(app) == []


def test_an_app_that_is_not_set_up_has_the_event_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def current() -> Any:
        raise SettingsError("no endpoint")

    monkeypatch.setattr(services, "current", current)
    with pytest.raises(SettingsError):
        tell(deleted("a.jpg"))


def test_what_is_too_large_for_the_trigger_gets_an_appointment_which_is_one_however_often_it_is_told(
    app: Parts, task_hub: Hub
) -> None:
    etag = put(app, "scan.pdf", b"%PDF-1.7")
    for _ in range(2):
        tell(created("scan.pdf", LARGEST_OF_TRIGGER + 1, etag=f'"{etag}"'))
    assert task_hub.started == [appointment("scan.pdf", etag)]


def test_what_is_too_large_is_told_as_an_unfinished_record(hub: TaskHub) -> None:
    app = hub.app
    limit = app.services.settings.max_upload_bytes
    etag = put(app, "big.jpg", RED)
    app.images.tell(names.IMAGES, "big.jpg", size=limit + 1)  # type: ignore[arg-type]
    tell(created("big.jpg", LARGEST_OF_TRIGGER + 1, etag=etag))
    hub.pass_time(2)
    documents = [json.loads(data) for data in app.images.contents(names.UNFINISHED).values()]
    assert {each["code"] for each in documents} == {"image_too_large"}
    assert app.vision.count() == {}


def test_what_may_be_taken_after_all_is_processed(hub: TaskHub) -> None:
    etag = put(hub.app, "a.jpg")
    tell(created("a.jpg", LARGEST_OF_TRIGGER + 1, etag=etag))
    hub.pass_time(2)
    assert "analysis/a.jpg.json" in records(hub.app)


def test_an_upload_that_the_trigger_takes_is_left_to_it(app: Parts, task_hub: Hub) -> None:
    put(app, "a.jpg")
    tell(created("a.jpg", len(RED)))
    assert task_hub.started == []
    assert records(app) == []


def test_what_is_back_from_the_archive_is_processed_although_another_appointment_sleeps(hub: TaskHub) -> None:
    app = hub.app
    put(app, "a.jpg")
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    hub.deliver("a.jpg")
    hub.pass_time(2)
    assert {json.loads(data)["code"] for data in app.images.contents(names.UNFINISHED).values()} == {"image_archived"}
    tell(tier_changed("a.jpg", accessTier="Archive", previousTier="Hot"))
    app.images.tell(names.IMAGES, "a.jpg", tier="Hot")
    tell(tier_changed("a.jpg", accessTier="Hot", previousTier="Archive"))
    hub.pass_time(2)
    assert records(app) == ["analysis/a.jpg.json", "thumbnails/a.jpg/100x50-smart.jpg"]
    paid = app.vision.count()
    # The one that slept finds everything done.
    hub.pass_time(3600)
    assert app.vision.count() == paid
    assert all(instance.is_over for instance in hub.instances.values())


def test_without_the_tier_before_only_what_was_waited_for_is_processed(hub: TaskHub) -> None:
    app = hub.app
    processed(app, "well.jpg")
    put(app, "a.jpg", BLUE)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    steps.process(app.services, "a.jpg", None)
    tell(tier_changed("a.jpg"))
    assert hub.instances == {}
    app.images.tell(names.IMAGES, "a.jpg", tier="Cool")
    tell(tier_changed("well.jpg"))
    tell(tier_changed("gone.jpg"))
    assert hub.instances == {}
    tell(tier_changed("a.jpg"))
    hub.pass_time(2)
    assert "analysis/a.jpg.json" in records(app)


def test_what_is_older_than_the_app_and_comes_back_from_the_archive_is_not_paid(
    hub: TaskHub, caplog: pytest.LogCaptureFixture
) -> None:
    put(hub.app, "old.jpg")
    grow_old(hub.app)
    with caplog.at_level("INFO"):
        tell(tier_changed("old.jpg", accessTier="Hot", previousTier="Archive"))
    assert hub.instances == {}
    assert "reason=older_than_app" in logged(caplog, "event.ignored")[0][1]


@pytest.fixture
def lake(app: Parts) -> Parts:
    """The images are in an account with directories."""
    app.images.has_directories = True
    return app


def test_a_renamed_image_gets_its_records_without_a_call_and_leaves_none(lake: Parts, hub: TaskHub) -> None:
    processed(lake, "in/a.jpg")
    paid = lake.vision.count()
    lake.images.rename(names.IMAGES, "in/a.jpg", "album/b.jpg")
    tell(renamed("in/a.jpg", "album/b.jpg"))
    hub.pass_time(2)
    files = [each for each in records(lake) if each.endswith((".json", "-smart.jpg"))]
    assert files == ["analysis/album/b.jpg.json", "thumbnails/album/b.jpg/100x50-smart.jpg"]
    assert lake.vision.count() == paid
    before = blobs(lake)
    tell(renamed("in/a.jpg", "album/b.jpg"))
    hub.pass_time(2)
    assert blobs(lake) == before
    assert lake.vision.count() == paid


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_renames_in_a_row_cost_no_call_in_any_order_and_however_often_they_are_told(
    lake: Parts, hub: TaskHub, order: tuple[int, ...]
) -> None:
    processed(lake, "a.jpg")
    paid = lake.vision.count()
    path = ["a.jpg", "b.jpg", "c.jpg", "a.jpg"]
    told = []
    for number, (former, name) in enumerate(itertools.pairwise(path)):
        lake.images.rename(names.IMAGES, former, name)
        told.append(renamed(former, name, id=f"event {number}"))
    for number in (*order, *reversed(order)):
        tell(told[number])
        hub.pass_time(1)
    hub.pass_time(60)
    assert [each for each in records(lake) if each.endswith((".json", "-smart.jpg"))] == [
        "analysis/a.jpg.json",
        "thumbnails/a.jpg/100x50-smart.jpg",
    ]
    assert lake.vision.count() == paid


def test_a_rename_into_the_container_is_an_upload_however_old_the_file_is(lake: Parts, hub: TaskHub) -> None:
    put(lake, "new.jpg")
    grow_old(lake)
    tell(renamed("/staging/new.part", "new.jpg"))
    hub.pass_time(2)
    assert "analysis/new.jpg.json" in records(lake)


def test_a_rename_out_of_the_container_is_a_deletion(lake: Parts, hub: TaskHub) -> None:
    processed(lake, "a.jpg")
    lake.images.delete(names.IMAGES, "a.jpg")
    tell(renamed("a.jpg", "/elsewhere/a.jpg"))
    assert records(lake) == []
    assert hub.instances == {}


def test_an_old_image_that_never_had_a_result_is_not_paid_for_its_new_name(lake: Parts, hub: TaskHub) -> None:
    put(lake, "old.jpg")
    processed(lake, "done.jpg", BLUE)
    grow_old(lake)
    paid = lake.vision.count()
    lake.images.rename(names.IMAGES, "old.jpg", "older.jpg")
    tell(renamed("old.jpg", "older.jpg", id="one"))
    # One that had a result keeps it, and also if its records are gone but not its answers.
    lake.images.rename(names.IMAGES, "done.jpg", "again.jpg")
    lake.images.rename(names.IMAGES, "again.jpg", "third.jpg")
    tell(renamed("done.jpg", "again.jpg", id="two"))
    tell(renamed("again.jpg", "third.jpg", id="three"))
    hub.pass_time(2)
    assert "analysis/third.jpg.json" in records(lake)
    assert not [each for each in records(lake) if "old" in each]
    assert lake.vision.count() == paid


def test_an_old_image_that_takes_the_place_of_another_one_is_processed_like_an_upload(
    lake: Parts, hub: TaskHub
) -> None:
    put(lake, "old.jpg")
    grow_old(lake)
    processed(lake, "a.jpg", BLUE)
    lake.images.delete(names.IMAGES, "a.jpg")
    lake.images.rename(names.IMAGES, "old.jpg", "a.jpg")
    tell(renamed("old.jpg", "a.jpg"))
    hub.pass_time(2)
    record = lake.images.head(names.ANALYSIS, "a.jpg.json")
    image = lake.images.head(names.IMAGES, "a.jpg")
    assert record
    assert image
    assert record.metadata[names.SOURCE_ETAG] == image.etag


def test_a_renamed_directory_is_compared_under_both_names(app: Parts, task_hub: Hub) -> None:
    first_start.note(app.services)
    app.clock.advance(60)
    tell(directory_renamed("old/album", "new album", id="seven"))
    ((name, instance, plan),) = task_hub.started
    now = app.clock.utc().isoformat()
    assert (name, instance) == ("ReconcileOrchestrator", plans.directory_id("seven"))
    assert {key: plan[key] for key in plan if key != "id"} == {
        "by": "event",
        "mode": "repair",
        "phases": ["images", "analysis", "thumbnails", "text", "unfinished", "corrections"],
        "began": now,
        "since": first_start.since(app.services).isoformat(),
        "until": now,
        "images_prefix": "new album/",
        "records_prefix": "old/album/",
    }
    tell(directory_renamed("old/album", "new album", id="seven"))
    assert len(task_hub.started) == 1


def test_a_directory_that_came_from_elsewhere_or_is_gone_is_compared_under_its_one_name(
    app: Parts, task_hub: Hub
) -> None:
    tell(directory_renamed("/staging/in", "album", id="1"))
    tell(directory_renamed("album", "/staging/out", id="2"))
    tell(directory_deleted("gone", id="3"))
    came, left, gone = (plan for _, _, plan in task_hub.started)
    assert (came["phases"], came["images_prefix"], came["records_prefix"]) == (["images"], "album/", "")
    assert came["since"] == "0001-01-01T00:00:00+00:00"
    for plan, prefix in ((left, "album/"), (gone, "gone/")):
        assert (plan["images_prefix"], plan["records_prefix"]) == ("", prefix)
        assert plan["phases"] == ["analysis", "thumbnails", "text", "unfinished", "corrections"]


def test_events_of_directories_are_followed_whatever_reconcile_says(task_hub: Hub) -> None:
    for mode in ("off", "report"):
        with services.replaced(parts(RECONCILE=mode).services):
            tell(directory_deleted("album", id=mode))
    assert [plan["mode"] for _, _, plan in task_hub.started] == ["repair", "repair"]


def test_a_host_that_does_not_answer_has_the_event_come_again(app: Parts, task_hub: Hub) -> None:
    etag = put(app, "a.jpg")
    task_hub.failing = RuntimeError("no host")
    for body in (created("a.jpg", LARGEST_OF_TRIGGER + 1, etag=etag), directory_deleted("album")):
        with pytest.raises(StorageError):
            tell(body)


@pytest.mark.parametrize("body", [as_cloud_event(deleted("a.jpg")), deleted("../a.jpg"), deleted("a.jpg", id=None)])
def test_what_cannot_be_taken_is_an_error_in_the_log_and_does_not_come_again(
    app: Parts, caplog: pytest.LogCaptureFixture, body: Any
) -> None:
    processed(app, "a.jpg")
    app.images.delete(names.IMAGES, "a.jpg")
    before = blobs(app)
    tell(body)
    assert blobs(app) == before
    ((level, line),) = logged(caplog, "event.refused")
    assert level == "ERROR"
    assert "problem=" in line
    assert "action=" in line


def test_a_name_that_storage_does_not_take_is_an_error_in_the_log(
    app: Parts, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.errors import StorageRefusedError
    from shared.lifecycle import deletion

    def refuse(*args: Any, **named: Any) -> int:
        raise StorageRefusedError("Blob storage answered 400 (InvalidUri).")

    monkeypatch.setattr(deletion, "forget", refuse)
    tell(deleted("a.jpg"))
    assert [level for level, _ in logged(caplog, "event.refused")] == ["ERROR"]


@pytest.mark.parametrize("done", EXAMPLES)
def test_no_damaged_event_deletes_anything_of_an_image_that_is_there_or_raises(
    app: Parts, task_hub: Hub, done: str
) -> None:
    for name in ("a.jpg", "file-to-delete.jpg", "my-original-file.jpg", "directory-to-delete/b.jpg"):
        processed(app, name)
    before = blobs(app)
    chosen = list(damages(EXAMPLES[done]))
    for damage in random.Random(16).sample(chosen, min(60, len(chosen))):
        datum = Datum(json.dumps(damage.answer), "json")
        try:
            given = EventGridEventInConverter.decode(datum, trigger_metadata={})
        except Exception:  # no function is run then
            continue
        asyncio.run(main(given, "starter", invocation()))
    assert blobs(app) == before
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
