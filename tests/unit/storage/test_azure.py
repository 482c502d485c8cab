"""Blob storage as the app needs it: the same behaviour on a real Azurite and on the double in memory."""

import hashlib
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import responses
from azure.storage.blob import BlobServiceClient
from doubles.azurite import Azurite
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs

from shared.errors import (
    BlobLockedError,
    BlobsightError,
    ConflictError,
    ImageArchivedError,
    StorageDeniedError,
    StorageError,
    StorageNameTakenError,
    StorageRefusedError,
)
from shared.storage.azure import BlobStore
from shared.storage.blobs import BEGINNING_BYTES, Blobs, IfEtag, Kept

LEASE_SECONDS = 15
UNREACHABLE = "AccountName=a;AccountKey=c2VjcmV0LWtleQ==;BlobEndpoint=http://127.0.0.1:9/a;"
ODD_NAMES = [
    "with spaces and (brackets).jpg",
    "Ämter/日本語/😀.png",
    "hash#fragment?query=1&x.jpg",
    "literal%2e%2E%20percent.jpg",
    "a/deep/folder/of/blobs.jpg",
    "plus+comma,semicolon;equals='quote'.jpg",
    "n" * 1000,
]


@pytest.fixture(params=["azurite", "memory"])
def blobs(request: pytest.FixtureRequest, clock: FakeClock) -> Blobs:
    if request.param == "memory":
        return MemoryBlobs(clock)
    running: Azurite = request.getfixturevalue("azurite")
    return BlobStore(running.connection_string)


@pytest.fixture
def container() -> str:
    """A container of the test's own, which does not exist yet."""
    return f"test-{uuid.uuid4().hex[:12]}"


def put(blobs: Blobs, container: str, name: str = "a.txt", data: bytes = b"one") -> str:
    return blobs.write(container, name, data, content_type="text/plain")


def lease_id() -> str:
    return str(uuid.uuid4())


def content(blobs: Blobs, container: str, name: str = "a.txt") -> bytes | None:
    blob = blobs.read(container, name)
    return blob.data if blob else None


def test_what_is_written_is_read_with_everything_it_was_stored_with(blobs: Blobs, container: str) -> None:
    etag = blobs.write(
        container,
        "a.jpg",
        b"bytes",
        content_type="image/jpeg",
        metadata={"sourceetag": "0x1", "request": "analyze-1"},
        cache_control="private, max-age=300",
    )
    blob = blobs.read(container, "a.jpg")
    assert blob is not None
    assert blob.data == b"bytes"
    assert blob.info.name == "a.jpg"
    assert blob.info.etag == etag
    assert blob.info.size == 5
    assert blob.info.content_type == "image/jpeg"
    assert blob.info.md5 == hashlib.md5(b"bytes").digest()
    assert blob.info.metadata == {"sourceetag": "0x1", "request": "analyze-1"}
    assert blob.info.cache_control == "private, max-age=300"
    info = blobs.head(container, "a.jpg")
    assert info is not None
    assert (info.tier, info.archive_status, info.copy_status) == ("Hot", None, None)
    assert info._replace(tier=None) == blob.info
    assert '"' not in etag


def test_an_account_that_keeps_nothing_has_nothing_left_of_a_blob_that_was_deleted(
    blobs: Blobs, container: str
) -> None:
    assert blobs.kept(container, "a.txt") == Kept(versions=False, deleted=False)
    assert blobs.page(container).items == []


