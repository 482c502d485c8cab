"""
What an entry of the index shows and is found by: people's corrections win over what Computer Vision has said.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, THUMBNAIL, Entry
from shared.pictures.looks import FLAT
from shared.records.corrections import Correction
from shared.search import words

# What a word can stand in, in the order of the columns of the engine.
NAME, CAPTION, ALT, TAGS, TEXT = "name", "caption", "alt", "tags", "text"
FIELDS = (NAME, CAPTION, ALT, TAGS, TEXT)
# No word: between two tags, so that no phrase goes from one to the next.
APART = "\u00a6"
# Facets, in the order of an answer.
FACETS = ("state", "tag", "year", "month", "folder", "kind", "colour")
_HAS, _ROOT = "has", "/"
_DAY = "YYYY-MM-DD"


@dataclass(frozen=True, slots=True)
class Document:
    """
    One image, as the search shows it.

    Attributes:
        name: its name in the container.
        caption, alt: None where none is known.
        tags: those that people added first.
        kind: jpeg, pdf and so on; empty where it is not known.
        date: when it was taken, else uploaded: ISO 8601; None where neither is known.
        colour: the name of what it has most of; None where it has no thumbnail.
        look: the perceptual hash; None of a flat picture, and where there is no thumbnail.
        text: the first words of what was read.
        has_people: whether the analysis saw any.
    """

    name: str
    caption: str | None
    alt: str | None
    tags: list[str]
    kind: str
    date: str | None
    colour: str | None
    look: int | None
    text: str
    has_people: bool

    @property
    def folder(self) -> str:
        """The folder that it lies in; empty for none."""
        return self.name.rpartition("/")[0]


def of_entry(entry: Entry) -> Document:
    """What the entry shows."""
    image, analysis, correction = entry.part(IMAGE), entry.part(ANALYSIS), entry.part(CORRECTION)
    people = Correction(
        correction.get("caption"),
        correction.get("alt"),
        tuple(correction.get("added", ())),
        tuple(correction.get("removed", ())),
    )
    look, colour = _look(entry)
    return Document(
        name=entry.name,
        caption=people.caption_of(analysis.get("caption")),
        alt=people.alt,
        tags=people.tags_of(analysis.get("tags", ())),
        kind=str(image.get("kind") or ""),
        date=_date(image.get("taken")) or _date(image.get("uploaded")),
        colour=colour,
        look=look,
        text=str(entry.part(PLAIN).get("words") or ""),
        has_people=bool(analysis.get("people")),
    )


def columns(document: Document, whole_text: str | None) -> list[str]:
    """The folded words of each field, with spaces between them; *whole_text* is that already, or None."""
    plain, parted = words.of_name(document.name)
    return [
        " ".join([*plain, *([APART, *parted] if parted else [])]),
        " ".join(words.of(document.caption or "")),
        " ".join(words.of(document.alt or "")),
        f" {APART} ".join(map(words.key, document.tags)),
        " ".join(words.of(document.text)) if whole_text is None else whole_text,
    ]


def spellings(document: Document) -> Iterator[tuple[str, str]]:
    """How its words with umlauts can be written too."""
    for text in (document.name, document.caption or "", document.alt or "", *document.tags, document.text):
        if not text.isascii():
            yield from words.spellings(text)


def facet_values(document: Document, state: str) -> Iterator[tuple[str, str, str]]:
    """Each value by which it is counted: the facet, the value as queries are compared with it, and as it is shown."""
    yield "state", state, state
    for tag in document.tags:
        yield "tag", words.key(tag), tag
    if document.date:
        yield "year", document.date[:4], document.date[:4]
        yield "month", document.date[:7], document.date[:7]
    for folder in _folders(document.folder):
        # A query has no slash at the ends of a folder.
        yield "folder", words.fold(folder).strip("/") or _ROOT, folder
    if document.kind:
        yield "kind", words.fold(document.kind), document.kind
    if document.colour:
        yield "colour", words.fold(document.colour), document.colour
    if document.text.strip():
        yield _HAS, "text", "text"
    if document.has_people:
        yield _HAS, "people", "people"


def _folders(folder: str) -> list[str]:
    """The folder and those that it lies in; `/` for none."""
    steps = folder.split("/")
    return ["/".join(steps[:depth]) for depth in range(1, len(steps) + 1) if steps[depth - 1]] or [_ROOT]


def _look(entry: Entry) -> tuple[int | None, str | None]:
    """The hash and the colour of the first thumbnail, by its file's name, that tells them."""
    for name in sorted(entry.parts):
        part = entry.part(name) if name.startswith(THUMBNAIL) else {}
        if look := part.get("look"):
            return _number(str(look)), part.get("colour")
    return None, None


def _number(look: str) -> int | None:
    """The hash as a number; None of a flat picture, and of what another program has written there."""
    is_hash = len(look) == len(FLAT) and all(digit in "0123456789abcdef" for digit in look)
    return int(look, 16) if is_hash and look != FLAT else None


def _date(told: object) -> str | None:
    """The date, if it begins as ISO 8601 does."""
    text = str(told or "")
    return (
        text if len(text) >= len(_DAY) and text[:4].isdecimal() and text[4] == "-" and text[5:7].isdecimal() else None
    )
