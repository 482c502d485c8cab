"""Whether the end of a file is missing, as far as its kind has a mark there."""

from shared.pictures import kinds
from shared.pictures.kinds import Kind
from shared.pictures.window import HeaderError, Window

# Programs add bytes of their own after the end, zeros or thumbnails; readers look for a PDF's in the last 1,024.
_LOOKED_AT_BYTES = 1024
# That of a GIF is one byte, which any data may have.
_MARKS = {kinds.JPEG: b"\xff\xd9", kinds.MPO: b"\xff\xd9", kinds.PNG: b"IEND", kinds.PDF: b"%%EOF"}


def is_cut_short(window: Window, kind: Kind) -> bool:
    """Whether the mark that ends every file of that kind is missing at its end."""
    mark = _MARKS.get(kind)
    if mark is None:
        return False
    try:
        return mark not in window.read_most(max(0, len(window) - _LOOKED_AT_BYTES), _LOOKED_AT_BYTES)
    except HeaderError:
        return False
