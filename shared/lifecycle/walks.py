"""
The records of a run of images, or the images of a run of records, found by walking one container beside another.

So none of them costs a look of its own. What a walk misses is to be asked for by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from shared import names
from shared.records import by_step
from shared.services import App
from shared.storage import image_blobs, listing
from shared.storage.blobs import BlobInfo
from shared.storage.listing import Walk
from shared.threads import side_by_side

# A listing of those that lie under digests is worth it from so many on.
_MIN_LONG = 3
# Of an image's thumbnails of other sizes; where these tell nothing, a listing of its own tells.
MOST_OTHERS = 4
# Container, and what the names of records begin with before the image's.
OF_STEPS = (
    (names.ANALYSIS, ""),
    (names.THUMBNAILS, ""),
    (names.TEXT, ""),
    *((names.UNFINISHED, f"{step}/") for step in by_step.STEPS),
)
WITH_CORRECTIONS = (*OF_STEPS, (names.CORRECTIONS, ""))


class Found(NamedTuple):
    """
    What listings show of the records of a page's images.

    Attributes:
        records: by container and name.
        thumbnails: the first of any size, by the image's stem.
        walks: the listings, by container.
    """

    records: dict[tuple[str, str], BlobInfo]
    thumbnails: dict[str, list[BlobInfo]]
    walks: list[tuple[str, Walk]]

    def tells(self, container: str, name: str) -> bool:
        """Whether the listings would show that record."""
        return any(walk.tells(name) for walked, walk in self.walks if walked == container)


def after(images: list[BlobInfo], name: str, *, has_directories: bool) -> list[BlobInfo]:
    """The images that come after that one, by the listing's own order."""
    place = next((number for number, image in enumerate(images) if image.name == name), None)
    if place is not None:
        return images[place + 1 :]
    if has_directories:
        return images  # listed by their paths, in an order that letters do not tell: all once more, so none is missed
    return [image for image in images if image.name > name]


def beside(
    app: App,
    prefix: str,
    images: Sequence[BlobInfo],
    begun: Mapping[str, str | None],
    pool: Executor,
    *,
    of: Sequence[tuple[str, str]] = OF_STEPS,
    most_others: int = MOST_OTHERS,
) -> tuple[Found, dict[str, str | None]]:
    """
    The records of these images, as far as listings show them, and where the next page's listings begin.

    Args:
        app: the app.
        prefix: of the names of all images of the run.
        images: a page of them, at least one.
        begun: where the listings begin, as the page before has told; empty at the beginning.
        pool: for the listings, which go side by side.
        of: the listed containers, as `OF_STEPS`.
        most_others: how many thumbnails of other sizes are kept of an image.
    """
    places = {place for image in images for place in by_step.places(app.settings, image.name)}
    places |= {(names.CORRECTIONS, names.correction(image.name)) for image in images}
    stems = {names.stem(image.name) for image in images}
    thumbnails: dict[str, list[BlobInfo]] = {}
    long = sum(stem.startswith(names.LONG) for stem in stems)
    last = images[-1].name

    def walk(where: tuple[str, str]) -> Walk:
        container, before = where
        step = before.removesuffix("/")

        others: Counter[str] = Counter()

        def wanted(name: str) -> bool:
            if (container, name) in places:
                return True
            stem = names.stem_of_record(container, name) if container == names.THUMBNAILS else None
            if stem not in stems:
                return False
            others[stem] += 1
            return others[stem] <= most_others

        walked = listing.walk(
            app.images,
            (container, before + prefix),
            begun.get(container + step),
            last.removeprefix(prefix),
            wanted,
        )
        if long >= _MIN_LONG:
            walked.found.update(listing.walk(app.images, (container, before + names.LONG), None, None, wanted).found)
        return walked

    found: dict[tuple[str, str], BlobInfo] = {}
    continuations, walks = {}, []
    for (container, before), walked in zip(of, side_by_side(pool, walk, of), strict=True):
        found |= {(container, name): info for name, info in walked.found.items()}
        continuations[container + before.removesuffix("/")] = walked.continuation
        walks.append((container, walked))
    for (container, name), info in found.items():
        if container == names.THUMBNAILS and (stem := names.stem_of_record(container, name)):
            thumbnails.setdefault(stem, []).append(info)
    return Found(found, thumbnails, walks), continuations


def images_of(app: App, prefix: str, stems: Sequence[str], continuation: str | None) -> tuple[set[str], str | None]:
    """
    The stems of these whose images listings show, and where the next page's listing begins.

    Args:
        app: the app.
        prefix: of the names of all images of the run.
        stems: a run of them, in their order.
        continuation: where the listing begins, as the page before has told.
    """
    among = frozenset(stems)

    def wanted(name: str) -> bool:
        return names.stem(name) in among

    last = stems[-1].removeprefix(prefix)
    walked = listing.walk(app.images, (names.IMAGES, prefix), continuation, last, wanted)
    found = dict(walked.found)
    if sum(stem.startswith(names.LONG) for stem in stems) >= _MIN_LONG:
        # Where a folder of images has the name that digests lie under, too.
        for folder in (names.LONG, names.BY_DIGEST):
            found |= listing.walk(app.images, (names.IMAGES, folder), None, None, wanted).found
    there = {names.stem(name) for name, info in found.items() if not image_blobs.is_folder_marker(info)}
    return there, walked.continuation
