"""
Which engine reads a page: RapidOCR, which is always there, or Tesseract, where its data for English is installed.

Tesseract reads clean, dense pages twice as fast and nearly as well; RapidOCR reads everything else better.
`LOCAL_OCR` in the environment decides: `auto` (the default), `rapidocr` or `tesserocr`.
"""

import importlib.util
import os
from pathlib import Path
from typing import Literal, get_args

SETTING = "LOCAL_OCR"
LANGUAGE_FILE = "eng.traineddata"
# Where Debian's tesseract-ocr-eng, its older releases and other systems put the data.
DATA_DIRECTORIES = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
)
DENSE_LINES = 12

Engine = Literal["auto", "rapidocr", "tesserocr"]


class EngineError(Exception):
    """The engine that was asked for cannot be had; the message says what to do."""


def asked_engine() -> Engine:
    """Return what LOCAL_OCR asks for. Raises EngineError."""
    asked = os.environ.get(SETTING, "").strip().lower() or "auto"
    for engine in get_args(Engine):
        if asked == engine:
            if engine == "tesserocr" and tesseract_data() is None:
                raise EngineError(
                    f"{SETTING} is tesserocr, but {LANGUAGE_FILE} is not on this machine: install Debian's "
                    "tesseract-ocr-eng, or set TESSDATA_PREFIX to the directory that has it."
                )
            found: Engine = engine
            return found
    raise EngineError(f"{SETTING} is '{asked}': use {', '.join(get_args(Engine))}.")


def prefers_tesseract(lines: int) -> bool:
    """Whether a page on which so many lines were found is one for Tesseract. Raises EngineError."""
    engine = asked_engine()
    if engine == "auto":
        return lines >= DENSE_LINES and tesseract_data() is not None
    return engine == "tesserocr"


def tesseract_data() -> Path | None:
    """Return the directory of Tesseract's data, None when it or the library is missing."""
    if importlib.util.find_spec("tesserocr") is None:
        return None
    named = os.environ.get("TESSDATA_PREFIX")
    for directory in ([named] if named else []) + list(DATA_DIRECTORIES):
        if (Path(directory) / LANGUAGE_FILE).is_file():
            return Path(directory)
    return None
