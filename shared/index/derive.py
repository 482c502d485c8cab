"""
The index of one image, derived from its records: what a lost line would have told, and all that was never noted.

Records of another version of the image are as if they were not there. Where only the bytes would tell that, a record
counts: an edit of metadata gives an image another ETag and no other bytes.
"""

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

from shared import names
from shared.clock import Clock
from shared.index import parts, times
from shared.index.entry import (
    ANALYSIS,
    CORRECTION,
    IMAGE,
    PLAIN,
    TEXT,
    THUMBNAIL,
    UNFINISHED,
    Content,
    Entry,
    ImagePart,
    Line,
)
from shared.pictures import kinds, looks
from shared.records import by_step, thumbnails
from shared.records.versions import SeenVersion
from shared.settings import Settings
from shared.storage import image_blobs, listing
from shared.storage.blobs import BEGINNING_BYTES, Blob, BlobInfo, Blobs

# By container and name: the properties of the records that an image has.
Records = Mapping[tuple[str, str], BlobInfo]
# More of a document's text, or of a thumbnail, is not read.
_MOST_BYTES = 4 * 1024 * 1024
_KINDS = {kind.content_type: kind.content_type.partition("/")[2] for kind in (kinds.JPEG, kinds.PNG, kinds.GIF)}
_KINDS |= {kind.content_type: kind.name.lower() for kind in (kinds.BMP, kinds.TIFF, kinds.PDF, kinds.WEBP, kinds.HEIC)}
_KINDS["image/jpg"] = "jpeg"
# So long a record may be on its way to storage, which may have to be asked again.
_WRITING_SECONDS = 10.0
# Parts that the index has of an image or not; of thumbnails there may be any number.
_SINGLE = (ANALYSIS, PLAIN, TEXT, CORRECTION, *(f"{UNFINISHED}{step}" for step in by_step.STEPS))


def moment(blobs: Blobs, clock: Clock) -> float:
    """
    As `times.moment` tells it, by storage's clock.

    Raises:
        StorageError: storage, which is asked where its clock is not known yet, did not answer.
    """
    if blobs.clock_ahead is None:
        blobs.page(names.IMAGES, limit=1)
    return times.moment(blobs, clock)


def line_of(images: Blobs, settings: Settings, clock: Clock, name: str, entry: Entry | None = None) -> Line:
    """
    What the index has to know of an image: its parts; or that it is gone.

    With an *entry*, which was read before, None tells of the parts that it has and whose records are gone.
    It costs some ten looks, and a read of each record that is told by its content.

    Raises:
        StorageError: storage did not answer.
    """
    at = moment(images, clock)
    image = image_blobs.head(images, name)
    if image is None:
        return {"stem": names.stem(name), "at": at, "gone": True}
    return line_from(images, settings, image, dict(_records(images, settings, name)), at, entry)


def line_from(
    images: Blobs, settings: Settings, image: BlobInfo, records: Records, at: float, entry: Entry | None = None
) -> Line:
    """
    The same of an image and records that were listed.

    Args:
        images: the account.
        settings: name the thumbnails that are wanted.
        image: the image.
        records: at least all that it has.
        at: the moment before they were listed, as `moment` tells it.
        entry: what the index knew of it before they were listed.
    """
    # A record that is being written may be in no listing, and its line may be of a moment before this one. So what
    # nothing was told of is not told to be gone.
    changed: dict[str, Content | None] = dict.fromkeys(name for name, part in _known(entry) if part is not None)
    told: dict[str, Any] = {}
    for part, (container, info) in _of_it(images, settings, image, records).items():
        blob = _read(images, container, info)
        found = parts.of_record(container, info.name, blob.data, blob.info.metadata, blob.info.etag) if blob else None
        if found:
            told |= found[1].get(IMAGE) or {}
            changed[part] = found[1].get(part)
    _add_look(images, names.stem(image.name), changed)
    changed[IMAGE] = {**_of_image(image), **told}
    # A part that is told already keeps its time: a line that is on its way may tell more.
    parts_known = dict(_known(entry))
    new = {name: part for name, part in changed.items() if name not in parts_known or parts_known[name] != part}
    return {"stem": names.stem(image.name), "at": at, "parts": new}


def lines_of(images: Blobs, settings: Settings, clock: Clock, name: str) -> list[Line]:
    """
    The same for an image of which it is not known what the index knows: what lost lines would have told.

    Raises:
        StorageError: storage did not answer.
    """
    line = line_of(images, settings, clock, name)
    if line.get("gone"):
        return [line]
    may_be = (*_SINGLE, *(f"{THUMBNAIL}{file}" for file in thumbnails.files(settings)))
    absent: dict[str, Content | None] = dict.fromkeys(part for part in may_be if part not in line["parts"])
    # Another process may be writing one of these just now, whose line is not to be beaten.
    return [{"stem": line["stem"], "at": line["at"] - _WRITING_SECONDS, "parts": absent}, line]


