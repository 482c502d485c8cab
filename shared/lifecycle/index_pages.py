"""
The phase `index` of a run: the index tells of each image what its records tell, and of no image that is gone.

First come the images, page by page: a line is written where the entry tells other records than there are. Then come the
entries, range by range: one whose image is gone goes. Only storage is asked, and mostly by listings.

The same listings show thumbnails that are not cut as the correction says, because the process that was to cut them was
killed. They are left to be cut.
"""

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from shared import names
from shared.durable import appointments
from shared.errors import ConflictError, StorageRefusedError
from shared.index import base, derive, reader
from shared.index.derive import Records
from shared.index.entry import CORRECTION, Entry
from shared.lifecycle import pages, rebuild, walks
from shared.lifecycle.pages import Page
from shared.lifecycle.reconcile_loop import Counts, PageWork, added
from shared.lifecycle.walks import Found
from shared.records import focal_cuts
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo

_IMAGES = 1000
_PARALLEL = 8
# Of one image; with more, its records are listed by themselves.
_MOST_THUMBNAILS = 100
# The name that comes right after another is that with this character behind it.
_NEXT = "\0"


class _Place(NamedTuple):
    """
    Where the phase goes on.

    Attributes:
        part: `images`, then `entries`.
        images: the continuation of the images' listing.
        walks: those of the records' listings, by container and prefix; empty of entries.
        after: of images, the last one of this page that is done; of entries, where the next range begins.
    """

    part: str = "images"
    images: str | None = None
    walks: dict[str, str | None] = {}  # noqa: RUF012
    after: str = ""


class _Page(NamedTuple):
    """
    A page of images: their records and their entries.

    Attributes:
        found: what listings show of their records.
        records: the same by stem.
        known: their entries.
        at: the moment before anything was listed.
        anew: whether every entry is derived, also one that tells these records.
    """

    found: Found
    records: dict[str, dict[tuple[str, str], BlobInfo]]
    known: dict[str, Entry]
    at: float
    anew: bool


def page(app: App, work: PageWork) -> Page:
    """Compare the next images, or the next entries."""
    place = _Place(*json.loads(work["continuation"])) if work["continuation"] else _Place()
    uncut = list[str]()
    following, counts = _images(app, work, place, uncut) if place.part == "images" else _entries(app, place)
    # Before the page counts as done: a page whose lines are not stored is done again.
    app.index_writer.flush()
    if following is None:
        rebuild.note_built(app, work["plan"], added(work["counts"], counts))
    left = [appointments.of_focal_point(name) for name in uncut]
    return Page(json.dumps(following) if following else None, counts, left)


def _images(app: App, work: PageWork, place: _Place, uncut: list[str]) -> tuple[_Place, Counts]:
    """Compare the next images; added to *uncut* are those whose thumbnails are to be cut as their corrections say."""
    at = derive.moment(app.images, app.clock)
    listed = image_blobs.page(app.images, prefix="", limit=_IMAGES, continuation=place.images)
    images = walks.after(listed.items, place.after, has_directories=app.images.has_directories)
    begun, done = dict(place.walks), list[bool]()
    if images:
        # Before their records: what it tells of and they do not is gone.
        known = _known(app, {names.stem(image.name) for image in images})
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found, begun = walks.beside(
                app, "", images, place.walks, pool, of=walks.WITH_CORRECTIONS, most_others=_MOST_THUMBNAILS
            )
        # What a caller asks for is what he does not trust.
        anew = work["plan"]["by"] == "request" and len(work["plan"]["phases"]) == 1
        compared = _Page(found, _by_stem(found), known, at, anew)
        done = list(pages.in_parts(app, partial(_one, app, compared), images))
        if work["plan"]["mode"] != "report":
            some = images[: len(done)]
            uncut += [image.name for image in some if _has_other_cuts(app, compared, image)]
    counts: Counts = {"indexed": len(done), "index_changed": sum(done)}
    if len(done) < len(images):
        return place._replace(after=images[len(done) - 1].name), counts
    if listed.continuation:
        return _Place("images", listed.continuation, begun), counts
    return _Place("entries"), counts


