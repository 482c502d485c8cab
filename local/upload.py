"""Put image files into the watched container, and say what that changed."""

import hashlib
import mimetypes
import stat
import unicodedata
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient, ContentSettings, ExponentialRetry

from local.app import IMAGES
from local.errors import LocalError

# The trigger loads whole blobs into memory; the deployed event subscription leaves out larger ones as well.
MAX_UPLOAD_BYTES = 100 * 1024 * 1024
MAX_NAME_CHARACTERS = 1024  # Azure Storage: "Naming and referencing containers, blobs, and metadata"
RETRIES = 3  # after 1, 3 and 7 s: as long as a part of the stack takes to come back
# What some machines do not know.
SUFFIX_TYPES = {
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".jp2": "image/jp2",
    ".ico": "image/x-icon",
    ".mpo": "image/mpo",
}


class StorageSilentError(LocalError):
    """Storage gives no answer, so that the next file would fare no better."""


class Outcome(Enum):
    """What an upload did."""

    NEW = "uploaded"
    REPLACED = "uploaded, in place of another image of that name"
    PRESENT = "already there with the same bytes"


class ImageUploader:
    """The watched container of one storage account, open for uploads until the end of the `with` block."""

    def __init__(self, connection_string: str) -> None:
        retries = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=RETRIES, random_jitter_range=1)
        self._service = BlobServiceClient.from_connection_string(connection_string, retry_policy=retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.close()

    def url(self, name: str) -> str:
        """Return the blob's address, percent-encoded."""
        return self._blob(name).url

    def upload(self, path: Path, name: str) -> Outcome:
        """
        Upload *path* as the image *name*; bytes that are there already are not sent again. Safe for threads.

        Raises LocalError for a file that cannot be taken, with the reason, and when storage refuses it;
        StorageSilentError when storage does not answer at all.
        """
        check_image_file(path)
        blob = self._blob(name)
        try:
            # The SDK's "not found" lives on in a cycle and keeps the frames it has passed: none of them has the bytes.
            return _send(path, blob, _present_md5(blob))
        except HttpResponseError as error:
            raise LocalError(f"{path} was not uploaded: storage answered: {error.message.splitlines()[0]}") from error
        except AzureError as error:
            raise StorageSilentError(f"{path} was not uploaded: storage gives no answer (see azurite.log)") from error

    def _blob(self, name: str) -> BlobClient:
        return self._service.get_blob_client(IMAGES, name)


def _send(path: Path, blob: BlobClient, there: bytes | None) -> Outcome:
    """Upload the file unless the blob has its bytes already, whose MD5 is *there* (None: there is no blob)."""
    data = read_image_file(path)
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    if there == md5:
        return Outcome.PRESENT
    settings = ContentSettings(content_type=content_type(path), content_md5=bytearray(md5))
    blob.upload_blob(data, overwrite=True, content_settings=settings)
    return Outcome.NEW if there is None else Outcome.REPLACED


def read_image_file(path: Path) -> bytes:
    """Return the file's bytes; raises LocalError as `check_image_file` does."""
    check_image_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror}") from error


def check_image_file(path: Path) -> None:
    """Raise LocalError when the file is missing, empty, too large, unreadable or no file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise LocalError(f"{path} is no regular file")
        if status.st_size == 0:
            raise LocalError(f"{path} is empty: nothing could be found in it")
        if status.st_size > MAX_UPLOAD_BYTES:
            raise LocalError(
                f"{path} has {status.st_size / 2**20:.0f} MB, and images up to {MAX_UPLOAD_BYTES >> 20} MB are taken"
            )
        with path.open("rb"):
            pass
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror}") from error


def check_image_name(name: str) -> str:
    """Return *name* if a blob can have it and a listing can tell it; raises LocalError otherwise."""
    if len(name) > MAX_NAME_CHARACTERS:
        raise LocalError(f"{name[:60]}... has {len(name)} characters, and names up to {MAX_NAME_CHARACTERS} are taken")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise LocalError(f"{name!r} has characters that no blob name can have: rename the file")
    if {".", ".."} & set(name.split("/")):
        # HTTP clients resolve them, and would write to another place or another container.
        raise LocalError(f"{name!r} has a segment . or .., which no image's name can have: give another --name")
    return name


def content_type(path: Path) -> str:
    """Return the content type by the file's suffix, as most uploaders set it; the app goes by the bytes."""
    suffix = path.suffix.lower()
    return SUFFIX_TYPES.get(suffix) or mimetypes.guess_type(f"x{suffix}")[0] or "application/octet-stream"


def _present_md5(blob: BlobClient) -> bytes | None:
    """Return the MD5 of the blob that is there: empty when it has none, None when there is no such blob."""
    try:
        found = blob.get_blob_properties().content_settings.content_md5
    except ResourceNotFoundError:
        return None
    return bytes(found or b"")
