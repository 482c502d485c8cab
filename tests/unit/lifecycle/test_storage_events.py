"""What the account's events mean, from their documented form through the installed `azure-functions`."""

import json
from typing import Any

import pytest
from azure.functions import EventGridEvent
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from doubles import documented_events
from doubles.damage import damages
from doubles.documented_events import (
    EXAMPLES,
    address,
    created,
    decoded,
    deleted,
    directory_deleted,
    directory_renamed,
    event,
    renamed,
    tier_changed,
)
from doubles.storage_events import as_cloud_event

from shared.lifecycle import storage_events
from shared.lifecycle.storage_events import (
    LARGEST_OF_TRIGGER,
    TYPES,
    Deleted,
    DirectoryChanged,
    Meaning,
    Needless,
    RefusedError,
    Renamed,
    TierChanged,
    TooLarge,
)

ID = "831e1650-001e-001b-66ab-eeb76e069631"
MEANINGS: dict[str, Meaning | None] = {
    "PutBlockList": Needless("analyzed_on_upload", "new-file.jpg"),
    "DeleteBlob": Deleted("file-to-delete.jpg"),
    "SetBlobTier": TierChanged("Auto.jpg", ID, False),
    "SetBlobTier, asked for": Needless("needless_type", "/blobServices/default/containers/images/blobs/a.jpg"),
    "CreateFile": Needless("analyzed_on_upload", "new-file.jpg"),
    "DeleteFile": Deleted("file-to-delete.jpg"),
    "RenameFile": Renamed("my-original-file.jpg", "my-renamed-file.jpg", ID),
    "CreateDirectory": Needless("needless_type", "/blobServices/default/containers/images/blobs/a.jpg"),
    "RenameDirectory": DirectoryChanged("my-original-directory/", "my-renamed-directory/", ID),
    "DeleteDirectory": DirectoryChanged("directory-to-delete/", "", ID),
    "SftpCommit": Needless("analyzed_on_upload", "new-file.jpg"),
    "SftpRemove": Deleted("new-file.jpg"),
    "SftpRename": Renamed("original.jpg", "renamed.jpg", ID),
    "SftpRename of a directory": DirectoryChanged("old/", "new/", ID),
    "SftpMakeDir": Needless("needless_type", "/blobServices/default/containers/images/blobs/a.jpg"),
    "SftpRemoveDir": Needless("empty_directory", "empty"),
    "LifecyclePolicy": None,
}


def read(body: Any) -> Meaning:
    return storage_events.read(decoded(body))


def refused(body: Any) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        read(body)
    assert error.value.action
    return error.value


@pytest.mark.parametrize("done", EXAMPLES)
def test_each_documented_event_has_its_meaning(done: str) -> None:
    wanted = MEANINGS[done]
    if wanted is None:
        assert "is none that the app follows" in refused(EXAMPLES[done]).args[0]
    else:
        assert read(EXAMPLES[done]) == wanted


@pytest.mark.parametrize("done", EXAMPLES)
def test_a_cloud_event_is_refused_and_the_log_says_what_to_do(done: str) -> None:
    error = refused(as_cloud_event(EXAMPLES[done]))
    assert "CloudEvent" in str(error)
    assert "EventGridSchema" in error.action
    # It mends subscriptions; `connect` is about roles.
    assert "`azd hooks run postdeploy`" in error.action


def test_a_cloud_event_is_refused_too_where_azure_functions_makes_an_event_without_a_type_of_it() -> None:
    """As versions do that do not know CloudEvents."""
    body = as_cloud_event(EXAMPLES["DeleteBlob"])
    nothing: Any = None
    given = EventGridEvent(
        id=body["id"],
        data=body["data"],
        topic=nothing,
        subject=body["subject"],
        event_type=nothing,
        event_time=None,
        data_version=nothing,
    )
    with pytest.raises(RefusedError, match="CloudEvent"):
        storage_events.read(given)


@pytest.mark.parametrize("name", ["a b/ü#?.jpg", "100%.jpg", "x/y//z.jpg", "日本/a+b&c=d.jpg", " .jpg"])
@pytest.mark.parametrize(
    "base",
    [
        "https://pictures.blob.core.windows.net/",
        "https://pictures.dfs.core.windows.net/",
        "https://pictures.privatelink.example:8443/",
        "http://127.0.0.1:10000/devstoreaccount1/",
        "http://[::1]:10000/devstoreaccount1/",
        "http://azurite:10000/devstoreaccount1/",
    ],
)
def test_the_name_is_taken_from_the_address_which_is_percent_encoded(base: str, name: str) -> None:
    url = base + address(name).removeprefix("https://pictures.blob.core.windows.net/")
    assert read(event("BlobDeleted", {"url": url}, subject="something/else.jpg")) == Deleted(name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.jpg",
        "/images/a.jpg",
        "https://pictures.blob.core.windows.net",
        "https://pictures.blob.core.windows.net/images",
        "https://pictures.blob.core.windows.net/images/",
        "https://pictures.blob.core.windows.net//a.jpg",
        "http://127.0.0.1:10000/images/a.jpg",
        "https://[pictures/images/a.jpg",
        "https://pictures.blob.core.windows.net/images/a.jpg#b",
        "https://pictures.blob.core.windows.net/images/a\n.jpg",
        "https://pictures.blob.core.windows.net/images/%ff.jpg",
        "https://pictures.blob.core.windows.net/images/\ud800.jpg",
        "https://pictures.blob.core.windows.net/images/%ed%a0%80.jpg",
        "https://pictures.blob.core.windows.net/images/../secret.jpg",
        "https://pictures.blob.core.windows.net/images/%2e%2e/secret.jpg",
        f"https://pictures.blob.core.windows.net/images/{'a' * 1025}",
        7,
        None,
        ["https://pictures.blob.core.windows.net/images/a.jpg"],
    ],
)
def test_what_is_no_address_of_an_image_is_refused(url: object) -> None:
    assert "data.url" in refused(event("BlobDeleted", {"url": url})).args[0]


