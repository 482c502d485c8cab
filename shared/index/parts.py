"""
What one record tells the index.

Pure, and forgiving: of a record that cannot be read only its ETag and its question are told.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared import names
from shared.errors import BadRequestError, UnexpectedAnswerError
from shared.index.entry import (
    ANALYSIS,
    CORRECTION,
    IMAGE,
    MOST_WORDS,
    PLAIN,
    TEXT,
    THUMBNAIL,
    UNFINISHED,
    Content,
)
from shared.pictures import looks
from shared.records import analysis, by_step, corrections, unfinished
from shared.storage.blobs import BlobInfo
from shared.vision.models import Analysis

# Of the SHA-256 of the bytes that a record is of.
VERSION_CHARACTERS = 8
_SHORT_CHARACTERS = 5
# Of the words that an entry has, in scripts without spaces between them too.
_MOST_CHARACTERS = 600
_PEOPLE_CONFIDENCE = 0.5
_PEOPLE = frozenset(("person", "people", "man", "woman", "men", "women", "boy", "girl", "child", "baby", "human face"))
_KINDS = {"x-icon": "ico"}


def of_record(
    container: str, record: str, data: bytes, metadata: Mapping[str, str], etag: str
) -> tuple[str, dict[str, Content]] | None:
    """
    What a record tells: the stem of its image, and the content of each part.

    Args:
        container, record: where it lies.
        data, metadata, etag: what it is; *data* is not looked at of a thumbnail.

    Returns:
        None of a blob that is no record of an image.
    """
    known = part_of(container, record)
    if known is None:
        return None
    stem, part = known
    content = _document(data) if container not in (names.THUMBNAILS, names.TEXT) or part == TEXT else {}
    head = _head(stem, content)
    marked = _marks(metadata, etag)
    only = {"only": True} if names.TEXT_ONLY in metadata else {}
    if part == ANALYSIS:
        told = _analysis(content, metadata)
        # One that cannot be read tells nothing of the image.
        return stem, {ANALYSIS: {**marked, **told}, **({IMAGE: head} if head else {})}
    if part == PLAIN:
        return stem, {PLAIN: {**marked, **_words(data), **only}}
    if part == TEXT:
        # Any other image has an analysis, which tells more of it.
        document = {IMAGE: {**head, "kind": _kind_of_document(content)}} if only and head else {}
        return stem, {TEXT: marked, **document}
    if part == CORRECTION:
        return stem, {CORRECTION: {**marked, **_correction(content)}}
    if part.startswith(UNFINISHED):
        step = part.removeprefix(UNFINISHED)
        tells_image = head and (step == by_step.ANALYSIS or only)
        note = {**marked, **_note(record, etag, metadata, content), **only}
        return stem, {part: note, **({IMAGE: head} if tells_image else {})}
    seen = {key: metadata[key] for key in (looks.LOOK, looks.COLOUR) if key in metadata}
    return stem, {part: {**marked, **seen}}


def _marks(metadata: Mapping[str, str], etag: str) -> dict[str, str]:
    """By what every part knows its record, as `shared.index.entry.Record` says."""
    told = {
        "e": short(etag),
        "q": asked(metadata.get(names.REQUEST, "")),
        "v": metadata.get(names.SOURCE_SHA256, "")[:VERSION_CHARACTERS],
    }
    return {key: value for key, value in told.items() if value}


def part_of(container: str, record: str) -> tuple[str, str] | None:
    """The stem of the image of a record, and the part that it tells; None if it is no record of an image."""
    if container not in (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED, names.CORRECTIONS):
        return None
    stem = names.stem_of_record(container, record)
    if stem is None:
        return None
    if container == names.THUMBNAILS:
        return stem, THUMBNAIL + record.rpartition("/")[2]
    if container == names.UNFINISHED:
        return stem, UNFINISHED + record.partition("/")[0]
    if container == names.TEXT:
        return stem, PLAIN if record.endswith(".txt") else TEXT
    return stem, {names.ANALYSIS: ANALYSIS, names.CORRECTIONS: CORRECTION}[container]


def short(etag: str) -> str:
    """The beginning of an ETag's digest."""
    return base64.urlsafe_b64encode(hashlib.sha256(etag.encode()).digest())[:_SHORT_CHARACTERS].decode()


