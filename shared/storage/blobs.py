"""
Blobs as the app knows them: the protocol `Blobs`, and the values that it takes and gives.

The app asks for blobs by this protocol alone. `shared.storage.azure` fulfils it with Azure's SDK, which this module
does not import.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol

# Of a blob that is not read as a whole; its kind can be told by them.
BEGINNING_BYTES = 64 * 1024


class BlobInfo(NamedTuple):
    """
    A blob's properties, as a HEAD or a listing gives them.

    `etag` is unquoted; `md5` is None where the writer sent none. An edit of metadata renews `modified`, and `created`
    stays. `tier` is `Hot`, `Archive` and so on; a read does not tell it. `archive_status` is
    `rehydrate-pending-to-hot` or the like while an archived blob is brought back. `copy_status` is `pending`,
    `success`, `aborted` or `failed` of a blob that is a copy.
    """

    name: str
    etag: str
    size: int
    content_type: str | None = None
    md5: bytes | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    cache_control: str | None = None
    modified: datetime | None = None
    created: datetime | None = None
    tier: str | None = None
    archive_status: str | None = None
    copy_status: str | None = None

    def is_one_of(self, etags: frozenset[str]) -> bool:
        """Whether it is among blobs of these ETags, quoted as HTTP writes them; `*` is every one."""
        return not etags.isdisjoint((f'"{self.etag}"', "*"))


class Blob(NamedTuple):
    """A blob's content with its properties of that moment."""

    info: BlobInfo
    data: bytes


class Digest(NamedTuple):
    """A blob's properties of one moment, with SHA-256 and MD5 of its bytes then, in hex."""

    info: BlobInfo
    sha256: str
    md5: str


class Page(NamedTuple):
    """One page of a listing; `continuation` is None on the last."""

    items: list[BlobInfo]
    continuation: str | None


class Kept(NamedTuple):
    """The traces that storage keeps of a blob after its deletion: its versions; its last state, until it expires."""

    versions: bool = False
    deleted: bool = False


class IfEtag(NamedTuple):
    """Write only if the blob still has this ETag; None means only if there is no such blob yet."""

    etag: str | None


class Blobs(Protocol):
    """
    A storage account, as far as the app needs it.

    Attributes:
        has_directories: whether directories are real there, as far as its answers have shown.
        clock_ahead: how far its clock is ahead of the machine's, by its last answer, whose way counts as a delay of its
            clock; None before the first answer.
    """

    @property
    def has_directories(self) -> bool:  # noqa: D102 (the class says it)
        ...

    @property
    def clock_ahead(self) -> timedelta | None:  # noqa: D102
        ...

    def url(self, container: str, name: str) -> str:
        """The blob's address, without any signature."""

    def head(self, container: str, name: str) -> BlobInfo | None:
        """The blob's properties, or None if there is no blob."""

    def read(self, container: str, name: str, *, most: int | None = None) -> Blob | None:
        """
        Content and information of the same moment, or None if there is none.

        Of a blob with more than *most* bytes the content is only its first `BEGINNING_BYTES`.
        """

    def digest(self, container: str, name: str) -> Digest | None:
        """The digests of the whole content, which is read and not kept, or None if there is none."""

    def beginning(self, container: str, name: str, count: int) -> bytes | None:
        """The blob's first bytes, at most *count* (1 or more), or None if there is none."""

    def read_from(self, container: str, name: str, offset: int) -> Blob | None:
        """The bytes from *offset* to the end, none from there on, with the properties; None if there is no blob."""

    def begin_appends(self, container: str, name: str) -> bool:
        """Make an empty append blob; False if there is such a blob, after a lost answer the caller's own too."""

    def append(self, container: str, name: str, data: bytes, *, at: int | None = None) -> bool:
        """
        Add a block, all or nothing, to an append blob.

        Args:
            container, name: the blob.
            data: the block.
            at: only where the blob has that many bytes. Without it, the block comes twice where an answer was lost.

        Returns:
            Whether it was added. False if there is no such append blob, or it has as many blocks as one can have; with
            *at* also if it has another length, after a lost answer that with the block.
        """

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
        """Write the whole blob and return its ETag; ConflictError if the condition or the lease does not hold."""

    def delete(self, container: str, name: str, *, etag: str | None = None, lease: str | None = None) -> None:
        """
        Delete the blob with its snapshots, if there is one.

        Raises:
            ConflictError: it has another ETag than the given, or is leased.
        """

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:
        """One page of the container's blobs in the order of their names, with their metadata."""

    def kept(self, container: str, name: str) -> Kept:
        """
        Write the blob, whose name must be a new one, and delete it; return whether the account keeps it.

        Where versions are kept, `deleted` says nothing: a version takes the place of a deleted blob.
        """

    def acquire(self, container: str, name: str, lease: str, seconds: int, *, etag: str | None = None) -> bool:
        """Lease the blob under the given id; False if another holds it or it is not (or no longer) that blob."""

    def renew(self, container: str, name: str, lease: str) -> bool:
        """Hold the lease for another period; False if it is lost."""

    def release(self, container: str, name: str, lease: str) -> None:
        """Give the lease back, if it is still held."""
