"""
Opens pictures, each by the decoder of its kind and never by a guess, and decodes their first frame.

Opening costs next to nothing, and tells what decoding will cost. Whatever the libraries raise becomes `HeaderError`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

from shared.pictures import kinds
from shared.pictures.colours import MOST_PROFILE_BYTES, Srgb
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError, Window

# What a decoder holds at its peak for each pixel, in bytes, as measured: libheif its planes and their RGB, libavif too,
# libwebp two canvases of an animation and their copy, OpenJPEG whole numbers of each component.
_HEIC_BYTES, _AVIF_BYTES, _WEBP_BYTES, _JPEG_2000_BYTES = 8, 8, 12, 20
# Pillow holds colours in 4 bytes; libtiff and icons the unpacked file besides.
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_PILLOW_BYTES = 4
_PHOTOMETRIC, _BITS = 262, 258
_WHITE_IS_ZERO = 0


class Pixels(NamedTuple):
    """
    Decoded pixels, as they are stored.

    Attributes:
        size: width and height.
        colours: what turns them into sRGB.
        strip: the rows from one number up to another, as a picture of Pillow's.
        whole: all of them as one, where they are in one.
    """

    size: Sides
    colours: Srgb
    strip: Callable[[int, int], Any]
    whole: Any = None


class Opened(NamedTuple):
    """
    A picture that is not decoded yet.

    Attributes:
        full: width and height of the whole picture, as its decoder gives it.
        size: of what `decode` gives, which may be smaller.
        cost: the bytes that decoding holds at its peak.
        effort: how many pixels the decoder walks through.
        decode: decodes it.
        is_upright: whether the decoder turns it.
    """

    full: Sides
    size: Sides
    cost: int
    effort: int
    decode: Callable[[], Pixels]
    is_upright: bool = False


@contextmanager
def typed_errors(said: str) -> Iterator[None]:
    """Make `HeaderError` of whatever a library raises about unchecked bytes."""
    try:
        yield
    except HeaderError:
        raise
    except Exception as error:
        raise HeaderError(said) from error


def opened(data: bytes, kind: str, least: Sides) -> Opened:
    """
    Open a picture to decode it, in pixels as stored, as small as its decoder can without going below *least*.

    Raises:
        HeaderError: it cannot be opened.
    """
    from PIL import Image

    # Its own check counts pixels that are never decoded; the `converter` counts those that are.
    Image.MAX_IMAGE_PIXELS = None
    with typed_errors("it cannot be opened"):
        return _OPENERS[kind](data, least)


def _jpeg(data: bytes, least: Sides) -> Opened:
    from PIL import JpegImagePlugin

    from shared.pictures import jpeg

    plain, profile = jpeg.stripped(data, MOST_PROFILE_BYTES)
    image = JpegImagePlugin.JpegImageFile(BytesIO(plain))
    full = image.size
    coefficients = _coefficient_bytes(image) if "progressive" in image.info else 0
    scale = next((scale for scale in (8, 4, 2) if _serves(_divided(full, scale), least)), 1)
    if scale > 1:
        image.draft(None, _divided(full, scale, down=True))
    scans = max(1, plain.count(b"\xff\xda"))
    of_image = _of_image(image, full, profile)
    return of_image._replace(cost=of_image.cost + coefficients, effort=scans * full[0] * full[1])


def _coefficient_bytes(image: Any) -> int:
    """What a progressive JPEG holds whole until its last scan, however small it is decoded: 2 bytes for each number."""
    most_across = max(layer[1] for layer in image.layer)
    most_down = max(layer[2] for layer in image.layer)
    shares = sum(layer[1] * layer[2] / (most_across * most_down) for layer in image.layer)
    return int(2 * shares * image.size[0] * image.size[1])


def _png(data: bytes, least: Sides) -> Opened:
    from PIL import PngImagePlugin

    from shared.pictures import png

    plain, profile = png.stripped(data, MOST_PROFILE_BYTES)
    image = PngImagePlugin.PngImageFile(BytesIO(plain))
    return _of_image(image, image.size, profile)


def _gif(data: bytes, least: Sides) -> Opened:
    from PIL import GifImagePlugin

    from shared.pictures import gif

    image = GifImagePlugin.GifImageFile(BytesIO(gif.stripped(data)))
    return _of_image(image, image.size)


def _bmp(data: bytes, least: Sides) -> Opened:
    from PIL import BmpImagePlugin

    image = BmpImagePlugin.BmpImageFile(BytesIO(data))
    return _of_image(image, image.size)


def _tiff(data: bytes, least: Sides) -> Opened:
    from PIL import ImageOps, TiffImagePlugin

    image = TiffImagePlugin.TiffImageFile(BytesIO(data))
    tags = image.tag_v2
    bits, is_negative = tags.get(_BITS, (8,)), tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    found = _of_image(image, image.size)

    def decode() -> Pixels:
        pixels = found.decode()
        if not image.mode.startswith("I;16"):
            return pixels
        # Pillow takes the numbers as they are, of 12 bits and of a negative too.
        shift = 16 - bits[0]

        def strip(top: int, bottom: int) -> Any:
            rows = pixels.strip(top, bottom)
            grey = pixels.colours.plain(rows.point(lambda grey: grey * 2**shift) if shift else rows)
            return ImageOps.invert(grey) if is_negative else grey

        return Pixels(pixels.size, pixels.colours, strip)

    # It is unpacked strip by strip, of which there may be one.
    return found._replace(cost=2 * found.cost, decode=decode, is_upright=True)


def _ico(data: bytes, least: Sides) -> Opened:
    from PIL import IcoImagePlugin

    from shared.pictures import ico

    entry = ico.largest(Window(data))
    content = data[entry.at : entry.at + entry.size]
    if entry.is_png:
        return _png(content, least)
    # One whose directory tells the truth.
    width, height = entry.width, entry.height
    bits = content[14:16]
    header = b"\0\0\1\0\1\0" + bytes((width % 256, height % 256, 0, 0, 1, 0)) + bits
    single = header + len(content).to_bytes(4, "little") + (22).to_bytes(4, "little") + content

    def decode() -> Pixels:
        return _of_image(IcoImagePlugin.IcoFile(BytesIO(single)).frame(0), (width, height)).decode()

    return _plain_opened((width, height), 4 * _PILLOW_BYTES, decode)


def _jpeg_2000(data: bytes, least: Sides) -> Opened:
    from PIL import Jpeg2KImagePlugin

    from shared.pictures import jpeg2000

    image = Jpeg2KImagePlugin.Jpeg2KImageFile(BytesIO(data))
    full = image.size
    levels = jpeg2000.levels(Window(data))
    power = next((power for power in range(levels, 0, -1) if _serves(_divided(full, 2**power), least)), 0)
    image.reduce = power
    size = _divided(full, 2**power)
    found = _of_image(image, full)
    return found._replace(size=size, cost=size[0] * size[1] * _JPEG_2000_BYTES)


def _webp(data: bytes, least: Sides) -> Opened:
    from PIL import _webp as libwebp

    decoder = libwebp.WebPAnimDecoder(data)
    (width, height), _, _, _, mode = decoder.get_info()

    def decode() -> Pixels:
        frame = decoder.get_next()
        if frame is None:
            raise HeaderError("its first picture cannot be decoded")
        profile = decoder.get_chunk("ICCP")
        return _of_bytes(lambda: frame[0], (width, height), "RGB" if mode == "RGBX" else mode, mode, 4 * width, profile)

    return _plain_opened((width, height), _WEBP_BYTES, decode)


def _avif(data: bytes, least: Sides) -> Opened:
    from shared.pictures import iso_media

    decoder = iso_media.avif_decoder(data)
    size, _, mode, profile, *_ = decoder.get_info()

    def decode() -> Pixels:
        content, *_ = decoder.get_frame(0)
        return _of_bytes(lambda: content, size, mode, mode, len(mode) * size[0], profile)

    return _plain_opened(size, _AVIF_BYTES, decode)


def _heic(data: bytes, least: Sides) -> Opened:
    from shared.pictures import iso_media

    image = iso_media.open_heic(data)

    def decode() -> Pixels:
        image.load()
        profile = image.info.get("icc_profile")
        # The memory is the image's, and is gone with it.
        return _of_bytes(lambda: image.data, image.size, image.mode, image.mode, image.stride, profile)

    return _plain_opened(image.size, _HEIC_BYTES, decode)._replace(is_upright=True)


_OPENERS: dict[str, Callable[[bytes, Sides], Opened]] = {
    kinds.JPEG.name: _jpeg,
    kinds.MPO.name: _jpeg,
    kinds.PNG.name: _png,
    kinds.GIF.name: _gif,
    kinds.BMP.name: _bmp,
    kinds.TIFF.name: _tiff,
    kinds.ICO.name: _ico,
    kinds.JPEG_2000.name: _jpeg_2000,
    kinds.WEBP.name: _webp,
    kinds.AVIF.name: _avif,
    kinds.HEIC.name: _heic,
}


def _plain_opened(size: Sides, pixel_bytes: int, decode: Callable[[], Pixels]) -> Opened:
    pixels = size[0] * size[1]
    return Opened(size, size, pixels * pixel_bytes, pixels, decode)


def _of_image(image: Any, full: Sides, profile: bytes | None = None) -> Opened:
    """An image of Pillow's, which it has opened and not loaded."""

    def decode() -> Pixels:
        image.load()
        greys = image.getextrema() if image.mode in ("I", "F") else None
        colours = Srgb(profile or image.info.get("icc_profile"), greys)
        width = image.size[0]
        return Pixels(image.size, colours, lambda top, bottom: image.crop((0, top, width, bottom)), image)

    cost = image.size[0] * image.size[1] * _MODE_BYTES.get(image.mode, _PILLOW_BYTES)
    return Opened(full, image.size, cost, full[0] * full[1], decode)


def _of_bytes(
    content: Callable[[], Any], size: Sides, mode: str, raw: str, stride: int, profile: bytes | None
) -> Pixels:
    """Pixels that lie in memory as a library gives them: a second copy of all of them is not made."""
    from PIL import Image

    def strip(top: int, bottom: int) -> Any:
        rows = memoryview(content())[top * stride : bottom * stride]
        return Image.frombytes(mode, (size[0], bottom - top), rows, "raw", raw, stride)

    return Pixels(size, Srgb(profile), strip)


def _divided(size: Sides, by: int, *, down: bool = False) -> Sides:
    above = 0 if down else by - 1
    return max(1, (size[0] + above) // by), max(1, (size[1] + above) // by)


def _serves(size: Sides, least: Sides) -> bool:
    return size[0] >= least[0] and size[1] >= least[1]