def test_an_account_tells_by_its_answers_how_far_its_clock_is_ahead(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    ahead = blobs.clock_ahead
    # Its answer tells whole seconds, and has been on its way.
    assert ahead is not None
    assert timedelta(seconds=-30) < ahead <= timedelta(0)


@pytest.mark.parametrize(
    "told", ["yesterday", "", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 30 Nov 2026 20:00:00 -0000", "Thu, 01 Jan 1970"]
)
def test_a_time_that_is_none_tells_nothing(told: str) -> None:
    store = BlobStore(UNREACHABLE)
    with responses.RequestsMock() as web:
        web.head("http://127.0.0.1:9/a/images/a.jpg", status=404, headers={"Date": told})
        assert store.clock_ahead is None
        assert store.head("images", "a.jpg") is None
        assert store.clock_ahead is None


def test_an_empty_blob_is_a_blob(blobs: Blobs, container: str) -> None:
    put(blobs, container, data=b"")
    assert content(blobs, container) == b""


def test_a_blob_larger_than_one_range_is_read_whole(blobs: Blobs, container: str) -> None:
    """It comes in parts of 4 MB."""
    data = bytes(range(256)) * (33 * 4096)
    put(blobs, container, data=data)
    read = content(blobs, container)
    assert hashlib.sha256(read or b"").digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(("data", "beginning"), [(b"", b""), (b"12", b"12"), (b"1234", b"123"), (b"x" * 10**6, b"xxx")])
def test_the_beginning_of_a_blob_can_be_had_without_the_rest(
    blobs: Blobs, container: str, data: bytes, beginning: bytes
) -> None:
    put(blobs, container, data=data)
    assert blobs.beginning(container, "a.txt", 3) == beginning
    assert blobs.beginning(container, "absent", 3) is None


def test_an_append_blob_grows_block_by_block_and_is_read_from_any_place(blobs: Blobs, container: str) -> None:
    assert blobs.append(container, "tail", b"lost") is False
    assert blobs.read_from(container, "tail", 0) is None
    assert blobs.begin_appends(container, "tail") is True
    empty = blobs.read_from(container, "tail", 0)
    assert empty is not None
    assert (empty.data, empty.info.size) == (b"", 0)
    assert blobs.append(container, "tail", b"one\n") is True
    assert blobs.append(container, "tail", b"two\n") is True
    assert blobs.begin_appends(container, "tail") is False
    rest = blobs.read_from(container, "tail", 4)
    assert rest is not None
    assert (rest.data, rest.info.size, rest.info.name) == (b"two\n", 8, "tail")
    assert content(blobs, container, "tail") == b"one\ntwo\n"
    (listed,) = blobs.page(container).items
    for beyond in (8, 9):
        end = blobs.read_from(container, "tail", beyond)
        assert end is not None
        assert (end.data, end.info.size, end.info.etag) == (b"", 8, listed.etag)
    blobs.delete(container, "tail", etag=listed.etag)
    assert blobs.append(container, "tail", b"three") is False


def test_an_append_blob_larger_than_one_range_is_read_to_its_end(blobs: Blobs, container: str) -> None:
    blobs.begin_appends(container, "tail")
    blocks = [bytes([number]) * (2 * 1024**2) for number in range(1, 6)]
    for block in blocks:
        assert blobs.append(container, "tail", block)
    for offset in (0, 1, 2 * 1024**2):  # from the last one, the rest ends with a part
        found = blobs.read_from(container, "tail", offset)
        assert found is not None
        assert (found.info.size, len(found.data)) == (10 * 1024**2, 10 * 1024**2 - offset)
        assert found.data == b"".join(blocks)[offset:]


def test_a_block_is_added_only_where_the_blob_has_the_length_that_its_writer_knows(
    blobs: Blobs, container: str
) -> None:
    blobs.begin_appends(container, "tail")
    assert blobs.append(container, "tail", b"one", at=0) is True
    # As a repetition does, whose first attempt has come.
    assert blobs.append(container, "tail", b"one", at=0) is False
    assert blobs.append(container, "tail", b"two", at=4) is False
    assert blobs.append(container, "tail", b"two", at=3) is True
    assert content(blobs, container, "tail") == b"onetwo"


def test_nothing_is_appended_to_a_blob_of_another_kind(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    assert blobs.begin_appends(container, "a.txt") is False
    assert blobs.append(container, "a.txt", b"two") is False
    assert content(blobs, container) == b"one"


def test_blocks_of_many_writers_at_once_are_all_there_and_whole(blobs: Blobs, container: str) -> None:
    blobs.begin_appends(container, "tail")
    blocks = [f"{number:03}{'x' * 500}\n".encode() for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda block: blobs.append(container, "tail", block), blocks))
    assert sorted((content(blobs, container, "tail") or b"").splitlines(keepends=True)) == blocks


@pytest.mark.parametrize("size", [1, BEGINNING_BYTES, 9 * 1024**2], ids=["one byte", "its beginning", "in parts"])
def test_of_a_blob_that_is_too_large_to_be_read_only_its_beginning_comes(
    blobs: Blobs, container: str, size: int
) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    put(blobs, container, data=data[:size])
    whole, too_large = (blobs.read(container, "a.txt", most=most) for most in (size, size - 1))
    assert whole
    assert too_large
    assert whole.data == data[:size]
    assert (too_large.info, too_large.data) == (whole.info, data[:size][:BEGINNING_BYTES])
    assert blobs.read(container, "absent", most=1) is None


def test_an_archived_blob_tells_what_it_is_and_not_its_bytes(azurite: Azurite, container: str) -> None:
    blobs = BlobStore(azurite.connection_string)
    etag = put(blobs, container)
    sdk = BlobServiceClient.from_connection_string(azurite.connection_string).get_blob_client(container, "a.txt")
    sdk.set_standard_blob_tier("Archive")
    for info in (blobs.head(container, "a.txt"), *blobs.page(container).items):
        assert info is not None
        assert (info.tier, info.etag) == ("Archive", etag)
    for read in (blobs.read, lambda *place: blobs.beginning(*place, 3)):
        with pytest.raises(ImageArchivedError, match=f"BlobArchived.*{container}/a.txt"):
            read(container, "a.txt")
    sdk.set_standard_blob_tier("Hot")
    assert content(blobs, container) == b"one"


def test_the_double_is_archived_as_storage_is(clock: FakeClock) -> None:
    blobs = MemoryBlobs(clock)
    etag = put(blobs, "c")
    blobs.tell("c", "a.txt", tier="Archive")
    assert [(info.tier, info.etag) for info in blobs.page("c").items] == [("Archive", etag)]
    for read in (blobs.read, lambda *place: blobs.beginning(*place, 3)):
        with pytest.raises(ImageArchivedError, match=r"BlobArchived.*c/a.txt"):
            read("c", "a.txt")


def test_a_copy_tells_how_it_ended(azurite: Azurite, container: str) -> None:
    blobs = BlobStore(azurite.connection_string)
    put(blobs, container)
    sdk = BlobServiceClient.from_connection_string(azurite.connection_string).get_container_client(container)
    copy, source = sdk.get_blob_client("copy.txt"), sdk.get_blob_client("a.txt")
    copy.start_copy_from_url(source.url)
    read = blobs.read(container, "copy.txt")
    infos = [blobs.head(container, "copy.txt"), read and read.info, *blobs.page(container, prefix="copy").items]
    assert [info and info.copy_status for info in infos] == ["success"] * 3


@responses.activate
@pytest.mark.parametrize("code", ["BlobArchived", "BlobBeingRehydrated"])
def test_what_storage_says_of_the_archive_tier_is_an_error_of_its_own(code: str) -> None:
    responses.get("http://127.0.0.1:9/a/c/a.txt", status=409, headers={"x-ms-error-code": code})
    with pytest.raises(ImageArchivedError, match=code):
        BlobStore(UNREACHABLE).read("c", "a.txt")


@responses.activate
@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "PathConflict"), (409, "ResourceTypeMismatch"), (400, "OperationNotSupportedOnDirectory")],
)
def test_a_directory_of_the_name_is_an_error_of_its_own_which_waiting_does_not_help(status: int, code: str) -> None:
    responses.put("http://127.0.0.1:9/a/c/a.txt", status=status, headers={"x-ms-error-code": code})
    with pytest.raises(StorageNameTakenError, match=code) as error:
        put(BlobStore(UNREACHABLE), "c")
    assert (error.value.code, error.value.transient) == ("name_taken", False)


