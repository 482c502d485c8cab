"""
The images that the stack processes at its start: the photographs of samples/ and a few drawn images with text.

`drawings` draws them; here they become files.
"""

import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from local import drawings

PHOTOGRAPHS = Path(__file__).resolve().parent.parent / "samples"
DRAWN: dict[str, Callable[[], Image.Image]] = {
    "receipt.png": drawings.receipt,
    "sign.jpg": drawings.sign,
    "scan.png": drawings.scan,
}
DOCUMENT_NAME = "minutes.pdf"
DOCUMENT_DPI = 150


def sample_files(folder: Path) -> list[Path]:
    """Return every sample in the order to show them; text images are rendered into *folder* unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        if not (folder / name).exists():
            _save([draw()], folder / name)
    return [*sorted(PHOTOGRAPHS.glob("*.jpg")), *(folder / name for name in DRAWN)]


def document_file(folder: Path) -> Path:
    """Return a scanned PDF of two pages, which only Read takes; rendered into *folder* unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DOCUMENT_NAME
    if not path.exists():
        _save(drawings.minutes(), path)
    return path


def _save(pages: list[Image.Image], path: Path) -> None:
    # A start that is interrupted here must not leave half a picture for the next one.
    unfinished = path.with_name(f".{path.name}")
    match path.suffix:
        case ".pdf":
            pages[0].save(
                unfinished, "PDF", save_all=True, append_images=pages[1:], resolution=DOCUMENT_DPI, quality=92
            )
        case ".jpg":
            pages[0].save(unfinished, "JPEG", quality=92)
        case _:
            pages[0].save(unfinished, "PNG")
    os.replace(unfinished, path)
