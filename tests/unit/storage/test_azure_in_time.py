"""Storage that hangs, drips or fails, and how long who asks it is kept."""

import threading
import time
from collections.abc import Callable

import pytest
import responses
from doubles.clock import FakeClock
from doubles.dripping import dripping

from shared.clock import SystemClock
from shared.errors import StorageError
from shared.storage.azure import BlobStore
from shared.storage.bulkhead import Bulkhead
from shared.transport import time_budget

ACCOUNT = "AccountName=a;AccountKey=c2VjcmV0LWtleQ==;BlobEndpoint=http://127.0.0.1:{port}/a;"
MAX_WAIT_SECONDS = 0.5
# The promise is 2 s, which a virtual clock checks elsewhere. A busy machine takes longer; no deadline is 30 s.
LATE_SECONDS = 15.0
OPERATIONS: dict[str, Callable[[BlobStore], object]] = {
    "head": lambda store: store.head("images", "a.jpg"),
    "read": lambda store: store.read("images", "a.jpg"),
    "beginning": lambda store: store.beginning("images", "a.jpg", 10),
    "write": lambda store: store.write("images", "a.jpg", b"a" * 300_000, content_type="image/jpeg"),
    "page": lambda store: store.page("images"),
    "renew": lambda store: store.renew("images", "a.jpg", "00000000-0000-0000-0000-000000000000"),
}
_HEAD = (
    b"HTTP/1.1 206 Some\r\nContent-Length: 100000\r\nContent-Range: bytes 0-99999/100000\r\n"
    b'ETag: "0x1"\r\nContent-Type: application/xml\r\n\r\n'
)
# What a connection is sent, after how many seconds each.
DRIPS: dict[str, list[bytes]] = {
    "nothing": [],
    "the status line, byte by byte": [bytes([byte]) for byte in _HEAD * 100],
    "the body, byte by byte": [_HEAD] + [b"x"] * 10_000,
}


@pytest.mark.parametrize(
    ("operation", "drip"),
    [
        (operation, drip)
        for operation in OPERATIONS
        for drip in DRIPS
        # The others' answers have no body that is waited for.
        if operation in ("read", "beginning", "page") or not drip.startswith("the body")
    ],
)
def test_a_caller_is_answered_in_time_however_storage_hangs(operation: str, drip: str) -> None:
    with dripping(DRIPS[drip]) as port:
        begun = time.monotonic()
        with time_budget.request(MAX_WAIT_SECONDS), pytest.raises(StorageError) as caught:
            OPERATIONS[operation](BlobStore(ACCOUNT.format(port=port)))
        assert time.monotonic() - begun < MAX_WAIT_SECONDS + LATE_SECONDS
    assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")
    assert "images/" in caught.value.message
    assert "c2VjcmV0" not in str(caught.value)


def test_many_operations_of_one_request_share_its_time() -> None:
    with dripping() as port, time_budget.request(MAX_WAIT_SECONDS):
        store, begun = BlobStore(ACCOUNT.format(port=port)), time.monotonic()
        for _ in range(50):
            with pytest.raises(StorageError):
                store.head("images", "a.jpg")
        assert time.monotonic() - begun < MAX_WAIT_SECONDS + LATE_SECONDS


def test_the_background_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.azure._SECONDS", MAX_WAIT_SECONDS)
    with dripping(DRIPS["the body, byte by byte"]) as port:
        begun = time.monotonic()
        with pytest.raises(StorageError, match="did not answer in time"):
            BlobStore(ACCOUNT.format(port=port)).read("images", "a.jpg")
        assert time.monotonic() - begun < MAX_WAIT_SECONDS + LATE_SECONDS


@pytest.mark.parametrize(("seconds", "attempts"), [(20.0, 2), (600.0, 4), (0.5, 1)])
def test_a_caller_is_not_kept_for_as_many_attempts_as_the_background(
    seconds: float, attempts: int, clock: FakeClock
) -> None:
    """Each wait between attempts is the invocation's, on its clock, and none goes beyond its end."""
    with responses.RequestsMock() as service, time_budget.request(seconds, clock):
        service.head("http://127.0.0.1:9/a/images/a.jpg", status=500)
        with pytest.raises(StorageError, match="500"):
            BlobStore(ACCOUNT.format(port=9)).head("images", "a.jpg")
        assert len(service.calls) == attempts
    assert len(clock.sleeps) == attempts - 1
    assert clock.now() < min(seconds, 30)


def test_who_has_no_time_left_asks_nobody(clock: FakeClock) -> None:
    with responses.RequestsMock() as service, time_budget.request(1, clock):
        clock.advance(1)
        with pytest.raises(StorageError, match="no time left"):
            BlobStore(ACCOUNT.format(port=9)).head("images", "a.jpg")
        assert not service.calls


def test_callers_of_storage_that_hangs_leave_half_of_the_threads_to_others() -> None:
    """Sixteen callers and a silent account: eight wait, and eight are refused as soon as that is clear."""
    refused, waited = threading.Semaphore(0), threading.Semaphore(0)

    with dripping() as port:
        store = BlobStore(ACCOUNT.format(port=port), bulkhead=Bulkhead(8, SystemClock()))

        def ask() -> None:
            with time_budget.request(30), pytest.raises(StorageError) as caught:
                store.head("images", "a.jpg")
            (refused if "too many wait" in caught.value.message else waited).release()

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(16)]
        for thread in threads:
            thread.start()
        assert all(refused.acquire(timeout=110) for _ in range(8))
        assert not waited.acquire(blocking=False)
        with time_budget.request(30), pytest.raises(StorageError, match="too many wait") as caught:
            store.head("images", "a.jpg")
        assert caught.value.retry_after_seconds
        # What nobody waits for has threads of its own, and no place.
        with pytest.raises(StorageError, match="did not answer in time"), time_budget.within(0.2):
            store.head("images", "a.jpg")
    for thread in threads:
        thread.join(60)