@responses.activate
@pytest.mark.parametrize("hierarchical", [True, False])
def test_the_answers_about_blobs_tell_whether_directories_are_real(hierarchical: bool) -> None:
    owner = {"x-ms-owner": "$superuser"} if hierarchical else {}
    responses.head("http://127.0.0.1:9/a/c/a.txt", headers={"ETag": '"0x1"', **owner})
    blobs = BlobStore(UNREACHABLE)
    assert not blobs.has_directories
    blobs.head("c", "a.txt")
    assert blobs.has_directories is hierarchical


@pytest.mark.parametrize("size", [0, 1, 40 * 1024 * 1024], ids=["empty", "one byte", "several ranges"])
def test_a_digest_is_that_of_the_whole_content(blobs: Blobs, container: str, size: int) -> None:
    data = bytes(size)
    etag = put(blobs, container, data=data)
    digest = blobs.digest(container, "a.txt")
    assert digest is not None
    assert (digest.info.etag, digest.info.size) == (etag, size)
    assert (digest.sha256, digest.md5) == (hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


def test_an_edit_changes_the_etag_and_only_set_blob_properties_takes_the_md5(azurite: Azurite, container: str) -> None:
    """As learn.microsoft.com says of Set Blob Metadata and Set Blob Properties, which removes what is left out."""
    from azure.storage.blob import BlobServiceClient, ContentSettings

    blobs = BlobStore(azurite.connection_string)
    etags = [put(blobs, container)]
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        blob = service.get_blob_client(container, "a.txt")
        for edit, md5 in (
            (lambda: blob.set_blob_metadata({"album": "holiday"}), hashlib.md5(b"one").digest()),
            (lambda: blob.set_http_headers(ContentSettings(content_type="image/png")), None),
        ):
            edit()
            info = blobs.head(container, "a.txt")
            assert info is not None
            assert info.md5 == md5
            etags.append(info.etag)
    assert len(set(etags)) == 3
    assert content(blobs, container) == b"one"


def test_a_missing_blob_is_none(blobs: Blobs, container: str) -> None:
    put(blobs, container, "other.txt")
    assert blobs.head(container, "a.txt") is None
    assert blobs.read(container, "a.txt") is None
    assert blobs.digest(container, "a.txt") is None
    blobs.delete(container, "a.txt")


def test_a_missing_container_is_as_good_as_empty(blobs: Blobs, container: str) -> None:
    assert blobs.head(container, "a.txt") is None
    assert blobs.read(container, "a.txt") is None
    assert blobs.page(container).items == []
    assert not blobs.acquire(container, "a.txt", lease_id(), LEASE_SECONDS)
    blobs.delete(container, "a.txt")


def test_writing_makes_the_missing_container(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    assert content(blobs, container) == b"one"


def test_two_writers_may_make_the_container_at_once(blobs: Blobs, container: str) -> None:
    barrier = threading.Barrier(4)
    problems: list[Exception] = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            put(blobs, container, f"{number}.txt")
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(blobs.page(container).items) == 4


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_odd_names_are_kept_as_they_are(blobs: Blobs, container: str, name: str) -> None:
    put(blobs, container, name, b"mine")
    assert content(blobs, container, name) == b"mine"
    assert [info.name for info in blobs.page(container).items] == [name]
    blobs.delete(container, name)
    assert blobs.page(container).items == []


def test_each_write_changes_the_etag(blobs: Blobs, container: str) -> None:
    first = put(blobs, container)
    second = put(blobs, container)
    assert first != second
    info = blobs.head(container, "a.txt")
    assert info is not None
    assert info.etag == second


def test_only_if_missing_writes_once(blobs: Blobs, container: str) -> None:
    blobs.write(container, "a.txt", b"one", content_type="text/plain", condition=IfEtag(None))
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"two", content_type="text/plain", condition=IfEtag(None))
    assert content(blobs, container) == b"one"


def test_of_many_creators_at_once_one_wins(blobs: Blobs, container: str) -> None:
    put(blobs, container, "makes-the-container.txt")
    barrier = threading.Barrier(6)
    won: list[int] = []

    def create(number: int) -> None:
        barrier.wait()
        try:
            blobs.write(container, "a", str(number).encode(), content_type="text/plain", condition=IfEtag(None))
        except ConflictError:
            return
        won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert content(blobs, container, "a") == str(won[0]).encode()


def test_only_if_unchanged_refuses_after_another_writer(blobs: Blobs, container: str) -> None:
    first = put(blobs, container)
    second = blobs.write(container, "a.txt", b"two", content_type="text/plain", condition=IfEtag(first))
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"three", content_type="text/plain", condition=IfEtag(first))
    assert content(blobs, container) == b"two"
    assert second != first


