"""
The pages of a TIFF, classic and BigTIFF, from its directories alone (TIFF 6.0; the BigTIFF design of libtiff).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from shared.pictures.window import HeaderError, Window

Sides = tuple[int, int]


class Stored(NamedTuple):
    """Width and height of a picture as it is stored, and its orientation (Exif, tag 274): 1 is upright."""

    width: int
    height: int
    orientation: int = 1


_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _SUB_DIRECTORIES, _DNG_VERSION = 256, 257, 259, 262, 330, 50706
_ORIENTATION, _SUBFILE_TYPE = 274, 254
_ASCII = 2
# The colours of a sensor, before they are developed: colour filter array, linear raw.
_SENSOR = (32803, 34892)
# Nikon, Sony, Pentax.
_RAW_COMPRESSIONS = (34713, 32767, 65535)
# Some programs write sides as signed numbers.
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
# Of a directory, and of the directories below one, no more is looked at: real ones have 20 entries and two or three.
_MAX_ENTRIES = 200
_MAX_SUB_DIRECTORIES = 4


class _Layout(NamedTuple):
    """How numbers lie: byte order, formats of offsets and of a count of entries, an entry's size, the first offset."""

    order: str
    offset: str
    entries: str
    entry_bytes: int
    first: int

    def number(self, data: bytes, form: str) -> int:
        return int(struct.unpack_from(self.order + form, data)[0])


_CLASSIC = {b"II*\0": "<", b"MM\0*": ">"}
_BIG = {b"II+\0": "<", b"MM\0+": ">"}
BEGINNINGS = (*_CLASSIC, *_BIG)


class Directory(NamedTuple):
    """One directory: the values of its entries by their tag, one each, and the offset of the next (0: none)."""

    values: dict[int, int]
    sub_directories: tuple[int, ...]
    following: int

    @property
    def is_smaller_version(self) -> bool:
        """Whether it shows what another one of the file does, in fewer pixels."""
        return bool(self.values.get(_SUBFILE_TYPE, 0) & 1)


def pages(window: Window) -> Iterator[Sides]:
    """
    The sides of one page after the other, in pixels, as far as a bounded look reaches.

    Raises:
        HeaderError: the file breaks off or tells no sides; of the first page, or of a later one.
    """
    for directory in _directories(window):
        width, height = directory.values.get(_WIDTH), directory.values.get(_HEIGHT)
        if width is None or height is None:
            raise HeaderError("one of its pages has no width or no height")
        yield width, height


def page_first(data: bytes, page: int) -> bytes:
    """
    The TIFF with that page, from 1, as its first one: all pages before it are left out.

    Raises:
        HeaderError: it has no such page, or the file breaks off before it.
    """
    window = Window(data)
    layout = _layout(window)
    at, seen = layout.first, set[int]()
    for _ in range(page - 1):
        seen.add(at)
        # Two steps a page: the bounds of a look are enough for all pages that are ever read of a document.
        at = _next(window, layout, _end(window, layout, at))
        if not at or at in seen:
            raise HeaderError(f"it has no page {page}")
    # A classic TIFF tells its first directory behind the mark, a BigTIFF behind the size of its offsets.
    begin = 4 if layout.offset == "I" else 8
    told = struct.pack(layout.order + layout.offset, at)
    return data if at == layout.first else data[:begin] + told + data[begin + len(told) :]


def stored(window: Window) -> Stored:
    """The first page; HeaderError as `pages`."""
    sides = next(pages(window), None)
    if sides is None:
        raise HeaderError("it has no pages")
    return Stored(*sides, orientation(window))


def has_more_pages(window: Window) -> bool:
    """
    Whether a second page follows the first; False if that cannot be told.

    A smaller version of the first, as cameras write one, is no page.
    """
    try:
        layout = _layout(window)
        first = _directory(window, layout, layout.first)
    except HeaderError:
        return False
    try:
        return any(not each.is_smaller_version for each in _following(window, layout, first, {layout.first}))
    except HeaderError:
        return True


def first_values(window: Window) -> dict[int, int]:
    """One value of each tag of the first directory; HeaderError if it cannot be read."""
    if window.read_most(0, 4) not in BEGINNINGS:
        raise HeaderError("its tags do not begin as such")
    layout = _layout(window)
    return _directory(window, layout, layout.first).values


def text_below(window: Window, below: int, tag: int, count: int) -> str:
    """
    The first characters of a text that a tag has in the directory to which the first one points by the tag *below*.

    Raises:
        HeaderError: there is no such text of so many characters.
    """
    at = first_values(window).get(below)
    if at is not None:
        layout = _layout(window)
        offset_bytes = struct.calcsize(layout.offset)
        for entry in _entries(window, layout, at):
            found, form, number = struct.unpack_from(f"{layout.order}HH{layout.offset}", entry)
            if found == tag and form == _ASCII and number >= count > offset_bytes:
                return window.read(layout.number(entry[-offset_bytes:], layout.offset), count).decode("latin-1")
    raise HeaderError("it has no such text")


