"""
Which files are to be added, and under which names.

A file that was named is taken as it is: whether it is an image is for the app to say. Of a folder only what is an image
or a PDF by its first bytes is taken, since nobody looked at each file in it.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.errors import LocalError
from local.upload import check_image_file, check_image_name

# A PDF may begin within the first 1024 bytes; everything else shows itself sooner.
_PDF = b"%PDF-"
HEAD_BYTES = 1023 + len(_PDF)
# Images of every kind, and PDFs. Where the app does not take a kind, it says which kind it is, and what to do.
_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, BigTIFF, and most of what cameras call raw
    *(b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW"),  # the rest of that
    *(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),  # JPEG XL
    *(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),  # JPEG 2000
    b"8BPS",  # Photoshop
)
# HEIC, AVIF and Canon's raw; other files of this family are films.
_IMAGE_BRANDS = frozenset(
    (*b"heic heix heim heis hevc hevx hevm hevs heif mif1 mif2 msf1 miaf avif avis".split(), b"crx ")
)
# Lengths that the header after a BMP's file header has had; "BM" alone begins many a text.
_BMP_HEADER_BYTES = frozenset({12, *range(16, 65), 108, 124})


@dataclass
class Found:
    """
    What was found.

    Attributes:
        files: each file by the name that the image gets.
        not_images: what lies in a folder and is neither an image nor a PDF.
        refused: images in a folder that cannot be uploaded, each with the reason in a sentence.
    """

    files: dict[str, Path] = field(default_factory=dict)
    not_images: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def find_files(paths: Sequence[Path], *, name: str | None = None) -> Found:
    """
    Look at the files, and at every file below the folders, in *paths*; *name* is that of a single file's image.

    An image in a folder is named by its path below that folder, with `/`. Hidden files and folders, links to folders,
    and what is no regular file are passed over.

    Raises LocalError for a file that cannot be uploaded, a folder that cannot be read or holds no image, and for two
    files that would get one name.
    """
    if name is not None and (len(paths) > 1 or paths[0].is_dir()):
        raise LocalError("--name names one image: give one FILE with it")
    found = Found()
    for path in paths:
        if path.is_dir():
            _look_below(path, found)
        else:
            check_image_file(path)
            _take(found, check_image_name(name or path.name), path)
    return found


def is_image(head: bytes) -> bool:
    """Whether a file whose first HEAD_BYTES are *head* is an image of any kind, or a PDF, whose pages are images."""
    if head.startswith(_SIGNATURES):
        return True
    return any(is_kind(head) for is_kind in (_is_pdf, _is_bmp, _is_webp, _is_heif, _is_icon, _is_svg))


def _is_pdf(head: bytes) -> bool:
    return _PDF in head[:HEAD_BYTES]


def _is_bmp(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _is_heif(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4]), len(head))
    return not _IMAGE_BRANDS.isdisjoint({head[8:12], *(head[at : at + 4] for at in range(16, end, 4))})


def _is_icon(head: bytes) -> bool:
    # One picture at least, of which the tenth byte is reserved.
    return head.startswith(b"\0\0\1\0") and head[4:6] != b"\0\0" and head[9:10] == b"\0"


def _is_svg(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in text)


def _look_below(folder: Path, found: Found) -> None:
    before = len(found.files) + len(found.refused)
    for path in _files_below(folder):
        try:
            if not _begins_as_image(path):
                found.not_images.append(path)
                continue
            check_image_file(path)
            name = check_image_name(path.relative_to(folder).as_posix())
        except LocalError as error:
            found.refused.append(str(error))
        else:
            _take(found, name, path)
    if len(found.files) + len(found.refused) == before:
        raise LocalError(
            f"{folder} holds no image and no PDF: hidden files do not count, nor what is neither by its first bytes"
        )


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(place, name) for name in sorted(files) if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _refuse_folder(error: OSError) -> None:
    raise LocalError(f"{error.filename} cannot be read: {error.strerror}") from error


def _begins_as_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_image(file.read(HEAD_BYTES))
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror}") from error


def _take(found: Found, name: str, path: Path) -> None:
    other = found.files.setdefault(name, path)
    if other is not path:
        raise LocalError(
            f"{other} and {path} would both be named {name}: "
            "add one of them with --name, or the folder that holds both instead"
        )