def test_only_if_unchanged_refuses_a_blob_that_is_gone(blobs: Blobs, container: str) -> None:
    etag = put(blobs, container)
    blobs.delete(container, "a.txt")
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"two", content_type="text/plain", condition=IfEtag(etag))
    assert blobs.head(container, "a.txt") is None


def test_deleting_another_version_is_refused(blobs: Blobs, container: str) -> None:
    first = put(blobs, container)
    second = put(blobs, container)
    with pytest.raises(ConflictError):
        blobs.delete(container, "a.txt", etag=first)
    blobs.delete(container, "a.txt", etag=second)
    assert blobs.head(container, "a.txt") is None


def test_a_blob_is_deleted_with_its_snapshots(azurite: Azurite, container: str) -> None:
    store = BlobStore(azurite.connection_string)
    store.write(container, "a", b"1", content_type="text/plain")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        client = service.get_container_client(container)
        client.get_blob_client("a").create_snapshot()
        store.delete(container, "a")
        assert list(client.list_blobs(include=["snapshots"])) == []


def test_a_lease_keeps_others_from_leasing_writing_and_deleting(blobs: Blobs, container: str) -> None:
    etag = put(blobs, container)
    mine = lease_id()
    assert blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    assert not blobs.acquire(container, "a.txt", lease_id(), LEASE_SECONDS)
    with pytest.raises(BlobLockedError):
        put(blobs, container)
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"two", content_type="text/plain", lease=lease_id())
    with pytest.raises(BlobLockedError):
        blobs.delete(container, "a.txt")
    with pytest.raises(ConflictError):
        blobs.delete(container, "a.txt", lease=lease_id())
    info = blobs.head(container, "a.txt")
    assert info is not None
    assert info.etag == etag


