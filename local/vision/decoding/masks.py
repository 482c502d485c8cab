"""The pixels of a BMP whose colours lie where its masks say: anywhere, in any number of bits."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from local.vision.formats.bmp import Masked
from local.vision.formats.look import UnreadableError

# In one go, what is worked out in between would take eight bytes a pixel.
STRIP_PIXELS = 1_000_000

Number = TypeVar("Number", bound=np.generic)
Stored = NDArray[np.unsignedinteger]
Pixels = NDArray[np.uint8]


def unmasked(data: bytes, masked: Masked) -> Pixels:
    """Return height x width x 3, or x 4 where a pixel has transparency. Raises UnreadableError when *data* is cut."""
    rows = _rows(data, masked)
    masks = list(masked.masks)
    # Many writers name an alpha channel and leave it empty.
    if any(_channel(strip, masked.alpha).any() for strip in _strips(rows)):
        masks.append(masked.alpha)
    pixels = np.empty((*rows.shape, len(masks)), np.uint8)
    for strip, place in zip(_strips(rows), _strips(pixels), strict=True):
        for number, mask in enumerate(masks):
            place[..., number] = _channel(strip, mask)
    return pixels


def _rows(data: bytes, masked: Masked) -> Stored:
    """Return the pixels as they are stored, from the top; nothing is copied."""
    row_bytes = (masked.width * masked.pixel_bytes + 3) // 4 * 4
    # What fills up the last row may be missing.
    if masked.pixels_at + row_bytes * (masked.height - 1) + masked.width * masked.pixel_bytes > len(data):
        raise UnreadableError(f"The BMP is cut short: {len(data)} bytes are too few for its pixels.")
    shape, steps = (masked.height, masked.width), (row_bytes, masked.pixel_bytes)
    rows: Stored = np.ndarray(shape, f"<u{masked.pixel_bytes}", data, masked.pixels_at, steps)
    return rows if masked.is_from_top else rows[::-1]


def _strips(rows: NDArray[Number]) -> list[NDArray[Number]]:
    count = max(1, STRIP_PIXELS // max(1, rows.shape[1]))
    return [rows[top : top + count] for top in range(0, len(rows), count)]


def _channel(strip: Stored, mask: int) -> Pixels:
    mask &= int(np.iinfo(strip.dtype).max)
    if not mask:
        return np.zeros(strip.shape, np.uint8)
    lowest = (mask & -mask).bit_length() - 1
    surplus = max(0, (mask >> lowest).bit_length() - 8)
    largest = mask >> lowest >> surplus
    scaled = (np.arange(256) * 255 // largest).clip(max=255).astype(np.uint8)
    channel: Pixels = scaled[(strip & mask) >> (lowest + surplus)]
    return channel
