import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from azure.storage.blob import ContainerClient, ContentSettings
from doubles.ports import five_free_ports
from doubles.webhooks import FakeWebhooks, running_webhooks

from local.events.container import Blob, WatchedContainer
from local.events.journal import Journal
from local.events.watcher import BATCH_EVENTS, Watcher
from local.events.webhook import NotDeliveredError

MakeWatcher = Callable[..., Watcher]


@pytest.fixture
def watcher(make_watcher: MakeWatcher) -> Watcher:
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
    watcher: Watcher, make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("meanwhile.jpg", b"1")
    restarted = make_watcher()
    restarted.record_baseline()
    restarted.scan()
    assert host.subjects() == ["meanwhile.jpg"]


def test_a_new_blob_is_told_in_the_event_grid_schema(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
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


def test_an_unchanged_blob_is_told_once(watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks) -> None:
    blobs.upload_blob("a.jpg", b"1")
    assert [watcher.scan(), watcher.scan()] == [1, 0]
    assert len(host.accepted) == 1


def test_an_overwritten_blob_is_told_again_with_its_new_etag(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
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
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks, name: str
) -> None:
    blobs.upload_blob(name, b"1")
    watcher.scan()
    path = unquote(urlsplit(host.accepted[0]["data"]["url"]).path)
    assert path == f"/devstoreaccount1/{blobs.container_name}/{name}"
    assert host.subjects() == [name]


def test_the_subscription_is_validated_before_the_first_event_and_not_again(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    for name in ("a.jpg", "b.jpg"):
        blobs.upload_blob(name, b"1")
        watcher.scan()
    assert [one.kind for one in host.deliveries] == ["SubscriptionValidation", "Notification", "Notification"]


def test_no_event_is_sent_to_a_host_that_refuses_the_subscription(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    host.echoes_validation = False
    blobs.upload_blob("a.jpg", b"1")
    with pytest.raises(NotDeliveredError, match="refused the subscription with 401"):
        watcher.scan()
    assert host.accepted == []


def test_events_are_addressed_to_the_function_with_the_key_of_the_host(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks, tmp_path: Path
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
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    host.notification_status = 503
    with pytest.raises(NotDeliveredError, match="answered 503"):
        watcher.scan()
    host.notification_status = 202
    watcher.scan()
    refused, accepted = host.accepted
    assert refused["id"] == accepted["id"]


def test_a_crash_between_acceptance_and_journal_tells_the_event_again(
    watcher: Watcher,
    make_watcher: MakeWatcher,
    blobs: ContainerClient,
    host: FakeWebhooks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    blobs.upload_blob("a.jpg", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record_told", crash)
        with pytest.raises(KeyboardInterrupt):
            watcher.scan()
    make_watcher().scan()
    assert host.subjects() == ["a.jpg", "a.jpg"]


def test_deletions_are_told_to_nobody_without_a_subscriber(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    blobs.delete_blob("a.jpg")
    assert [watcher.scan(), watcher.scan()] == [1, 0]
    assert [event["eventType"] for event in host.accepted] == ["Microsoft.Storage.BlobCreated"]


def test_deletions_go_to_their_own_subscriber_only(
    make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    watcher = make_watcher(tells_deletions=True)
    watcher.record_baseline()
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    blobs.delete_blob("a.jpg")
    watcher.scan()
    last = host.deliveries[-1]
    assert (last.path, last.query["functionName"]) == ("/runtime/webhooks/EventGrid", "ForgetOnDelete")
    assert last.events[0]["eventType"] == "Microsoft.Storage.BlobDeleted"
    assert last.events[0]["data"]["api"] == "DeleteBlob"


def test_a_blob_uploaded_again_after_its_deletion_is_told_as_created(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    blobs.delete_blob("a.jpg")
    watcher.scan()
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    assert host.subjects() == ["a.jpg", "a.jpg"]


def test_a_blob_that_a_listing_left_out_is_not_taken_for_deleted(
    watcher: Watcher, make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    class Forgetful(WatchedContainer):
        def pages(self) -> Iterator[list[Blob]]:
            yield []

    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    assert make_watcher(tells_deletions=True, container=Forgetful).scan() == 0
    assert len(host.accepted) == 1


def test_every_event_can_be_sent_twice(make_watcher: MakeWatcher, blobs: ContainerClient, host: FakeWebhooks) -> None:
    watcher = make_watcher(copies=2)
    watcher.record_baseline()
    blobs.upload_blob("a.jpg", b"1")
    watcher.scan()
    first, second = host.accepted
    assert first == second


def test_many_blobs_are_listed_in_pages_and_told_in_bounded_batches(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.events.container.PAGE_BLOBS", BATCH_EVENTS + 10)
    names = [f"{number:03}.jpg" for number in range(2 * BATCH_EVENTS + 15)]
    for name in names:
        blobs.upload_blob(name, b"1")
    assert watcher.scan() == len(names)
    assert host.subjects() == names
    assert max(len(one.events) for one in host.deliveries) == BATCH_EVENTS


def test_a_name_that_xml_cannot_carry_hides_no_other_and_is_told_itself(
    watcher: Watcher, blobs: ContainerClient, host: FakeWebhooks
) -> None:
    names = ["a.jpg", "b\x01.jpg", "c\uffff.jpg", "d.jpg"]
    for name in names:
        blobs.upload_blob(name, b"1")
    assert watcher.scan() == len(names)
    assert host.subjects() == names
