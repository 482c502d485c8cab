"""
The phase `images` of a reconciliation: which images have neither records nor a reason, and whose bytes are whose.

A page is a run of images in the order of their names. Their records are found by walking the containers of records
beside it, so an image that is well costs one look of its own: whether it is noted as the owner of its bytes.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

from shared import log, names
from shared.answers import owners
from shared.durable import appointments
from shared.durable.appointments import Appointment
from shared.errors import ConflictError, ImageArchivedError
from shared.lifecycle import adoption, completeness, older_images, pages, walks
from shared.lifecycle.completeness import Finding
from shared.lifecycle.pages import Page
from shared.lifecycle.reconcile_loop import Counts, PageWork, Plan, added
from shared.lifecycle.walks import Found
from shared.records import analysis, by_step, edited, former, versions
from shared.records.versions import SeenVersion
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo, IfEtag

_IMAGES = 500
_PARALLEL = 8
# Of one page; GET /api/images?state=pending lists all.
_MOST_NAMED = 100
_logger = logging.getLogger(__name__)


class _Place(NamedTuple):
    """
    Where the phase goes on.

    Attributes:
        images: the continuation of the images' listing.
        walks: those of the records' listings, by container and prefix.
        after: the last image of this page that is done; empty if none is.
    """

    images: str | None
    walks: dict[str, str | None]
    after: str

    @classmethod
    def of(cls, continuation: str | None) -> "_Place":
        return cls(*json.loads(continuation)) if continuation else cls(None, {}, "")

    def to_text(self) -> str:
        return json.dumps(self)


class _One(NamedTuple):
    """The outcome for one image."""

    counts: Counts
    lost: bool = False
    appointment: Appointment | None = None


def page(app: App, work: PageWork) -> Page:
    """Look at the next images of the run; those that are to be tried are left to be handed over."""
    plan, place = work["plan"], _Place.of(work["continuation"])
    listed = image_blobs.page(app.images, prefix=plan["images_prefix"], limit=_IMAGES, continuation=place.images)
    images = walks.after(listed.items, place.after, has_directories=app.images.has_directories)
    begun = dict(place.walks)
    done: list[_One] = []
    if images:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found, begun = walks.beside(app, plan["images_prefix"], images, place.walks, pool)
        # Images whose bytes have to be read take their time; the rest of the page comes in the next one.
        done = list(pages.in_parts(app, partial(_one, app, plan, found), images))
    _tell([image.name for image, one in zip(images, done, strict=False) if one.lost])
    counts: Counts = {}
    for one in done:
        counts = added(counts, one.counts)
    left = [one.appointment for one in done if one.appointment]
    if len(done) < len(images):
        return Page(place._replace(after=images[len(done) - 1].name).to_text(), counts, left)
    if listed.continuation:
        return Page(_Place(listed.continuation, begun, "").to_text(), counts, left)
    if not plan["images_prefix"]:
        adoption.note(app, plan["began"])
    return Page(None, counts, left)


def _one(app: App, plan: Plan, found: Found, image: BlobInfo) -> _One:
    counts: Counts = {"images": 1}
    finding = _finding(app, plan, found, image)
    # A report too: the marks are the app's own books, and tell what may not be deleted.
    told = _mark(app, image, finding)
    due = analysis.text_due_of(told, app.settings.text_mode) if finding.untold else None
    if not finding.is_lost and not (due is not None and due.was_lost):
        return _One(counts)
    changed = image.modified or image.created
    # One that the app knew before was overwritten since, whenever the first of that name came.
    came = changed if finding.others else image.created or changed
    if _is_older(plan, came) and not _had_result(app, plan, image):
        return _One({**counts, "older": 1})
    if changed is not None and changed > datetime.fromisoformat(plan["until"]):
        return _One(counts)  # its event is on its way
    counts = {**counts, "without_result": 1}
    if plan["mode"] == "report":
        return _One(counts, lost=True)
    key = appointments.key(image.etag, "")
    return _One(counts, True, Appointment(image.name, by_step.STEPS, key, 0.0, attempts=0))


def _is_older(plan: Plan, came: datetime | None) -> bool:
    return came is not None and came < datetime.fromisoformat(plan["since"])


def _had_result(app: App, plan: Plan, image: BlobInfo) -> bool:
    """Whether a renamed directory's image had a result under its former name."""
    if plan["by"] != "event":
        return False
    former_name = plan["records_prefix"] + image.name.removeprefix(plan["images_prefix"])
    return older_images.had_result(app, image, former_name)


