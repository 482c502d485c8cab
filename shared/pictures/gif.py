"""A GIF reduced to its first frame and what that needs, so that no comment or damaged extension is in its way."""

from shared.pictures.window import HeaderError

_MOST_BLOCKS = 1_000_000
_EXTENSION, _FRAME, _END, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9


def stripped(data: bytes) -> bytes:
    """
    The same first frame, with the control block that belongs to it if there is a sound one.

    Raises:
        HeaderError: it has no frame.
    """
    flags = data[10]
    at = start = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    control = b""
    for _ in range(_MOST_BLOCKS):
        if at + 2 >= len(data) or data[at] == _END:
            break
        if data[at] == _FRAME:
            return data[:start] + control + data[at:]
        if data[at] != _EXTENSION:
            at += 1  # as browsers do
            continue
        if data[at + 1 : at + 3] == bytes((_CONTROL, 4)):
            control = data[at : at + 7] + b"\0"
        at = _after_blocks(data, at + 2)
    raise HeaderError("it has no picture")


def _after_blocks(data: bytes, at: int) -> int:
    for _ in range(_MOST_BLOCKS):
        if at >= len(data):
            break
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise HeaderError("it has no picture")
