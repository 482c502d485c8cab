"""Pictures as large as a file is wanted to be: noise, as much as it takes."""

import io
import struct
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

MEGABYTE = 1024**2
_TILE = (1000, 750)
# A file may be off by as much, as a share of what was wanted.
_OFF = 0.1
_TRIES = 12
_ORIENTATION = 6


class Kind(NamedTuple):
    """
    A kind of picture.

    Attributes:
        name: as the table has it.
        form: `JPEG` or `HEIC`; the latter with an orientation.
        sides: width and height as stored.
        size: of the file, in bytes, about.
        decoded: how many pixels the app has to decode at most. A large JPEG is decoded at half its sides.
    """

    name: str
    form: str
    sides: tuple[int, int]
    size: int
    decoded: int


KINDS = (
    Kind("2 MB JPEG, 8 MP", "JPEG", (3264, 2448), 2 * MEGABYTE, 8_000_000),
    Kind("8 MB JPEG, 12 MP", "JPEG", (4000, 3000), 8 * MEGABYTE, 12_000_000),
    Kind("8 MB HEIC, 12 MP, turned", "HEIC", (4000, 3000), 8 * MEGABYTE, 12_000_000),
    Kind("16 MB JPEG, 48 MP", "JPEG", (8000, 6000), 16 * MEGABYTE, 12_000_000),
)


def made(kind: Kind) -> bytes:
    """
    A picture of that kind.

    Raises:
        RuntimeError: no noise makes a file of that size.
    """
    encode = _ENCODERS[kind.form]
    wanted = kind.size * _TILE[0] * _TILE[1] / (kind.sides[0] * kind.sides[1])
    low, high = 0.0, 1.0
    for _ in range(_TRIES):
        noise = (low + high) / 2
        low, high = (noise, high) if len(encode(_tile(noise))) < wanted else (low, noise)
    image, tile = Image.new("RGB", kind.sides), _tile(noise)
    for top in range(0, kind.sides[1], _TILE[1]):
        for left in range(0, kind.sides[0], _TILE[0]):
            image.paste(tile, (left, top))
    data = encode(image)
    if abs(len(data) - kind.size) > _OFF * kind.size:
        raise RuntimeError(f"{kind.name}: {len(data)} bytes instead of {kind.size}")
    return data


def small(form: str) -> bytes:
    """A small picture of that form."""
    return _ENCODERS[form](_tile(0.2).resize((200, 150)))


def another(data: bytes, number: int) -> bytes:
    """The same picture in other bytes: with a comment, or with a box that readers pass over."""
    told = struct.pack(">I", number)
    if data.startswith(b"\xff\xd8"):
        return data[:2] + b"\xff\xfe\x00\x06" + told + data[2:]
    return data + struct.pack(">I4s", 12, b"free") + told


def _tile(noise: float) -> Image.Image:
    """Waves in three colours, with a share of noise."""
    slope = Image.linear_gradient("L").resize(_TILE)
    ground = Image.merge("RGB", [slope.rotate(angle) for angle in (0, 180, 90)])
    return Image.blend(ground, Image.effect_noise(_TILE, 120).convert("RGB"), noise)


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


def _heic(image: Image.Image) -> bytes:
    # Encodes, and is not deployed.
    import pillow_heif

    exif = Image.Exif()
    exif[0x112] = _ORIENTATION
    file = io.BytesIO()
    # The preset is for speed alone: files come out as large.
    photo = pillow_heif.from_pillow(image)
    photo.save(file, quality=80, exif=exif.tobytes(), enc_params={"preset": "ultrafast"})
    return file.getvalue()


_ENCODERS: dict[str, Callable[[Image.Image], bytes]] = {"JPEG": _jpeg, "HEIC": _heic}
