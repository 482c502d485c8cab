"""An account in memory that behaves like the real one: tests/unit/storage/test_azure.py runs the same on both."""

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from shared.clock import Clock
from shared.errors import BlobLockedError, ConflictError, ImageArchivedError, StorageNameTakenError, StorageRefusedError
from shared.names import MAX_BLOB_NAME_CHARACTERS
from shared.storage.blobs import BEGINNING_BYTES, Blob, BlobInfo, Digest, IfEtag, Kept, Page

# Of an append blob, as Azure Storage has it.
MOST_BLOCKS = 50_000

Hook = Callable[[str, str, str], None]


@dataclass
class _Lease:
    """Kept after it has lapsed: its holder may renew it as long as nobody else has touched the blob."""

    identifier: str
    seconds: int
    until: float


@dataclass
class _Stored:
    blob: Blob
    lease: _Lease | None = None
    # Of an append blob: how many blocks it has.
    blocks: int | None = None


class MemoryBlobs:
    """
    `shared.storage.blobs.Blobs` in memory. Safe for threads.

    Args:
        clock: tells when leases lapse.
        before: called as `before(operation, container, name)` before each operation, outside the lock, so that it can
            let another writer come first; what it does on these blobs itself does not call it again. `operation` is
            the method's name; `name` is the prefix for `page`. May be set later as an attribute.

    Attributes:
        has_directories: whether directories are real, as in Data Lake Storage Gen2: they are made with the first blob
            in them, stay, are listed, and have no blob of their name. May be set while there is no blob.
        clock_ahead: by how much the times that it tells are ahead of the clock.
    """

    def __init__(self, clock: Clock, before: Hook | None = None) -> None:
        self.before = before
        self.has_directories = False
        self.clock_ahead = timedelta(0)
        self._clock = clock
        self._lock = threading.RLock()
        self._containers: dict[str, dict[str, _Stored]] = {}
        self._versions = itertools.count(1)
        self._inside_hook = threading.local()

    def contents(self, container: str) -> dict[str, bytes]:
        """Every blob of the container with its content, in the order of the names."""
        with self._lock:
            stored = self._containers.get(container, {})
            return {name: stored[name].blob.data for name in sorted(stored)}

    def everything(self) -> list[tuple[str, str, BlobInfo, bytes]]:
        """Every blob: container, name, what a HEAD tells, content."""
        with self._lock:
            return [
                (container, name, stored.blob.info, stored.blob.data)
                for container, blobs in self._containers.items()
                for name, stored in blobs.items()
            ]

    def tell(self, container: str, name: str, **known: str | None) -> None:
        """Change what a HEAD tells of a blob, as a change of its tier or the end of a copy does; its ETag stays."""
        with self._lock:
            stored = self._containers[container][name]
            stored.blob = stored.blob._replace(info=stored.blob.info._replace(**known))

    def edit(self, container: str, name: str, **properties: Any) -> str:
        """Set properties of a blob (members of `BlobInfo`): its bytes stay, and its ETag becomes another one."""
        with self._operation("edit", container, name):
            stored = self._containers[container][name]
            info = stored.blob.info._replace(etag=f"0x{next(self._versions):016X}", **properties)
            stored.blob = Blob(info, stored.blob.data)
            return info.etag

    def rename(self, container: str, former: str, name: str) -> None:
        """Give a file, or a directory with all in it, another name; ETags and times stay. Only with directories."""
        with self._lock:
            stored = self._containers[container]
            self._make_directories(container, name)
            for each in [each for each in stored if each == former or each.startswith(f"{former}/")]:
                moved = stored.pop(each)
                info = moved.blob.info._replace(name=name + each.removeprefix(former))
                stored[info.name] = _Stored(Blob(info, moved.blob.data))

    def restore(self, container: str, blob: Blob) -> None:
        """Put a blob back as it was once, with its ETag."""
        with self._lock:
            self._containers.setdefault(container, {})[blob.info.name] = _Stored(blob)

    def url(self, container: str, name: str) -> str:
        return f"https://memory.invalid/{container}/{quote(name, safe='~/')}"

    def head(self, container: str, name: str) -> BlobInfo | None:
        with self._operation("head", container, name):
            stored = self._find(container, name)
            return stored.blob.info if stored else None

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:
        with self._operation("read", container, name):
            blob = self._readable(container, name)
            if blob is None or most is None or blob.info.size <= most:
                return blob
            return blob._replace(data=blob.data[:BEGINNING_BYTES])

    def digest(self, container: str, name: str) -> Digest | None:
        with self._operation("digest", container, name):
            blob = self._readable(container, name)
            if blob is None:
                return None
            info, data = blob
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            return Digest(info, hashlib.sha256(data).hexdigest(), md5)

    def beginning(self, container: str, name: str, count: int) -> bytes | None:
        with self._operation("beginning", container, name):
            blob = self._readable(container, name)
            return blob.data[:count] if blob else None

    def read_from(self, container: str, name: str, offset: int) -> Blob | None:
        with self._operation("read_from", container, name):
            blob = self._readable(container, name)
            return blob and blob._replace(data=blob.data[offset:])

    def begin_appends(self, container: str, name: str) -> bool:
        with self._operation("begin_appends", container, name):
            if self._find(container, name) is not None:
                return False
            now = self._clock.utc() + self.clock_ahead
            etag = f"0x{next(self._versions):016X}"
            info = BlobInfo(name, etag, 0, "application/octet-stream", metadata={}, modified=now, created=now)
            if self.has_directories:
                self._make_directories(container, name)
            self._containers.setdefault(container, {})[name] = _Stored(Blob(info, b""), blocks=0)
            return True

    def append(self, container: str, name: str, data: bytes, *, at: int | None = None) -> bool:
        with self._operation("append", container, name):
            stored = self._find(container, name)
            if stored is None or stored.blocks is None or stored.blocks >= MOST_BLOCKS:
                return False
            if at not in (None, stored.blob.info.size):
                return False
            stored.blocks += 1
            whole = stored.blob.data + data
            etag = f"0x{next(self._versions):016X}"
            info = stored.blob.info._replace(etag=etag, size=len(whole), modified=self._clock.utc() + self.clock_ahead)
            stored.blob = Blob(info, whole)
            return True

    def write(
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
        condition: IfEtag | None = None,
        lease: str | None = None,
    ) -> str:
        with self._operation("write", container, name):
            if not 0 < len(name) <= MAX_BLOB_NAME_CHARACTERS:
                raise StorageRefusedError(f"Blob storage answered 400 (InvalidUri) for {container}/{name}.")
            before = self._find(container, name)
            self._check(before, container, name, condition, lease)
            info = BlobInfo(
                name=name,
                etag=f"0x{next(self._versions):016X}",
                size=len(data),
                content_type=content_type,
                md5=hashlib.md5(data, usedforsecurity=False).digest(),
                metadata=dict(metadata or {}),
                cache_control=cache_control,
                modified=self._clock.utc() + self.clock_ahead,
                created=self._clock.utc() + self.clock_ahead,
                tier="Hot",
            )
            if self.has_directories:
                self._make_directories(container, name)
            kept = before.lease if before and lease else None
            self._containers.setdefault(container, {})[name] = _Stored(Blob(info, bytes(data)), kept)
            return info.etag

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:
        with self._operation("delete", container, name):
            stored = self._find(container, name)
            if stored is not None:
                self._check(stored, container, name, IfEtag(etag) if etag else None, lease)
                if self.has_directories and any(each.startswith(f"{name}/") for each in self._containers[container]):
                    raise ConflictError(f"Blob storage answered 409 (DirectoryIsNotEmpty) for {container}/{name}.")
                del self._containers[container][name]

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:
        after = _decoded(continuation) if continuation else ""
        with self._operation("page", container, prefix):
            stored = self._containers.get(container, {})
            # Where directories are real, a directory is listed before what is in it, and both before its neighbours.
            order: Callable[[str], Any] = (lambda name: name.split("/")) if self.has_directories else str
            found = [name for name in stored if name.startswith(prefix) and (not after or order(name) > order(after))]
            found.sort(key=order)
            items = [stored[name].blob.info for name in found[:limit]]
            return Page(items, _encoded(found[limit - 1]) if len(found) > limit else None)

    def kept(self, container: str, name: str) -> Kept:
        with self._operation("kept", container, name):
            return Kept()

    def acquire(self, container: str, name: str, lease: str, seconds: int, *, etag: str | None = None) -> bool:
        with self._operation("acquire", container, name):
            stored = self._find(container, name)
            if stored is None or (etag and stored.blob.info.etag != etag):
                return False
            holder = self._holder(stored)
            if holder is not None and holder.identifier != lease:
                return False
            stored.lease = _Lease(lease, seconds, self._clock.now() + seconds)
            return True

    def renew(self, container: str, name: str, lease: str) -> bool:
        with self._operation("renew", container, name):
            stored = self._find(container, name)
            if stored is None or stored.lease is None or stored.lease.identifier != lease:
                return False
            stored.lease.until = self._clock.now() + stored.lease.seconds
            return True

    def release(self, container: str, name: str, lease: str) -> None:
        with self._operation("release", container, name):
            stored = self._find(container, name)
            if stored and stored.lease and stored.lease.identifier == lease:
                stored.lease = None

    def _make_directories(self, container: str, name: str) -> None:
        """Make those above a blob of that name, or refuse it where a file is to be one or a directory has its name."""
        stored = self._containers.setdefault(container, {})
        above = ["/".join(name.split("/")[:count]) for count in range(1, name.count("/") + 1)]
        files = [each for each in above if each in stored and not stored[each].blob.info.metadata.get("hdi_isfolder")]
        if files or (name in stored and stored[name].blob.info.metadata.get("hdi_isfolder")):
            raise StorageNameTakenError(f"Blob storage answered 409 (PathConflict) for {container}/{name}.")
        for each in above:
            if each not in stored:
                now = self._clock.utc()
                etag = f"0x{next(self._versions):016X}"
                info = BlobInfo(each, etag, 0, metadata={"hdi_isfolder": "true"}, modified=now, created=now)
                stored[each] = _Stored(Blob(info, b""))

    @contextmanager
    def _operation(self, operation: str, container: str, name: str) -> Iterator[None]:
        if self.before is not None and not getattr(self._inside_hook, "now", False):
            self._inside_hook.now = True
            try:
                self.before(operation, container, name)
            finally:
                self._inside_hook.now = False
        with self._lock:
            yield

    def _find(self, container: str, name: str) -> _Stored | None:
        return self._containers.get(container, {}).get(name)

    def _readable(self, container: str, name: str) -> Blob | None:
        """The blob as a read tells of it, which is nothing of its tier."""
        stored = self._find(container, name)
        if stored is None:
            return None
        if stored.blob.info.tier == "Archive":
            raise ImageArchivedError(f"Blob storage answered 409 (BlobArchived) for {container}/{name}.")
        return stored.blob._replace(info=stored.blob.info._replace(tier=None))

    def _holder(self, stored: _Stored) -> _Lease | None:
        """The lease that holds the blob now."""
        return stored.lease if stored.lease and self._clock.now() < stored.lease.until else None

    def _check(
        self, stored: _Stored | None, container: str, name: str, condition: IfEtag | None, lease: str | None
    ) -> None:
        """Refuse a change that the condition or the blob's lease forbids."""
        etag = stored.blob.info.etag if stored else None
        holder = self._holder(stored) if stored else None
        reason = None
        if condition is not None and condition.etag != etag:
            reason = "412 (ConditionNotMet)"
        elif lease != (holder.identifier if holder else None):
            reason = "412 (LeaseIdMissing)" if lease is None else "412 (LeaseLost)"
        if reason:
            kind = BlobLockedError if "LeaseIdMissing" in reason else ConflictError
            raise kind(f"Blob storage answered {reason} for {container}/{name}.")


def _encoded(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _decoded(continuation: str) -> str:
    try:
        return base64.b64decode(continuation, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise StorageRefusedError("Blob storage answered 400 (OutOfRangeInput) for the continuation.") from None
