"""
Which kind of file bytes are.

Judged by the bytes alone, never by a name or a declared type. A kind whose `is_picture` is false is no image at all.
"""

import re
from typing import NamedTuple

from shared.pictures import jpeg, tiff
from shared.pictures.window import HeaderError, Window

# Acrobat and others look for a PDF's header in the first 1,024 bytes (ISO 32000-1, annex H, note 13): mailers and
# billing systems write line breaks, and sometimes whole headers of their own, before it.
_PDF = b"%PDF-"
_PDF_HEADER_BEGINS_WITHIN = 1024
# As many first bytes show the kind; only of a TIFF and of a long SVG more is looked at.
BEGINNING_BYTES = _PDF_HEADER_BEGINS_WITHIN + len(_PDF) - 1
# Licences and entities may stand before the root element of an SVG.
_SVG_BEGINS_WITHIN = 64 * 1024

CONVERT = "Convert it to JPEG or PNG."
_FRAME = "Save a frame of it as JPEG or PNG."
_PAGES = "Save its pages as JPEG or PNG;"
_AS_PDF = "Save it as PDF: the text of a PDF is read."
_NO_IMAGE = "Use an image, such as a JPEG, PNG, GIF, HEIC, WebP or TIFF; a PDF has its text read."


class Kind(NamedTuple):
    """
    A kind of file.

    Attributes:
        name: in short, `JPEG` for instance.
        described: with its article, as it stands in a sentence.
        content_type: its media type.
        advice: what to do with such a file where it is not taken.
        is_picture: whether it shows something; what does not is no image.
    """

    name: str
    described: str
    content_type: str
    advice: str = CONVERT
    is_picture: bool = True


JPEG = Kind("JPEG", "a JPEG", "image/jpeg")
PNG = Kind("PNG", "a PNG", "image/png")
GIF = Kind("GIF", "a GIF", "image/gif")
BMP = Kind("BMP", "a BMP", "image/bmp")
# A JPEG with further pictures behind it (CIPA DC-007); by its first bytes alone it looks like a JPEG.
MPO = Kind("MPO", "an MPO", "image/mpo")
TIFF = Kind("TIFF", "a TIFF", "image/tiff", f"{_PAGES} POST /api/ocr reads its text as it is.")
PDF = Kind("PDF", "a PDF", "application/pdf", f"{_PAGES} POST /api/ocr reads its text as it is.")
HEIC = Kind("HEIC", "a HEIC photo", "image/heic")
AVIF = Kind("AVIF", "an AVIF image", "image/avif")
WEBP = Kind("WebP", "a WebP image", "image/webp")
ICO = Kind("ICO", "a Windows icon (ICO)", "image/x-icon")
JPEG_2000 = Kind("JPEG 2000", "a JPEG 2000 image", "image/jp2")
_JPEG_XL = Kind("JPEG XL", "a JPEG XL image", "image/jxl")
_JPEG_XR = Kind("JPEG XR", "a JPEG XR image", "image/jxr")
_SVG = Kind("SVG", "an SVG drawing", "image/svg+xml", "Export it as PNG.")
_PSD = Kind("PSD", "a Photoshop document (PSD)", "image/vnd.adobe.photoshop")
_RAW = Kind("RAW", "a RAW photo of a camera", "image/x-raw", "Develop it to JPEG or PNG.")
_POSTSCRIPT = Kind("PostScript", "a PostScript file (EPS)", "application/postscript", "Convert it to PDF or PNG.")
_METAFILE = Kind("metafile", "a Windows metafile (WMF, EMF)", "image/wmf")
_DICOM = Kind("DICOM", "a medical image (DICOM)", "application/dicom")
_VIDEO = Kind("video", "a video", "video/mp4", _FRAME)
_OFFICE = Kind("Office", "an Office document", "application/octet-stream", _AS_PDF)
_AUDIO = Kind("audio", "an audio file", "audio/mpeg", _NO_IMAGE, False)
_ARCHIVE = Kind("archive", "an archive", "application/zip", "Unpack it, and use the images in it.", False)
_HTML = Kind(
    "HTML",
    "an HTML page",
    "text/html",
    "Open it to see what it says: a page instead of an image is often an error of the site that it was fetched from.",
    False,
)
_XML = Kind("XML", "an XML document", "application/xml", _NO_IMAGE, False)
_JSON = Kind("JSON", "a JSON document", "application/json", _NO_IMAGE, False)


