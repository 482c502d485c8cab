"""
The order of what was found, and where its next page begins.
"""

import base64
import binascii
import heapq
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from shared.errors import BadRequestError
from shared.untrusted.characters import shown

Sort = Literal["match", "date", "name"]
SORTS: tuple[Sort, ...] = get_args(Sort)
Key = tuple[Any, ...]


def page(
    images: Sequence[int], sort: Sort, key_of: Callable[[int], Key], limit: int, after: str | None
) -> tuple[list[int], str | None]:
    """
    The images of one page in their order, and what `after` begins the next one; None on the last.

    Pages follow each other by the keys of images. So an image is on no two pages, and none between them is left out,
    while others come and go.

    Raises:
        BadRequestError: `bad_parameter`: *after* was given by no page of this order, or *sort* is none.
    """
    if sort not in SORTS:
        raise BadRequestError(f"sort={shown(sort)} is none of {', '.join(SORTS)}.", code="bad_parameter")
    keys = ((key_of(image), image) for image in images)
    if after is not None:
        behind = _key(after, sort)
        keys = (each for each in keys if each[0] > behind)
    found = heapq.nsmallest(limit + 1, keys)
    if len(found) <= limit:
        return [image for _, image in found], None
    return [image for _, image in found[:limit]], _after(sort, found[limit - 1][0]) if limit else None


def _after(sort: Sort, key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *key]).encode()).decode().rstrip("=")


def _key(after: str, sort: Sort) -> Key:
    kinds = {"match": [int, int, str], "date": [int, str], "name": [str]}[sort]
    try:
        first, *key = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        first, key = None, []
    if first != sort or [type(part) for part in key] != kinds:
        raise BadRequestError(
            f"The continuation {shown(after)} was given by no page of this search with sort={sort}.",
            code="bad_parameter",
            action="Give the continuation of the page before, with the same q and sort; or begin without one.",
        )
    return tuple(key)