def orientation(window: Window) -> int:
    """How a picture has to be turned, by a TIFF's first directory or a block of Exif; 1 if that cannot be told."""
    try:
        found = first_values(window).get(_ORIENTATION, 1)
    except HeaderError:
        return 1
    return found if 1 <= found <= 8 else 1


def is_raw(window: Window) -> bool:
    """
    Whether it is a camera's RAW photo: DNG, NEF, CR2, ARW, PEF and others are built like a TIFF.

    Their first page is a small preview: a program that takes them for a TIFF shows a stamp instead of the photo.
    """
    layout = _layout(window)
    if window.read_most(8, 2) == b"CR":
        return True
    first = _directory(window, layout, layout.first)
    below = (_directory(window, layout, at) for at in first.sub_directories[:_MAX_SUB_DIRECTORIES])
    return _DNG_VERSION in first.values or any(_is_of_sensor(each) for each in (first, *below))


def _is_of_sensor(directory: Directory) -> bool:
    values = directory.values
    return values.get(_PHOTOMETRIC) in _SENSOR or values.get(_COMPRESSION) in _RAW_COMPRESSIONS


def _directories(window: Window) -> Iterator[Directory]:
    layout = _layout(window)
    if layout.first:
        first = _directory(window, layout, layout.first)
        yield first
        yield from _following(window, layout, first, {layout.first})


def _following(window: Window, layout: _Layout, directory: Directory, seen: set[int]) -> Iterator[Directory]:
    """Those that follow a directory, to the end of the chain or where it leads back to one that was *seen*."""
    while directory.following and directory.following not in seen:
        seen.add(directory.following)
        directory = _directory(window, layout, directory.following)
        yield directory


def _layout(window: Window) -> _Layout:
    beginning = window.read(0, 4)
    if beginning in _BIG:
        order = _BIG[beginning]
        return _Layout(order, "Q", "Q", 20, struct.unpack(order + "Q", window.read(8, 8))[0])
    order = _CLASSIC[beginning]
    return _Layout(order, "I", "H", 12, struct.unpack(order + "I", window.read(4, 4))[0])


def _directory(window: Window, layout: _Layout, at: int) -> Directory:
    offset_bytes = struct.calcsize(layout.offset)
    values, below = dict[int, int](), tuple[int, ...]()
    for entry in _entries(window, layout, at):
        tag, form, number = struct.unpack_from(f"{layout.order}HH{layout.offset}", entry)
        value = entry[-offset_bytes:]
        if form in _FORMATS and number:
            values.setdefault(tag, _first_value(layout, value, form, number))
        if tag == _SUB_DIRECTORIES:
            below = _offsets(window, layout, value, number)
    return Directory(values, below, _next(window, layout, _end(window, layout, at)))


def _next(window: Window, layout: _Layout, end: int) -> int:
    """The offset of the directory that follows the one that ends there; 0 if none does."""
    offset_bytes = struct.calcsize(layout.offset)
    following = window.read_most(end, offset_bytes)
    # A file may end right after its last directory.
    return layout.number(following, layout.offset) if len(following) == offset_bytes else 0


def _entries(window: Window, layout: _Layout, at: int) -> list[bytes]:
    """The entries of a directory, at most `_MAX_ENTRIES`."""
    count = min(_count(window, layout, at), _MAX_ENTRIES)
    entries = window.read(at + struct.calcsize(layout.entries), count * layout.entry_bytes)
    return [entries[start : start + layout.entry_bytes] for start in range(0, len(entries), layout.entry_bytes)]


def _end(window: Window, layout: _Layout, at: int) -> int:
    """Where the last entry of a directory ends."""
    return at + struct.calcsize(layout.entries) + _count(window, layout, at) * layout.entry_bytes


def _count(window: Window, layout: _Layout, at: int) -> int:
    return layout.number(window.read(at, struct.calcsize(layout.entries)), layout.entries)


def _first_value(layout: _Layout, value: bytes, form: int, number: int) -> int:
    """The value that stands in an entry itself; of several that lie elsewhere, where they lie."""
    size = struct.calcsize(_FORMATS[form])
    return layout.number(value, _FORMATS[form] if size * number <= len(value) else layout.offset)


def _offsets(window: Window, layout: _Layout, value: bytes, number: int) -> tuple[int, ...]:
    """Offsets of directories: in the entry if they fit, else where it points to. They are as wide as the layout's."""
    size = struct.calcsize("I") if layout.offset == "I" else len(value)
    if number * size <= len(value):
        data = value[: number * size]
    else:
        few = min(number, _MAX_SUB_DIRECTORIES)
        data = window.read_most(layout.number(value, layout.offset), few * size)
    return tuple(layout.number(data[at : at + size], layout.offset) for at in range(0, len(data) - size + 1, size))
