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
