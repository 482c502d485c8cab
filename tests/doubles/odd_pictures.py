"""
Pictures that browsers and Windows show although they are oddly built: all show PICTURE, which is 96x64.

What is odd is in the bytes around its pixels, or how they are packed.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 96, 64


def _picture() -> Image.Image:
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return Image.fromarray(np.dstack([x * 2, y * 3, 255 - x - y]).astype(np.uint8))


PICTURE = _picture()


def saved(kind: str, image: Image.Image = PICTURE, **options: object) -> bytes:
    """Return *image* as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes = b"", *, crc: int | None = None) -> bytes:
    """Return a PNG chunk, with a wrong checksum if one is given."""
    right = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", right if crc is None else crc)


def png(before: bytes = b"", *, after: bytes = b"", first: bytes = b"", image: Image.Image = PICTURE) -> bytes:
    """Return a PNG with chunks *before* and *after* its pixels, and *first* of all."""
    data = saved("PNG", image)
    pixels, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:8] + first + data[8:pixels] + before + data[pixels:end] + after + data[end:]


def png_in_pieces(between: bytes = b"") -> bytes:
    """Return a PNG whose pixels are in many small chunks."""
    data = saved("PNG")
    begin = data.index(b"IDAT") - 4
    packed = data[begin + 8 : begin + 8 + int.from_bytes(data[begin : begin + 4])]
    pieces = [chunk(b"IDAT", packed[at : at + 7]) + between for at in range(0, len(packed), 7)]
    return data[:begin] + b"".join(pieces) + chunk(b"IEND")


def after_segment(number: int, junk: bytes) -> bytes:
    """Return a JPEG with *junk* after its n-th segment, its beginning (SOI) being number 0."""
    data, at = saved("JPEG", quality=95), 2
    for _ in range(number):
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return data[:at] + junk + data[at:]


def segment(marker: int, content: bytes = b"") -> bytes:
    """Return a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def gif(screen: tuple[int, int] = (WIDTH, HEIGHT), before: bytes = b"") -> bytes:
    """Return a GIF with another screen, and blocks *before* its frame."""
    data = saved("GIF", PICTURE.quantize(128))
    frame = data.index(struct.pack("<BHHHH", 0x2C, 0, 0, WIDTH, HEIGHT))
    return data[:6] + struct.pack("<HH", *screen) + data[10:frame] + before + data[frame:]


def sub_blocks(count: int, content: bytes) -> bytes:
    """Return the same content in *count* sub-blocks of a GIF, and their end."""
    return (bytes([len(content)]) + content) * count + b"\0"


def bmp(depth: int, *masks: int, header: int = 40, top_down: bool = False, compression: int = 3) -> bytes:
    """Return a BMP with masks for red, green, blue and maybe alpha, in any of Windows's headers."""
    channels = np.dstack([np.asarray(PICTURE), np.full((HEIGHT, WIDTH), 255, np.uint8)]).astype(np.uint64)
    pixels = np.zeros((HEIGHT, WIDTH), np.uint64)
    for number, mask in enumerate(masks):
        if mask:
            lowest = (mask & -mask).bit_length() - 1
            pixels |= ((channels[..., number] * (mask >> lowest) + 127) // 255 << lowest) & mask
    rows = pixels.astype(f"<u{depth // 8}")[:: 1 if top_down else -1]
    told = struct.pack("<IiiHHIIiiII", header, WIDTH, -HEIGHT if top_down else HEIGHT, 1, depth, compression, *[0] * 5)
    told += struct.pack(f"<{len(masks)}I", *masks)
    told = told.ljust(header, b"\0")
    at = 14 + len(told)
    return b"BM" + struct.pack("<IHHI", at + rows.nbytes, 0, 0, at) + told + rows.tobytes()


def bmp_of_os2(header: int) -> bytes:
    """Return a BMP of 24 bits a pixel with a header of OS/2, of that many bytes."""
    data = saved("BMP")
    sides = struct.pack("<HHHH" if header == 12 else "<IIHH", WIDTH, HEIGHT, 1, 24)
    told = (struct.pack("<I", header) + sides).ljust(header, b"\0")
    return data[:10] + struct.pack("<I", 14 + header) + told + data[54:]


def runs(
    depth: int,
    *,
    row_end: bytes = b"\0\0",
    end: bytes = b"\0\1",
    literal: bool = False,
    rows: int = HEIGHT,
) -> bytes:
    """
    Return a BMP of 16 colours, packed as runs or literally, with an odd end of each row or of them all.

    Only so many *rows* from the bottom are in it.
    """
    image = PICTURE.quantize(16)
    packed = b""
    for row in np.asarray(image)[::-1][:rows]:
        pairs = [(int(left) << 4 | int(right)) for left, right in row.reshape(-1, 2)]
        if literal:
            packed += bytes([0, WIDTH]) + (row.tobytes() if depth == 8 else bytes(pairs))
        elif depth == 8:
            packed += b"".join(bytes([1, index]) for index in row)
        else:
            packed += b"".join(bytes([2, pair]) for pair in pairs)
        packed += row_end
    told = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, depth, 1 if depth == 8 else 2, 0, 0, 0, 16, 0)
    rgb = np.asarray(image.getpalette()[:48], np.uint8).reshape(16, 3)
    palette = b"".join(bytes([blue, green, red, 0]) for red, green, blue in rgb)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 64) + told + palette + packed[: len(packed) - len(row_end)] + end


