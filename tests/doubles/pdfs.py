"""PDFs of one page that have more on them than text, and PDFs that ask for more than they may have."""

import zlib
from collections.abc import Mapping

from doubles.documents import pdf_file, pdf_stream
from doubles.vision_calls import encoded
from PIL import Image, ImageDraw, ImageFont

MEGABYTE = 1_000_000


def page_pdf(
    content: bytes,
    *,
    pictures: Mapping[str, Image.Image] | None = None,
    annotations: tuple[bytes, ...] = (),
    mapping: bytes = b"",
) -> bytes:
    """
    Return a PDF of one page of 612x792 points.

    Args:
        content: what is drawn, in PDF's language, with the font /F1 and the *pictures* as /NAME Do.
        annotations: dictionaries; the form's field values are among them. APPEARANCE is a form to refer to.
        mapping: of bytes to characters, `<41> <D83DDE00>` each.
    """
    named = list((pictures or {}).items())
    first = 9  # of the objects that are not always there
    after = first + len(named)
    xobjects = b"".join(b"/%s %d 0 R" % (name.encode(), first + at) for at, (name, _) in enumerate(named))
    numbers = b" ".join(b"%d 0 R" % (after + at) for at in range(len(annotations)))
    return pdf_file(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DR<</Font<</F1 5 0 R>>>>/DA(/F1 18 Tf 0 g)>>>>"
            % numbers,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Annots[%s]"
            b"/Resources<</Font<</F1 5 0 R>>/XObject<<%s>>>>>>" % (numbers, xobjects),
            pdf_stream(content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%s>>" % (b"/ToUnicode 6 0 R" if mapping else b""),
            pdf_stream(_unicode(mapping)),
            pdf_stream(*_stamp("STAMPED")),
            pdf_stream(*_stamp("SIGNED")),
            *(_image(picture) for _, picture in named),
            *annotations,
        ]
    )


STAMPED, SIGNED = b"/AP<</N 7 0 R>>", b"/AP<</N 8 0 R>>"


def annotation(subtype: str, left: int, bottom: int, entries: bytes = b"") -> bytes:
    """Return an annotation of 200x40 points."""
    rectangle = b"/Rect[%d %d %d %d]" % (left, bottom, left + 200, bottom + 40)
    return b"<</Type/Annot/F 4/DA(/F1 18 Tf 0 g)/Subtype/%s%s%s>>" % (subtype.encode(), rectangle, entries)


def written(*lines: str, width: int = 900, height: int = 300) -> Image.Image:
    """Return a picture of *lines*, the first letter 50 pixels from its left."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for at, line in enumerate(lines):
        draw.text((50, 40 + 80 * at), line, fill="black", font=ImageFont.load_default(44))
    return image


def slow_pdf(megabytes: int) -> bytes:
    """Return a small PDF whose page is so many megabytes of commands that draw nothing: PDFium takes its time."""
    return _bomb(b"q Q ", megabytes)


def large_pdf(megabytes: int) -> bytes:
    """Return a small PDF whose page is so many megabytes of spaces."""
    return _bomb(b"    ", megabytes)


def _bomb(content: bytes, megabytes: int) -> bytes:
    # A piece that stands for itself is compressed once, and written many times.
    plain, compressor = content * (MEGABYTE // len(content)), zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    piece = compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(megabytes):
        checksum = zlib.adler32(plain, checksum)
    squeezed = b"\x78\xda" + piece * megabytes + compressor.flush() + checksum.to_bytes(4, "big")
    return pdf_file(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
            pdf_stream(squeezed, b"/Filter/FlateDecode"),
        ]
    )


def _stamp(text: str) -> tuple[bytes, bytes]:
    content = b"1 0.8 0.8 rg 0 0 200 40 re f 0 g BT /F1 24 Tf 10 12 Td (%s) Tj ET" % text.encode()
    return content, b"/Type/XObject/Subtype/Form/BBox[0 0 200 40]/Resources<</Font<</F1 5 0 R>>>>"


def _image(picture: Image.Image) -> bytes:
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
    return pdf_stream(encoded(picture), entries % picture.size)


def _unicode(mapping: bytes) -> bytes:
    return (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def "
        b"1 begincodespacerange <00> <FF> endcodespacerange %d beginbfchar\n%s endbfchar endcmap "
        b"CMapName currentdict /CMap defineresource pop end end" % (mapping.count(b"<") // 2, mapping)
    )
