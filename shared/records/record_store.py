"""
Records of one image: whether one is there, and how writers that race each other write and delete it.

A record is one blob. Its metadata name the question that it answers and the version of the image that it was made from.
So a HEAD tells whether it still holds. A writer replaces only the very record that it read before its work. After that
it asks for the image once more, because another caller may have overwritten or deleted it meanwhile.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from shared import names
from shared.errors import BusyError, ConflictError, StorageNameTakenError
from shared.records import versions
from shared.records.versions import Version
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, Blobs, IfEtag
from shared.vision.questions import Question

# Each round is lost only to a writer that got its own record in; that many in a row mean that something else is wrong.
MAX_ROUNDS = 8


class RecordSpec(NamedTuple):
    """
    Where one record of an image lies and what it answers.

    Attributes:
        container, name: where it lies.
        question: the one that it answers.
        content_type, cache_control: what it is stored with.
        others: further questions; a record that answers one of them holds too.
    """

    container: str
    name: str
    question: Question
    content_type: str
    cache_control: str | None = None
    others: tuple[Question, ...] = ()

    def is_answered_by(self, key: str | None) -> bool:
        """Whether a record holds that answers the question of that key."""
        return key == self.question.key or (bool(self.others) and key in _keys(self.others))

    def is_asked_by(self, text: object) -> bool:
        """The same of a question in its canonical form, as documents have it."""
        return text == self.question.text or any(text == other.text for other in self.others)

    def is_current(self, blobs: Blobs, record: BlobInfo | None, version: Version) -> bool:
        """Whether the record is of that version of the image and answers this very question."""
        return (
            record is not None
            # First, because a version remembers whose bytes the records are that are not of it.
            and version.is_source_of(blobs, record)
            and self.is_answered_by(record.metadata.get(names.REQUEST))
        )


class Filled(NamedTuple):
    """
    The content of a record, the question that it answers (its spec's own or one of the others), and what its metadata
    is to tell of the content.
    """

    data: bytes
    question: Question
    metadata: Mapping[str, str] = MappingProxyType({})


@lru_cache(maxsize=64)
def _keys(others: tuple[Question, ...]) -> frozenset[str]:
    """Digests are too dear for each look, as there can be many."""
    return frozenset(question.key for question in others)


def make(
    blobs: Blobs,
    source: Version,
    spec: RecordSpec,
    fill: Callable[[], bytes | Filled],
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
) -> bytes | None:
    """
    Have the record made unless it is there.

    Args:
        blobs: the account with the images.
        source: the version of the image that it is to be of.
        spec: which record.
        fill: makes its content; called only if it is missing, and again if another writer was faster.
        extra_metadata: what its metadata is to tell besides version and question, in ASCII.

    Returns:
        Its content if it was made now; None if it was there.

    Raises:
        SourceChangedError: the image is another one by now, and another writer's record stands.
        StorageNameTakenError: a directory has the record's name; *fill* was not called.
        BlobsightError: what *fill* or storing raised.
    """
    for _ in range(MAX_ROUNDS):
        record = blobs.head(spec.container, spec.name)
        if record is not None and spec.is_current(blobs, record, source):
            if update_etag(blobs, source, spec.container, record):
                return None
            continue
        if record is not None:
            if image_blobs.is_folder_marker(record):
                raise StorageNameTakenError(f"{spec.container}/{spec.name} is a folder, so it can be no record.")
            # An older version's, or a newer one's? The image itself says. The order, first the record and then the
            # image, keeps a newer record from being overwritten.
            versions.ensure_unchanged(blobs, source)
        made = fill()
        data, question, told = made if isinstance(made, Filled) else Filled(made, spec.question)
        answered = spec._replace(question=question)
        try:
            write(blobs, source, answered, data, IfEtag(record.etag if record else None), {**extra_metadata, **told})
        except ConflictError:
            continue  # another delivery was faster: look again
        return data
    raise too_many_writers(spec.container, spec.name)


def is_there(blobs: Blobs, source: Version, spec: RecordSpec) -> bool:
    """
    Whether the record is there, so that nothing has to be made.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    for _ in range(MAX_ROUNDS):
        record = blobs.head(spec.container, spec.name)
        if record is None or not spec.is_current(blobs, record, source):
            return False
        if update_etag(blobs, source, spec.container, record):
            return True
    raise too_many_writers(spec.container, spec.name)


def update_etag(blobs: Blobs, source: Version, container: str, record: BlobInfo) -> bool:
    """
    Have a record of the same bytes tell the ETag that they have now; False if it is another record by now.

    Two things follow. A HEAD tells that the record holds. A process that still works on a version between the two
    cannot delete or overwrite it any more.

    Raises:
        SourceChangedError: the image is another one by now.
    """
    if record.metadata.get(names.SOURCE_ETAG) not in source.etags:
        versions.ensure_unchanged(blobs, source)
    if record.metadata.get(names.SOURCE_ETAG) in source.etags:
        return True
    blob = blobs.read(container, record.name)
    if blob is None:
        return False
    source.before_renewal()
    try:
        blobs.write(
            container,
            record.name,
            blob.data,
            content_type=record.content_type or names.BYTES,
            cache_control=record.cache_control,
            metadata={**record.metadata, **source.metadata()},
            condition=IfEtag(record.etag),
        )
    except ConflictError:
        return False
    # The process of a newer version may have seen the record before this write, and cannot delete it any more.
    versions.ensure_unchanged(blobs, source)
    return True


def too_many_writers(container: str, name: str) -> BusyError:
    """The error that each round was lost to another writer."""
    return BusyError(f"The record {container}/{name} is written by others again and again.")


def write(
    blobs: Blobs,
    source: Version,
    spec: RecordSpec,
    data: bytes,
    condition: IfEtag,
    extra_metadata: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the record on the condition; ConflictError if it does not hold."""
    return blobs.write(
        spec.container,
        spec.name,
        data,
        content_type=spec.content_type,
        cache_control=spec.cache_control,
        metadata={**source.metadata(), names.REQUEST: spec.question.key, **extra_metadata},
        condition=condition,
    )


def delete_outdated(
    blobs: Blobs,
    places: Iterable[tuple[str, str]],
    check: Callable[[], None],
    wanted: Callable[[BlobInfo], bool] = lambda info: True,
    *,
    last_look: bool = True,
) -> None:
    """
    Delete the wanted blobs that lie in these places (container, name).

    The order makes it safe beside other writers: look, check that the image (still) makes them outdated, delete exactly
    the blobs that were seen. A blob that was written since has another ETag and stays.

    With *last_look*, the check is the caller's last look at the image too: it is made even if nothing is deleted.

    Raises:
        SourceChangedError: what *check* raised; nothing was deleted.
    """
    seen = [(container, name, blobs.head(container, name)) for container, name in places]
    outdated = [
        (container, name, info.etag)
        for container, name, info in seen
        if info and not image_blobs.is_folder_marker(info) and wanted(info)
    ]
    if outdated or last_look:
        check()
    for container, name, etag in outdated:
        with suppress(ConflictError):
            blobs.delete(container, name, etag=etag)
