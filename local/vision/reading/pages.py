"""Page ranges, as the `pages` parameter writes them: `1,3-5,8-,-2`."""

import re
from dataclasses import dataclass

MAX_PAGES = 2000  # the service reads no page of a document beyond these
_RANGE = re.compile(r"(?P<first>[0-9]{0,9})(?P<dash>-?)(?P<last>[0-9]{0,9})")


class PageRangesError(Exception):
    """The ranges are malformed or not in the document; the message says what is allowed."""


@dataclass(frozen=True)
class PageRanges:
    """Ranges of pages, counted from 1, ends included; no range at all means every page. None is an open end."""

    ranges: tuple[tuple[int, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "PageRanges":
        """Read the parameter; empty means every page. Raises PageRangesError."""
        parts = [part.strip() for part in text.split(",")]
        return cls(tuple(_range(part) for part in parts)) if text.strip() else cls()

    def of(self, page_count: int) -> tuple[int, ...]:
        """
        Return the pages of a document of *page_count* pages that are asked for, ascending, at most MAX_PAGES.

        A range that ends beyond the document ends with it. Raises PageRangesError when one begins beyond it.
        """
        chosen: set[int] = set()
        for first, last in self.ranges or ((1, None),):
            if first > page_count:
                raise PageRangesError(f"Page {first} is asked for: the document has {page_count} pages.")
            chosen.update(range(first, min(page_count if last is None else last, page_count) + 1))
        return tuple(sorted(chosen)[:MAX_PAGES])


ALL_PAGES = PageRanges()


def _range(text: str) -> tuple[int, int | None]:
    found = _RANGE.fullmatch(text)
    if found is None or not (found["first"] or found["last"]):
        raise PageRangesError(f"'{text}' is not a page range: use 2, 3-5, 8- or -2, separated by commas.")
    first = int(found["first"] or 1)
    last = int(found["last"]) if found["last"] else None if found["dash"] else first
    if first < 1 or (last is not None and last < first):
        raise PageRangesError(f"'{text}' is not a page range: pages count from 1 and ascend.")
    return first, last