_BIG = zlib.compress(bytes(1_500_000))
_NOTE = b"Comment\0hello"

PNGS: dict[str, bytes] = {
    "profile over 1 MB": png(chunk(b"iCCP", b"Display\0\0" + _BIG)),
    "compressed text over 1 MB": png(chunk(b"zTXt", b"Note\0\0" + _BIG)),
    "international text over 1 MB": png(chunk(b"iTXt", b"Note\0\1\0en\0\0" + _BIG)),
    "text over 1 MB after its pixels": png(after=chunk(b"zTXt", b"Note\0\0" + _BIG)),
    "texts of 70 MB together": png(
        b"".join(chunk(b"zTXt", b"%d\0\0" % n + zlib.compress(bytes(10**6))) for n in range(70))
    ),
    "unknown compression of a profile": png(chunk(b"iCCP", b"Display\0\x07x")),
    "profile without a name's end": png(chunk(b"iCCP", b"Display")),
    "unknown compression of a text": png(chunk(b"zTXt", b"Note\0\x07x")),
    "short gAMA": png(chunk(b"gAMA", b"\0")),
    "short cHRM": png(chunk(b"cHRM", bytes(8))),
    "empty sRGB": png(chunk(b"sRGB")),
    "short pHYs": png(chunk(b"pHYs", bytes(4))),
    "short tRNS": png(chunk(b"tRNS", bytes(2))),
    "tRNS with a wrong checksum": png(chunk(b"tRNS", bytes(6), crc=0)),
    "short acTL": png(chunk(b"acTL", b"\0")),
    "fcTL out of order": png(
        chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", struct.pack(">I", 9) + bytes(22))
    ),
    "Exif that is none": png(chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")),
    "chunk before IHDR": png(first=chunk(b"tEXt", _NOTE)),
    "20,000 texts": png(chunk(b"tEXt", _NOTE) * 20_000),
    "pixels in small pieces": png_in_pieces(),
    "comments between the pixels": png_in_pieces(chunk(b"tEXt", _NOTE)),
    "garbage after its end": saved("PNG") + bytes(1000),
    "suggested palette that is damaged": png(chunk(b"PLTE", bytes(4), crc=1)),
} | {
    f"{kind.decode()} with a wrong checksum": png(chunk(kind, content, crc=0xDEADBEEF))
    for kind, content in {
        b"tEXt": _NOTE,
        b"zTXt": b"Note\0\0" + zlib.compress(b"hello"),
        b"iTXt": b"Note\0\0\0\0\0hello",
        b"pHYs": struct.pack(">IIB", 2835, 2835, 1),
        b"gAMA": struct.pack(">I", 45455),
        b"cHRM": bytes(32),
        b"sRGB": b"\0",
        b"iCCP": b"Display\0\0" + zlib.compress(b"profile"),
        b"tIME": bytes(7),
        b"bKGD": bytes(6),
        b"eXIf": b"MM\0*\0\0\0\x08\0\0\0\0\0\0",
        b"prVt": b"private",
        b"vpAg": bytes(9),
    }.items()
}

JPEGS: dict[str, bytes] = {
    "zeros after its first segment": after_segment(1, bytes(2)),
    "zeros before its first segment's marker byte": after_segment(0, b"\xff\0\0"),
    "many zeros between its tables": after_segment(2, bytes(5000)),
    "fill bytes": after_segment(2, b"\xff" * 1000),
    "a few stray bytes": after_segment(3, b"\r\n\0abc"),
    "stray bytes with escaped FFs": after_segment(1, b"ab\xff\0cd\xff\0" * 20),
    "stray restart markers": after_segment(1, b"\xff\xd0\xff\xd7"),
    "a segment that is longer than it says": after_segment(1, segment(0xFE, b"comment")[:-1] + b"t and more"),
    "2,000 comments": after_segment(1, segment(0xFE, b"!") * 2000),
    "Exif that is none": after_segment(1, segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")),
    "Exif that is cut off": after_segment(1, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")),
    "Photoshop's block cut off": after_segment(1, segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed")),
    "profile in parts of which one is missing": after_segment(1, segment(0xE2, b"ICC_PROFILE\0\1\3abc")),
    "profile without numbers": after_segment(1, segment(0xE2, b"ICC_PROFILE\0")),
    "JFIF that is cut off": after_segment(1, segment(0xE0, b"JFIF")),
    "garbage after its end": saved("JPEG") + b"\xff\xd8\xff" * 100,
}

GIFS: dict[str, bytes] = {
    "empty screen": gif((0, 0)),
    "screen without width": gif((0, HEIGHT)),
    "screen smaller than its frame": gif((10, 10)),
    "zeros between its blocks": gif(before=bytes(20)),
    "comment of 1,000 parts": gif((0, 0), b"!\xfe" + sub_blocks(1000, b"hello")),
    "comment beyond the look": gif(before=b"!\xfe" + sub_blocks(5000, b"hello")),
    "XMP of 300 kB": gif(before=b"!\xff\x0bXMP DataXMP" + sub_blocks(1200, bytes(255))),
    "unknown extension": gif((0, 0), b"!\x77" + sub_blocks(3, b"what")),
    "short control block": gif((0, 0), b"!\xf9\x01\x01\0"),
}

BMPS: dict[str, bytes] = {
    "4444": bmp(16, 0xF00, 0xF0, 0xF),
    "4444 with alpha": bmp(16, 0xF00, 0xF0, 0xF, 0xF000, header=56),
    "5551": bmp(16, 0xF800, 0x7C0, 0x3E, 0x1, header=56),
    "1555": bmp(16, 0x7C00, 0x3E0, 0x1F, 0x8000, header=124),
    "565 the other way": bmp(16, 0x1F, 0x7E0, 0xF800),
    "655 from the top": bmp(16, 0xFC00, 0x3E0, 0x1F, top_down=True),
    "10 bits a colour": bmp(32, 0x3FF00000, 0xFFC00, 0x3FF),
    "11, 11 and 10 bits": bmp(32, 0x7FF, 0x3FF800, 0xFFC00000, header=52),
    "RGB in the lower bytes": bmp(32, 0xFF, 0xFF00, 0xFF0000, header=108),
    "GBR and alpha": bmp(32, 0xFF, 0xFF0000, 0xFF00, 0xFF000000, header=124, top_down=True),
    "alpha that is empty": bmp(32, 0xFF0000, 0xFF00, 0xFF, 0, header=56),
    "alpha of Windows CE": bmp(16, 0xF00, 0xF0, 0xF, 0xF000, compression=6),
    "masks beyond the pixel": bmp(16, 0xF00, 0xF0, 0xF, 0xF0000000, header=56),
} | {f"header of {size} bytes": bmp_of_os2(size) for size in (12, 16, 24, 48, 60, 64)}

PACKED_BMPS: dict[str, bytes] = {
    "runs without the end": runs(8, end=b""),
    "runs of 4 bits": runs(4),
    "literal runs": runs(8, literal=True),
    "literal runs of 4 bits": runs(4, literal=True),
    "rows ended by going on elsewhere": runs(8, row_end=b"\0\2\0\0\0\0"),
}

PICTURES = {"PNG": PNGS, "JPEG": JPEGS, "GIF": GIFS, "BMP": BMPS, "packed BMP": PACKED_BMPS}
SHOWN: dict[str, bytes] = {
    f"{kind}: {name}": data for kind, pictures in PICTURES.items() for name, data in pictures.items()
}


def differs_by(image: Image.Image) -> int:
    """Return the largest difference of a colour from PICTURE's."""
    return int(np.abs(np.asarray(image.convert("RGB"), np.int16) - np.asarray(PICTURE, np.int16)).max())
