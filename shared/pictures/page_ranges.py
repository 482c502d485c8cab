"""Lists of pages as v3.2 Read takes them: `1,3-5,8-,-2`. Empty is all pages."""

from collections.abc import Iterator, Sequence


def has(ranges: str, page: int) -> bool:
    """Whether a well-formed list has the page."""
    return not ranges or any(first <= page <= last for first, last in _parts(ranges, page))


def _parts(ranges: str, page: int) -> Iterator[tuple[int, int]]:
    for part in ranges.split(","):
        first, dash, last = part.partition("-")
        # An open end reaches at least as far as the page that is asked for.
        yield int(first or 1), int(last) if last else (page if dash else int(first))


def written(pages: Sequence[int], *, is_open: bool = False) -> str:
    """The shortest list of the pages, given in rising order; with *is_open* all that follow the last one are in it."""
    parts: list[list[int]] = []
    for page in pages:
        if parts and page == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], page]
        else:
            parts.append([page])
    text = ",".join("-".join(map(str, part)) for part in parts)
    return f"{text.rpartition('-')[0] if len(parts[-1]) > 1 else text}-" if is_open and parts else text
