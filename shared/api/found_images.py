"""How an answer of a search tells an image that was found, and why it was."""

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import urlencode

from shared.api import paths
from shared.index.entry import IMAGE, THUMBNAIL, Entry
from shared.json_types import Json
from shared.records import thumbnails
from shared.search.found import Found, Hit
from shared.search.text_places import Place
from shared.settings import Settings


class FoundImage(TypedDict):
    """One image; a member that the index does not know is null."""

    name: str
    state: str
    caption: str | None
    alt: str | None
    tags: list[str]
    kind: str | None
    width: int | None
    height: int | None
    bytes: int | None
    uploaded: str | None
    taken: str | None
    folder: str
    colour: str | None
    thumbnail: str | None
    same: int
    why: list[Json]


def told(hit: Hit, places: Sequence[Sequence[Place]], settings: Settings) -> FoundImage:
    """
    One image as an answer tells it.

    Args:
        hit: the image.
        places: of each of its matches, where it stands in the text.
        settings: they tell which thumbnails there are.
    """
    entry = hit.entry
    image = entry.part(IMAGE)
    return {
        "name": entry.name,
        "state": hit.state,
        "caption": hit.caption,
        "alt": hit.alt,
        "tags": hit.tags,
        "kind": image.get("kind"),
        "width": image.get("width"),
        "height": image.get("height"),
        "bytes": image.get("bytes"),
        "uploaded": image.get("uploaded"),
        "taken": image.get("taken"),
        "folder": entry.name.rpartition("/")[0],
        "colour": hit.colour,
        "thumbnail": _thumbnail(entry, settings),
        "same": hit.same,
        "why": [_why(hit, number, places[number]) for number in range(len(hit.matches))],
    }


def facets(found: Found) -> dict[str, list[Json]]:
    """The counts of all that match, by facet."""
    return {
        name: [{"value": value, "count": count} for value, count in counts] for name, counts in found.facets.items()
    }


def _why(hit: Hit, number: int, places: Sequence[Place]) -> Json:
    match = hit.matches[number]
    return {
        "field": match.field,
        "asked": match.asked,
        "matched": match.matched,
        "places": [{"page": each.page, "box": each.box, "unit": each.unit, "text": each.text} for each in places],
    }


def _thumbnail(entry: Entry, settings: Settings) -> str | None:
    """The address of the first thumbnail of the settings that there is."""
    for each in thumbnails.wanted(settings):
        file = thumbnails.spec(entry.name, each).name.rpartition("/")[2]
        if entry.part(THUMBNAIL + file):
            path, query = paths.thumbnail(entry.name)
            asked = {**query, "width": str(each.width), "height": str(each.height)}
            return f"{path}?{urlencode(asked if each.form == 'jpeg' else {**asked, 'format': each.form})}"
    return None
