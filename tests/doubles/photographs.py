"""
One scene in every kind of file that people have, with what is expected of each.

`PHOTOGRAPHS` are taken, `REFUSED` are refused, each with its code. All are small but a few that are about size.
"""

import io
import struct
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from doubles import picture_files as files
from doubles.colour_profiles import ADOBE_RGB, DISPLAY_P3, Space, profile, stored_in
from doubles.heif_grid import grid
from doubles.odd_pictures import chunk
from doubles.picture_files import saved
from doubles.scenes import BLACK, COLOURS, CUT_OUT, GRAY_CUT_OUT, GRAYS, ORIENTATIONS, Paint, scene, stored
from PIL import Image, ImageOps

MEGABYTE = 1024**2
SIDES = (320, 240)
# Two tiles a side, of which the last have a part in the picture.
PHONE_SIDES = (700, 900)


class Photograph(NamedTuple):
    """
    A file and what is expected of it.

    Attributes:
        name: of the file; each has another one.
        make: makes its bytes.
        sides: of the upright picture, in pixels.
        paint: what its scene is painted with, as a viewer with colour management shows it.
        analyzed: how the image operations get it: `untouched` or as a `copy`.
        read: how Read gets it; `no` where it is not read.
    """

    name: str
    make: Callable[[], bytes]
    sides: tuple[int, int] = SIDES
    paint: Paint = COLOURS
    analyzed: str = "copy"
    read: str = "copy"

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return _made(self.name)

    @property
    def has_face(self) -> bool:
        """Whether its scene has a face; one in black and white has none."""
        return self.paint is not BLACK


@cache
def _made(name: str) -> bytes:
    return BY_NAME[name].make()


def exif_of(orientation: int) -> bytes:
    """An Exif block with that orientation alone."""
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


def _turned(kind: str, orientation: int, paint: Paint = COLOURS, mode: str = "", **options: Any) -> bytes:
    image = stored(scene(paint=paint), orientation)
    return saved(image.convert(mode) if mode else image, kind, exif=exif_of(orientation), **options)


def _on_nothing(mode: str, paint: Paint = COLOURS) -> Image.Image:
    """The scene cut out: its ground is transparent, and black where a viewer ignores that."""
    image = scene(paint=paint).convert("RGBA")
    pixels = np.array(image)
    pixels[(pixels[..., :3] == np.array(paint.rgb("ground"))).all(axis=2)] = 0
    return Image.fromarray(pixels).convert(mode)


def _palette(image: Image.Image) -> Image.Image:
    return image.quantize(16, dither=Image.Dither.NONE)


def _in_space(kind: str, space: Space, **options: Any) -> bytes:
    return saved(stored_in(space, scene()), kind, icc_profile=profile(space), **options)


def _grainy(width: int, height: int) -> Image.Image:
    """The scene with the grain of a sensor, which no encoder can make small."""
    pixels = np.asarray(scene(width, height), np.int16)
    grain = np.random.default_rng(1).integers(-10, 11, (height, width, 3), np.int16)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _enlarged(image: Image.Image, times: int) -> Image.Image:
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def _frames(count: int, **options: Any) -> tuple[Image.Image, dict[str, Any]]:
    """The scene as the first of so many frames; the others are empty."""
    others = [Image.new("RGB", SIDES, (250, 250, 250)) for _ in range(count - 1)]
    return scene(), {"save_all": True, "append_images": others, **options}


def _saved_frames(kind: str, count: int, **options: Any) -> bytes:
    image, told = _frames(count, **options)
    return saved(image, kind, **told)


def _tiff(image: Image.Image, **options: Any) -> bytes:
    return saved(image, "TIFF", **{"compression": "tiff_lzw", **options})


def _tiff_turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return _tiff(stored(scene(), orientation), exif=exif)


def _of_phone(orientation: int, *, is_cropped: bool = False) -> bytes:
    """The scene in tiles, in Display P3; cropped by a box, of a larger picture."""
    image = stored(stored_in(DISPLAY_P3, scene(*PHONE_SIDES)), orientation)
    if not is_cropped:
        return grid(image, orientation=orientation, profile=profile(DISPLAY_P3))
    around = ImageOps.expand(image, (20, 10, 6, 30), "black")
    crop = (20, 10, 20 + image.width, 10 + image.height)
    return grid(around, orientation=orientation, profile=profile(DISPLAY_P3), crop=crop)


def _as_taken(suffix: str, kind: str) -> Iterator[Photograph]:
    """A kind that can be taken in any way the camera was held."""
    for orientation in ORIENTATIONS[1:]:
        yield Photograph(f"held-{orientation}.{suffix}", partial(_turned, kind, orientation, quality=90))


