"""
Pictures with everything that a camera, a phone and an editor write beside the pixels, each with a secret of its own.

`PICTURES` are held turned (orientation 6), so that none goes anywhere as it is, but for those named in `UPRIGHT`.
"""

import io
import struct
from functools import partial

from doubles import picture_files as files
from doubles.colour_profiles import DISPLAY_P3, profile
from doubles.odd_pictures import chunk, segment
from doubles.picture_files import saved
from doubles.scenes import scene, stored
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SERIAL, OWNER, ARTIST, PLACE = b"SN-4471-8802-KX", b"Ada-Owner-7731", b"Artist-5520-Ada", b"GPS-Area-Home-9917"
MAKER, COMMENT, PREVIEW, XMP_ID = (
    b"MakerNote-3381-Secret",
    b"Comment-6619-Secret",
    b"Preview-2207-Secret",
    b"XMP-8853-Secret",
)
PROFILE, PHOTOSHOP = b"Profile-Device-1142", b"IPTC-Caption-7408"
SECRETS = (SERIAL, OWNER, ARTIST, PLACE, MAKER, COMMENT, PREVIEW, XMP_ID, PROFILE, PHOTOSHOP)
LATITUDE = struct.pack(">6I", 47, 1, 22, 1, 123_457, 1000)

_ASCII, _UNDEFINED, _SHORT, _LONG, _RATIONAL = 2, 7, 3, 4, 5
_SIZES = {1: 1, _ASCII: 1, _UNDEFINED: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8}
_Entries = dict[int, tuple[int, bytes]]


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" aux:SerialNumber="' + XMP_ID + b'"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
_IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 5 + len(PHOTOSHOP))
_IPTC += b"\x1c\x02\x78" + struct.pack(">H", len(PHOTOSHOP)) + PHOTOSHOP
_PROFILE = profile(DISPLAY_P3, trailing=b"text\0\0\0\0" + PROFILE)


def _preview() -> bytes:
    """The small JPEG that a camera puts into Exif."""
    data = saved(scene(160, 120), "JPEG", quality=50)
    return data[:2] + segment(0xFE, PREVIEW) + data[2:]


