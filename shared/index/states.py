"""
The state of an image by what the index knows of it: the same that `GET /api/images` derives from its records.

An upload of other bytes is seen with its first record, or at once if a caller of the app has stored them. Until then,
the index tells the state of the version before.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from shared.index import parts
from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, TEXT, THUMBNAIL, UNFINISHED, Content, Entry
from shared.records import by_step
from shared.records.unfinished_document import DEFERRED, FAILED
from shared.settings import Settings

State = Literal["complete", "pending", "deferred", "failed"]
# As `GET /api/images` does, what most needs attention comes first.
_ORDER: tuple[State, ...] = (FAILED, DEFERRED, "pending")
# Of parts of the same time: an old entry has one time for all. An image that a caller of the app has stored has no
# records yet. A note goes when its step is done, and the analysis is the first record of an image.
_RANKS = {IMAGE: 3, UNFINISHED.removesuffix(":"): 2, ANALYSIS: 1}
_DONE, _NONE = "complete", "none"


def state_of(entry: Entry, settings: Settings) -> State:
    """The state of the image by the settings of now."""
    return _Looking(entry, settings).state()


def version_of(entry: Entry) -> str:
    """The beginning of the SHA-256 of the bytes that the latest record is of; empty where none tells."""
    told = [(entry.at[name], _RANKS.get(name.partition(":")[0], 0), str(part["v"])) for name, part in _telling(entry)]
    return max(told, default=(0.0, 0, ""))[2]


def notes_of(entry: Entry, settings: Settings) -> dict[str, Content]:
    """By step, the notes that tell why a step of the image as it is now is missing, by the settings of now."""
    looking = _Looking(entry, settings)
    return {step: note for step in by_step.STEPS if (note := looking.note(step))}


class _Wanted(NamedTuple):
    """A record that is wanted: its file, and the ends of the keys of all questions that it may answer."""

    file: str
    keys: frozenset[str]


@lru_cache(maxsize=64)
def _wanted(settings: Settings, step: str) -> tuple[_Wanted, ...]:
    """Those of one step. They are the same for every image, and digests are too dear for each of a hundred thousand."""
    found = []
    for spec in by_step.specs(settings, step, "any"):
        keys = frozenset(parts.asked(question.key) for question in (spec.question, *spec.others))
        found.append(_Wanted(spec.name.rpartition("/")[2], keys))
    return tuple(found)


class _Looking:
    """Looks at the parts of one entry, which are of the version of its latest record."""

    def __init__(self, entry: Entry, settings: Settings) -> None:
        self._entry = entry
        self._settings = settings
        self._version = version_of(entry)

    def state(self) -> State:
        analysis, note = self._analysis()
        has_text = self._has_text(analysis, note)
        refused = analysis is None and note is not None and bool(note.get("blames"))
        text, text_only = self._text(has_text, refused)
        states = [text]
        if not text_only:
            states.append(_DONE if analysis else _noted(note))
            states += [] if refused else self._thumbnails()
        return next((state for state in _ORDER if state in states), "complete")

    def note(self, step: str) -> Content | None:
        """The note of a step, if the step is missing."""
        specs = self._specs(step)
        names = {by_step.ANALYSIS: (ANALYSIS,), by_step.TEXT: (PLAIN, TEXT)}.get(step)
        parts = names or tuple(f"{THUMBNAIL}{spec.file}" for spec in specs)
        needed = specs[:1] if step == by_step.ANALYSIS else specs
        if needed and all(self._answering(part, spec) for part, spec in zip(parts, needed, strict=True)):
            return None
        return self._note(step, specs)

    def _analysis(self) -> tuple[Content | None, Content | None]:
        """The analysis that answers the settings, or the note why there is none."""
        specs = self._specs(by_step.ANALYSIS)
        made = self._answering(ANALYSIS, specs[0])
        return made, None if made else self._note(by_step.ANALYSIS, specs)

    def _has_text(self, analysis: Content | None, note: Content | None) -> bool | None:
        """Whether there is text to read; None where that is not known yet."""
        if analysis:
            return self._settings.text_mode in str(analysis.get("due", "")).split(",")[1:]
        return True if note and note.get("blames") and note.get("still") else None

    def _text(self, has_text: bool | None, refused: bool) -> tuple[str, bool]:
        """The state of the text, and whether nothing but the text applies to the image."""
        if has_text is False:
            return _NONE, False
        plain, places = self._specs(by_step.TEXT)
        note = self._note(by_step.TEXT, [plain, places])
        is_only = any(bool(part.get("only")) for part in (self._part(PLAIN), self._part(TEXT), note) if part)
        if self._answering(PLAIN, plain) and self._answering(TEXT, places):
            return _DONE, is_only
        if note is None and refused and not has_text:
            return _NONE, False
        other = self._part(f"{UNFINISHED}{by_step.TEXT}") or {}
        return _noted(note), is_only or bool(other.get("only"))

    def _thumbnails(self) -> Iterable[str]:
        specs = self._specs(by_step.THUMBNAILS)
        if all(self._answering(f"{THUMBNAIL}{spec.file}", spec) for spec in specs):
            return ()
        return (_noted(self._note(by_step.THUMBNAILS, specs)),)

    def _specs(self, step: str) -> tuple[_Wanted, ...]:
        return _wanted(self._settings, step)

    def _answering(self, name: str, spec: _Wanted) -> Content | None:
        """A part that answers the spec's question."""
        part = self._part(name)
        return part if part and str(part.get("q", "")) in spec.keys else None

    def _note(self, step: str, specs: Sequence[_Wanted]) -> Content | None:
        """The note of a step that speaks of these questions."""
        part = self._part(f"{UNFINISHED}{step}")
        keys = str(part.get("q", "")).split(",") if part else []
        keys = [] if keys == [""] else keys
        same = len(keys) == len(specs) and all(key in spec.keys for key, spec in zip(keys, specs, strict=True))
        return part if same else None

    def _part(self, name: str) -> Content | None:
        """A part, unless it is of a version before."""
        part = self._entry.parts.get(name)
        version = part.get("v", self._version) if part else None
        return part if version == self._version else None


def _telling(entry: Entry) -> Iterable[tuple[str, Content]]:
    # A correction stands whatever bytes come.
    return ((name, part) for name, part in entry.parts.items() if part and part.get("v") and name != CORRECTION)


def _noted(note: Content | None) -> str:
    if note is None:
        return "pending"
    return FAILED if note.get("state") == FAILED else DEFERRED
