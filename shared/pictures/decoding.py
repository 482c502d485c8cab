"""
Opens pictures, each by the decoder of its kind and never by a guess, and decodes their first frame.

Opening costs next to nothing, and tells what decoding will cost. Whatever the libraries raise becomes `HeaderError`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BufferedReader, BytesIO
from typing import Any

from shared.pictures import kinds
from shared.pictures.colours import MOST_PROFILE_BYTES
from shared.pictures.pixels import Opened, Pixels, divided, mode_bytes, of_bytes, of_image, opened_of, serves
from shared.pictures.spliced import Spliced
from shared.pictures.tiff import Sides
from shared.pictures.window import HeaderError, Window

# What a decoder holds at its peak for each pixel, in bytes, as measured: libheif its planes and their RGB, libavif too,
# libwebp two canvases of an animation and their copy.
_HEIC_BYTES, _AVIF_BYTES, _WEBP_BYTES = 8, 9, 12
_TRANSPARENCY_BYTES = 3
# OpenJPEG holds a whole number and a byte for each component; a picture that takes more than this is decoded smaller.
_JPEG_2000_BYTES = 120_000_000
# glibc's M_MMAP_THRESHOLD: blocks from so many bytes on go back to the system when they are freed.
_MMAP_THRESHOLD, _OWN_MEMORY_BYTES = -3, 1024 * 1024
# The colours of a bitmap, its mask, and both together.
_ICON_BYTES = 16
_PHOTOMETRIC, _BITS = 262, 258
_WHITE_IS_ZERO = 0


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
    _prepare()
    with typed_errors("it cannot be opened"):
        return _OPENERS[kind](data, least)


@cache
def _prepare() -> None:
    """Set what the libraries take from the process, before the first picture is decoded."""
    from ctypes import CDLL

    from PIL import Image

    # Its own check counts pixels that are never decoded; the `converter` counts those that are.
    Image.MAX_IMAGE_PIXELS = None
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it, and needs it
        # Else it keeps the memory of large blocks once they are freed, for each thread apart: eight threads that had a
        # picture of 48 megapixels in turn, two at a time, held 1.8 GB instead of 0.8.
        CDLL(None).mallopt(_MMAP_THRESHOLD, _OWN_MEMORY_BYTES)


def _jpeg(data: bytes, least: Sides) -> Opened:
    from PIL import JpegImagePlugin

    from shared.pictures import jpeg

    head, rest, profile = jpeg.stripped(data, MOST_PROFILE_BYTES)
    image = JpegImagePlugin.JpegImageFile(BufferedReader(Spliced(head, rest)))
    full = image.size
    scans = _scans(data, len(data) - len(rest))
    coefficients = _coefficient_bytes(image) if scans > 1 or "progressive" in image.info else 0
    scale = next((scale for scale in (8, 4, 2) if serves(divided(full, scale), least)), 1)
    if scale > 1:
        image.draft(None, divided(full, scale, down=True))
    found = of_image(image, full, profile)
    return found._replace(cost=found.cost + coefficients, effort=scans * math.prod(full))


def _scans(data: bytes, first: int) -> int:
    """How often a JPEG goes through its pixels; neither mark is ever among their codes."""
    end = data.find(b"\xff\xd9", first)
    return data.count(b"\xff\xda", first, len(data) if end < 0 else end)


def _coefficient_bytes(image: Any) -> int:
    """What a JPEG of several scans holds whole until the last, however small it is decoded: 2 bytes for each number."""
    most_across = max(layer[1] for layer in image.layer)
    most_down = max(layer[2] for layer in image.layer)
    shares = sum(layer[1] * layer[2] / (most_across * most_down) for layer in image.layer)
    return int(2 * shares * math.prod(image.size))


def _png(data: bytes, least: Sides) -> Opened:
    from PIL import PngImagePlugin

    from shared.pictures import png

    plain, profile = png.stripped(data, MOST_PROFILE_BYTES)
    image = PngImagePlugin.PngImageFile(BytesIO(plain))
    return of_image(image, image.size, profile)


def _gif(data: bytes, least: Sides) -> Opened:
    from PIL import GifImagePlugin

    from shared.pictures import gif

    image = GifImagePlugin.GifImageFile(BytesIO(gif.stripped(data)))
    return of_image(image, image.size)


def _bmp(data: bytes, least: Sides) -> Opened:
    from PIL import BmpImagePlugin

    image = BmpImagePlugin.BmpImageFile(BytesIO(data))
    return of_image(image, image.size)


def _tiff(data: bytes, least: Sides) -> Opened:
    from PIL import ImageOps, TiffImagePlugin

    image = TiffImagePlugin.TiffImageFile(BytesIO(data))
    tags = image.tag_v2
    bits, is_negative = tags.get(_BITS, (8,)), tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    found = of_image(image, image.size)

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
        return of_image(IcoImagePlugin.IcoFile(BytesIO(single)).frame(0), (width, height)).decode()

    return opened_of((width, height), _ICON_BYTES, decode)


def _jpeg_2000(data: bytes, least: Sides) -> Opened:
    from PIL import Jpeg2KImagePlugin

    from shared.pictures import jpeg2000

    image = Jpeg2KImagePlugin.Jpeg2KImageFile(BytesIO(data))
    full = image.size
    levels, pixel_bytes = jpeg2000.levels(Window(data)), 5 * len(image.getbands()) + mode_bytes(image.mode)

    def cost(power: int) -> int:
        return math.prod(divided(full, 2**power)) * pixel_bytes

    power = next((power for power in range(levels, 0, -1) if serves(divided(full, 2**power), least)), 0)
    # Half the size, and less to read in it, is better than so much memory for one picture.
    while power < levels and cost(power) > max(_JPEG_2000_BYTES, 8 * math.prod(full)):
        power += 1
    image.reduce = power
    return of_image(image, full)._replace(size=divided(full, 2**power), cost=cost(power))


def _webp(data: bytes, least: Sides) -> Opened:
    from PIL import _webp as libwebp

    decoder = libwebp.WebPAnimDecoder(data)
    (width, height), _, _, _, mode = decoder.get_info()
    lent = [decoder]
    del decoder

    def decode() -> Pixels:
        # It is gone with what it holds before a copy is made.
        decoder = lent.pop()
        frame = decoder.get_next()
        if frame is None:
            raise HeaderError("its first picture cannot be decoded")
        profile = decoder.get_chunk("ICCP")
        return of_bytes(lambda: frame[0], (width, height), "RGB" if mode == "RGBX" else mode, mode, 4 * width, profile)

    return opened_of((width, height), _WEBP_BYTES, decode)


def _avif(data: bytes, least: Sides) -> Opened:
    from shared.pictures import iso_media

    lent = [iso_media.avif_decoder(data)]
    size, _, mode, profile, *_ = lent[0].get_info()

    def decode() -> Pixels:
        # It is gone with what it holds before a copy is made.
        content, *_ = lent.pop().get_frame(0)
        return of_bytes(lambda: content, size, mode, mode, len(mode) * size[0], profile)

    return opened_of(size, _AVIF_BYTES + (_TRANSPARENCY_BYTES if mode.endswith("A") else 0), decode)


def _heic(data: bytes, least: Sides) -> Opened:
    from shared.pictures import iso_media

    image = iso_media.open_heic(data)

    def decode() -> Pixels:
        image.load()
        profile = image.info.get("icc_profile")
        # The memory is the image's, and is gone with it.
        return of_bytes(lambda: image.data, image.size, image.mode, image.mode, image.stride, profile)

    pixel_bytes = _HEIC_BYTES + (_TRANSPARENCY_BYTES if image.has_alpha else 0)
    return opened_of(image.size, pixel_bytes, decode)._replace(is_upright=True)


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
