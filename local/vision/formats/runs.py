"""BMPs whose pixels are packed as runs of a colour: unpacked as Windows does, which asks for less than Pillow."""

from local.vision.formats.bmp import FILE_HEADER_BYTES, WINDOWS_BYTES, Header, read_header, written
from local.vision.formats.look import Look, UnreadableError

# By kind of packing: the bits a pixel that go with it.
_DEPTHS = {1: 8, 2: 4}
_END_OF_ROW, _END, _GO_ON_ELSEWHERE = 0, 1, 2
# It goes run by run, a second or less for each megabyte.
MAX_PACKED_BYTES = 4 * 1024 * 1024


def unpacked(data: bytes) -> bytes:
    """
    Return a BMP with runs as one of 8 bits a pixel without; any other as it is.

    Pixels that no run names have the first colour. Raises UnreadableError when *data* ends too soon, or is longer than
    MAX_PACKED_BYTES.
    """
    header = read_header(Look(data))
    if _DEPTHS.get(header.compression) != header.depth:
        return data
    if len(data) > MAX_PACKED_BYTES:
        raise UnreadableError(
            f"A run-length encoded BMP may have {MAX_PACKED_BYTES} bytes here; this one has {len(data)}: send a PNG."
        )
    palette_at = FILE_HEADER_BYTES + header.size
    pixels_at = header.pixels_at or palette_at + (4 << header.depth)
    palette = data[palette_at:pixels_at][: 4 << header.depth]
    plain = header._replace(
        depth=8, compression=0, pixels_at=FILE_HEADER_BYTES + WINDOWS_BYTES + len(palette), width=abs(header.width)
    )
    return b"".join([written(plain, colours=len(palette) // 4), palette, _pixels(data, header, pixels_at)])


def _pixels(data: bytes, header: Header, at: int) -> bytearray:
    width, height = abs(header.width), abs(header.height)
    row_bytes = (width + 3) // 4 * 4
    pixels = bytearray(row_bytes * height)
    x = y = 0
    while y < height and not (y == height - 1 and x >= width):
        if at + 2 > len(data):
            raise UnreadableError("The BMP is cut short: its runs end before its rows do.")
        count, value = data[at], data[at + 1]
        at += 2
        if count or value > _GO_ON_ELSEWHERE:
            if count:
                run = _colours(bytes([value]), header.depth) * count
            else:
                count, packed = value, data[at : at + (value * header.depth + 7) // 8]
                run = _colours(packed, header.depth)
                at += len(packed) + len(packed) % 2
            length = min(count, len(run), max(0, width - x))
            pixels[y * row_bytes + x : y * row_bytes + x + length] = run[:length]
            x += count
        elif value == _END_OF_ROW:
            x, y = 0, y + 1
        elif value == _END:
            break
        else:
            right, up = data[at : at + 2].ljust(2, b"\0")
            x, y, at = x + right, y + up, at + 2
    return pixels


def _colours(packed: bytes, depth: int) -> bytes:
    """Return a byte for each pixel."""
    return packed if depth == 8 else bytes(half for byte in packed for half in (byte >> 4, byte & 15))