def test_the_holder_writes_and_keeps_the_lease(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    mine = lease_id()
    blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    blobs.write(container, "a.txt", b"two", content_type="text/plain", lease=mine)
    assert content(blobs, container) == b"two"
    assert not blobs.acquire(container, "a.txt", lease_id(), LEASE_SECONDS)
    assert blobs.renew(container, "a.txt", mine)


def test_the_holder_deletes(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    mine = lease_id()
    blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    blobs.delete(container, "a.txt", lease=mine)
    assert blobs.head(container, "a.txt") is None
    assert not blobs.renew(container, "a.txt", mine)


def test_acquiring_twice_under_one_id_is_one_lease(blobs: Blobs, container: str) -> None:
    """A retried request must not lock its own caller out."""
    put(blobs, container)
    mine = lease_id()
    assert blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    assert blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)


def test_a_released_lease_is_anybodys(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    mine, theirs = lease_id(), lease_id()
    blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    blobs.release(container, "a.txt", mine)
    assert blobs.acquire(container, "a.txt", theirs, LEASE_SECONDS)
    assert not blobs.renew(container, "a.txt", mine)
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"late", content_type="text/plain", lease=mine)
    assert blobs.renew(container, "a.txt", theirs)


def test_releasing_what_one_does_not_hold_does_nothing(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    mine = lease_id()
    blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    blobs.release(container, "a.txt", lease_id())
    assert blobs.renew(container, "a.txt", mine)
    blobs.release(container, "gone.txt", mine)


def test_a_lease_is_refused_where_the_blob_is_another_version(blobs: Blobs, container: str) -> None:
    first = put(blobs, container)
    second = put(blobs, container)
    assert not blobs.acquire(container, "a.txt", lease_id(), LEASE_SECONDS, etag=first)
    assert blobs.acquire(container, "a.txt", lease_id(), LEASE_SECONDS, etag=second)


def test_leasing_changes_no_etag(blobs: Blobs, container: str) -> None:
    etag = put(blobs, container)
    mine = lease_id()
    blobs.acquire(container, "a.txt", mine, LEASE_SECONDS)
    blobs.renew(container, "a.txt", mine)
    blobs.release(container, "a.txt", mine)
    info = blobs.head(container, "a.txt")
    assert info is not None
    assert info.etag == etag


def test_writing_under_a_lease_that_was_never_taken_is_refused(blobs: Blobs, container: str) -> None:
    put(blobs, container)
    with pytest.raises(ConflictError):
        blobs.write(container, "a.txt", b"two", content_type="text/plain", lease=lease_id())
    assert content(blobs, container) == b"one"


def test_a_listing_comes_page_by_page_in_the_order_of_the_names(blobs: Blobs, container: str) -> None:
    wanted = [f"{number:02}.jpg" for number in range(7)]
    for name in reversed(wanted):
        put(blobs, container, name)
    seen: list[list[str]] = []
    continuation = None
    while True:
        page = blobs.page(container, limit=3, continuation=continuation)
        seen.append([info.name for info in page.items])
        continuation = page.continuation
        if continuation is None:
            break
    assert seen == [wanted[0:3], wanted[3:6], wanted[6:]]


def test_a_listing_that_ends_with_a_full_page_has_no_continuation(blobs: Blobs, container: str) -> None:
    for name in ("a", "b"):
        put(blobs, container, name)
    assert blobs.page(container, limit=2).continuation is None


def test_a_listing_tells_what_a_head_tells(blobs: Blobs, container: str) -> None:
    blobs.write(container, "a", b"1", content_type="image/png", metadata={"sourceetag": "0x2"}, cache_control="private")
    assert blobs.page(container).items == [blobs.head(container, "a")]


def test_a_listing_keeps_to_its_prefix(blobs: Blobs, container: str) -> None:
    for name in ("analysis/a", "analysis/b", "thumbnails/a"):
        put(blobs, container, name)
    assert [info.name for info in blobs.page(container, prefix="analysis/").items] == ["analysis/a", "analysis/b"]
    assert blobs.page(container, prefix="nothing").items == []


def test_an_address_has_no_signature_and_escapes_the_name(blobs: Blobs) -> None:
    url = blobs.url("thumbnails", "a b/c#d.jpg")
    assert url.endswith("/thumbnails/a%20b/c%23d.jpg")
    assert "?" not in url


def test_a_lapsed_lease_is_taken_over_and_its_holder_locked_out(clock: FakeClock) -> None:
    """On the double alone: storage's shortest lease is 15 s, and its clock is its own."""
    blobs = MemoryBlobs(clock)
    mine, theirs = lease_id(), lease_id()
    put(blobs, "c")
    assert blobs.acquire("c", "a.txt", mine, LEASE_SECONDS)
    clock.advance(LEASE_SECONDS - 1)
    assert blobs.renew("c", "a.txt", mine)
    clock.advance(LEASE_SECONDS - 1)
    assert not blobs.acquire("c", "a.txt", theirs, LEASE_SECONDS)
    clock.advance(1)
    assert blobs.acquire("c", "a.txt", theirs, LEASE_SECONDS)
    assert not blobs.renew("c", "a.txt", mine)
    with pytest.raises(ConflictError):
        blobs.write("c", "a.txt", b"late", content_type="text/plain", lease=mine)


def test_a_lapsed_lease_that_nobody_took_is_renewed_but_does_not_write(clock: FakeClock) -> None:
    """As Azure Storage documents it: a write needs an active lease; a renewal only that nobody has come between."""
    blobs = MemoryBlobs(clock)
    mine = lease_id()
    put(blobs, "c")
    blobs.acquire("c", "a.txt", mine, LEASE_SECONDS)
    clock.advance(LEASE_SECONDS)
    with pytest.raises(ConflictError):
        blobs.write("c", "a.txt", b"late", content_type="text/plain", lease=mine)
    assert blobs.renew("c", "a.txt", mine)
    clock.advance(LEASE_SECONDS)
    put(blobs, "c", data=b"somebody else's")
    assert not blobs.renew("c", "a.txt", mine)


def test_the_double_is_as_strict_as_azure_where_azurite_is_not(clock: FakeClock) -> None:
    """Azure Storage answers 400 to a name of more than 1,024 characters, and 412 to a lease on a blob that is not."""
    blobs = MemoryBlobs(clock)
    with pytest.raises(StorageRefusedError):
        put(blobs, "c", "n" * 1025)
    with pytest.raises(ConflictError):
        blobs.write("c", "new.txt", b"two", content_type="text/plain", lease=lease_id())
    with pytest.raises(StorageRefusedError):
        blobs.page("c", continuation="no token of ours")


def test_the_hook_of_the_double_comes_before_each_operation(clock: FakeClock) -> None:
    blobs = MemoryBlobs(clock)
    seen: list[tuple[str, str, str]] = []

    def meddle(operation: str, container: str, name: str) -> None:
        seen.append((operation, container, name))
        blobs.write(container, name, b"meddled", content_type="text/plain")

    put(blobs, "c", "a.txt", b"mine")
    blobs.before = meddle
    assert content(blobs, "c", "a.txt") == b"meddled"
    assert seen == [("read", "c", "a.txt")]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, StorageRefusedError),
        (403, StorageDeniedError),
        (409, ConflictError),
        (412, ConflictError),
        (500, StorageError),
    ],
)
def test_each_refusal_of_storage_has_its_error(
    status: int, kind: type[BlobsightError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused request is told with storage's own code; the connection's key is in none of it."""
    monkeypatch.setattr("shared.storage.azure._RETRIES", 0)
    store = BlobStore(UNREACHABLE)
    with responses.RequestsMock() as service:
        service.get("http://127.0.0.1:9/a/images", status=status, headers={"x-ms-error-code": "OutOfRangeInput"})
        with pytest.raises(kind, match=f"{status} .OutOfRangeInput. for images/") as caught:
            store.page("images", continuation="bad")
    assert type(caught.value) is kind
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("reason", ["InvalidHeaderValue", "AuthenticationFailed", "Md5Mismatch", ""])
def test_a_400_about_anything_but_a_name_or_a_continuation_is_no_callers_mistake(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.azure._RETRIES", 0)
    with responses.RequestsMock() as service:
        service.put("http://127.0.0.1:9/a/quota/a.json", status=400, headers={"x-ms-error-code": reason})
        with pytest.raises(StorageError) as caught:
            put(BlobStore(UNREACHABLE), "quota", "a.json")
    assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")


def test_storage_that_is_not_there_is_a_storage_error_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.azure._RETRIES", 0)
    store = BlobStore(UNREACHABLE)
    with pytest.raises(StorageError) as caught:
        store.head("images", "a.jpg")
    assert not isinstance(caught.value, ConflictError)
    assert caught.value.transient
    assert caught.value.status == 503
    assert "images/a.jpg" in caught.value.message
    assert "c2VjcmV0" not in str(caught.value)


def test_a_hurried_store_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.azure._RETRIES", 5)
    store = BlobStore(UNREACHABLE, hurried=True)
    with responses.RequestsMock() as service:
        service.head("http://127.0.0.1:9/a/images/a.jpg", status=503)
        with pytest.raises(StorageError):
            store.head("images", "a.jpg")
        assert len(service.calls) == 1


@pytest.mark.parametrize("hurried", [False, True])
def test_storage_that_never_answers_is_given_up(hurried: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.azure._RETRIES", 0)
    monkeypatch.setattr(f"shared.storage.azure.{'_HURRIED_SECONDS' if hurried else '_SECONDS'}", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = BlobStore(UNREACHABLE.replace(":9/", f":{silent.getsockname()[1]}/"), hurried=hurried)
        with pytest.raises(StorageError):
            store.head("images", "a.jpg")


def test_a_proxy_of_the_environment_is_used_and_an_account_that_needs_none_is_asked_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.storage.azure._RETRIES", 0)
    for name in ("no_proxy", "NO_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        asked = threading.Event()

        def answer() -> None:
            connection, _ = proxy.accept()
            with connection:
                if connection.recv(4096).startswith(b"HEAD http://127.0.0.1:9/a/images/a.jpg HTTP/1.1\r\n"):
                    asked.set()
                connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(StorageError, match="403"):
            BlobStore(UNREACHABLE).head("images", "a.jpg")
        thread.join()
    assert asked.is_set()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(StorageError, match="could not be asked"):
        BlobStore(UNREACHABLE).head("images", "a.jpg")


def test_of_many_blobs_only_the_latest_clients_are_remembered() -> None:
    store = BlobStore(UNREACHABLE)
    assert len({store.url("images", f"{number}.jpg") for number in range(400)}) == 400
    assert store._blob.cache_info().currsize < 400


def test_a_wrong_account_key_is_a_storage_error(azurite: Azurite) -> None:
    wrong = azurite.connection_string.replace("AccountKey=", "AccountKey=AAAA")
    with pytest.raises(StorageDeniedError, match="403") as caught:
        BlobStore(wrong).page("images", limit=1)
    assert "correct the key in ImagesStorage" in caught.value.action


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (412, "LeaseIdMissing", BlobLockedError),
        (409, "BlobImmutableDueToPolicy", BlobLockedError),
        (412, "ConditionNotMet", ConflictError),
        (409, "PendingCopyOperation", ConflictError),
        (409, "BlobArchived", ImageArchivedError),
    ],
)
@responses.activate
def test_why_a_blob_cannot_be_overwritten_is_told_apart(status: int, reason: str, kind: type[BlobsightError]) -> None:
    responses.put("http://127.0.0.1:9/a/c/a.txt", status=status, headers={"x-ms-error-code": reason})
    with pytest.raises(kind) as caught:
        put(BlobStore(UNREACHABLE), "c")
    assert type(caught.value) is kind
    assert reason in caught.value.message
