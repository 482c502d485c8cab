"""Storage that does what it is told, and whose answer is lost on the way."""

from typing import Any

from doubles.memory import MemoryBlobs

from shared.errors import StorageError


def lose_answers(blobs: MemoryBlobs, container: str, error: StorageError, *, operation: str = "write") -> None:
    """
    Let the next *operation* in the container arrive, and raise *error* instead of its answer.

    A ConflictError is what the app sees where the storage client repeats a conditional write by itself: the repetition
    finds the blob changed, by the first attempt.
    """
    real = getattr(blobs, operation)
    lost = [error]

    def flaky(where: str, *given: Any, **options: Any) -> Any:
        answer = real(where, *given, **options)
        if where == container and lost:
            raise lost.pop()
        return answer

    setattr(blobs, operation, flaky)
