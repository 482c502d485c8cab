"""
ICC profiles of displays and cameras, built by hand, and colours as a picture with such a profile stores them.

All numbers are the spaces' own definitions; the arithmetic is that of ICC.1:2010 and shares nothing with the app's.
"""

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Matrix = NDArray[np.float64]

_D65, _D50 = (0.3127, 0.3290), (0.3457, 0.3585)
# How eyes adapt from one white to another (Lam and Rigg).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class Space(NamedTuple):
    """A colour space: the chromaticities of its red, green and blue, its white being D65, and its exponent."""

    name: str
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    gamma: float


SRGB = Space("sRGB", (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), 2.2)
DISPLAY_P3 = Space("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), 2.2)
# Exponent 2 + 51/256.
ADOBE_RGB = Space("Adobe RGB (1998)", (0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 563 / 256)


def _xyz(chromaticity: tuple[float, float]) -> Matrix:
    x, y = chromaticity
    return np.array([x / y, 1.0, (1 - x - y) / y])


def to_connection_space(space: Space) -> Matrix:
    """The matrix from linear red, green and blue to XYZ adapted to D50, in which profiles are connected."""
    primaries = np.stack([_xyz(each) for each in (space.red, space.green, space.blue)], axis=1)
    matrix = primaries * np.linalg.solve(primaries, _xyz(_D65))
    cones = np.diag(_BRADFORD @ _xyz(_D50) / (_BRADFORD @ _xyz(_D65)))
    adapted: Matrix = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ matrix
    return adapted


def profile(space: Space, *, trailing: bytes = b"") -> bytes:
    """An ICC profile (version 2.1) of a display with that space; *trailing* is a private tag's content."""
    columns = to_connection_space(space).T
    tags = {b"rXYZ": _point(columns[0]), b"gXYZ": _point(columns[1]), b"bXYZ": _point(columns[2])}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(space.gamma))
    if trailing:
        tags[b"priv"] = trailing
    return _of_tags(b"RGB ", space.name, tags)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey with that exponent."""
    return _of_tags(b"GRAY", "grey", {b"kTRC": _curve(gamma)})


def _number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _point(values: Matrix) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_number, values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _of_tags(colours: bytes, title: str, own: dict[bytes, bytes]) -> bytes:
    name = title.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(8 + 3 + 67)
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _point(_xyz(_D50)), **own}
    at, table, content = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", at + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    size = at + len(content)
    head = (
        struct.pack(">I4sI", size, b"none", 0x02100000) + b"mntr" + colours + b"XYZ " + bytes(12) + b"acsp" + bytes(28)
    )
    head += b"".join(map(_number, _xyz(_D50)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def stored_in(space: Space, image: Image.Image) -> Image.Image:
    """An sRGB picture with the numbers that stand for the same colours in another space."""
    there = np.asarray(image, np.float64) / 255
    linear = np.where(there <= 0.04045, there / 12.92, ((there + 0.055) / 1.055) ** 2.4)
    turned = linear @ (np.linalg.inv(to_connection_space(space)) @ to_connection_space(SRGB)).T
    encoded = np.clip(turned, 0, 1) ** (1 / space.gamma)
    return Image.fromarray(np.round(encoded * 255).astype(np.uint8))
