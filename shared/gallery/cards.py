"""What the page shows of an image that was found: as a search tells it, with its addresses here and its problems."""

from collections.abc import Sequence
from urllib.parse import urlencode

from shared.api import found_images
from shared.api.found_images import FoundImage
from shared.gallery.problems import Problem
from shared.index import states
from shared.index.entry import IMAGE, THUMBNAIL, Entry
from shared.records import thumbnails
from shared.records.thumbnails import Thumbnail
from shared.search.found import Hit
from shared.search.text_places import Place
from shared.settings import Settings

DATA = "/api/gallery/data"
# Nearly as wide as a card: the next size of the settings has many times the bytes, and a page shows dozens of cards.
_CARD_PIXELS = 160
# With these no picture can be decoded, so the page does not ask for one.
_NEVER_SHOWN = frozenset(
    (
        "format_not_supported",
        "image_archived",
        "image_copy_failed",
        "image_empty",
        "image_incomplete",
        "image_too_large",
        "image_too_many_pixels",
        "image_unreadable",
        "not_an_image",
    )
)


class Card(FoundImage):
    """One image of the page."""

    picture: str | None
    problems: list[Problem]


def told(hit: Hit, places: Sequence[Sequence[Place]], problems: list[Problem], settings: Settings) -> Card:
    """
    One image as the page takes it.

    Args:
        hit: the image.
        places: of each of its matches, where it stands in the text.
        problems: of its steps.
        settings: they tell which thumbnails there are.
    """
    found = found_images.told(hit, places, settings)
    found["thumbnail"] = _thumbnail(hit.entry, settings)
    return {**found, "picture": _picture(hit.entry, problems), "problems": problems}


def _thumbnail(entry: Entry, settings: Settings) -> str | None:
    """The address of the smallest stored thumbnail that is sharp on a card, else of the largest one."""
    stored = [each for each in thumbnails.wanted(settings) if entry.part(_part(entry, each))]
    if not stored:
        return None
    sharp = [each for each in stored if max(each.width, each.height) >= _CARD_PIXELS]
    # Of the same size, a WebP has fewer bytes.
    best = min(sharp, key=_weight) if sharp else max(stored, key=lambda each: (_pixels(each), each.form == "webp"))
    version = entry.part(_part(entry, best)).get("e")
    asked = {"name": entry.name, "width": best.width, "height": best.height, "format": best.form, "v": version}
    return f"{DATA}/thumbnail?{urlencode({key: value for key, value in asked.items() if value})}"


def _part(entry: Entry, each: Thumbnail) -> str:
    return THUMBNAIL + thumbnails.spec(entry.name, each).name.rpartition("/")[2]


def _pixels(each: Thumbnail) -> int:
    return each.width * each.height


def _weight(each: Thumbnail) -> tuple[int, bool]:
    return _pixels(each), each.form != "webp"


def _picture(entry: Entry, problems: Sequence[Problem]) -> str | None:
    """The address of the whole picture; None of a PDF, and where none can be decoded."""
    if entry.part(IMAGE).get("kind") == "pdf" or any(each["code"] in _NEVER_SHOWN for each in problems):
        return None
    asked = {"name": entry.name, "v": states.version_of(entry)}
    return f"{DATA}/picture?{urlencode({key: value for key, value in asked.items() if value})}"
