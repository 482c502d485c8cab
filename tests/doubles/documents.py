"""Documents for Read: pages in an image, a TIFF or a PDF, and answers that need no recognition."""

import io
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from doubles.vision_calls import encoded, picture
from PIL import Image

PAGE: dict[str, Any] = {
    "page": 1,
    "angle": 0,
    "width": 120,
    "height": 90,
    "unit": "pixel",
    "lines": [
        {
            "boundingBox": [10, 10, 60, 10, 60, 22, 10, 22],
            "text": "OPEN",
            "words": [{"boundingBox": [10, 10, 60, 10, 60, 22, 10, 22], "text": "OPEN", "confidence": 0.99}],
        }
    ],
}


def write_script(directory: Path, data: bytes, *, pages: int = 1, **more: object) -> None:
    """Have Read answer *data* with as many pages like PAGE, and *more* keys of an analyzeResult."""
    directory.mkdir(parents=True, exist_ok=True)
    read = {"readResults": [PAGE | {"page": number + 1} for number in range(pages)], **more}
    (directory / f"{sha256(data).hexdigest()}.json").write_text(json.dumps({"read": read}))


def several(kind: str, pages: int, *, size: tuple[int, int] = (120, 90)) -> bytes:
    """Return a TIFF or PDF of blank pages."""
    images = [Image.new("RGB", size, "white") for _ in range(pages)]
    file = io.BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:])
    return file.getvalue()


# Of a password that nobody knows, not even this module.
LOCKED = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"01" * 32, b"02" * 32)


def text_pdf(*lines: str, width: int = 612, height: int = 792, rotate: int = 0, trailer: bytes = b"") -> bytes:
    """
    Return a PDF of one page, in points, with *lines* as text that it carries, the first at 72, 72 from the top.

    *trailer* is what its trailer says besides: LOCKED, for one with a password.
    """
    shown = " ".join(f"({line}) Tj 0 -24 Td" for line in lines)
    content = f"BT /F1 18 Tf 72 {height - 72} Td {shown} ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Rotate %d/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>" % (width, height, rotate),
        pdf_stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    return pdf_file(objects, trailer)


def pdf_stream(data: bytes, entries: bytes = b"") -> bytes:
    """Return a PDF's object of *data*, with *entries* in its dictionary."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def pdf_file(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of *objects*, numbered from 1, of which the first is the catalogue."""
    file, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj%sendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return file + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        trailer,
        len(file),
    )


DOCUMENTS = {
    "JPEG": picture(),
    "PNG": picture(kind="PNG"),
    "BMP": picture(kind="BMP"),
    "TIFF": encoded(Image.new("RGB", (120, 90), "white"), "TIFF"),
    "PDF": several("PDF", 1),
}