def _directory(entries: _Entries, at: int, following: int = 0) -> bytes:
    """An image file directory that lies *at* that byte, with its values behind it."""
    told, values, behind = b"", b"", at + 2 + 12 * len(entries) + 4
    for tag, (form, value) in sorted(entries.items()):
        told += struct.pack(">HHI", tag, form, len(value) // _SIZES[form])
        if len(value) <= 4:
            told += value.ljust(4, b"\0")
        else:
            told += struct.pack(">I", behind + len(values))
            values += value + bytes(len(value) % 2)
    return struct.pack(">H", len(entries)) + told + struct.pack(">I", following) + values


def exif(orientation: int = 6, pixels: Image.Image | None = None) -> bytes:
    """
    A camera's Exif, as a TIFF: its own numbers, where it was, what only its maker can read, and a preview.

    With *pixels* (RGB) it is a whole picture, with XMP, a profile and what Photoshop writes.
    """
    camera: _Entries = {
        0x927C: (_UNDEFINED, MAKER),
        0x9286: (_UNDEFINED, b"ASCII\0\0\0" + COMMENT),
        0xA430: (_ASCII, OWNER + b"\0"),
        0xA431: (_ASCII, SERIAL + b"\0"),
    }
    places: _Entries = {
        1: (_ASCII, b"N\0"),
        2: (_RATIONAL, LATITUDE),
        28: (_UNDEFINED, b"ASCII\0\0\0" + PLACE),
    }
    first: _Entries = {
        274: (_SHORT, struct.pack(">H", orientation)),
        315: (_ASCII, ARTIST + b"\0"),
        0x8769: (_LONG, bytes(4)),
        0x8825: (_LONG, bytes(4)),
    }
    strip = pixels.tobytes() if pixels else b""
    if pixels:
        first |= {tag: (_SHORT, struct.pack(">H", value)) for tag, value in ((259, 1), (262, 2), (277, 3))}
        first |= {tag: (_LONG, struct.pack(">I", value)) for tag, value in ((256, pixels.width), (257, pixels.height))}
        first |= {278: first[257], 279: (_LONG, struct.pack(">I", len(strip))), 273: (_LONG, bytes(4))}
        first |= {258: (_SHORT, struct.pack(">3H", 8, 8, 8)), 270: (_ASCII, COMMENT + b"\0")}
        first |= {700: (1, XMP), 34377: (_UNDEFINED, _IPTC[14:]), 34675: (_UNDEFINED, _PROFILE)}
    at = 8
    camera_at = at + len(_directory(first, at))
    places_at = camera_at + len(_directory(camera, camera_at))
    second_at = places_at + len(_directory(places, places_at))
    preview = _preview()
    # A smaller version of the first picture (TIFF 6.0, NewSubfileType), in JPEG.
    second: _Entries = {
        254: (_LONG, b"\0\0\0\1"),
        259: (_SHORT, b"\0\6"),
        513: (_LONG, bytes(4)),
        514: (_LONG, struct.pack(">I", len(preview))),
    }
    preview_at = second_at + len(_directory(second, second_at))
    second[513] = (_LONG, struct.pack(">I", preview_at))
    if pixels:
        first[273] = (_LONG, struct.pack(">I", preview_at + len(preview)))
    first[0x8769], first[0x8825] = ((_LONG, struct.pack(">I", there)) for there in (camera_at, places_at))
    return b"".join(
        (
            b"MM\0*\0\0\0\x08",
            _directory(first, at, second_at),
            _directory(camera, camera_at),
            _directory(places, places_at),
            _directory(second, second_at),
            preview,
            strip,
        )
    )


def _jpeg(orientation: int = 6, **options: object) -> bytes:
    data = saved(stored(scene(), orientation), "JPEG", quality=90, icc_profile=_PROFILE, **options)
    beside = segment(0xE1, b"Exif\0\0" + exif(orientation)) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    return data[:2] + beside + segment(0xED, _IPTC) + segment(0xFE, COMMENT) + data[2:]


def _mpo() -> bytes:
    other = saved(scene(), "JPEG", comment=COMMENT)
    file = io.BytesIO()
    options = {"exif": b"Exif\0\0" + exif(), "xmp": XMP, "icc_profile": _PROFILE, "comment": COMMENT}
    with Image.open(io.BytesIO(other)) as second:
        stored(scene(), 6).save(file, "MPO", save_all=True, append_images=[second], **options)
    return file.getvalue()


def _png(orientation: int = 6) -> bytes:
    texts = PngInfo()
    texts.add_text("Comment", COMMENT.decode())
    texts.add_text("Author", ARTIST.decode(), zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    # Private, and to be copied by programs that do not know it.
    texts.add(b"prVt", OWNER)
    data = saved(stored(scene(), orientation), "PNG", pnginfo=texts, icc_profile=_PROFILE)
    end = data.index(b"IEND") - 4
    return data[:end] + chunk(b"eXIf", exif(orientation)) + data[end:]


def _gif() -> bytes:
    return saved(scene().quantize(8), "GIF", comment=COMMENT)


_BESIDE = {"exif": exif(), "xmp": XMP, "icc_profile": _PROFILE, "quality": 90}
_MAKERS = {
    "photo.jpg": _jpeg,
    "progressive.jpg": partial(_jpeg, progressive=True),
    "upright.jpg": partial(_jpeg, 1),
    "both-lenses.jpg": _mpo,
    "photo.png": _png,
    "upright.png": partial(_png, 1),
    "photo.webp": partial(saved, stored(scene(), 6), "WEBP", **_BESIDE),
    "lossless.webp": partial(saved, stored(scene(), 6), "WEBP", **_BESIDE, lossless=True),
    "photo.avif": partial(saved, stored(scene(), 6), "AVIF", **_BESIDE),
    "photo.heic": partial(files.heic, stored(scene(), 6), orientation=6, **_BESIDE),
    "photo.tif": lambda: exif(6, stored(scene(), 6)),
    "moving.gif": _gif,
    "photo.jp2": partial(saved, scene(), "JPEG2000", comment=COMMENT),
}
PICTURES = {name: make() for name, make in _MAKERS.items()}
UPRIGHT = ("upright.jpg", "upright.png", "moving.gif")
