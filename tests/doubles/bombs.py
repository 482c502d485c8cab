"""
Files that are small and ask for much: pixels, frames, tiles, profiles, scans, directories, texts.

Each maker takes a `random.Random`, which decides how much, and returns the file.
"""

import struct
import zlib
from collections.abc import Callable
from random import Random

from doubles.colour_profiles import DISPLAY_P3, profile
from doubles.odd_pictures import chunk, segment
from doubles.photographs import BY_NAME, exif_of
from doubles.picture_files import saved
from doubles.scenes import scene
from doubles.tiffs import Page, tiff
from PIL import Image

MEGABYTE = 1024**2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _packed(count: int, piece: bytes = bytes(MEGABYTE)) -> bytes:
    """So many bytes of nothing, packed by zlib, without ever being together in memory."""
    packer, parts = zlib.compressobj(9), []
    for _ in range(count // len(piece)):
        parts.append(packer.compress(piece))
    parts.append(packer.compress(bytes(count % len(piece))))
    return b"".join(parts) + packer.flush()


def _png(width: int, height: int, bits: int, colours: int, *chunks: bytes, packed: bytes | None = None) -> bytes:
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    row = 1 + (width * bits * channels + 7) // 8
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    data = _packed(row * height) if packed is None else packed
    return b"".join((_SIGNATURE, chunk(b"IHDR", head), *chunks, chunk(b"IDAT", data), chunk(b"IEND")))


def png_pixels(random: Random) -> bytes:
    """A PNG of up to 100 million pixels that are really in it, and more that are not."""
    if random.random() < 0.5:
        side = random.choice((3000, 6000, 9900))
        return _png(side, side, random.choice((1, 8)), 0)
    side = random.choice((15_999, 16_001, 65_000, 2**31 - 1))
    return _png(side, side, 16, 6, packed=_packed(random.randrange(10**6)))


def jpeg_pixels(random: Random) -> bytes:
    """A JPEG that says that it has 4,300 million pixels, or less."""
    data = bytearray(BY_NAME[random.choice(("baseline.jpg", "progressive.jpg", "held-6.jpg", "ycck.jpg"))].data)
    frame = next(at for mark in (b"\xff\xc0", b"\xff\xc2") if (at := data.find(mark)) > 0)
    data[frame + 5 : frame + 9] = struct.pack(">HH", *(random.choice((9000, 16_000, 65_500)) for _ in range(2)))
    return bytes(data)


def gif_pixels(random: Random) -> bytes:
    """A GIF whose screen or first frame is as large as numbers go."""
    data = bytearray(BY_NAME["plain.gif"].data)
    frame = data.index(b",\0\0\0\0")
    for at in random.sample((6, frame + 5), random.randint(1, 2)):
        data[at : at + 4] = struct.pack("<HH", *(random.choice((9000, 15_999, 65_535)) for _ in range(2)))
    return bytes(data)


def bmp_pixels(random: Random) -> bytes:
    """A BMP of runs: each pair of bytes may be 255 pixels, or an end long before the picture's."""
    width, height = (random.choice((9000, 15_999, 60_000)) for _ in range(2))
    runs = random.choice((b"\0\1", b"\xff\1" * 10_000, b"\0\2\xff\xff" * 10_000, b""))
    compression, bits = random.choice(((1, 8), (2, 4), (0, 24), (3, 32)))
    told = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 62) + told + bytes(8) + runs


def tiff_pixels(random: Random) -> bytes:
    """A TIFF page of up to 65,000 pixels a side, packed or not."""
    sides = [random.choice((9000, 16_001, 65_000)) for _ in range(2)]
    return tiff(Page(*sides, compression=random.choice((1, 5, 8, 32773))), big=random.random() < 0.3)


def tiff_tiles(random: Random) -> bytes:
    """A TIFF of a million tiles that all lie in one place."""
    side, tile = random.choice(((4096, 16), (9984, 16), (16_000, 256))), b"\0" * 256
    width, edge = side
    count = (width // edge) ** 2
    entries = [(256, 4, 1, width), (257, 4, 1, width), (258, 3, 1, 8), (259, 3, 1, random.choice((1, 8)))]
    entries += [(262, 3, 1, 1), (277, 3, 1, 1), (322, 4, 1, edge), (323, 4, 1, edge)]
    arrays = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries += [(324, 4, count, arrays), (325, 4, count, arrays + 4 * count)]
    told = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    at = arrays + 8 * count
    lists = struct.pack("<I", at) * count + struct.pack("<I", len(tile)) * count
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + told + bytes(4) + lists + tile


def _patched(data: bytes, name: bytes, skip: int, form: str, *values: int) -> bytes:
    """The file with other numbers behind a name in it."""
    changed, at = bytearray(data), data.index(name) + len(name) + skip
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def box_pixels(random: Random) -> bytes:
    """A HEIC or AVIF that says that it is larger than it is."""
    data = BY_NAME[random.choice(("plain.heic", "held-6.heic", "plain.avif", "alpha.avif", "10-bit.heic"))].data
    return _patched(data, b"ispe", 4, ">II", *(random.choice((9000, 20_000, 2**31 - 1)) for _ in range(2)))


def webp_pixels(random: Random) -> bytes:
    """A WebP of 268 million pixels by its header."""
    if random.random() < 0.5:
        return _patched(BY_NAME["lossless.webp"].data, b"VP8L", 5, "<I", random.getrandbits(28))
    data = BY_NAME["animated.webp"].data
    return _patched(data, b"VP8X", 8, "<3s3s", *[random.choice((b"\xff\xff\xff", b"\xff\x3f\0"))] * 2)


def jpeg_2000_tiles(random: Random) -> bytes:
    """A JPEG 2000 of other sides, or of tiles of a pixel each."""
    data = BY_NAME[random.choice(("plain.jp2", "codestream.j2k"))].data
    if random.random() < 0.5:
        side = random.choice((9000, 60_000, 2**31 - 1))
        data = _patched(data, b"\xff\x51", 4, ">II", side, side)
        if b"ihdr" in data:
            data = _patched(data, b"ihdr", 0, ">II", side, side)
        return data
    return _patched(data, b"\xff\x51", 20, ">II", *(random.choice((1, 2, 50)) for _ in range(2)))


def icon_pixels(random: Random) -> bytes:
    """An icon with a PNG of any size in it, or with 60,000 entries that all are the same one."""
    inside = _png(*[random.choice((300, 9000, 20_000))] * 2, 1, 0)
    count = random.choice((1, 200))
    at = 6 + 16 * count
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(inside), at)
    return struct.pack("<HHH", 0, 1, count) + entry * count + inside