def test_another_container_is_refused() -> None:
    for each in ("thumbnails", "images2", "$root"):
        url = address("a.jpg", container=each)
        for kind in ("BlobDeleted", "BlobTierChanged", "DirectoryDeleted"):
            assert refused(event(kind, {"url": url})).args[0] == "It is about another container."
    for change in (renamed, directory_renamed):
        assert refused(change("/other/a", "/staging/b")).args[0] == "It is about another container."


@pytest.mark.parametrize("query", ["?snapshot=2026-11-29T19:13:00.1522383Z", "?versionId=2026-11-29", "?versionid="])
def test_a_snapshot_or_a_version_that_is_deleted_is_not_the_image(query: str) -> None:
    assert read(deleted("a.jpg", query=query)) == Needless("snapshot_or_version", "a.jpg")


def test_what_the_trigger_takes_is_left_to_it_and_what_is_larger_is_told_by_its_etag() -> None:
    assert read(created("a.pdf", LARGEST_OF_TRIGGER)) == Needless("analyzed_on_upload", "a.pdf")
    assert read(created("a.pdf", LARGEST_OF_TRIGGER + 1)) == TooLarge("a.pdf", "0x8D4BCC2E4835CD0")
    assert read(created("a.pdf", LARGEST_OF_TRIGGER + 1, etag="")) == TooLarge("a.pdf", ID)


@pytest.mark.parametrize("size", [None, "524288", -1, 1.5, True])
def test_a_blob_without_a_size_is_refused(size: Any) -> None:
    assert "contentLength" in refused(created("a.pdf", size)).args[0]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"accessTier": "Hot", "previousTier": "Archive"}, TierChanged("a.jpg", ID, True)),
        ({"accessTier": "Cool", "previousTier": "archive"}, TierChanged("a.jpg", ID, True)),
        ({"previousTier": "Archive"}, TierChanged("a.jpg", ID, True)),
        ({"accessTier": "Hot"}, TierChanged("a.jpg", ID, False)),
        ({"accessTier": "Archive"}, Needless("archived", "a.jpg")),
        ({"accessTier": "Archive", "previousTier": "Hot"}, Needless("archived", "a.jpg")),
        ({"accessTier": "Cool", "previousTier": "Hot"}, Needless("was_not_archived", "a.jpg")),
        ({"accessTier": 1, "previousTier": {}}, TierChanged("a.jpg", ID, False)),
    ],
)
def test_only_what_may_come_from_the_archive_matters(told: dict[str, Any], wanted: Meaning) -> None:
    assert read(tier_changed("a.jpg", **told)) == wanted


def test_a_rename_may_lead_into_the_container_or_out_of_it() -> None:
    assert read(renamed("/staging/x.part", "a b.jpg")) == Renamed(None, "a b.jpg", ID)
    assert read(renamed("a.jpg", "/staging/x.jpg")) == Renamed("a.jpg", None, ID)
    assert read(directory_renamed("/staging/in/", "album")) == DirectoryChanged("", "album/", ID)
    assert read(directory_renamed("album/", "/staging/out")) == DirectoryChanged("album/", "", ID)


@pytest.mark.parametrize("recursive", ["false", "False", False])
def test_a_directory_that_was_deleted_by_itself_was_empty(recursive: Any) -> None:
    assert read(directory_deleted("album", recursive=recursive)) == Needless("empty_directory", "album")


@pytest.mark.parametrize("recursive", ["true", "True", True, None, "", 7])
def test_any_other_directory_may_have_had_images(recursive: Any) -> None:
    assert read(directory_deleted("album", recursive=recursive)) == DirectoryChanged("album/", "", ID)


@pytest.mark.parametrize("identifier", [None, "", 7, "\ud800"])
def test_an_event_without_an_id_is_refused(identifier: Any) -> None:
    assert refused(deleted("a.jpg", id=identifier)).args[0] == "It has no id."


@pytest.mark.parametrize("done", EXAMPLES)
def test_an_event_that_is_damaged_in_any_member_has_a_meaning_or_is_refused(done: str) -> None:
    """Nothing else is raised, and no damage makes another image of it but where the address itself is another."""
    count = 0
    for damage in damages(EXAMPLES[done]):
        try:
            given = EventGridEventInConverter.decode(Datum(json.dumps(damage.answer), "json"), trigger_metadata={})
        except Exception:  # no function is run then, and the platform tells why
            assert damage.place[:1] in ((), ("eventTime",)), damage
            continue
        count += 1
        try:
            meaning = storage_events.read(given)
        except RefusedError:
            continue
        if isinstance(meaning, Deleted | TooLarge | TierChanged):
            assert meaning.name == getattr(MEANINGS[done], "name", ""), damage
        elif isinstance(meaning, DirectoryChanged):
            assert meaning.former.endswith("/")
            assert meaning.now == "" or meaning.now.endswith("/")
    assert count > 20


def test_every_type_that_is_subscribed_to_is_documented() -> None:
    assert set(TYPES) < {each["eventType"] for each in documented_events.EXAMPLES.values()}