def _jpegs() -> Iterator[Photograph]:
    as_it_is = partial(Photograph, analyzed="untouched", read="untouched")
    scene_of = partial(saved, scene(), "JPEG", quality=90)
    gray = partial(saved, scene(paint=GRAYS), "JPEG", quality=90)
    yield as_it_is("baseline.jpg", scene_of)
    yield as_it_is("progressive.jpg", partial(scene_of, progressive=True))
    yield as_it_is("sharp-colours.jpg", partial(scene_of, subsampling=0))
    yield as_it_is("upright-by-exif.jpg", partial(_turned, "JPEG", 1, quality=90))
    yield as_it_is("gray.jpg", gray, paint=GRAYS)
    yield as_it_is("cmyk.jpg", partial(saved, scene().convert("CMYK"), "JPEG", quality=90))
    yield as_it_is("ycck.jpg", partial(files.ycck, scene(), quality=90))
    yield as_it_is("display-p3.jpg", partial(_in_space, "JPEG", DISPLAY_P3, quality=95))
    yield as_it_is("adobe-rgb.jpg", partial(_in_space, "JPEG", ADOBE_RGB, quality=95))
    yield as_it_is("profile-that-is-none.jpg", partial(scene_of, icc_profile=b"no profile" * 20))
    yield from _as_taken("jpg", "JPEG")
    yield Photograph("held-6-progressive.jpg", partial(_turned, "JPEG", 6, quality=90, progressive=True))
    yield Photograph("held-8-gray.jpg", partial(_turned, "JPEG", 8, GRAYS, quality=90), paint=GRAYS)
    yield Photograph("held-6-cmyk.jpg", partial(_turned, "JPEG", 6, mode="CMYK", quality=90))
    two = {"save_all": True, "append_images": [scene()], "quality": 90}
    yield Photograph("two-lenses.mpo.jpg", partial(saved, scene(), "MPO", **two))
    yield Photograph("two-lenses-held-6.mpo.jpg", partial(saved, stored(scene(), 6), "MPO", **two, exif=exif_of(6)))
    # A phone's film of the second before, behind the picture.
    yield Photograph("with-a-film.jpg", lambda: scene_of() + b"\0film" * MEGABYTE, read="untouched")
    yield Photograph(
        "over-4-mb.jpg",
        lambda: saved(_grainy(1800, 1400), "JPEG", quality=100, subsampling=0),
        sides=(1800, 1400),
        read="untouched",
    )
    yield Photograph(
        "48-megapixels-held-6.jpg",
        lambda: saved(_enlarged(stored(scene(600, 800), 6), 10), "JPEG", quality=40, exif=exif_of(6)),
        sides=(6000, 8000),
    )
    yield Photograph("wide.jpg", lambda: saved(scene(16_400, 400), "JPEG", quality=80), sides=(16_400, 400))


def _pngs() -> Iterator[Photograph]:
    as_it_is = partial(Photograph, analyzed="untouched", read="untouched")
    yield as_it_is("plain.png", partial(saved, scene(), "PNG"))
    yield as_it_is("interlaced.png", partial(files.png_interlaced, scene()))
    yield as_it_is("16-bit.png", partial(files.png_16, scene()))
    yield as_it_is("16-bit-gray.png", partial(files.png_16, scene(paint=GRAYS)), paint=GRAYS)
    yield as_it_is("16-bit-alpha.png", lambda: files.png_16(_on_nothing("RGBA")), paint=CUT_OUT)
    yield as_it_is("alpha.png", lambda: saved(_on_nothing("RGBA"), "PNG"), paint=CUT_OUT)
    yield as_it_is("gray-alpha.png", lambda: saved(_on_nothing("LA", GRAYS), "PNG"), paint=GRAY_CUT_OUT)
    yield as_it_is("palette.png", lambda: saved(_palette(scene()), "PNG"))
    yield as_it_is("palette-alpha.png", lambda: saved(_palette(scene()), "PNG", transparency=b"\xff" * 3 + b"\x80"))
    yield as_it_is("gray.png", partial(saved, scene(paint=GRAYS), "PNG"), paint=GRAYS)
    yield as_it_is("1-bit.png", partial(saved, scene(paint=BLACK), "PNG"), paint=BLACK)
    yield as_it_is("display-p3.png", partial(_in_space, "PNG", DISPLAY_P3))
    yield Photograph("held-6.png", partial(_turned, "PNG", 6))
    yield Photograph("held-3-16-bit.png", lambda: files.png_16(stored(scene(), 3), chunk(b"eXIf", exif_of(3)[6:])))
    yield Photograph(
        "over-4-mb.png",
        lambda: saved(scene(1300, 1100), "PNG", compress_level=0),
        sides=(1300, 1100),
        read="untouched",
    )
    yield Photograph("tall.png", lambda: saved(scene(400, 16_400), "PNG"), sides=(400, 16_400))
    # Too wide for Read alone.
    yield Photograph("long.png", lambda: saved(scene(12_000, 300), "PNG"), sides=(12_000, 300), analyzed="untouched")


