"""
The steps that an image misses, and why: `unfinished/{step}/{name}.json`.

One record for each step that could not be done, deleted by the step's success. Its metadata says enough for a HEAD or
a listing: which version of the image, which questions, whether waiting can help, and whether the image is to blame.

This module writes the container: `note`, `rewrite`, and `find_for` where the same bytes have another ETag (as `edited`
does for all records of an image). It deletes by `clear`. Where all records of a step go at once, the
caller has the place of this one too, by `by_step.places` or `place`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from shared import names
from shared.clock import Clock
from shared.errors import BlobsightError, ConflictError, ImageRejectedError, PayloadTooLargeError
from shared.records import advice, record_store, versions
from shared.records.record_store import RecordSpec
from shared.records.unfinished_document import DEFERRED, FAILED, UnfinishedDocument, parsed, serialized
from shared.records.versions import Version
from shared.storage.blobs import Blob, BlobInfo, Blobs, IfEtag

_STATE = "state"
_CAUSE = "cause"
_IMAGE = "image"
_WAS_BLAMED = "wasblamed"
_CODE = "code"


class Note(NamedTuple):
    """The metadata of an unfinished record; `blames_image` says whether its error finds the image unacceptable."""

    info: BlobInfo
    state: str
    code: str
    blames_image: bool

    @property
    def was_blamed(self) -> bool:
        """Whether this error or one before it found the image unacceptable, so that no other step was tried."""
        return self.blames_image or _WAS_BLAMED in self.info.metadata

    @property
    def request(self) -> str:
        """The questions that it speaks of, as `request_of` writes them."""
        return self.info.metadata.get(names.REQUEST, "")

    def is_of(self, blobs: Blobs, version: Version, specs: Sequence[RecordSpec]) -> bool:
        """Whether it speaks of that version of the image and of these questions, or of others that hold for them."""
        keys = self.request.split(",") if self.request else []
        same = len(keys) == len(specs) and all(spec.is_answered_by(key) for spec, key in zip(specs, keys, strict=True))
        # In any case, because a version remembers whose bytes the records are that are not of it.
        is_of_it = version.is_source_of(blobs, self.info)
        return same and is_of_it and not self._is_outdated(version)

    def is_final(self, blobs: Blobs, version: Version, specs: Sequence[RecordSpec]) -> bool:
        """Whether that step of that version is not tried again until a caller wants it."""
        return self.state == FAILED and self.is_of(blobs, version, specs)

    def _is_outdated(self, version: Version) -> bool:
        """Whether the image was too large to be read and has been read now, as MAX_UPLOAD_MEGABYTES was raised."""
        was_read = names.SOURCE_SHA256 in self.info.metadata
        return self.code == PayloadTooLargeError.code and not was_read and bool(version.sha256)


def blames_image(error: BlobsightError) -> bool:
    """Whether the image itself is unacceptable, so that nothing else needs to be asked about it."""
    return isinstance(error, (ImageRejectedError, PayloadTooLargeError))


def is_deferred(info: BlobInfo) -> bool:
    """Whether the record of these properties says that its step is deferred."""
    return info.metadata.get(_STATE) == DEFERRED


def find(blobs: Blobs, step: str, name: str) -> Note | None:
    """The metadata of the record of a step, if there is one."""
    info = blobs.head(names.UNFINISHED, names.unfinished(step, name))
    return note_of(info) if info else None


def note_of(info: BlobInfo) -> Note:
    """What the properties of an unfinished record tell."""
    metadata = info.metadata
    return Note(info, metadata.get(_STATE, DEFERRED), metadata.get(_CODE, ""), metadata.get(_CAUSE) == _IMAGE)


def find_for(blobs: Blobs, source: Version, step: str, specs: Sequence[RecordSpec]) -> Note | None:
    """
    The same; a record that is final for that version tells its ETag from then on.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    for _ in range(record_store.MAX_ROUNDS):
        found = find(blobs, step, source.name)
        if found is None or not found.is_final(blobs, source, specs):
            return found
        if record_store.update_etag(blobs, source, names.UNFINISHED, found.info):
            return found
    raise record_store.too_many_writers(*place(step, source.name))


def read_for(blobs: Blobs, source: Version, step: str, specs: Sequence[RecordSpec]) -> tuple[UnfinishedDocument, str]:
    """
    The record of a step, whole, and the questions that it speaks of, as `request_of` writes them.

    The document is empty, and the questions are those of *specs*, unless it is of that version and these questions.
    """
    blob = blobs.read(*place(step, source.name))
    document = parsed(blob.data) if blob else {}
    if blob and _is_same(document, source, specs):
        return document, blob.info.metadata.get(names.REQUEST, request_of(specs))
    return {}, request_of(specs)


