"""
Pictures and documents that are not built as most are, byte by byte: what cameras, scanners and mailers write.
"""

import io
import struct
import zlib
from collections.abc import Sequence

from doubles.pictures import picture

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
Sides = tuple[int, int]


def png_chunk(name: bytes, content: bytes, *, crc: int | None = None) -> bytes:
    """A chunk with its checksum, or with another one."""
    checksum = zlib.crc32(name + content) if crc is None else crc
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def png(width: int = 100, height: int = 80, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG with chunks of your own before and after the one that has its sides."""
    rows = b"".join(b"\0" + bytes((x * 3 + y * 5) % 256 for x in range(width * 3)) for y in range(height))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return PNG_SIGNATURE + before + header + after + body


def jpeg_with(between: bytes, width: int = 100, height: int = 80) -> bytes:
    """A JPEG with these bytes behind its first segment."""
    data = picture("JPEG", width, height)
    end = 4 + int.from_bytes(data[4:6], "big")
    return data[:end] + between + data[end:]


def gif(screen: Sides, frame: Sides, *, before_frame: bytes = b"") -> bytes:
    """A GIF of a screen and a frame of other sides, at its top left."""
    data = picture("GIF", *frame)
    colours = 3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0
    return data[:6] + struct.pack("<HH", *screen) + data[10 : 13 + colours] + before_frame + data[13 + colours :]


def bmp_of_masks(masks: Sequence[int], *, header_bytes: int = 40, bits: int = 16, sides: Sides = (64, 64)) -> bytes:
    """A BMP whose pixels are taken apart by masks (BI_BITFIELDS), with a header of 40 bytes or more."""
    width, height = sides
    pixels = bytes((i * 37) % 256 for i in range(width * height * bits // 8))
    header = struct.pack("<IiiHHIIiiII", header_bytes, width, height, 1, bits, 3, len(pixels), 2835, 2835, 0, 0)
    header = (header + struct.pack(f"<{len(masks)}I", *masks)).ljust(max(header_bytes, 40 + 4 * len(masks)), b"\0")
    offset = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + header + pixels


def os2_bmp(width: int = 64, height: int = 64) -> bytes:
    """A BMP with the shortest header there is, of OS/2."""
    pixels = bytes(width * 3 + -width * 3 % 4) * height
    return (
        b"BM"
        + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26)
        + struct.pack("<IHHHH", 12, width, height, 1, 24)
        + pixels
    )


def tiff(*pages: Sides, order: str = "<", big: bool = False, tags: Sequence[tuple[int, int]] = ()) -> bytes:
    """A TIFF of directories alone, with further *tags* (of LONG values) in its first one."""
    offset, count = ("Q", "Q") if big else ("I", "H")
    mark = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    data = mark + (struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8))
    for number, (width, height) in enumerate(pages, 1):
        entries = [(256, width), (257, height), *(tags if number == 1 else ())]
        directory = struct.pack(order + count, len(entries))
        for tag, value in entries:
            directory += struct.pack(order + "HH" + offset, tag, 4, 1) + struct.pack(order + "I", value).ljust(
                struct.calcsize(offset), b"\0"
            )
        end = len(data) + len(directory) + struct.calcsize(offset)
        data += directory + struct.pack(order + offset, end if number < len(pages) else 0)
    return data


def tiff_of(*pages: Sides, **options: object) -> bytes:
    """A whole TIFF of white pages, as Pillow writes it."""
    from PIL import Image

    first, *others = (Image.new("L", sides, 255) for sides in pages)
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others, **options)
    return buffer.getvalue()


def boxes(major: bytes, *compatible: bytes) -> bytes:
    """The beginning of an ISO base media file with these brands."""
    content = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(content)) + b"ftyp" + content + bytes(300)


def pdf(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, of which the first is its root."""
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(data))
    return data + table + end


def pdf_of_pages(count: int, *, trailer: bytes = b"") -> bytes:
    """A PDF of so many empty pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + count))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>"
    tree = b"<</Type/Pages/Kids[" + kids + b"]/Count %d>>" % count
    return pdf([b"<</Type/Catalog/Pages 2 0 R>>", tree, *[page] * count], trailer=trailer)