def _older_kinds() -> Iterator[Photograph]:
    gif = partial(Photograph, analyzed="untouched", read="no")
    bmp = partial(Photograph, analyzed="untouched", read="untouched")
    yield gif("plain.gif", lambda: saved(_palette(scene()), "GIF"))
    yield gif("animated.gif", lambda: _saved_frames("GIF", 3, duration=100))
    yield gif("alpha.gif", lambda: saved(_on_nothing("RGBA"), "GIF"), paint=CUT_OUT)
    yield bmp("plain.bmp", partial(saved, scene(), "BMP"))
    yield bmp("palette.bmp", lambda: saved(_palette(scene()), "BMP"))
    yield bmp("1-bit.bmp", partial(saved, scene(paint=BLACK), "BMP"), paint=BLACK)
    yield Photograph("over-4-mb.bmp", lambda: saved(scene(1300, 1100), "BMP"), sides=(1300, 1100), read="untouched")
    small = scene(256, 192)
    yield Photograph("png-inside.ico", partial(files.icon, small, "png"), sides=small.size)
    yield Photograph("bmp-inside.ico", partial(files.icon, small, "bmp"), sides=small.size)


def _newer_kinds() -> Iterator[Photograph]:
    yield Photograph("lossy.webp", partial(saved, scene(), "WEBP", quality=90))
    yield Photograph("lossless.webp", partial(saved, scene(), "WEBP", lossless=True))
    yield Photograph("alpha.webp", lambda: saved(_on_nothing("RGBA"), "WEBP", lossless=True), paint=CUT_OUT)
    yield Photograph("animated.webp", lambda: _saved_frames("WEBP", 3, duration=100, quality=90))
    yield Photograph("display-p3.webp", partial(_in_space, "WEBP", DISPLAY_P3, quality=95))
    yield Photograph("held-6.webp", partial(_turned, "WEBP", 6, quality=90))
    yield Photograph("held-5.webp", partial(_turned, "WEBP", 5, quality=90))
    yield Photograph("plain.avif", partial(saved, scene(), "AVIF", quality=90))
    yield Photograph("alpha.avif", lambda: saved(_on_nothing("RGBA"), "AVIF", quality=95), paint=CUT_OUT)
    yield Photograph("display-p3.avif", partial(_in_space, "AVIF", DISPLAY_P3, quality=95))
    yield Photograph("held-6.avif", partial(_turned, "AVIF", 6, quality=90))
    yield Photograph("held-7.avif", partial(_turned, "AVIF", 7, quality=90))
    yield Photograph("plain.jp2", partial(saved, scene(), "JPEG2000"))
    yield Photograph("alpha.jp2", lambda: saved(_on_nothing("RGBA"), "JPEG2000"), paint=CUT_OUT)
    yield Photograph("gray.jp2", partial(saved, scene(paint=GRAYS), "JPEG2000"), paint=GRAYS)
    yield Photograph("codestream.j2k", partial(saved, scene(), "JPEG2000", no_jp2=True))


def _heics() -> Iterator[Photograph]:
    yield Photograph("plain.heic", partial(files.heic, scene()))
    yield Photograph("10-bit.heic", partial(files.heic, scene(), bits=10))
    yield Photograph("12-bit.heic", partial(files.heic, scene(), bits=12))
    yield Photograph("gray.heic", partial(files.heic, scene(paint=GRAYS), chroma=420), paint=GRAYS)
    yield Photograph("alpha.heic", lambda: files.heic(_on_nothing("RGBA")), paint=CUT_OUT)
    yield Photograph(
        "display-p3.heic", lambda: files.heic(stored_in(DISPLAY_P3, scene()), icc_profile=profile(DISPLAY_P3))
    )
    for orientation in ORIENTATIONS[1:]:
        yield Photograph(
            f"held-{orientation}.heic", partial(files.heic, stored(scene(), orientation), orientation=orientation)
        )
    yield Photograph("held-6-10-bit.heic", partial(files.heic, stored(scene(), 6), orientation=6, bits=10))
    yield Photograph("phone.heic", partial(_of_phone, 1), sides=PHONE_SIDES)
    yield Photograph("phone-held-6.heic", partial(_of_phone, 6), sides=PHONE_SIDES)
    yield Photograph("phone-held-8-cropped.heic", partial(_of_phone, 8, is_cropped=True), sides=PHONE_SIDES)


