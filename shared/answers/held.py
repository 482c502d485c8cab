"""A claim that this process holds, and how its lease is kept while the service is asked."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from shared import log, names, threads
from shared.errors import StorageError
from shared.json_types import Json
from shared.storage.blobs import Blobs

# Azure Storage takes 15 to 60. The shortest, because it is how long an image waits after a crash.
LEASE_SECONDS = 15
RENEW_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class Held(NamedTuple):
    """
    A claim that this call holds.

    Attributes:
        name: the blob's.
        lease: the lease's id, and that of the first call to the service.
        calls: those of the tries before, if it was taken over from a holder that is gone or had no answer.
        is_new: whether it was made now, and so has the id of the first call already.
    """

    name: str
    lease: str
    calls: Sequence[Json] = ()
    is_new: bool = False


@contextmanager
def keeping(blobs: Blobs, held: Held) -> Iterator[None]:
    """Renew the lease until the work is done."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            with suppress(StorageError):
                if not blobs.renew(names.CACHE, held.name, held.lease):
                    log.event(_logger, "claim.lost", level=logging.WARNING, claim=held.name)
                    return

    thread = threads.begin(f"claim {held.lease}", renew)
    try:
        yield
    finally:
        done.set()
        thread.join()


def lease_id() -> str:
    """A lease's id, which Azure Storage wants to be a GUID."""
    import uuid  # here, because it asks for the platform when imported; the storage SDK has done so long since

    return str(uuid.uuid4())