def _other(name: str) -> Kind:
    """An image format of which only the name is told."""
    return Kind(name, f"an image in the format {name}", "application/octet-stream")


_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\xff\x0a", _JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"II\xbc", _JPEG_XR),
    (b"8BPS", _PSD),
    # RAW formats whose beginning is their own: Olympus, Panasonic, Fujifilm, Sigma, Minolta, Canon's oldest.
    *((beginning, _RAW) for beginning in (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")),
    (b"II\x1a\0\0\0HEAPCCDR", _RAW),
    (b"%!PS", _POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (b"\xd7\xcd\xc6\x9a", _METAFILE),
    (b"gimp xcf", _other("GIMP (XCF)")),
    (b"AT&TFORM", _other("DjVu")),
    (b"icns", _other("ICNS")),
    (b"DDS ", _other("DDS")),
    (b"qoif", _other("QOI")),
    (b"v/1\x01", _other("OpenEXR")),
    (b"#?RADIANCE", _other("Radiance HDR")),
    (b"#?RGBE", _other("Radiance HDR")),
    (b"SIMPLE  =", _other("FITS")),
    (b"BPG\xfb", _other("BPG")),
    (b"FLIF", _other("FLIF")),
    (b"\x59\xa6\x6a\x95", _other("Sun raster")),
    (b"\x01\xda", _other("SGI")),
    (b"/* XPM */", _other("XPM")),
    (b"BLP", _other("BLP")),
    (b"\x8aMNG", _other("MNG")),
    (b"\x8bJNG", _other("JNG")),
    (b"\x1aE\xdf\xa3", _VIDEO),
    (b"FLV\x01", _VIDEO),
    (b".RMF", _VIDEO),
    (b"FWS", _VIDEO),
    (b"CWS", _VIDEO),
    (b"\0\0\1\xba", _VIDEO),
    (b"\0\0\1\xb3", _VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", _VIDEO),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"{\\rtf", _OFFICE),
    (b"\xffWPC", _OFFICE),
    (b"ID3", _AUDIO),
    (b"fLaC", _AUDIO),
    (b"\xff\xfb", _AUDIO),
    (b"\xff\xf1", _AUDIO),
    (b"\xff\xf9", _AUDIO),
    (b"\x1f\x8b", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ\0", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
)
_RIFF_FORMS = {b"WEBP": WEBP, b"AVI ": _VIDEO, b"WAVE": _AUDIO}
# Lengths that the second header of a BMP has had (OS/2's second from 16 to 64); "BM" alone begins many a text.
_BMP_HEADER_BYTES = (12, *range(16, 65, 4), 108, 124)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
# ISO/IEC 23008-12, annex B, and what libheif and Apple write besides.
_HEIC_BRANDS = frozenset(
    (
        b"heic",
        b"heix",
        b"hevc",
        b"hevx",
        b"heim",
        b"heis",
        b"hevm",
        b"hevs",
        b"mif1",
        b"mif2",
        b"msf1",
        b"miaf",
        b"heif",
    )
)
# The boxes with which a QuickTime film begins that is older than `ftyp`.
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_PCX = re.compile(rb"\n[\x00\x02-\x05][\x00\x01][\x01\x02\x04\x08]")
# Without a table of colours, which most have not; there is no signature, so all that is fixed has to be there.
_TARGA = re.compile(rb".\0[\x02\x03\x0a\x0b]\0{5}.{8}[\x08\x10\x18\x20]", re.DOTALL)
_NETPBM = re.compile(rb"P[1-7Ff][ \t\r\n]")
_PARTS_OF_OFFICE = re.compile(
    rb"\[Content_Types\]\.xml|_rels/|docProps/|word/|xl/|ppt/|vnd\.oasis\.opendocument|Index/"
)
_SVG_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?svg[\s/>]", re.IGNORECASE)
_HTML_ROOT = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_JSON_START = re.compile(rb'\s*(?:\{\s*["}]|\[\s*["{\[\d\]])')


def kind_of(window: Window) -> Kind | None:
    """
    The kind that the bytes show; None if they begin like nothing known.

    The first `BEGINNING_BYTES` of a file are enough, with two exceptions: a RAW photo that is built like a TIFF looks
    like one, and an MPO may look like a JPEG.
    """
    beginning = window.read_most(0, BEGINNING_BYTES)
    kind = _by_signature(beginning) or _by_structure(beginning)
    if kind is TIFF:
        return _RAW if _is_raw(window) else TIFF
    if kind is JPEG:
        return MPO if jpeg.has_more_pictures(window) else JPEG
    # After all that stands at the very beginning, before texts: these may be a mail's or a server's headers.
    if kind is None and _PDF in beginning:
        return PDF
    return kind or _of_markup(window, beginning)


def _by_signature(beginning: bytes) -> Kind | None:
    return next((kind for signature, kind in _SIGNATURES if beginning.startswith(signature)), None)


def _by_structure(beginning: bytes) -> Kind | None:
    """What more than its first bytes, or others than these, tell."""
    if beginning[:4] in tiff.BEGINNINGS:
        return TIFF
    if beginning[:2] == b"BM" and (
        len(beginning) < 18 or int.from_bytes(beginning[14:18], "little") in _BMP_HEADER_BYTES
    ):
        return BMP
    if beginning[:4] == b"RIFF":
        return _RIFF_FORMS.get(beginning[8:12])
    if beginning[:4] in (b"\0\0\1\0", b"\0\0\2\0") and 0 < _little(beginning[4:6]) < 256:
        return ICO if beginning[2] == 1 else _other("CUR")
    if _TARGA.match(beginning) and _little(beginning[12:14]) and _little(beginning[14:16]):
        return _other("Targa (TGA)")
    if beginning[:4] == b"OggS":
        return _VIDEO if b"theora" in beginning else _AUDIO
    if _PCX.match(beginning):
        return _other("PCX")
    if _is_transport_stream(beginning):
        return _VIDEO
    if beginning[:4] == b"PK\x03\x04":
        return _OFFICE if _PARTS_OF_OFFICE.search(beginning) else _ARCHIVE
    if beginning[128:132] == b"DICM":
        return _DICOM
    if beginning[:4] == b"\1\0\0\0" and beginning[40:44] == b" EMF":
        return _METAFILE
    if _NETPBM.match(beginning):
        return _other("Netpbm")
    if beginning[257:262] == b"ustar":
        return _ARCHIVE
    return _of_boxes(beginning)


def _is_transport_stream(beginning: bytes) -> bool:
    """MPEG-2: packets of 188 bytes that begin with the same one; cameras put four bytes before each."""
    return any(
        len(beginning) > start + 2 * size and all(beginning[start + n * size] == 0x47 for n in range(3))
        for start, size in ((0, 188), (4, 192))
    )


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _of_boxes(beginning: bytes) -> Kind | None:
    """The kind of an ISO base media file (ISO/IEC 14496-12), by its major and its compatible brands."""
    if beginning[4:8] in _QUICKTIME_BOXES and beginning[:2] == b"\0\0":
        return _VIDEO
    if beginning[4:8] != b"ftyp":
        return None
    # 0 and 1 are sizes of their own: up to the file's end, and one that stands elsewhere.
    size = int.from_bytes(beginning[:4], "big")
    brands_end = min(size, len(beginning)) if size > 1 else len(beginning)
    compatible = {beginning[at : at + 4] for at in range(16, brands_end, 4)}
    brands = {beginning[8:12], *compatible}
    if brands & _AVIF_BRANDS:
        return AVIF
    if b"crx " in brands:
        return _RAW
    if brands & _HEIC_BRANDS:
        return HEIC
    return _AUDIO if beginning[8:11] in (b"M4A", b"M4B") else _VIDEO


def _is_raw(window: Window) -> bool:
    try:
        return tiff.is_raw(window)
    except HeaderError:
        return False  # what it is can still be told when its pages are looked at


def _of_markup(window: Window, beginning: bytes) -> Kind | None:
    # Without the zeros of UTF-16, which is near enough to find a tag.
    text = beginning.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe").lstrip()
    if _JSON_START.match(text):
        return _JSON
    if not text.startswith(b"<"):
        return None
    if _SVG_ROOT.search(text) and not _HTML_ROOT.match(text):
        return _SVG
    if _HTML_ROOT.search(text):
        return _HTML
    if not text.startswith((b"<?xml", b"<!--", b"<!DOCTYPE svg")):
        return None
    return _SVG if window.find(_SVG_ROOT, 0, _SVG_BEGINS_WITHIN) else _XML
