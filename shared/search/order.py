"""
The order of what was found, and where its next page begins.
"""

import base64
import binascii
import heapq
import json
from collections.abc import Sequence
from itertools import compress
from typing import Literal, get_args

from shared.errors import BadRequestError
from shared.untrusted.characters import shown

Sort = Literal["match", "date", "name"]
SORTS: tuple[Sort, ...] = get_args(Sort)


def page(
    images: Sequence[int], sort: Sort, ranks: Sequence[int], names: Sequence[str], limit: int, after: str | None
) -> tuple[list[int], str | None]:
    """
    The images of one page in their order, and what `after` begins the next one; None on the last.

    Pages follow each other by rank and name. So an image is on no two pages, and none between them is left out, while
    others come and go.

    Args:
        images: their numbers.
        ranks: of each of them: the higher comes first, and the name decides where they are equal.
        names: by number.

    Raises:
        BadRequestError: `bad_parameter`: *after* was given by no page of this order.
    """
    if after is not None:
        rank, name = _place(after, sort)
        behind = [
            each < rank or (each == rank and names[image] > name) for image, each in zip(images, ranks, strict=True)
        ]
        images, ranks = list(compress(images, behind)), list(compress(ranks, behind))
    # Names are compared only where ranks are not enough.
    least = min(heapq.nlargest(limit + 1, ranks), default=0)
    best = ((-rank, names[image], image) for image, rank in zip(images, ranks, strict=True) if rank >= least)
    found = heapq.nsmallest(limit + 1, best)
    following = None
    if len(found) > limit > 0:
        rank, name, _ = found[limit - 1]
        following = _after(sort, -rank, name)
    return [image for _, _, image in found[:limit]], following


def window(images: Sequence[int], ranks: Sequence[int], names: Sequence[str], offset: int, limit: int) -> list[int]:
    """
    Some images from a place in the order of all, without those before them.

    An image can be in two windows, or in none, while others come and go between them.

    Args:
        images, ranks, names: as `page` takes them.
        offset: how many come before.
        limit: how many are wanted.
    """
    # Names are compared only where ranks are not enough: of those that share a rank with an image of the window.
    falling = sorted(ranks, reverse=True)
    window = falling[offset : offset + limit]
    if not window:
        return []
    first, last = window[0], window[-1]
    some = sorted(
        (-rank, names[image], image) for image, rank in zip(images, ranks, strict=True) if last <= rank <= first
    )
    begin = offset - falling.index(first)
    return [image for _, _, image in some[begin : begin + limit]]


def check(sort: str) -> None:
    """Raise BadRequestError (`bad_parameter`) if there is no such order."""
    if sort not in SORTS:
        raise BadRequestError(f"sort={shown(sort)} is none of {', '.join(SORTS)}.", code="bad_parameter")


def _after(sort: Sort, rank: int, name: str) -> str:
    # As it is, a name of 1,024 Chinese characters takes half of what it takes with each of them written out.
    place = json.dumps([sort, rank, name], ensure_ascii=False).encode(errors="surrogatepass")
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _place(after: str, sort: Sort) -> tuple[int, str]:
    try:
        of, rank, name = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        of, rank, name = None, None, None
    if of != sort or type(rank) is not int or type(name) is not str:
        raise BadRequestError(
            f"The continuation {shown(after)} was given by no page of this search with sort={sort}.",
            code="bad_parameter",
            action="Give the continuation of the page before, with the same q and sort; or begin without one.",
        )
    return rank, name
