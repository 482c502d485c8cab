"""
A flat record: all that is known of one image in one JSON object without depths, for the indexer of Azure AI Search.
"""

import hashlib
import json
from datetime import UTC, datetime

from shared import names
from shared.errors import StorageRefusedError
from shared.index.entry import IMAGE, PLAIN, Entry
from shared.index.states import state_of
from shared.json_types import Json
from shared.search import document
from shared.settings import Settings
from shared.storage.blobs import Blobs

# Metadata of a flat record: what it was made of, or that its image is gone, which Azure AI Search looks for.
MADE_OF = "madeof"
DELETED = "deleted"


def name_of(stem: str) -> str:
    """The record of an image, in the container `search`."""
    return f"{stem}.json"


def of_entry(entry: Entry, settings: Settings) -> Json:
    """
    The record without the text. A member that is not known is null.

    `id` takes the place of the name as a key, in which Azure AI Search allows neither slashes nor 1,024 characters.
    """
    shown, image = document.of_entry(entry), entry.part(IMAGE)
    return {
        "id": _id(entry),
        "name": shown.name,
        "folder": shown.folder,
        "kind": shown.kind or None,
        "state": state_of(entry, settings),
        "caption": shown.caption,
        "alt": shown.alt,
        "tags": shown.tags,
        "people": shown.has_people,
        "colour": shown.colour,
        "width": image.get("width"),
        "height": image.get("height"),
        "bytes": image.get("bytes"),
        "uploaded": _moment(image.get("uploaded")),
        "taken": _moment(image.get("taken")),
        "date": _moment(shown.date),
    }


def digest(flat: Json, entry: Entry) -> str:
    """What changes when the record does, its text included."""
    told = json.dumps([flat, entry.part(PLAIN)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def text_of(images: Blobs, entry: Entry) -> str:
    """
    The whole text of the image; empty where there is none.

    Raises:
        StorageError: storage did not answer.
    """
    plain = entry.part(PLAIN)
    if not plain.get("words") and not plain.get("more"):
        return ""
    stored = images.read(names.TEXT, f"{entry.stem}.txt")
    return stored.data.decode(errors="replace") if stored else ""


def write(images: Blobs, entry: Entry, settings: Settings) -> None:
    """
    Write the record of an image that is there.

    Raises:
        StorageError: storage did not answer.
    """
    flat = of_entry(entry, settings)
    content = {**flat, "text": text_of(images, entry)}
    _write(images, entry.stem, content, {MADE_OF: digest(flat, entry)})


def mark(images: Blobs, entry: Entry) -> None:
    """
    Empty the record of an image that is gone, and mark it, so that the indexer deletes its document.

    Raises:
        StorageError: storage did not answer.
    """
    _write(images, entry.stem, {"id": _id(entry)}, {DELETED: "true"})


def _write(images: Blobs, stem: str, content: Json, metadata: dict[str, str]) -> None:
    data = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    # A directory may have the name: such an image has no other records either.
    try:
        images.write(names.SEARCH, name_of(stem), data, content_type=names.JSON, metadata=metadata)
    except StorageRefusedError:
        return


def _id(entry: Entry) -> str:
    return hashlib.sha256(entry.stem.encode()).hexdigest()


def _moment(told: object) -> str | None:
    """A time as Azure AI Search takes it, in UTC; a camera's time, which has no zone, as if it were."""
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
