"""
Corrections: what people say of an image. They win over what Computer Vision has said, wherever an image is shown.

The record `corrections/{stem}.json` is written by people's requests alone, so no run of any step touches it. It stands
when the image is overwritten; its head and its metadata tell for which version it was made.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from shared import names
from shared.clock import Clock
from shared.errors import BadRequestError
from shared.json_types import Json
from shared.records.versions import Version
from shared.storage import directories, image_blobs
from shared.storage.blobs import Blob, BlobInfo, Blobs, IfEtag
from shared.untrusted import json_object
from shared.untrusted.characters import fault, listed, shown

MAX_CAPTION_CHARACTERS = 1000
MAX_ALT_CHARACTERS = 2000
MAX_TAGS = 50
MAX_TAG_CHARACTERS = 100
EXPECTED = (
    'expected one or more of {"caption": "...", "alt": "...", "tags": {"added": ["..."], "removed": ["..."]}, '
    '"focal": [0.5, 0.5]}'
)
MEMBERS = ("caption", "alt", "tags", "focal")
_OF_TAGS = ("added", "removed")
# The metadata that tell the focal point: beside those of thumbnails, a listing shows which are cut around another one.
FOCAL = "focal"


class Correction(NamedTuple):
    """
    What a person says of an image; each part may be missing.

    Attributes:
        caption: a sentence, in place of the caption of the analysis.
        alt: what a reader of screens is told in place of the image; empty of one that is decoration, and passed over.
        added, removed: tags that it has, and that it has not, whatever the analysis says; compared without case.
        focal: where the subject is: fractions of the upright picture's width and height, from its upper left corner.
    """

    caption: str | None = None
    alt: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    focal: tuple[float, float] | None = None

    def caption_of(self, caption: str | None) -> str | None:
        """The caption where the analysis says *caption*."""
        return self.caption or caption

    def tags_of(self, tags: Iterable[str]) -> list[str]:
        """The tags where the analysis says *tags*: those that were added first, in their order."""
        added = {tag.casefold() for tag in self.added}
        without = added | {tag.casefold() for tag in self.removed}
        return [*self.added, *(tag for tag in tags if tag.casefold() not in without)]

    def members(self) -> Json:
        """The same as JSON: in records, in answers, and as `of_members` takes it."""
        found: Json = {}
        if self.caption is not None:
            found["caption"] = self.caption
        if self.alt is not None:
            found["alt"] = self.alt
        if self.added or self.removed:
            found["tags"] = {"added": list(self.added), "removed": list(self.removed)}
        if self.focal is not None:
            found["focal"] = list(self.focal)
        return found

    def part(self) -> Json:
        """The same as the index has it (`shared.index.entry.CorrectionPart`)."""
        found = self.members()
        tags = found.pop("tags", {})
        return {**found, **{kind: each for kind, each in tags.items() if each}}


class Stored(NamedTuple):
    """
    A correction as its record has it.

    Attributes:
        correction: what it says.
        info: the properties of the record, whose metadata tell the version as those of every record do.
        source: the version of the image for which it was made: `name`, `etag`, `bytes`, and `sha256` where known.
        at: when, ISO 8601.
    """

    correction: Correction
    info: BlobInfo
    source: Json
    at: str


def of_members(members: Json) -> Correction:
    """
    The correction that a caller's JSON object means.

    Raises:
        BadRequestError: `bad_json`, with the member, its fault and the possible values.
    """
    unknown = [name for name in members if name not in MEMBERS]
    if unknown:
        _refuse(f"The member {listed(unknown)} is not known here")
    tags = _tags(members["tags"]) if "tags" in members else {}
    found = Correction(
        _text(members, "caption", MAX_CAPTION_CHARACTERS),
        _text(members, "alt", MAX_ALT_CHARACTERS, may_be_empty=True),
        tags.get("added", ()),
        tags.get("removed", ()),
        _focal(members["focal"]) if "focal" in members else None,
    )
    if not found.members():
        _refuse("The correction says nothing; DELETE takes one away")
    both = {tag.casefold() for tag in found.removed}.intersection(tag.casefold() for tag in found.added)
    if both:
        _refuse(f"The tag {listed(both)} is added and removed")
    return found


def read_of(blob: Blob) -> Stored | None:
    """What a record says; None of one that cannot be read, such as one that was edited by hand."""
    try:
        content = json.loads(blob.data)
        members = {name: content[name] for name in MEMBERS if name in content}
        return Stored(of_members(members), blob.info, dict(content["source"]), str(content["at"]))
    except (ValueError, TypeError, KeyError, RecursionError, BadRequestError):
        return None


def read(images: Blobs, name: str) -> Stored | None:
    """The correction of an image, or None if it has none."""
    blob = images.read(names.CORRECTIONS, names.correction(name))
    return read_of(blob) if blob else None


def focal_of(images: Blobs, name: str) -> tuple[float, float] | None:
    """Where a person says that the image's subject is: fractions of the upright picture; None if no person has."""
    found = read(images, name)
    return found.correction.focal if found else None


