"""Break sentences between words where a terminal would break them anywhere, and shorten what has to fit."""

import shutil
import sys
import textwrap
import unicodedata

from local.printable import printable


class Verbatim(str):
    """A line with an address or a command, which is copied from the terminal: it is never broken."""


def wrapped(line: str, columns: int | None = None, *, indent: int | None = None) -> str:
    """
    Return *line* with breaks between words, further lines *indent* columns in, or two from its beginning.

    A word longer than *columns*, such as a path, stays whole, and so does a Verbatim line. By default *columns* are
    those of the terminal that standard output is; a line for a file or a pipe stays one line.
    """
    if isinstance(line, Verbatim) or (columns is None and not sys.stdout.isatty()):
        return line
    columns = columns or shutil.get_terminal_size().columns
    indent = len(line) - len(line.lstrip()) + 2 if indent is None else indent
    return textwrap.fill(
        line, columns, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, tabsize=1
    )


def complain(command: str, error: object) -> None:
    """Print to standard error what went wrong in *command*; each line of it is broken between words on a terminal."""
    # What a service answered may be in it.
    for line in map(printable, f"{command}: {error}".splitlines()):
        columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else len(line) + 1
        print(wrapped(line, columns), file=sys.stderr)


def shortened(text: str, columns: int) -> str:
    """Return as much of *text* as fits, to the end of a word if there is one, with `…` for the rest."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    words = kept if not text[len(kept)].isalnum() else kept.rpartition(" ")[0]
    return f"{(words or kept).rstrip(' ,;')}…"


def width(text: str) -> int:
    """Return how many columns *text* takes in a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "FW") for c in text)
