"""Scales decoded pixels down and turns them, a few rows at a time, so that no second copy of them is made."""

from typing import TYPE_CHECKING, Any

from shared.pictures.tiff import Sides

if TYPE_CHECKING:
    from shared.pictures.pixels import Pixels

_STRIP_PIXELS = 1_000_000
# So many times the wanted size is what the last step is made from; averages of whole pixels lead up to it.
_GAP = 2
# A filter looks at so many pixels of the result to both sides.
_FILTER_REACH = 3
# How a picture that is stored in an orientation of Exif becomes upright, by the names of Pillow's transpositions.
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def upright(image: Any, orientation: int) -> Any:
    """The picture turned as its orientation says."""
    from PIL import Image

    turn = _TURNS.get(orientation)
    return image.transpose(Image.Transpose[turn]) if turn else image


def scaled(pixels: "Pixels", size: Sides) -> Any:
    """The pixels in mode RGB, as a picture of that size, which is not larger."""
    from PIL import Image

    factor = max(1, min(pixels.size[0] // (_GAP * size[0]), pixels.size[1] // (_GAP * size[1])))
    if factor == 1:
        return _resampled(pixels, size)
    return _averaged(pixels, factor).resize(size, Image.Resampling.LANCZOS)


def _averaged(pixels: "Pixels", factor: int) -> Any:
    """Squares of pixels as one each."""
    from PIL import Image

    width, height = pixels.size
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = max(1, _STRIP_PIXELS // width // factor) * factor
    for top in range(0, height, rows):
        strip = pixels.colours.of(pixels.strip(top, min(top + rows, height)))
        result.paste(strip.reduce(factor), (0, top // factor))
    return result


def _resampled(pixels: "Pixels", size: Sides) -> Any:
    from PIL import Image

    width, height = pixels.size
    if size == pixels.size and pixels.whole is not None and not pixels.colours.changes(pixels.whole):
        return pixels.whole
    result, scale = Image.new("RGB", size), height / size[1]
    margin = int(_FILTER_REACH * scale) + 1
    rows = max(1, int(_STRIP_PIXELS / width / scale))
    for top in range(0, size[1], rows):
        bottom = min(top + rows, size[1])
        first, last = max(0, int(top * scale) - margin), min(height, int(bottom * scale) + 1 + margin)
        strip = pixels.colours.of(pixels.strip(first, last))
        if size == pixels.size:
            result.paste(strip.crop((0, top - first, width, bottom - first)), (0, top))
            continue
        box = (0, top * scale - first, width, min(bottom * scale - first, last - first))
        part = strip.resize((size[0], bottom - top), Image.Resampling.LANCZOS, box=box)
        result.paste(part, (0, top))
    return result