def _known(entry: Entry | None) -> ItemsView[str, Content | None]:
    return (entry.parts if entry else {}).items()


def differs(entry: Entry | None, images: Blobs, settings: Settings, image: BlobInfo, records: Records) -> bool:
    """Whether the index does not tell exactly these records of an image, by their ETags, or the image's size."""
    if entry is None or entry.part(IMAGE).get("bytes") != image.size:
        return True
    known = {name: content.get("e") for name, content in entry.parts.items() if content is not None and name != IMAGE}
    return known != {
        part: parts.short(info.etag) for part, (_, info) in _of_it(images, settings, image, records).items()
    }


def places(settings: Settings, name: str) -> list[tuple[str, str]]:
    """Container and name of each record of an image but for thumbnails of other sizes."""
    return [*by_step.places(settings, name), (names.CORRECTIONS, names.correction(name))]


def _records(images: Blobs, settings: Settings, name: str) -> Iterator[tuple[tuple[str, str], BlobInfo]]:
    for container, place in places(settings, name):
        info = images.head(container, place) if container != names.THUMBNAILS else None
        if info:
            yield (container, place), info
    for info in listing.all_below(images, names.THUMBNAILS, names.thumbnails(name)):
        yield (names.THUMBNAILS, info.name), info


def _of_it(images: Blobs, settings: Settings, image: BlobInfo, records: Records) -> dict[str, tuple[str, BlobInfo]]:
    """Container and properties of the records of an image's present version, by the part that each tells of."""
    version, stem = SeenVersion(image), names.stem(image.name)
    wanted = {thumbnails.spec(image.name, each).name for each in thumbnails.wanted(settings)}
    own: dict[str, tuple[str, BlobInfo]] = {}
    for (container, name), info in records.items():
        told = parts.part_of(container, name)
        if told is None or told[0] != stem or image_blobs.is_folder_marker(info):
            continue
        if names.ON_DEMAND in info.metadata and name not in wanted:
            continue
        of_any = container == names.CORRECTIONS
        if of_any or version.is_source_of(images, info) or version.may_be_source_of(info):
            own[told[1]] = container, info
    return own


def _read(images: Blobs, container: str, info: BlobInfo) -> Blob | None:
    """A record with as much of its content as the index tells of."""
    if container == names.THUMBNAILS or (container == names.TEXT and not _tells_document(info)):
        is_plain = container == names.TEXT and info.name.endswith(".txt")
        return _beginning(images, info.name) if is_plain else Blob(info, b"")
    return images.read(container, info.name)


def _tells_document(info: BlobInfo) -> bool:
    """Whether it is the text of a document, which has no other record to tell of it, and not too large a one."""
    return info.name.endswith(".json") and names.TEXT_ONLY in info.metadata and info.size <= _MOST_BYTES


def _beginning(images: Blobs, name: str) -> Blob | None:
    """A plain text, or of a long one its beginning, which may end in the middle of a letter."""
    blob = images.read(names.TEXT, name, most=BEGINNING_BYTES)
    return blob._replace(data=blob.data.decode(errors="ignore").encode()) if blob else None


def _of_image(image: BlobInfo) -> ImagePart:
    """What its properties tell, where no record of it tells more."""
    part: ImagePart = {"bytes": image.size}
    if names.stem(image.name) != image.name:
        part["name"] = image.name
    if image.modified:
        part["uploaded"] = image.modified.isoformat()
    kind = _KINDS.get(image.content_type or "")
    if kind:
        part["kind"] = kind
    return part


def _add_look(images: Blobs, stem: str, changed: dict[str, Content | None]) -> None:
    """The look of the first thumbnail, where none of them tells it in its metadata as those of today do."""
    own = {name: part for name, part in sorted(changed.items()) if part and name.startswith(THUMBNAIL)}
    if not own or any("look" in part for part in own.values()):
        return
    name, part = next(iter(own.items()))
    blob = images.read(names.THUMBNAILS, f"{stem}/{name.removeprefix(THUMBNAIL)}", most=_MOST_BYTES)
    # Written anew since: its line is on its way.
    if blob and parts.short(blob.info.etag) == part.get("e"):
        look = looks.of_bytes(blob.data)
        changed[name] = {**part, **(look.metadata() if look else {})}
