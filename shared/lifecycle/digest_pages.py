"""
The phase `by_digest`: text and thumbnails of bytes and addresses that came over HTTP go after 30 days.

Those of bytes that an image has stay as long as the image. No Read under way loses its record: it began because there
was none, or is of an address and writes it in any case, so the record is younger than the Read. A record that is
written anew has another ETag than the listing's, and stays.
"""

from functools import partial

from shared import names
from shared.lifecycle import adoption, pages, unowned
from shared.lifecycle.pages import Page, Place
from shared.lifecycle.reconcile_loop import Counts, PageWork
from shared.services import App
from shared.storage import directories, image_blobs
from shared.storage.blobs import BlobInfo

_CONTAINERS = (names.TEXT, names.THUMBNAILS)
_PAGE = 1000


def by_digest(app: App, work: PageWork) -> Page:
    """One page of the records `by-sha256` of one container, the text first."""
    place = Place.read(work["continuation"])
    if not place.word:
        if adoption.since(app) is None:
            return Page(None, Counts())
        place = place._replace(word=_CONTAINERS[0])
    container = place.word
    listed = app.images.page(container, prefix=names.BY_DIGEST, limit=_PAGE, continuation=place.token)
    before = app.clock.utc() - unowned.KEPT
    # A directory too, where it is real: it goes if it is empty, which a kill can have left.
    old = [each for each in listed.items if each.modified and each.modified <= before]
    subjects = list(dict.fromkeys(names.subject(each.name) for each in old))
    free = unowned.among(app, subjects, first=place.token is None, last=listed.continuation is None)
    # Directories last, when what was in them is gone.
    going = sorted((each for each in old if names.subject(each.name) in free), key=image_blobs.is_folder_marker)
    done = list(pages.in_parts(app, partial(_delete, app, container), going))
    if len(done) < len(going):
        return Page(place.told(), Counts())  # what was deleted is not listed again
    if listed.continuation:
        return Page(Place(listed.continuation, container).told(), Counts())
    following = _CONTAINERS[_CONTAINERS.index(container) + 1 :]
    return Page(Place(None, following[0]).told() if following else None, Counts())


def _delete(app: App, container: str, record: BlobInfo) -> None:
    if image_blobs.is_folder_marker(record):
        directories.prune(app.images, container, f"{record.name}/")
        return
    directories.delete(app.images, container, record.name, record.etag)
