"""
Stored thumbnails are cut anew when the focal point of their image has changed, by stored answers alone.

The order makes it safe beside other writers. The correction is written first; then its thumbnails are listed. An upload
that has not seen the correction has written its thumbnails before that, or finds them written: those that every image
gets are made here too. Each cut around a point ends with a look whether it is still the same.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from shared import log, names
from shared.configuration.parse import Mode
from shared.errors import ConflictError, ImageRejectedError
from shared.images import ImageBytes
from shared.lifecycle import deletion
from shared.pictures.crops import Point
from shared.records import by_step, record_store, thumbnails, unfinished, versions
from shared.records.record_store import Filled
from shared.records.thumbnails import FOCAL, Thumbnail
from shared.records.versions import Source, SourceChangedError
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo, IfEtag
from shared.thumbnails import focal, maker
from shared.thumbnails.maker import ThumbnailMaker
from shared.vision.models import Answer
from shared.vision.questions import Question

# One for each time that the image is overwritten, or a thumbnail or the correction is written by another.
_MAX_ROUNDS = 8
_FILE = r"([0-9]{1,5})x([0-9]{1,5})-(smart|plain)\.(jpg|webp)"
_logger = logging.getLogger(__name__)


class _NotPaidError(Exception):
    """Computer Vision would have to be asked."""


class _Place(NamedTuple):
    """One thumbnail, and its blob; None if it is not stored."""

    thumbnail: Thumbnail
    stored: BlobInfo | None


def recut(app: App, name: str) -> int:
    """
    Cut every stored thumbnail of an image as its correction says now, of all sizes and formats; nothing is paid.

    Where there is a focal point, those that every image gets are made too. Where there is none any more, stored
    answers tell the subject or an area of interest, else a thumbnail is cut around the middle.

    Returns:
        How many were written.

    Raises:
        BusyError: too many pictures are being decoded, or others write the same thumbnails; try again.
        StorageError: storage does not answer.
    """
    written = 0
    for _ in range(_MAX_ROUNDS):
        point = focal.read(app.images, name)
        places = list(_places(app, name, point))
        if not places:
            return written
        source = versions.identify(app.images, name, None, most=app.settings.max_upload_bytes)
        if not isinstance(source, Source) or by_step.is_document(app.images, app.settings, source):
            return written
        try:
            made = _cut(app, source, places, point)
            versions.ensure_unchanged(app.images, source)
        except SourceChangedError as change:
            if change.deleted:
                with suppress(SourceChangedError):  # there is an image of that name again
                    deletion.forget(app, name, digests={source.sha256})
            continue
        written += made or 0
        if made is not None and focal.read(app.images, name) == point:
            if written:
                log.event(_logger, "thumbnails.recut", blob=name, records=written)
            return written
    raise record_store.too_many_writers(names.THUMBNAILS, names.thumbnails(name))


def _places(app: App, name: str, point: Point | None) -> Iterator[_Place]:
    """The thumbnails that are to be as the point says: those that are stored; with a point also those to be made."""
    listed = {
        info.name: info
        for info in listing.all_below(app.images, names.THUMBNAILS, names.thumbnails(name))
        if names.is_thumbnail_of(info.name, name) and not image_blobs.is_folder_marker(info)
    }
    for each in thumbnails.wanted(app.settings):
        info = listed.pop(thumbnails.spec(name, each).name, None)
        if point or (info and FOCAL in info.metadata):
            yield _Place(each, info)
    for info in listed.values():
        found = _asked_for(app, info)
        if found and (point or FOCAL in info.metadata):
            yield _Place(found, info)


def _asked_for(app: App, info: BlobInfo) -> Thumbnail | None:
    """Which thumbnail it is that a caller has asked for, or that earlier settings wanted, by its name."""
    found = re.fullmatch(_FILE, info.name.rpartition("/")[2])
    if not found:
        return None
    width, height = int(found[1]), int(found[2])
    mode = app.settings.thumbnail_mode
    if found[3] == "plain":
        mode = "center"
    elif mode == "center":
        mode = "auto"
    thumbnail = Thumbnail(
        width, height, mode, next(form for form, each in names.FORMATS.items() if each[1] == found[4])
    )
    return thumbnail if thumbnail.is_made_by_service or mode != "vision" else thumbnail._replace(mode="auto")


def _cut(app: App, source: Source, places: list[_Place], point: Point | None) -> int | None:
    """Write those that are not as the point says; returns how many, or None if another writer was faster."""
    left = [each for each in places if not _is_settled(app, source, each, point)]
    making = ThumbnailMaker(
        app,
        source.image,
        [each.thumbnail for each in left],
        partial(_known, app, source.image),
        record=lambda: maker.analysis_record(app, source),
        focal=lambda: point,
    )
    written, was_faster, is_whole = 0, False, True
    for thumbnail, stored in left:
        made = _content(making, thumbnail, point)
        if made is None:
            is_whole = False
            continue
        spec = thumbnails.spec(source.name, thumbnail)._replace(question=made.question)
        mark = {names.ON_DEMAND: "true"} if stored and names.ON_DEMAND in stored.metadata else {}
        try:
            condition = IfEtag(stored.etag if stored else None)
            record_store.write(app.images, source, spec, made.data, condition, {**mark, **made.metadata})
            written += 1
        except ConflictError:
            was_faster = True
    if was_faster:
        return None
    if is_whole and any(each.stored is None for each in left):
        unfinished.clear(app.images, source, by_step.THUMBNAILS)
    return written


def _is_settled(app: App, source: Source, place: _Place, point: Point | None) -> bool:
    """Whether it is of that version and is cut around that point."""
    info = place.stored
    if info is None or point is None:
        return False
    is_around_it = info.metadata.get(FOCAL) == focal.written(point)
    return is_around_it and source.is_source_of(app.images, info)


def _content(making: ThumbnailMaker, wanted: Thumbnail, point: Point | None) -> Filled | None:
    """The thumbnail around the point, else by stored answers; None if the picture cannot be decoded."""
    around_point = wanted.cut("focal")
    try:
        if point:
            with suppress(_NotPaidError):
                made = making.content(wanted)
                return made if made.question == around_point else None
            return None
        modes: tuple[Mode, ...] = (wanted.mode, "auto") if wanted.smart else ("center",)
        for mode in modes:
            with suppress(_NotPaidError):
                made = making.content(wanted._replace(mode=mode))
                # As corrections do, it holds where its mode would have to ask for more: nothing is paid for a change.
                return made if made.question in wanted.questions() else made._replace(question=around_point)
        return making.content(wanted._replace(mode="center"))._replace(question=around_point)
    except ImageRejectedError:
        return None


def _known(app: App, image: ImageBytes, question: Question) -> Answer:
    answer = app.answers.find(question, image)
    if answer is None:
        raise _NotPaidError
    return answer