def _finding(app: App, plan: Plan, found: Found, image: BlobInfo) -> Finding:
    """The findings about an image: first by the listings, then by its records, and at last by its bytes."""
    repairs = plan["mode"] == "repair"
    seen = SeenVersion(image)

    def listed(container: str, name: str) -> BlobInfo | None:
        return found.records.get((container, name))

    # An old container costs no looks night after night. Of other images, a record may be new since the listing.
    believed = _is_older(plan, image.created or image.modified) and not app.images.has_directories

    def asked(container: str, name: str) -> BlobInfo | None:
        record = found.records.get((container, name))
        return record if record or (believed and found.tells(container, name)) else app.images.head(container, name)

    finding = completeness.look(app, seen, listed, lambda name: found.thumbnails.get(names.stem(name), ()))
    if finding.is_lost:
        finding = completeness.look(app, seen, asked)
    if finding.is_lost and any(seen.may_be_source_of(record) for record in finding.others):
        finding = _by_bytes(app, image, repairs) or finding
    return finding


def _by_bytes(app: App, image: BlobInfo, repairs: bool) -> Finding | None:
    """The same by an image's bytes, where its properties do not tell whether its records hold; None if these do not."""
    if repairs:
        if not edited.recognize(app.images, app.settings, image):
            return None
        now = image_blobs.head(app.images, image.name)
        return completeness.look(app, SeenVersion(now), app.images.head) if now else None
    with suppress(ConflictError, ImageArchivedError):
        version = versions.current(app.images, image)
        if version is not None:
            return completeness.look(app, version, app.images.head)
    return None


def _mark(app: App, image: BlobInfo, finding: Finding) -> Mapping[str, str]:
    """
    What the mark says by which the image is noted as the owner of the bytes that its records are of.

    It is written where it is missing, as earlier versions wrote none. These also wrote analyses whose properties do not
    tell whether there is text: the mark tells it in their place, so each is read once.
    """
    version = _version(app, image, finding)
    sha256 = version.get(names.SOURCE_SHA256, "")
    mark = app.host.head(names.OWNERS, names.owner(sha256, image.name)) if sha256 else None
    told = mark.metadata if mark else version
    text = {}
    if finding.untold and names.TEXT_DUE not in told:
        text = _text_mark(app, finding.untold)
    if sha256 and (mark is None or text):
        with suppress(ConflictError):  # it is gone with the image, or was written anew
            condition = IfEtag(mark.etag) if mark else None
            owners.note(app.host, sha256, image.name, {**told, **text}, condition=condition)
    return {**told, **text}


def _version(app: App, image: BlobInfo, finding: Finding) -> dict[str, str]:
    """The metadata of a record of the image's present version, as far as its records know it."""
    record = next((record for record in finding.records if names.SOURCE_SHA256 in record.metadata), None)
    if record:
        kept = (names.SOURCE_SHA256, names.SOURCE_MD5, names.SOURCE_BYTES)
        known = {key: record.metadata[key] for key in kept if key in record.metadata}
        return {names.SOURCE_ETAG: image.etag, **known}
    sha256 = former.sha256_of(app.images, image.name, image.etag) if finding.records else ""
    return {names.SOURCE_ETAG: image.etag, names.SOURCE_SHA256: sha256} if sha256 else {}


def _text_mark(app: App, record: BlobInfo) -> dict[str, str]:
    """What the content of an analysis says of text; nothing where it was made anew just now."""
    blob = app.images.read(names.ANALYSIS, record.name)
    # One that is no analysis tells nothing, and is no reason to give the comparison up.
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        return analysis.text_mark(blob.data) if blob and blob.info.etag == record.etag else {}
    return {}


def _tell(lost: Sequence[str]) -> None:
    for name in lost[:_MOST_NAMED]:
        log.event(_logger, "image.without_result", level=logging.WARNING, blob=name)
