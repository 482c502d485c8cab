"""
What callers send to be worked on after their request: kept until the Read or the operation needs it no more.

Each request keeps its document under a name of its own, which its job carries. So no two requests destroy or mix each
other's documents, and a job deletes its own blobs only. A process that dies between two steps leaves at most blobs that
no job names; the daily purge deletes these.

An address can open a private file by itself. It lies encrypted, and its key in another container, so that neither blob
alone tells it; only OcrSubmit and OperationStep read both.
"""

import logging
import os
from collections.abc import Awaitable
from typing import Protocol, Self, TypeVar

from shared import log, names, services
from shared.durable.orchestrators import Kind
from shared.errors import StorageError
from shared.services import App
from shared.storage.blobs import Blobs

_logger = logging.getLogger(__name__)


class Kept(Protocol):
    """A job whose request has sent bytes or an address: `shared.durable.read_job.Job` and operations."""

    @property
    def kind(self) -> Kind:
        """What it is about; of an `image` nothing is kept."""

    @property
    def subject(self) -> str:
        """A digest of the bytes or of the address."""

    @property
    def input(self) -> str:
        """Under which name the request has kept them; empty where it has not."""

    @property
    def input_name(self) -> str:
        """The name of the blobs in the containers `inputs` and `keys`."""

    def with_input(self, token: str) -> Self:
        """The same job, kept under that name."""


_Kept = TypeVar("_Kept", bound=Kept)


def keep(host: Blobs, job: _Kept, content: bytes) -> _Kept:
    """
    Keep the bytes to be worked on, or the whole address, until `drop`; returns the job that knows where.

    Raises:
        StorageError: it could not be stored; the blobs that are there by then tell nothing.
    """
    job = job.with_input(os.urandom(16).hex())
    if job.kind == "url":
        content = _sealed(host, job, content)
    host.write(names.INPUTS, job.input_name, content, content_type=names.BYTES)
    return job


def read(host: Blobs, job: Kept) -> bytes | None:
    """
    The bytes, or the whole address, that were kept; None if they are not (or no longer) there.

    Raises:
        StorageError: storage did not answer.
    """
    blob = host.read(names.INPUTS, job.input_name)
    if blob is None or job.kind != "url":
        return blob.data if blob else None
    key = host.read(names.KEYS, job.input_name)
    return _opened(blob.data, key.data) if key else None


def drop(host: Blobs, job: Kept) -> None:
    """
    Delete the document or address of this job. It may be gone already.

    Storage that fails is no reason to fail the job: the daily purge deletes the rest. It alone deletes bytes that the
    version before has stored, because other jobs may need them.
    """
    containers = {"url": (names.KEYS, names.INPUTS), "bytes": (names.INPUTS,)}.get(job.kind, ())
    for container in containers if job.input else ():
        try:
            host.delete(container, job.input_name)
        except StorageError as error:
            log.event(_logger, "input.left", level=logging.WARNING, subject=job.subject[:16], problem=error)


async def dropped_unless_needed(app: App, job: Kept, handing_over: Awaitable[bool]) -> None:
    """
    Hand a job over; delete what its request has kept unless it is this very job that is under way.

    Raises:
        StorageError: it could not be handed over.
    """
    needed = False
    try:
        needed = await handing_over
    finally:
        if not needed:
            await services.in_thread(app.threads, lambda: drop(app.host, job))


def _sealed(host: Blobs, job: Kept, content: bytes) -> bytes:
    # Imported where an address is sealed or opened: few requests bring one, and its import costs every cold start.
    from cryptography.fernet import Fernet

    key = Fernet.generate_key()
    host.write(names.KEYS, job.input_name, key, content_type=names.BYTES)
    return Fernet(key).encrypt(content)


def _opened(sealed: bytes, key: bytes) -> bytes | None:
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(key).decrypt(sealed)
    except (ValueError, InvalidToken):  # one of the two blobs was overwritten
        return None