def frames(random: Random) -> bytes:
    """A picture that moves for very long."""
    kind, count = random.choice((("GIF", 2000), ("WEBP", 300), ("PNG", 1000), ("AVIF", 60), ("TIFF", 3000)))
    others = (Image.new("L", (64, 64), shade % 256) for shade in range(random.randint(2, count)))
    return saved(next(others), kind, save_all=True, append_images=list(others))


def many_pictures(random: Random) -> bytes:
    """An MPO with many pictures, whose list of them may be wrong."""
    others = [scene(64, 64)] * random.randint(1, 200)
    data = saved(scene(64, 64), "MPO", save_all=True, append_images=others)
    return data.replace(struct.pack("<I", len(others) + 1), struct.pack("<I", random.choice((len(others) + 1, 2**31))))


def png_profile(random: Random) -> bytes:
    """A PNG with a profile, a text or Exif that unpacks to hundreds of megabytes."""
    packed = _packed(random.choice((2, 70, 400)) * MEGABYTE)
    extra = random.choice((b"iCCP", b"zTXt", b"iTXt"))
    head = {b"iCCP": b"Display\0\0", b"zTXt": b"Note\0\0", b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0"}[extra]
    return _png(64, 64, 8, 2, chunk(extra, head + packed))


def profiles(random: Random) -> bytes:
    """A JPEG or TIFF whose profile has millions of tags, or a curve or a table as large as numbers go."""
    broken = bytearray(profile(DISPLAY_P3, trailing=bytes(random.choice((0, 10**6)))))
    for _ in range(random.randint(1, 4)):
        struct.pack_into(">I", broken, random.choice((0, 128, 136, 140, 148, 152, 160, 164)), random.getrandbits(32))
    curve = broken.find(b"curv")
    if curve > 0 and random.random() < 0.5:
        struct.pack_into(">I", broken, curve + 8, random.choice((2**31, 2**20, 0)))
    return saved(scene(), random.choice(("JPEG", "TIFF", "WEBP", "PNG")), icc_profile=bytes(broken))


def scans(random: Random) -> bytes:
    """A progressive JPEG that goes over all of its picture a thousand times."""
    side = random.choice((600, 2000, 4000))
    data = saved(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * random.choice((50, 400, 1500)) + data[-2:]


def directories(random: Random) -> bytes:
    """Exif of directories that lead to each other, or of 65,535 entries."""
    entries = random.choice((1, 200, 5000))
    pointer = struct.pack(">HHII", random.choice((0x8769, 0x8825, 330, 274)), 4, 1, 8)
    looped = b"MM\0*\0\0\0\x08" + struct.pack(">H", random.choice((entries, 65_535))) + pointer * entries
    looped += struct.pack(">I", random.choice((0, 8, 2**31)))
    kind = random.choice(("JPEG", "PNG", "WEBP", "TIFF"))
    if kind == "TIFF":
        return looped
    data = saved(scene(), kind, exif=exif_of(6))
    at = data.find(b"MM\0*")
    if kind == "JPEG":
        return data[:2] + segment(0xE1, b"Exif\0\0" + looped[:60_000]) + data[2:]
    return _png(64, 64, 8, 2, chunk(b"eXIf", looped)) if kind == "PNG" else data[:at] + looped[: len(data) - at]


def segments(random: Random) -> bytes:
    """A JPEG or PNG with very many parts before its picture."""
    count = random.choice((100, 3000, 30_000))
    if random.random() < 0.5:
        return _png(64, 64, 8, 2, chunk(random.choice((b"tEXt", b"eXIf", b"tIME")), b"Note\0hello") * count)
    data, part = saved(scene(), "JPEG"), segment(random.choice((0xFE, 0xE1, 0xE2, 0xED)), b"ICC_PROFILE\0\1\xff" * 3)
    return data[:2] + part * count + data[2:]


def boxes(random: Random) -> bytes:
    """A HEIC of boxes in boxes, or of many, or of one that ends beyond the file."""
    inner = b""
    for _ in range(random.choice((20, 2000))):
        inner = struct.pack(">I4s", 8 + len(inner), random.choice((b"meta", b"iprp", b"ipco", b"moov"))) + inner
    head = BY_NAME["plain.heic"].data
    first = int.from_bytes(head[:4])
    return head[:first] + inner * random.choice((1, 10)) + head[first:]


BOMBS: tuple[Callable[[Random], bytes], ...] = (
    png_pixels,
    jpeg_pixels,
    gif_pixels,
    bmp_pixels,
    tiff_pixels,
    tiff_tiles,
    box_pixels,
    webp_pixels,
    jpeg_2000_tiles,
    icon_pixels,
    frames,
    many_pictures,
    png_profile,
    profiles,
    scans,
    directories,
    segments,
    boxes,
)