def asked(request: str) -> str:
    """The same of the keys of questions, as the metadata `request` names them, comma-separated."""
    return ",".join(short(key) for key in request.split(",")) if request else ""


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _head(stem: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What the head of a record tells of the image; its name only where the stem does not."""
    source = content.get("source")
    if not isinstance(source, dict):
        return {}
    told = {key: source[key] for key in ("bytes", "width", "height", "uploaded", "taken") if source.get(key)}
    if source.get("name", stem) != stem:
        told["name"] = source["name"]
    if source.get("contentType"):
        told["kind"] = kind_of_type(str(source["contentType"]))
    return told


def kind_of_type(content_type: str) -> str:
    """The kind that an entry tells of an image of that content type: jpeg, pdf and so on."""
    kind = content_type.partition("/")[2]
    return _KINDS.get(kind, kind)


def _analysis(content: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = Analysis.of(content["result"])
    except (KeyError, TypeError, AttributeError, UnexpectedAnswerError):
        return {}
    tags = sorted(found.tags, key=lambda tag: -(tag.confidence or 0.0))
    told = {
        "caption": found.captions[0].text if found.captions else "",
        "tags": list(dict.fromkeys(tag.name for tag in tags)) or _description_tags(content["result"]),
        "due": metadata.get(names.TEXT_DUE) or _due(content),
        "people": _has_people(found),
    }
    return {key: value for key, value in told.items() if value}


def _description_tags(result: Mapping[str, Any]) -> list[str]:
    description = result.get("description") or {}
    return [tag for tag in description.get("tags") or () if isinstance(tag, str)]


def _due(content: Mapping[str, Any]) -> str:
    """Of a record of the version before, whose metadata do not tell it."""
    try:
        return analysis.text_mark(json.dumps(content).encode())[names.TEXT_DUE]
    except (LookupError, TypeError):
        return ""


def _has_people(found: Analysis) -> bool:
    """Whether it saw people, in any language: objects and categories are English in all of them."""
    return (
        bool(found.faces)
        or any(category.name.startswith("people") for category in found.categories)
        or any(each.name.lower() in _PEOPLE for each in found.objects)
        or any(tag.name in _PEOPLE and (tag.confidence or 0.0) >= _PEOPLE_CONFIDENCE for tag in found.tags)
    )


def _words(data: bytes) -> dict[str, Any]:
    words = data.decode(errors="replace").split()
    first = " ".join(words[:MOST_WORDS])[:_MOST_CHARACTERS]
    told = {"words": first, "more": len(words) > MOST_WORDS or len(" ".join(words[:MOST_WORDS])) > len(first)}
    return {key: value for key, value in told.items() if value}


def _kind_of_document(content: Mapping[str, Any]) -> str:
    """Read measures PDFs in inches, and TIFFs in pixels."""
    try:
        return "pdf" if content["analyzeResult"]["readResults"][0]["unit"] == "inch" else "tiff"
    except (LookupError, TypeError):
        return "pdf"


def _correction(content: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return corrections.of_members({key: content[key] for key in corrections.MEMBERS if key in content}).part()
    except BadRequestError:
        return {}  # edited by hand


def _note(record: str, etag: str, metadata: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
    note = unfinished.note_of(BlobInfo(record, etag, 0, metadata=metadata))
    told = {
        "state": note.state,
        "code": note.code,
        "until": content.get("until"),
        "blames": note.blames_image,
        "still": names.TEXT_STILL_DUE in metadata,
    }
    return {key: value for key, value in told.items() if value}
