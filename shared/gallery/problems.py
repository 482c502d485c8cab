"""Why steps of images are missing: what unfinished records say to people, read once for each that is written."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypedDict
from weakref import WeakKeyDictionary

from shared import names
from shared.errors import BlobsightError
from shared.index import states
from shared.index.entry import Content, Entry
from shared.index.parts import short
from shared.records import unfinished_document
from shared.search.search import Search
from shared.services import App
from shared.threads import side_by_side

_PARALLEL = 16
# Of some 500 bytes each.
_MOST_KEPT = 5000
# A record of the app's has a few hundred bytes; a longer one is another program's.
_MOST_BYTES = 64 * 1024
_Key = tuple[str, str, str]
_UNKNOWN = "The record of this problem cannot be read."


# What was read for each app: it has one search, which is gone with it.
_lock = threading.Lock()
_of_search: "WeakKeyDictionary[Search, _Problems]" = WeakKeyDictionary()


class Problem(TypedDict):
    """Why a step is deferred or failed; `until` is when a deferred one is tried again, ISO 8601."""

    step: str
    state: str
    code: str
    message: str
    action: str
    until: str | None


class _Said(NamedTuple):
    message: str
    action: str


class _Note(NamedTuple):
    step: str
    stem: str
    content: Content


def of(app: App, entries: Sequence[Entry]) -> list[list[Problem]]:
    """
    The problems of each image, as the index knows it.

    Raises:
        StorageError: a record could not be read.
    """
    with _lock:
        problems = _of_search.setdefault(app.search, _Problems())
    return problems.of(app, entries)


class _Problems:
    """What was read before is not read again. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By step, stem and the end of its record's ETag; the oldest goes first.
        self._kept: dict[_Key, _Said] = {}

    def of(self, app: App, entries: Sequence[Entry]) -> list[list[Problem]]:
        notes = [
            [_Note(step, entry.stem, note) for step, note in states.notes_of(entry, app.settings).items()]
            for entry in entries
        ]
        every = [note for each in notes for note in each]
        missing = [note for note in every if self._known(note) is None]
        said: dict[int, _Said] = {}
        if missing:
            with ThreadPoolExecutor(_PARALLEL) as pool:
                said = dict(zip(map(id, missing), side_by_side(pool, partial(self._read, app), missing), strict=True))
        return [[_problem(note, said.get(id(note)) or self._known(note)) for note in each] for each in notes]

    def _known(self, note: _Note) -> _Said | None:
        with self._lock:
            return self._kept.get(_key(note))

    def _read(self, app: App, note: _Note) -> _Said:
        record = app.images.read(names.UNFINISHED, f"{note.step}/{note.stem}.json", most=_MOST_BYTES)
        if record is None:
            # It is done since, which the next search tells.
            return _Said(_UNKNOWN, BlobsightError.action)
        document = unfinished_document.parsed(record.data)
        said = _Said(str(document.get("message") or _UNKNOWN), str(document.get("action") or BlobsightError.action))
        with self._lock:
            self._kept[note.step, note.stem, short(record.info.etag)] = said
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return said


def _key(note: _Note) -> _Key:
    return note.step, note.stem, str(note.content.get("e", ""))


def _problem(note: _Note, said: _Said | None) -> Problem:
    content = note.content
    said = said or _Said(_UNKNOWN, BlobsightError.action)
    deferred = content.get("state") != unfinished_document.FAILED
    return {
        "step": note.step,
        "state": unfinished_document.DEFERRED if deferred else unfinished_document.FAILED,
        "code": str(content.get("code", "")),
        "message": said.message,
        "action": said.action,
        "until": str(content["until"]) if deferred and content.get("until") else None,
    }