def note(
    blobs: Blobs,
    clock: Clock,
    source: Version,
    step: str,
    specs: Sequence[RecordSpec],
    error: BlobsightError,
    *,
    failed_attempts: int = 1,
    wait_seconds: float | None = None,
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
    begun: datetime | None = None,
) -> None:
    """
    Record that a step could not be done.

    Args:
        blobs, clock: the account with the images; the time.
        source: the version of the image.
        step: which step.
        specs: the records that it was to make.
        error: why not.
        failed_attempts: how many attempts this error stands for.
        wait_seconds: when it is tried again by itself; None where no try is arranged.
        extra_metadata: more metadata, in ASCII.
        begun: when the attempt began; a failure of the step that was noted since then stays, as of a Read that was
            cancelled meanwhile.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    name = names.unfinished(step, source.name)
    state = DEFERRED if error.transient else FAILED
    metadata = {
        **source.metadata(),
        names.REQUEST: request_of(specs),
        _STATE: state,
        _CAUSE: _IMAGE if blames_image(error) else "other",
        _CODE: error.code,
        **extra_metadata,
    }
    data = b""
    for _ in range(record_store.MAX_ROUNDS):
        earlier = blobs.read(names.UNFINISHED, name)
        versions.ensure_unchanged(blobs, source)
        if earlier and earlier.data == data:
            return  # written in the last round, but the answer was lost
        before = parsed(earlier.data) if earlier else {}
        if earlier and _is_same(before, source, specs):
            if begun and _has_failed_since(before, begun):
                return
            # The questions stay those of the first attempt: appointments are known by them.
            metadata[names.REQUEST] = earlier.info.metadata.get(names.REQUEST, metadata[names.REQUEST])
            if earlier.info.metadata.get(_CAUSE) == _IMAGE or _WAS_BLAMED in earlier.info.metadata:
                metadata[_WAS_BLAMED] = "true"
        data = serialized(_document(clock, source, specs, error, before, failed_attempts, wait_seconds))
        try:
            blobs.write(
                names.UNFINISHED,
                name,
                data,
                content_type=names.JSON,
                metadata=metadata,
                condition=IfEtag(earlier.info.etag if earlier else None),
            )
        except ConflictError:
            continue
        return
    raise record_store.too_many_writers(names.UNFINISHED, name)


def rewrite(blobs: Blobs, blob: Blob, document: UnfinishedDocument) -> str:
    """
    Put another document in the place of a record, with metadata that agree; returns its ETag.

    The document has to be this caller's alone, by an id or a time in it: a write whose answer was lost is known by it.

    Raises:
        ConflictError: the record is another one by now.
    """
    name, data = blob.info.name, serialized(document)
    metadata = {**blob.info.metadata, _STATE: document["state"], _CODE: document["code"]}
    condition = IfEtag(blob.info.etag)
    try:
        return blobs.write(
            names.UNFINISHED, name, data, content_type=names.JSON, metadata=metadata, condition=condition
        )
    except ConflictError:
        found = blobs.read(names.UNFINISHED, name)
        if found is None or found.data != data:
            raise
        return found.info.etag


def clear(blobs: Blobs, source: Version, step: str, *, etag: str | None = None) -> None:
    """
    Delete the record of a step that needs none any more; with an *etag*, only the record that has it.

    It looks at the image in any case, after the record and before it deletes anything.

    Raises:
        SourceChangedError: the image is another one by now; nothing was deleted.
    """
    record_store.delete_outdated(
        blobs,
        [place(step, source.name)],
        lambda: versions.ensure_unchanged(blobs, source),
        lambda info: etag in (None, info.etag),
    )


def place(step: str, name: str) -> tuple[str, str]:
    """Container and name of the record of a step of an image."""
    return names.UNFINISHED, names.unfinished(step, name)


def read(blobs: Blobs, step: str, name: str) -> UnfinishedDocument | None:
    """The record of a step of an image, whole."""
    blob = blobs.read(names.UNFINISHED, names.unfinished(step, name))
    return parsed(blob.data) if blob else None


def request_of(specs: Sequence[RecordSpec]) -> str:
    """The questions of a step's records, as the metadata of its unfinished record and its appointments name them."""
    return ",".join(spec.question.key for spec in specs)


def _is_same(document: UnfinishedDocument, source: Version, specs: Sequence[RecordSpec]) -> bool:
    """Whether it is of that version and of these questions, or of others that hold for them."""
    if not document or not source.is_described(document["source"]) or len(document["request"]) != len(specs):
        return False
    return all(spec.is_asked_by(text) for spec, text in zip(specs, document["request"], strict=True))


def _has_failed_since(document: UnfinishedDocument, moment: datetime) -> bool:
    return document["state"] == FAILED and datetime.fromisoformat(document["last"]) > moment


def _document(
    clock: Clock,
    source: Version,
    specs: Sequence[RecordSpec],
    error: BlobsightError,
    earlier: UnfinishedDocument,
    failed_attempts: int,
    wait_seconds: float | None,
) -> UnfinishedDocument:
    now = clock.utc().isoformat()
    until = None if wait_seconds is None else (clock.utc() + timedelta(seconds=wait_seconds)).isoformat()
    same = _is_same(earlier, source, specs)
    return {
        "source": source.describe(),
        "request": earlier["request"] if same else [spec.question.text for spec in specs],
        "state": DEFERRED if error.transient else FAILED,
        "code": error.code,
        "message": error.message,
        "action": advice.for_upload(error, source.name, blames_image=blames_image(error)),
        "attempts": (int(earlier.get("attempts", 0)) if same else 0) + failed_attempts,
        "first": earlier.get("first", now) if same else now,
        "last": now,
        "until": until,
        "requestId": error.request_id,
    }
