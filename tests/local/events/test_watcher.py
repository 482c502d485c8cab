import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from azure.core.exceptions import ServiceResponseTimeoutError
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient, ContentSettings, StandardBlobTier
from doubles.azurite import Azurite
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.webhooks import FakeWebhooks, running_webhooks

from local.events import watcher as watcher_module
from local.events.container import Blob, WatchedContainer
from local.events.outbox import Outbox
from local.events.sender import BATCH_EVENTS
from local.events.webhook import NotDeliveredError

MakeWatcher = Callable[..., Any]


@pytest.fixture
def watcher(make_watcher: MakeWatcher) -> Any:
    """A watcher of the container while it was still empty."""
    watcher = make_watcher()
    watcher.record_baseline()
    return watcher


def test_blobs_that_were_there_at_the_first_start_fire_nothing(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("old.jpg", b"old")
    watcher = make_watcher()
    watcher.record_baseline()
    blobs.upload_blob("new.jpg", b"new")
    assert watcher.scan() == 1
    assert host.subjects() == ["new.jpg"]


def test_a_later_start_takes_no_new_baseline_and_tells_what_was_uploaded_meanwhile(
    watcher: Any, make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("meanwhile.jpg", b"1")
    restarted = make_watcher()
    restarted.record_baseline()
    restarted.scan()
    assert host.subjects() == ["meanwhile.jpg"]


def test_a_new_blob_is_told_in_the_event_grid_schema(watcher: Any, blobs: ContainerClient, host: FakeWebhooks) -> None:
    settings = ContentSettings(content_type="image/jpeg")
    etag = blobs.upload_blob("a.jpg", b"12345", content_settings=settings).get_blob_properties().etag
    watcher.scan()
    [event] = host.accepted
    data = event.pop("data")
    assert event["eventType"] == "Microsoft.Storage.BlobCreated"
    assert event["subject"] == f"/blobServices/default/containers/{blobs.container_name}/blobs/a.jpg"
    assert event["topic"].endswith("/providers/Microsoft.Storage/storageAccounts/devstoreaccount1")
    assert set(event) == {"topic", "subject", "eventType", "id", "dataVersion", "metadataVersion", "eventTime"}
    assert data["eTag"] == etag.strip('"')
    assert data["url"] == f"{blobs.url}/a.jpg"
    told = [data[key] for key in ("api", "contentType", "contentLength", "blobType")]
    assert told == ["PutBlob", "image/jpeg", 5, "BlockBlob"]
    rest = {"clientRequestId", "requestId", "sequencer", "storageDiagnostics"}
    assert rest == set(data) - {"api", "eTag", "contentType", "contentLength", "blobType", "url"}


def test_an_unchanged_blob_is_told_once(watcher: Any, blobs: ContainerClient, host: FakeWebhooks) -> None:
    blobs.upload_blob("a.jpg", b"1")
    assert [watcher.scan(), watcher.scan()] == [1, 0]
    assert len(host.accepted) == 1


def test_an_overwritten_blob_is_told_again_with_its_new_etag(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    for content in (b"1", b"2"):
        blobs.upload_blob("a.jpg", content, overwrite=True)
        watcher.scan()
    first, second = host.accepted
    assert first["data"]["eTag"] != second["data"]["eTag"]
    assert first["data"]["sequencer"] < second["data"]["sequencer"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize("name", ["holiday 2024/día #1.jpg", "100%.png", "a%2eb.jpg", "x+y&z=1?.jpg", "日本/写真.jpg"])
def test_any_name_survives_the_way_through_the_url(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks, name: str
) -> None:
    blobs.upload_blob(name, b"1")
    watcher.scan()
    path = unquote(urlsplit(host.accepted[0]["data"]["url"]).path)
    assert path == f"/devstoreaccount1/{blobs.container_name}/{name}"
    assert host.subjects() == [name]


def test_the_subscription_is_validated_before_the_first_event_and_not_again(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    for name in ("a.jpg", "b.jpg"):
        blobs.upload_blob(name, b"1")
        watcher.scan()
    assert [one.kind for one in host.deliveries] == ["SubscriptionValidation", "Notification", "Notification"]


def test_no_event_is_sent_to_a_host_that_refuses_the_subscription(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    host.echoes_validation = False
    blobs.upload_blob("a.jpg", b"1")
    with pytest.raises(NotDeliveredError, match="refused the subscription with 401"):
        watcher.scan()
    assert host.accepted == []


def test_events_are_addressed_to_the_function_with_the_key_of_the_host(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"systemKeys": {"blobs_extension": "k&y"}}))
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    expected = {"functionName": "Host.Functions.AnalyzeOnUpload", "code": "k&y"}
    assert {(one.path, *one.query.items()) for one in host.deliveries} == {
        ("/runtime/webhooks/blobs", *expected.items())
    }


def test_changes_while_the_host_is_down_are_told_when_it_is_back(
    make_watcher: MakeWatcher, blobs: ContainerClient
) -> None:
    port = five_free_ports()
    watcher = make_watcher(port=port)
    watcher.record_baseline()
    blobs.upload_blob("a.jpg", b"1")
    with pytest.raises(NotDeliveredError, match=f"the host on port {port} does not answer"):
        watcher.scan()
    with running_webhooks(port) as back:
        watcher.scan()
        assert back.subjects() == ["a.jpg"]


def test_a_host_that_came_back_is_asked_anew_whether_it_wants_the_events(
    make_watcher: MakeWatcher, blobs: ContainerClient
) -> None:
    port = five_free_ports()
    watcher = make_watcher(port=port)
    watcher.record_baseline()
    with running_webhooks(port):
        blobs.upload_blob("a.jpg", b"1")
        watcher.scan()
    blobs.upload_blob("b.jpg", b"1")
    with pytest.raises(NotDeliveredError):
        watcher.scan()
    with running_webhooks(port) as another:
        watcher.scan()
        assert [one.kind for one in another.deliveries] == ["SubscriptionValidation", "Notification"]


def test_a_refused_event_is_offered_again_under_the_same_id(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    host.notification_status = 503
    with pytest.raises(NotDeliveredError, match="answered 503"):
        watcher.scan()
    host.notification_status = 202
    watcher.scan()
    refused, accepted = host.accepted
    assert refused["id"] == accepted["id"]


def test_a_crash_between_acceptance_and_its_note_tells_the_event_again(
    watcher: Any,
    make_watcher: MakeWatcher,
    blobs: ContainerClient,
    host: FakeWebhooks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    blobs.upload_blob("a.jpg", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "forget", crash)
        with pytest.raises(KeyboardInterrupt):
            watcher.scan()
    make_watcher().scan()
    assert host.subjects() == ["a.jpg", "a.jpg"]


@pytest.fixture
def teller(make_watcher: MakeWatcher) -> Any:
    """A watcher of the container while it was still empty, which tells of everything, a minute after its uploads."""
    teller = make_watcher(tells_events=True, now=_a_minute_later)
    teller.record_baseline()
    return teller


def test_a_deletion_is_told_to_the_function_of_events_alone(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    assert teller.scan() == 1
    blobs.delete_blob("a.jpg")
    assert [teller.scan(), teller.scan()] == [1, 0]
    assert (host.subjects("Host.Functions.AnalyzeOnUpload"), host.subjects("StorageEvents")) == (["a.jpg"], ["a.jpg"])
    last = host.deliveries[-1]
    [event] = last.events
    data = event.pop("data")
    assert last.path == "/runtime/webhooks/EventGrid"
    assert event["eventType"] == "Microsoft.Storage.BlobDeleted"
    assert event["subject"] == f"/blobServices/default/containers/{blobs.container_name}/blobs/a.jpg"
    assert data["api"] == "DeleteBlob"
    assert data["url"] == f"{blobs.url}/a.jpg"
    # Azure tells neither the ETag nor the length of what is gone.
    rest = {"clientRequestId", "requestId", "contentType", "blobType", "sequencer", "storageDiagnostics"}
    assert rest == set(data) - {"api", "url"}


def test_a_deletion_and_a_new_upload_between_two_looks_are_one_upload(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    teller.scan()
    _wait_for_the_next_second()
    blobs.delete_blob("a.jpg")
    blobs.upload_blob("a.jpg", b"2")
    assert teller.scan() == 1
    assert (host.subjects("Host.Functions.AnalyzeOnUpload"), host.subjects("StorageEvents")) == (["a.jpg"] * 2, [])


def test_an_upload_that_is_too_large_for_the_trigger_is_told_to_the_function_of_events(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watcher_module.LARGEST_UPLOAD_BYTES == 104_857_600
    monkeypatch.setattr(watcher_module, "LARGEST_UPLOAD_BYTES", 3)
    blobs.upload_blob("largest.jpg", b"123")
    blobs.upload_blob("larger.jpg", b"1234")
    assert [teller.scan(), teller.scan()] == [2, 0]
    assert host.subjects("Host.Functions.AnalyzeOnUpload") == ["largest.jpg"]
    assert host.subjects("StorageEvents") == ["larger.jpg"]
    assert host.accepted[-1]["eventType"] == "Microsoft.Storage.BlobCreated"


@pytest.mark.parametrize("upload", ["Put Blob", "Put Block List"])
def test_each_change_of_the_tier_is_told_with_both_tiers(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks, upload: str
) -> None:
    blob = blobs.get_blob_client("a.jpg")
    UPLOADS[upload](blob)
    teller.scan()
    for tier in ("Cool", "Archive", "Hot"):
        blob.set_standard_blob_tier(tier)
        assert [teller.scan(), teller.scan()] == [1, 0]
    assert host.subjects("Host.Functions.AnalyzeOnUpload") == ["a.jpg"]
    changes = host.accepted[1:]
    assert {event["eventType"] for event in changes} == {"Microsoft.Storage.BlobTierChanged"}
    assert {event["data"]["api"] for event in changes} == {"SetBlobTier"}
    told = [(event["data"]["previousTier"], event["data"]["accessTier"]) for event in changes]
    assert told == [("Hot", "Cool"), ("Cool", "Archive"), ("Archive", "Hot")]
    assert len({event["id"] for event in changes}) == 3


def test_a_blob_that_was_in_the_archive_at_the_first_start_is_told_when_it_is_back(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blob = blobs.upload_blob("old.jpg", b"1")
    blob.set_standard_blob_tier("Archive")
    teller = make_watcher(tells_events=True, now=_a_minute_later)
    teller.record_baseline()
    assert teller.scan() == 0
    blob.set_standard_blob_tier("Hot")
    assert teller.scan() == 1
    assert host.accepted[0]["data"]["previousTier"] == "Archive"


def test_an_upload_into_another_tier_is_an_upload_alone(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    teller.scan()
    _wait_for_the_next_second()
    blobs.upload_blob("a.jpg", b"2", overwrite=True, standard_blob_tier=StandardBlobTier.COOL)
    assert [teller.scan(), teller.scan()] == [1, 0]
    assert {event["eventType"] for event in host.accepted} == {"Microsoft.Storage.BlobCreated"}


def test_a_tier_that_an_older_journal_does_not_know_is_noted_and_not_told(
    teller: Any, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
) -> None:
    blob = blobs.upload_blob("a.jpg", b"1")
    teller.scan()
    with closing(sqlite3.connect(tmp_path / "told.db")) as database, database:
        database.execute("UPDATE told SET tier = NULL")
    blob.set_standard_blob_tier("Cool")
    assert teller.scan() == 0
    blob.set_standard_blob_tier("Hot")
    assert teller.scan() == 1


def test_a_blob_uploaded_again_after_its_deletion_is_told_as_created(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    blobs.delete_blob("a.jpg")
    watcher.scan()
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    assert host.subjects() == ["a.jpg", "a.jpg"]


def test_a_blob_that_a_listing_left_out_is_not_taken_for_deleted(
    watcher: Any, make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    class Forgetful(WatchedContainer):
        def pages(self) -> Iterator[list[Blob]]:
            yield []

    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    assert make_watcher(tells_events=True, container=Forgetful).scan() == 0
    assert len(host.accepted) == 1


def test_every_event_can_be_sent_twice(make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks) -> None:
    watcher = make_watcher(copies=2)
    watcher.record_baseline()
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    first, second = host.accepted
    assert first == second


def test_many_blobs_are_listed_in_pages_and_told_in_bounded_batches(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.events.container.PAGE_BLOBS", BATCH_EVENTS + 10)
    names = [f"{number:03}.jpg" for number in range(2 * BATCH_EVENTS + 15)]
    for name in names:
        blobs.upload_blob(name, b"1")
    assert watcher.scan() == len(names)
    assert host.subjects() == names
    assert max(len(one.events) for one in host.deliveries) == BATCH_EVENTS


def test_a_name_that_xml_cannot_carry_hides_no_other_and_is_told_itself(
    watcher: Any, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    names = ["a.jpg", "b\x01.jpg", "c\uffff.jpg", "d.jpg"]
    for name in names:
        blobs.upload_blob(name, b"1")
    assert watcher.scan() == len(names)
    assert host.subjects() == names


EDITS: dict[str, Callable[[BlobClient], object]] = {
    "Set Blob Metadata": lambda blob: blob.set_blob_metadata({"album": "holiday"}),
    "Set Blob Properties": lambda blob: blob.set_http_headers(ContentSettings(content_type="image/png")),
    "Set Blob Tags": lambda blob: blob.set_blob_tags({"album": "holiday"}),
    "Set Blob Tier, and back": lambda blob: [blob.set_standard_blob_tier(each) for each in ("Archive", "Hot")],
    "Snapshot Blob": lambda blob: blob.create_snapshot({"album": "holiday"}),
    "Lease Blob": lambda blob: blob.acquire_lease(15),
}
UPLOADS: dict[str, Callable[[BlobClient], object]] = {
    "Put Blob": lambda blob: blob.upload_blob(b"1", overwrite=True),
    "Put Block List": lambda blob: _put_blocks(blob),
    "Copy Blob": lambda blob: blob.start_copy_from_url(blob.url),
    "Copy Blob From URL": lambda blob: blob.start_copy_from_url(blob.url, requires_sync=True),
    "deleted and uploaded": lambda blob: [blob.delete_blob(), blob.upload_blob(b"1")],
    "uploaded and edited": lambda blob: [blob.upload_blob(b"1", overwrite=True), blob.set_blob_metadata({"a": "b"})],
}


def _put_blocks(blob: BlobClient) -> None:
    blob.stage_block("block", b"1")
    blob.commit_block_list([BlobBlock("block")])


def _wait_for_the_next_second() -> None:
    """Storage's times are whole seconds of the machine's clock."""
    now = int(time.time())
    wait_until(lambda: int(time.time()) > now)


def _a_minute_later() -> float:
    return time.time() + 60


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("upload", [UPLOADS["Put Blob"], _put_blocks], ids=["blob", "blocks"])
def test_edits_of_a_blob_are_not_told(
    make_watcher: MakeWatcher,
    blobs: ContainerClient,
    host: FakeWebhooks,
    upload: Callable[[BlobClient], object],
    edit: Callable[[BlobClient], object],
) -> None:
    watcher = make_watcher(now=_a_minute_later)
    watcher.record_baseline()
    blob = blobs.get_blob_client("a.jpg")
    upload(blob)
    assert watcher.scan() == 1
    edit(blob)
    assert [watcher.scan(), watcher.scan()] == [0, 0]
    assert len(host.accepted) == 1


def test_an_upload_of_the_same_bytes_is_told_again(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    watcher = make_watcher(now=_a_minute_later)
    watcher.record_baseline()
    cases = {f"{kind} after {before}": (before, kind) for kind in UPLOADS for before in ("Put Blob", "Put Block List")}
    for name, (before, _) in cases.items():
        UPLOADS[before](blobs.get_blob_client(name))
    watcher.scan()
    _wait_for_the_next_second()
    for name, (_, kind) in cases.items():
        UPLOADS[kind](blobs.get_blob_client(name))
    assert [watcher.scan(), watcher.scan()] == [len(cases), 0]
    assert sorted(host.subjects()) == sorted([*cases, *cases])
    assert len({event["id"] for event in host.accepted}) == 2 * len(cases)


def test_a_second_upload_within_the_second_of_the_first_is_told(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    watcher = make_watcher(now=lambda: 0.0)  # every second of storage is still to come
    watcher.record_baseline()
    for content in (b"1", b"2"):
        blobs.upload_blob("a.jpg", content, overwrite=True)
        assert watcher.scan() == 1


def test_an_edit_is_silent_once_the_second_of_its_upload_has_passed(
    make_watcher: MakeWatcher, blobs: ContainerClient
) -> None:
    clock = [0.0]
    watcher = make_watcher(now=lambda: clock[0])
    watcher.record_baseline()
    blob = blobs.upload_blob("a.jpg", b"1")
    assert watcher.scan() == 1
    clock[0] = _a_minute_later()
    assert watcher.scan() == 0
    blob.set_blob_metadata({"album": "holiday"})
    assert watcher.scan() == 0


def test_an_edit_of_a_blob_that_was_there_at_the_first_start_is_not_told(
    make_watcher: MakeWatcher, blobs: ContainerClient
) -> None:
    blob = blobs.upload_blob("old.jpg", b"1")
    watcher = make_watcher(now=_a_minute_later)
    watcher.record_baseline()
    blob.set_blob_metadata({"album": "holiday"})
    assert watcher.scan() == 0


def test_the_journal_of_the_version_before_holds_no_image_is_told_anew_and_none_is_forgotten(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
) -> None:
    told = blobs.upload_blob("told.jpg", b"1")
    blobs.upload_blob("overwritten.jpg", b"1")
    blobs.upload_blob("new.jpg", b"1")
    with sqlite3.connect(tmp_path / "told.db") as database:
        database.executescript(
            "CREATE TABLE told (name TEXT PRIMARY KEY, etag TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE baseline (container TEXT PRIMARY KEY);"
        )
        database.execute("INSERT INTO baseline VALUES (?)", [blobs.container_name])
        rows = [
            ("told.jpg", told.get_blob_properties().etag.strip('"')),
            ("overwritten.jpg", "0x1"),
            ("gone.jpg", "0x2"),
        ]
        database.executemany("INSERT INTO told VALUES (?, ?)", rows)
    database.close()
    watcher = make_watcher(now=_a_minute_later)
    watcher.record_baseline()
    assert watcher.scan() == 3
    assert host.subjects() == ["new.jpg", "overwritten.jpg"]
    with closing(sqlite3.connect(tmp_path / "told.db")) as database:
        assert database.execute("SELECT name FROM told WHERE name = 'gone.jpg'").fetchall() == []
    told.set_blob_metadata({"album": "holiday"})
    assert watcher.scan() == 0


def test_a_storage_that_hangs_costs_one_short_try(
    watcher: Any, azurite: Azurite, monkeypatch: pytest.MonkeyPatch, make_watcher: MakeWatcher
) -> None:
    monkeypatch.setattr("local.events.container.READ_SECONDS", 0.2)
    impatient = make_watcher()
    azurite.suspend()
    try:
        with pytest.raises(ServiceResponseTimeoutError):
            impatient.scan()
    finally:
        azurite.resume()
    assert watcher.scan() == 0
