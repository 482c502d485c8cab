"""
What the index knows of one image: parts, each told by one record, with the time at which that was written.

A line of the index changes some parts of one entry. Lines in any order, and lines that come twice, make the same entry:
of each part the latest counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

# The name of a part: one of these, or one of these prefixes with the file of a thumbnail or the step of a note.
IMAGE, ANALYSIS, PLAIN, TEXT, CORRECTION = "image", "analysis", "plain", "text", "correction"
THUMBNAIL, UNFINISHED = "thumbnail:", "unfinished:"
# A text's beginning, which an entry has.
MOST_WORDS = 60


class Record(TypedDict):
    """
    What each part but `image` tells of its record.

    `e` is the beginning of its ETag's digest, and `q` the ends of its questions' keys. `v` is the beginning of the
    SHA-256 of the image's bytes.
    """

    e: NotRequired[str]
    q: NotRequired[str]
    v: NotRequired[str]


class ImagePart(TypedDict, total=False):
    """
    The image itself, as the last record with a head has told, or a listing.

    `uploaded` and `taken` are ISO 8601; `taken` is the camera's time, which has no zone. `kind` is jpeg, pdf and so on.
    `v` is as in `Record`, where a caller of the app has stored the image: records of other bytes count no more.
    """

    name: str
    bytes: int
    kind: str
    width: int
    height: int
    uploaded: str
    taken: str
    v: str


class AnalysisPart(Record, total=False):
    """The analysis: `tags` by falling confidence; `due` as `analysis.text_mark` writes it; `people` if it saw any."""

    caption: str
    tags: list[str]
    due: str
    people: bool


class PlainPart(Record, total=False):
    """The plain text: its first words; `more` if it has others; `only` if the image is a document."""

    words: str
    more: bool
    only: bool


class ThumbnailPart(Record, total=False):
    """A thumbnail: `look` is its perceptual hash, 16 hex digits; `colour` the name of what it has most of."""

    look: str
    colour: str


class UnfinishedPart(Record, total=False):
    """
    A note why a step is missing: `state` is deferred or failed.

    `blames` if the image is to blame, `still` if its text is read all the same; `only` if it is a document.
    """

    state: str
    code: str
    until: str
    blames: bool
    still: bool
    only: bool


class CorrectionPart(Record, total=False):
    """What people say of the image, as `shared.records.corrections` keeps it."""

    caption: str
    alt: str
    added: list[str]
    removed: list[str]
    focal: list[float]


# The content of a part: one of the above, by its name.
Content = Mapping[str, Any]


class Line(TypedDict):
    """
    One change of one entry.

    Attributes:
        stem: what the names of the image's records begin with.
        at: seconds since 1970, by storage's clock.
        parts: the content of each part that has changed; None where its record is gone.
        gone: the image is gone, with all parts that were written before.
    """

    stem: str
    at: float
    parts: NotRequired[dict[str, Content | None]]
    gone: NotRequired[bool]


@dataclass
class Entry:
    """
    What the index knows of one image.

    Attributes:
        stem: what the names of its records begin with.
        parts: by name; None where the record is gone, which beats a line that comes late.
        at: when each part was written.
        gone_at: when the image was seen gone last; 0 is never.
    """

    stem: str
    parts: dict[str, Content | None] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)
    gone_at: float = 0.0

    @property
    def is_there(self) -> bool:
        """Whether any part is left."""
        return any(content is not None for content in self.parts.values())

    def part(self, name: str) -> Content:
        """The content of a part; empty where there is none."""
        return self.parts.get(name) or {}

    @property
    def name(self) -> str:
        """The image's name; the stem where no part tells a long one."""
        return str(self.part(IMAGE).get("name", self.stem))

    def apply(self, line: Line) -> None:
        """Change it as the line says, unless it knows something later."""
        if line.get("gone"):
            self._go(line["at"])
        for name, content in line.get("parts", {}).items():
            self._set(name, content, line["at"])

    def merge(self, other: "Entry") -> None:
        """Change it by all that another entry of the same stem knows."""
        self._go(other.gone_at)
        for name, content in other.parts.items():
            self._set(name, content, other.at[name])

    def lines(self) -> list[Line]:
        """Lines that make the same entry."""
        found: list[Line] = [{"stem": self.stem, "at": self.gone_at, "gone": True}] if self.gone_at else []
        for at in sorted(set(self.at.values())):
            parts = {name: self.parts[name] for name, written in self.at.items() if written == at}
            found.append({"stem": self.stem, "at": at, "parts": parts})
        return found

    def _go(self, at: float) -> None:
        if at > self.gone_at:
            self.gone_at = at
            for name in [name for name, written in self.at.items() if written <= at]:
                del self.at[name], self.parts[name]

    def _set(self, name: str, content: Content | None, at: float) -> None:
        if at <= self.gone_at or (name in self.at and at < self.at[name]):
            return
        # Of two that were written at once, the same one counts whatever comes first.
        if self.at.get(name) != at or _text(content) > _text(self.parts[name]):
            self.parts[name], self.at[name] = content, at


def _text(content: Content | None) -> str:
    return json.dumps(content, sort_keys=True)
