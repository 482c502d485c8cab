from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs

from shared.storage.remembered import Remembered


def test_what_was_asked_for_last_is_remembered_and_all_else_is_the_accounts() -> None:
    blobs = MemoryBlobs(FakeClock())
    seen = Remembered(blobs)
    account = seen.as_blobs()
    assert account.head("c", "a") is None
    assert seen.found == {("c", "a"): None}
    first = account.write("c", "a", b"1", content_type="text/plain")
    assert account.read("c", "a") == blobs.read("c", "a")
    assert seen.found["c", "a"] == blobs.read("c", "a").info  # type: ignore[union-attr]
    assert account.write("c", "a", b"2", content_type="text/plain") != first
    assert account.head("c", "a") == blobs.head("c", "a") == seen.found["c", "a"]
    assert account.page("c") == blobs.page("c")
    assert account.has_directories is False
    assert account.read("c", "none") is None
    assert seen.found["c", "none"] is None


def test_a_blob_that_was_read_ahead_is_read_once() -> None:
    blobs = MemoryBlobs(FakeClock())
    blobs.write("c", "a", b"1", content_type="text/plain")
    asked: list[tuple[str, str]] = []
    blobs.before = lambda operation, container, name: asked.append((operation, name))
    seen = Remembered(blobs)
    first, none = seen.read_ahead("c", "a"), seen.read_ahead("c", "none")
    assert (seen.read("c", "a"), seen.read("c", "none")) == (first, none) == (first, None)
    assert asked == [("read", "a"), ("read", "none")]
    assert first
    assert seen.found == {("c", "a"): first.info, ("c", "none"): None}
    blobs.write("c", "a", b"2", content_type="text/plain")
    assert seen.read("c", "a") == blobs.read("c", "a") != first
