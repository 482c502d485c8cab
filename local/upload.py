"""Put image files into the watched container, and say what that changed."""

import hashlib
import mimetypes
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient, ContentSettings, ExponentialRetry

from local.errors import LocalError

IMAGES = "images"
# The trigger loads whole blobs into memory; the deployed event subscription leaves out larger ones as well.
MAX_UPLOAD_BYTES = 100 * 1024 * 1024
SUFFIX_TYPES = {".heic": "image/heic", ".heif": "image/heif", ".webp": "image/webp", ".avif": "image/avif"}


class Outcome(Enum):
    """What an upload did."""

    NEW = "uploaded"
    REPLACED = "uploaded, in place of another image of that name"
    PRESENT = "already there with the same bytes"


class ImageUploader:
    """The watched container of one storage account, open for uploads until the end of the `with` block."""

    def __init__(self, connection_string: str) -> None:
        retries = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3, random_jitter_range=1)
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

    def upload(self, path: Path, name: str, progress: Callable[[int], None] = lambda sent: None) -> Outcome:
        """
        Upload *path* as the image *name*, calling *progress* with the bytes sent so far.

        Bytes that are there already are not sent again.

        Raises LocalError for a file that cannot be taken, with the reason, and when storage refuses it.
        """
        data = read_image_file(path)
        md5 = hashlib.md5(data, usedforsecurity=False).digest()
        blob = self._blob(name)
        try:
            there = _present_md5(blob)
            if there == md5:
                return Outcome.PRESENT
            blob.upload_blob(
                data,
                overwrite=True,
                content_settings=ContentSettings(content_type=content_type(path), content_md5=bytearray(md5)),
                progress_hook=lambda sent, total: progress(sent),
            )
        except AzureError as error:
            raise LocalError(f"{path} was not uploaded: storage answered: {error.message.splitlines()[0]}") from error
        return Outcome.NEW if there is None else Outcome.REPLACED

    def _blob(self, name: str) -> BlobClient:
        return self._service.get_blob_client(IMAGES, name)


def read_image_file(path: Path) -> bytes:
    """Return the file's bytes; raises LocalError when it is missing, empty, too large or no file."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise LocalError(f"{path} is a folder: give the files in it, for instance {path}/*.jpg")
        if size == 0:
            raise LocalError(f"{path} is empty: nothing could be found in it")
        if size > MAX_UPLOAD_BYTES:
            raise LocalError(
                f"{path} has {size / 2**20:.0f} MB, and images up to {MAX_UPLOAD_BYTES >> 20} MB are taken"
            )
        return path.read_bytes()
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror}") from error


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
