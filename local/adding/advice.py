"""What to do about images that failed, as commands that can be typed."""

import shlex
from collections.abc import Iterable

from local.wording import program

# The codes of docs/errors.md that blame the image itself, as their names begin: trying again would not help.
OF_THE_IMAGE = ("image_", "not_an_image", "format_not_supported")


def advice(codes: Iterable[str], name: str, options: str = "") -> dict[str, str]:
    """
    Return the commands by what they are for, which fit failures with such *codes*.

    *name* is the image's, or NAME; *options* are those that name the stack, each with a space before it.
    """
    blames = [code.startswith(OF_THE_IMAGE) for code in codes]
    word = shlex.quote(name)
    bare, named = (f"-- {word}", f"--name={word}") if name.startswith("-") else (word, f"--name {word}")
    commands = {}
    if any(blames):
        commands["to replace it"] = f"{program()} add{options} MENDED_FILE {named}"
        commands["to remove it"] = f"{program()} remove{options} {bare}"
    if not all(blames):
        commands["to try it again"] = f"{program()} unfinished retry{options} {bare}"
    return commands
