"""TIFF and BigTIFF of either byte order: a chain of directories, one a page, that tell of it in entries by number."""

import io
import struct
from typing import NamedTuple

from local.vision.formats.look import Look, UnreadableError

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_PICTURES = 0xB001  # of a list of the pictures in a file (CIPA DC-007)
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # types: BYTE, SHORT, LONG, LONG8
_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Types that only a BigTIFF has, and what they are in a TIFF: numbers without and with a sign, and addresses.
_LONG_KINDS = {16: 4, 17: 9, 18: 13}
UPRIGHT = 1  # the orientation of a picture that is to be shown as it is stored
# Entries ascend, so that the sides are among the first; where they do not, all are looked at.
_FIRST_ENTRIES = 4


class Page(NamedTuple):
    """Where a page's directory lies, and width and height in pixels as stored; None where it does not tell them."""

    at: int
    sides: tuple[int, int] | None


class _Layout(NamedTuple):
    """How a file writes addresses, numbers of entries and entries, in struct's words, and where its pages begin."""

    address: str
    number: str
    entry: str
    first_at: int


def find_pages(data: bytes, *, most: int) -> list[Page]:
    """
    Return the first *most* pages.

    A chain of pages that leads nowhere, or back, ends there. Raises UnreadableError when there is no page.
    """
    layout, look = _layout(data), Look(data)
    pages: dict[int, Page] = {}
    try:
        (at,) = look.unpack(layout.address, layout.first_at)
        while at and at not in pages and len(pages) < most:
            sides, following = _page(look, layout, at)
            pages[at] = Page(at, sides)
            at = following
    except UnreadableError:
        if not pages:
            raise
    if not pages:
        raise UnreadableError("The TIFF has no page.")
    return list(pages.values())


def beginning_with(data: bytes, page: Page) -> io.BytesIO:
    """
    Return the file as a TIFF with *page* as its first one, so that no other page has to be sound.

    A BigTIFF becomes a TIFF, as Pillow reads no BigTIFF of the big endian. Raises UnreadableError.
    """
    layout = _layout(data)
    order = layout.address[0]
    file = io.BytesIO(data)
    at = page.at if layout.address[1] == "I" else _append_as_classic(file, data, page.at, layout)
    file.seek(2)
    file.write(struct.pack(f"{order}HI", 42, at))
    file.seek(0)
    return file


def read_orientation(block: bytes) -> int:
    """Return the orientation, 1 to 8, that an Exif block tells, which is built as a TIFF; 1 for one that is damaged."""
    return _first_numbers(block.removeprefix(b"Exif\0\0")).get(_ORIENTATION, UPRIGHT)


def read_picture_count(block: bytes) -> int:
    """Return how many pictures a list of them tells, which is built as a TIFF; 1 for one that is damaged."""
    return _first_numbers(block).get(_PICTURES, 1)


def _first_numbers(block: bytes) -> dict[int, int]:
    if not block.startswith(MAGICS):
        return {}
    layout, look = _layout(block), Look(block)
    try:
        (at,) = look.unpack(layout.address, layout.first_at)
        (count,) = look.unpack(layout.number, at)
        at += struct.calcsize(layout.number)
        entries = look.take(at, min(count * struct.calcsize(layout.entry), len(block) - at))
    except UnreadableError:
        return {}
    return _numbers(entries, layout)


def _append_as_classic(file: io.BytesIO, data: bytes, at: int, layout: _Layout) -> int:
    """Append a BigTIFF's directory in a TIFF's shape; what it refers to lies where it lay. Return where it begins."""
    order, look = layout.address[0], Look(data, max_seen_bytes=len(data))
    (count,) = look.unpack(layout.number, at)
    entries = look.take(at + 8, count * struct.calcsize(layout.entry))
    written = [struct.pack(f"{order}H", count)]
    file.seek(0, io.SEEK_END)
    for tag, kind, number, value in struct.iter_unpack(layout.entry, entries):
        size = number * _TYPE_BYTES.get(kind, 1)
        (where,) = struct.unpack(f"{order}Q", value)
        if kind in _LONG_KINDS or 4 < size <= 8:
            content = value[:size] if size <= 8 else look.take(where, size)
            if kind in _LONG_KINDS:
                kind = _LONG_KINDS[kind]
                content = struct.pack(f"{order}{number}I", *struct.unpack(f"{order}{number}Q", content))
            value = content if len(content) <= 4 else struct.pack(f"{order}I", _append(file, content))
        elif size > 8:
            value = struct.pack(f"{order}I", where)
        written.append(struct.pack(f"{order}HHI4s", tag, kind, number, value[:4]))
    return _append(file, b"".join([*written, bytes(4)]))


def _append(file: io.BytesIO, content: bytes) -> int:
    at = file.tell() + file.tell() % 2
    file.seek(at)
    file.write(content)
    return at


def _layout(data: bytes) -> _Layout:
    order = "<" if data.startswith(b"II") else ">"
    if b"+" in data[2:4]:
        return _Layout(f"{order}Q", f"{order}Q", f"{order}HHQ8s", 8)
    return _Layout(f"{order}I", f"{order}H", f"{order}HHI4s", 4)


def _page(look: Look, layout: _Layout, at: int) -> tuple[tuple[int, int] | None, int]:
    """Return the sides that the directory at *at* tells, and where the next one lies."""
    head_bytes, entry_bytes = struct.calcsize(layout.number), struct.calcsize(layout.entry)
    begun = look.take(at, min(head_bytes + _FIRST_ENTRIES * entry_bytes, max(head_bytes, len(look.data) - at)))
    (count,) = struct.unpack_from(layout.number, begun)
    first, end = at + head_bytes, at + head_bytes + count * entry_bytes
    sides = _sides(begun[head_bytes : end - at], layout)
    if sides is None and count > _FIRST_ENTRIES:
        sides = _sides(look.take(first, count * entry_bytes), layout)
    # The last page of some writers ends without the address of a next one.
    return sides, look.unpack(layout.address, end)[0] if end < len(look.data) else 0


def _sides(entries: bytes, layout: _Layout) -> tuple[int, int] | None:
    told = _numbers(entries, layout)
    return (told[_WIDTH], told[_HEIGHT]) if _WIDTH in told and _HEIGHT in told else None


def _numbers(entries: bytes, layout: _Layout) -> dict[int, int]:
    """Return the first number of each of the entries that are asked for here; what is cut off is passed over."""
    whole = len(entries) // struct.calcsize(layout.entry) * struct.calcsize(layout.entry)
    return {
        tag: struct.unpack_from(layout.address[0] + _NUMBERS[kind], value.ljust(8, b"\0"))[0]
        for tag, kind, _, value in struct.iter_unpack(layout.entry, entries[:whole])
        if tag in (_WIDTH, _HEIGHT, _ORIENTATION, _PICTURES) and kind in _NUMBERS
    }