def written(focal: tuple[float, float]) -> str:
    """A focal point as metadata tell it."""
    return f"{focal[0]:.6g},{focal[1]:.6g}"


def marked(metadata: Mapping[str, str], correction: Correction) -> dict[str, str]:
    """The metadata of a correction's record, where *metadata* are those of the version that it was made for."""
    others = {key: value for key, value in metadata.items() if key != FOCAL}
    return {**others, FOCAL: written(correction.focal)} if correction.focal else others


def document(correction: Correction, source: Json, at: str) -> bytes:
    """A record's content."""
    content = {"source": source, **correction.members(), "at": at}
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def write(
    images: Blobs, version: Version, correction: Correction, clock: Clock, condition: IfEtag | None = None
) -> Stored:
    """
    Write the correction of an image, in place of one that is there.

    Args:
        images: the account with the images.
        version: of the image, as it is now.
        correction: what to say of it.
        clock: the time.
        condition: on which it is written.

    Raises:
        ConflictError: the condition does not hold.
        StorageNameTakenError: a directory has the record's name.
    """
    place = names.correction(version.name)
    source, at = version.describe(), clock.utc().isoformat()
    data, metadata = document(correction, source, at), marked(version.metadata(), correction)
    etag = images.write(names.CORRECTIONS, place, data, content_type=names.JSON, metadata=metadata, condition=condition)
    info = BlobInfo(place, etag, len(data), names.JSON, metadata=metadata)
    return Stored(correction, info, source, at)


def delete(images: Blobs, info: BlobInfo) -> bool:
    """Delete that very record; False if it was written anew since."""
    return directories.delete(images, names.CORRECTIONS, info.name, info.etag)


def find(images: Blobs, name: str) -> BlobInfo | None:
    """The properties of the record of an image's correction, or None if there is none."""
    info = images.head(names.CORRECTIONS, names.correction(name))
    return None if info is None or image_blobs.is_folder_marker(info) else info


def _text(members: Json, name: str, longest: int, *, may_be_empty: bool = False) -> str | None:
    if name not in members:
        return None
    text = json_object.text_of(members, name, EXPECTED).strip()
    return text if may_be_empty and not text else _checked(f"The member {shown(name)}", text, longest)


def _checked(what: str, text: str, longest: int) -> str:
    problem = fault(text, longest) or ("is empty" if not text else None)
    if problem:
        _refuse(f"{what} {problem}")
    return text


def _tags(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        _refuse(f"The member 'tags' is {json_object.described(value)}, not an object")
    unknown = [name for name in value if name not in _OF_TAGS]
    if unknown:
        _refuse(f"The member {listed(unknown)} is not known in 'tags'")
    return {name: _list(name, each) for name, each in value.items()}


def _list(name: str, value: Any) -> tuple[str, ...]:
    what = f"The member {shown(name)} of 'tags'"
    if not isinstance(value, list):
        _refuse(f"{what} is {json_object.described(value)}, not a list")
    if len(value) > MAX_TAGS:
        _refuse(f"{what} has {len(value)} tags; at most {MAX_TAGS} are possible")
    return tuple(_without_doubles([_tag(what, each) for each in value]))


def _tag(what: str, value: Any) -> str:
    if not isinstance(value, str):
        _refuse(f"{what} has {json_object.described(value)} in it, where texts are possible")
    return _checked(f"A tag in {what[:1].lower()}{what[1:]}", value.strip(), MAX_TAG_CHARACTERS)


def _without_doubles(tags: Sequence[str]) -> list[str]:
    """The tags without those that differ from an earlier one by case only."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def _focal(value: Any) -> tuple[float, float]:
    numbers = isinstance(value, list) and all(type(each) in (int, float) for each in value)
    if not numbers or len(value) != 2 or not all(0 <= each <= 1 for each in value):
        _refuse("The member 'focal' is no list of two fractions from 0 to 1, of the upright picture's width and height")
    return float(value[0]), float(value[1])


def _refuse(what: str) -> NoReturn:
    json_object.refuse(what, EXPECTED)
