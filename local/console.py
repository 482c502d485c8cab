"""Print at the console that rich draws on, where a table or a progress bar may be: lines go above it."""

from rich.console import Console
from rich.text import Text

from local.wrapping import wrapped


def say(console: Console, *lines: str) -> None:
    """Print lines: broken between words on a terminal, as they are elsewhere; words in brackets are no markup."""
    for line in lines:
        console.print(Text(wrapped(line, console.width) if console.is_terminal else line), soft_wrap=True)
