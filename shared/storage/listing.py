"""
Which blobs there are, from a few listings by prefix instead of a HEAD for each.

The names asked for begin with the names of neighbours in another container, such as the images of one page.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import groupby
from typing import NamedTuple

from shared.storage.blobs import BlobInfo, Blobs, Page
from shared.threads import side_by_side

# A listing costs about as much as two HEADs and is worth it from so many names on.
_MIN_NAMES = 3
_MAX_LISTED_BLOBS = 2000
_MAX_BLOBS_OF_ONE = 100
# Of one page, by Azure Storage.
_MOST_LISTED = 5000
# By a walk, and how often at most for one run of neighbours: any number of others may lie in between.
_WALKED_AT_ONCE, _MOST_WALKED = 1000, 50


class Listing:
    """Blobs known from listings of *container* by prefix; what these leave open is asked for by itself."""

    def __init__(self, blobs: Blobs, container: str, pages: dict[str, Page]) -> None:
        self._blobs = blobs
        self._container = container
        self._found = {info.name: info for page in pages.values() for info in page.items}
        # Other blobs below a prefix, which no caller asks for, may have cut its listing off.
        self._complete = tuple(prefix for prefix, page in pages.items() if page.continuation is None)

    def head(self, container: str, name: str) -> BlobInfo | None:
        """The properties of the blob, or None if there is none."""
        if container == self._container:
            if name in self._found:
                return self._found[name]
            if name.startswith(self._complete):
                return None
        return self._blobs.head(container, name)

    def below(self, prefix: str) -> list[BlobInfo]:
        """The blobs below a prefix, of which others than one page are left out."""
        if prefix.startswith(self._complete):
            return [info for name, info in self._found.items() if name.startswith(prefix)]
        return self._blobs.page(self._container, prefix=prefix, limit=_MAX_BLOBS_OF_ONE).items


def all_below(blobs: Blobs, container: str, prefix: str) -> Iterator[BlobInfo]:
    """Every blob below a prefix, mostly by one listing."""
    page = blobs.page(container, prefix=prefix, limit=_MOST_LISTED)
    yield from page.items
    # Azure Storage may end a page early, even an empty one.
    while page.continuation:
        page = blobs.page(container, prefix=prefix, limit=_MOST_LISTED, continuation=page.continuation)
        yield from page.items


class Walk(NamedTuple):
    """
    Blobs that lie along a run of neighbours of another container, and where the walk for the next run begins.

    Attributes:
        found: those that were wanted, by name.
        continuation: of the listing that was the last; the next run begins with it again, as it may reach beyond.
        prefix: of all blobs that were listed.
        first, last: the names between which each blob was listed; an empty *first* is the beginning, and a *last* that
            is None the end.
    """

    found: dict[str, BlobInfo]
    continuation: str | None
    prefix: str = ""
    first: str = ""
    last: str | None = None

    def tells(self, name: str) -> bool:
        """
        Whether a blob of that name would have been listed, in an account without directories.

        How storage orders other letters than those of ASCII is not documented, so it tells nothing of such names.
        """
        within = self.first <= name and (self.last is None or name <= self.last)
        return name.isascii() and name.startswith(self.prefix) and within


def walk(
    blobs: Blobs,
    place: tuple[str, str],
    continuation: str | None,
    last: str | None,
    wanted: Callable[[str], bool],
) -> Walk:
    """
    List the blobs of a container up to those that belong to *last*, and keep the wanted ones.

    Where two containers are walked page by page in the order of their names, each is listed once, whatever the names
    are. What the walk misses is to be asked for by itself: names that begin with others' may lie a page before, and
    many blobs in between end it early.

    Args:
        blobs: the account.
        place: container and prefix; the names of neighbours are compared with what follows the prefix.
        continuation: where it begins, as the walk before has told; None is the beginning.
        last: the last name of the run; None is the end of the container.
        wanted: whether a blob is kept, by its name.
    """
    container, prefix = place
    found: dict[str, BlobInfo] = {}
    first, reached = ("" if continuation is None else None), ""
    for _ in range(_MOST_WALKED):
        page = blobs.page(container, prefix=prefix, limit=_WALKED_AT_ONCE, continuation=continuation)
        found |= {info.name: info for info in page.items if wanted(info.name)}
        if page.items:
            first = page.items[0].name if first is None else first
            reached = page.items[-1].name
        beyond = reached.removeprefix(prefix)
        if page.continuation is None or (last is not None and beyond > last and not beyond.startswith(last)):
            break
        continuation = page.continuation
    end = None if page.continuation is None else reached
    # Where nothing was listed, nothing lies between the two.
    return Walk(found, continuation, prefix, reached if first is None else first, end)


def list_below(blobs: Blobs, container: str, prefixes: Iterable[str], pool: Executor) -> Listing:
    """List the blobs below each of the prefixes, side by side."""

    def below(prefix: str) -> tuple[str, Page]:
        return prefix, blobs.page(container, prefix=prefix, limit=_MAX_LISTED_BLOBS)

    return Listing(blobs, container, dict(side_by_side(pool, below, prefixes)))


def whole_prefixes(page_names: Sequence[str], *, first: bool, last: bool) -> Iterator[str]:
    """
    The prefixes of which every name there is lies on this page, each of several names.

    A page is a run of neighbours. So only prefixes of its first and its last name can reach beyond it, unless it is the
    *first* or the *last* page. Listing the records below such a prefix finds those of many images at once, and none of
    the thousands on other pages.
    """
    if len(page_names) < _MIN_NAMES:
        return
    prefix = common_beginning(min(page_names), max(page_names))
    if first and last:
        yield prefix
        return
    groups = [list(group) for _, group in groupby(page_names, key=lambda name: name[: len(prefix) + 1])]
    for number, group in enumerate(groups):
        yield from whole_prefixes(group, first=first or number > 0, last=last or number < len(groups) - 1)


def common_beginning(one: str, other: str) -> str:
    """The longest text with which both begin."""
    pairs = zip(one, other, strict=False)
    return one[: next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))]