def _tiffs() -> Iterator[Photograph]:
    as_it_is = partial(Photograph, read="untouched")
    gray = scene(paint=GRAYS)
    yield as_it_is("lzw.tif", partial(_tiff, scene()))
    yield as_it_is("deflate.tif", partial(_tiff, scene(), compression="tiff_adobe_deflate"))
    yield as_it_is("jpeg-inside.tif", partial(_tiff, scene(), compression="jpeg", quality=90))
    yield as_it_is("fax.tif", partial(_tiff, scene(paint=BLACK), compression="group4"), paint=BLACK)
    yield as_it_is("palette.tif", lambda: _tiff(_palette(scene())))
    yield as_it_is("cmyk.tif", lambda: _tiff(scene().convert("CMYK")))
    yield as_it_is("alpha.tif", lambda: _tiff(_on_nothing("RGBA")), paint=CUT_OUT)
    yield as_it_is("16-bit.tif", partial(files.tiff_16, scene()))
    yield as_it_is("16-bit-gray.tif", partial(files.tiff_16, gray), paint=GRAYS)
    yield as_it_is("16-bit-gray-motorola.tif", partial(files.tiff_16, gray, order=">"), paint=GRAYS)
    yield as_it_is("16-bit-cmyk.tif", lambda: files.tiff_16(scene().convert("CMYK")))
    yield as_it_is("big.tif", partial(_tiff, scene(), big_tiff=True))
    yield as_it_is("adobe-rgb.tif", partial(_in_space, "TIFF", ADOBE_RGB))
    for orientation in ORIENTATIONS[1:]:
        yield Photograph(f"held-{orientation}.tif", partial(_tiff_turned, orientation))
    yield Photograph("held-6-16-bit.tif", lambda: files.tiff_16(stored(scene(), 6), orientation=6))
    yield as_it_is("pages.tif", lambda: _saved_frames("TIFF", 3, compression="tiff_lzw"), analyzed="no")


PHOTOGRAPHS = [*_jpegs(), *_pngs(), *_older_kinds(), *_newer_kinds(), *_heics(), *_tiffs()]
BY_NAME = {each.name: each for each in PHOTOGRAPHS}


class Refused(NamedTuple):
    """A file that is not taken: its bytes, the code, and a word that the message has."""

    data: bytes
    code: str
    word: str


def _png_of(width: int, height: int) -> bytes:
    """A PNG that says of itself how large it is, and has no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"x\x9c") + chunk(b"IEND")


REFUSED: dict[str, Refused] = {
    "drawing.svg": Refused(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "format_not_supported", "SVG"),
    "layers.psd": Refused(b"8BPS\0\1".ljust(60, b"\0"), "format_not_supported", "Photoshop"),
    "new.jxl": Refused(b"\xff\x0a\x7f\x1c\x94".ljust(60, b"\0"), "format_not_supported", "JPEG XL"),
    "boxed.jxl": Refused(b"\0\0\0\x0cJXL \r\n\x87\n".ljust(60, b"\0"), "format_not_supported", "JPEG XL"),
    "raw.dng": Refused(files.dng(scene()), "format_not_supported", "RAW"),
    "raw.cr3": Refused(files.box(b"ftyp", b"crx \0\0\0\1crx isom"), "format_not_supported", "RAW"),
    "film.mp4": Refused(files.box(b"ftyp", b"isom\0\0\2\0isommp41"), "format_not_supported", "video"),
    "film.mov": Refused(files.box(b"ftyp", b"qt  \0\0\2\0qt  "), "format_not_supported", "video"),
    "letter.docx": Refused(files.document(), "format_not_supported", "Office"),
    "table.xlsx": Refused(files.document("xl/workbook.xml"), "format_not_supported", "Office"),
    "empty.jpg": Refused(b"", "image_empty", "0 bytes"),
    "diary.jpg": Refused(b"dear diary, a long day", "not_an_image", "dear dia"),
    "small.png": Refused(saved(scene(49, 200), "PNG"), "image_too_small", "49x200"),
    "small.webp": Refused(saved(scene(200, 49), "WEBP"), "image_too_small", "200x49"),
    "huge.png": Refused(_png_of(20_000, 20_000), "image_too_many_pixels", "20000x20000"),
    "cut.jpg": Refused(saved(scene(), "JPEG")[:100], "image_unreadable", "JPEG"),
    "cut.heic": Refused(files.heic(scene())[:300], "image_unreadable", "HEIC"),
}


def as_image(data: bytes) -> Image.Image:
    """A thumbnail or a copy as Pillow opens it."""
    return Image.open(io.BytesIO(data))