def _known(app: App, stems: Collection[str]) -> dict[str, Entry]:
    """The entries of these stems; those of long names lie apart from the others."""
    known: dict[str, Entry] = {}
    long = [stem for stem in stems if stem.startswith(names.LONG)]
    for some in (long, [stem for stem in stems if not stem.startswith(names.LONG)]):
        if some:
            known |= reader.snapshot(app.host, min(some), max(some) + _NEXT, whole=False)
    return known


def _by_stem(found: Found) -> dict[str, dict[tuple[str, str], BlobInfo]]:
    records: dict[str, dict[tuple[str, str], BlobInfo]] = {}
    for (container, name), info in found.records.items():
        stem = names.stem_of_record(container, name)
        if stem:
            records.setdefault(stem, {})[container, name] = info
    return records


def _one(app: App, page: _Page, image: BlobInfo) -> bool:
    """Write the line of an image if its entry tells other records than it has; whether it did."""
    stem = names.stem(image.name)
    entry, records = page.known.get(stem), page.records.get(stem, {})
    if not page.anew and not derive.differs(entry, app.images, app.settings, image, records):
        return False
    if _is_told(app, page.found, image, records):
        line = derive.line_from(app.images, app.settings, image, records, page.at, entry)
    else:
        line = derive.line_of(app.images, app.settings, app.clock, image.name, entry)
    app.index_writer.note(line)
    return True


def _has_other_cuts(app: App, page: _Page, image: BlobInfo) -> bool:
    """Whether thumbnails are cut around another point than the correction names; a look where listings tell it."""
    stem = names.stem(image.name)
    records = page.records.get(stem, {})
    said = records.get((names.CORRECTIONS, names.correction(image.name)))
    cuts = [info for (container, _), info in records.items() if container == names.THUMBNAILS]
    # Of a long name, listings may show nothing.
    is_unseen = said is None and stem in page.known and "focal" in page.known[stem].part(CORRECTION)
    return (is_unseen or focal_cuts.differ(said, cuts)) and focal_cuts.are_other(app.images, image.name)


def _is_told(app: App, found: Found, image: BlobInfo, records: Records) -> bool:
    """Whether the listings have shown all records that the image has."""
    if app.images.has_directories or len(records) >= _MOST_THUMBNAILS:
        return False
    below = names.thumbnails(image.name)
    places = [*derive.places(app.settings, image.name), (names.THUMBNAILS, below), (names.THUMBNAILS, f"{below}~")]
    return all(place in records or found.tells(*place) for place in places)


def _entries(app: App, place: _Place) -> tuple[_Place | None, Counts]:
    last = next((end for _, end in base.read(app.host).manifest.ranges() if end and end > place.after), None)
    known = reader.snapshot(app.host, place.after, last, whole=False)
    stems = sorted(stem for stem, entry in known.items() if entry.is_there)
    images, gone = place.images, list[bool]()
    if stems:
        there, images = walks.images_of(app, "", stems, place.images)
        suspects = [known[stem] for stem in stems if stem not in there]
        gone = list(pages.in_parts(app, partial(_gone, app), suspects))
        if len(gone) < len(suspects):
            return place._replace(after=suspects[len(gone)].stem), {"index_gone": sum(gone)}
    return (_Place("entries", images, {}, last) if last else None), {"index_gone": sum(gone)}


def _gone(app: App, entry: Entry) -> bool:
    """Write the line of an image that is gone; whether it is."""
    at = derive.moment(app.images, app.clock)
    # An image that storage tells nothing of, such as one with a key of its owner's, is there.
    with suppress(ConflictError, StorageRefusedError):
        # The name of a long one may be told by no part: then it has no image that was looked at in this run.
        if image_blobs.head(app.images, entry.name) is None:
            app.index_writer.note({"stem": entry.stem, "at": at, "gone": True})
            return True
    return False
