"""
Whether the thumbnails of an image are cut as its correction says: the metadata of both tell the point.
"""

from collections.abc import Iterable

from shared import names
from shared.records import corrections
from shared.records.thumbnails import FOCAL
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo, Blobs


def differ(correction: BlobInfo | None, thumbnails: Iterable[BlobInfo]) -> bool:
    """Whether one of the thumbnails was cut around another point than the correction names, by their properties."""
    said = correction.metadata.get(corrections.FOCAL, "") if correction else ""
    return any(_is_other(info, said) for info in thumbnails)


def are_other(images: Blobs, name: str) -> bool:
    """The same of all thumbnails that are stored of an image now; costs a read of the correction and a listing."""
    point = corrections.focal_of(images, name)
    said = corrections.written(point) if point else ""
    below = listing.all_below(images, names.THUMBNAILS, names.thumbnails(name))
    return any(_is_other(info, said) for info in below if names.is_thumbnail_of(info.name, name))


def _is_other(info: BlobInfo, said: str) -> bool:
    return info.metadata.get(FOCAL, "") != said and not image_blobs.is_folder_marker(info)
