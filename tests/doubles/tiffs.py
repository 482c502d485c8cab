"""TIFFs made by hand: any byte order, both sizes of addresses, any order of entries, chains that end oddly."""

import struct
from typing import NamedTuple

SHORT, LONG, LONG8 = 3, 4, 16
_SHAPES = {SHORT: "H", LONG: "I", LONG8: "Q"}


class Page(NamedTuple):
    """A page of gray, uncompressed unless another number of a compression is given."""

    width: int
    height: int
    compression: int = 1


def tiff(
    *pages: Page,
    order: str = "<",
    big: bool = False,
    kind: int = LONG,
    ascending: bool = True,
    last: int = 0,
) -> bytes:
    """
    Return a TIFF of *pages*.

    The sides are numbers of type *kind*. *last* is where the last page says that the next one lies: 0 for the end of
    the chain, 16 for the first page.
    """
    address, entry, fixed = ("Q", "HHQ", 8) if big else ("I", "HHI", 4)
    file = bytearray(b"II" if order == "<" else b"MM")
    file += struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 16)
    file = file.ljust(16, b"\0")
    for number, page in enumerate(pages, start=1):
        pixels = page.width * page.height if page.compression == 1 and page.width * page.height < 100_000 else 8
        entries_bytes = struct.calcsize(f"{order}{entry}") + fixed
        after = len(file) + (8 if big else 2) + 9 * entries_bytes + fixed
        following = last if number == len(pages) else after + pixels
        told = [
            (256, kind, page.width),
            (257, kind, page.height),
            (258, SHORT, 8),
            (259, SHORT, page.compression),
            (262, SHORT, 1),
            (273, LONG, after),
            (277, SHORT, 1),
            (278, LONG, page.height),
            (279, LONG, pixels),
        ]
        file += struct.pack(f"{order}{'Q' if big else 'H'}", len(told))
        for tag, number_kind, value in told if ascending else reversed(told):
            file += struct.pack(f"{order}{entry}", tag, number_kind, 1)
            file += struct.pack(f"{order}{_SHAPES[number_kind]}", value).ljust(fixed, b"\0")
        file += struct.pack(f"{order}{address}", following) + b"\x80" * pixels
    return bytes(file)
