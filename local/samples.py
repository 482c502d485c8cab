"""
What the stack processes at its start: the photographs of samples/, a few drawn images with text, and two documents.

`drawings` draws them; here they become files.
"""

import os
import time
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
# Of two pages each, as a scanner makes them; only Read takes them.
DOCUMENTS: dict[str, Callable[[], list[Image.Image]]] = {
    "minutes.pdf": drawings.minutes,
    "recipe.tif": drawings.recipe,
}
DOCUMENT_DPI = 150


def sample_files(folder: Path) -> list[Path]:
    """Return every sample in the order to show them; those with text are drawn into *folder* unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        if not (folder / name).exists():
            _save([draw()], folder / name)
    documents = [document_file(folder, name) for name in DOCUMENTS]
    return [*sorted(PHOTOGRAPHS.glob("*.jpg")), *(folder / name for name in DRAWN), *documents]


def document_file(folder: Path, name: str = "minutes.pdf") -> Path:
    """Return one of `DOCUMENTS`; drawn into *folder* unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        _save(DOCUMENTS[name](), path)
    return path


def _save(pages: list[Image.Image], path: Path) -> None:
    # A start that is interrupted here must not leave half a picture for the next one.
    unfinished = path.with_name(f".{path.name}")
    first, *others = pages
    match path.suffix:
        case ".pdf":
            # Pillow would write the time of day into it.
            at = {"creationDate": time.gmtime(0), "modDate": time.gmtime(0)}
            first.save(
                unfinished, "PDF", save_all=True, append_images=others, resolution=DOCUMENT_DPI, quality=92, **at
            )
        case ".tif":
            dpi = (DOCUMENT_DPI, DOCUMENT_DPI)
            first.save(unfinished, "TIFF", save_all=True, append_images=others, compression="tiff_lzw", dpi=dpi)
        case ".jpg":
            first.save(unfinished, "JPEG", quality=92)
        case _:
            first.save(unfinished, "PNG")
    os.replace(unfinished, path)
