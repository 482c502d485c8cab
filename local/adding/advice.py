"""What to do about images that failed, as commands that can be typed."""

import shlex
from collections.abc import Iterable

from local.wording import program

# The codes of docs/errors.md that blame the image itself, as their names begin: trying again would not help.
OF_THE_IMAGE = ("image_", "not_an_image", "format_not_supported")


def advice(codes: Iterable[str], name: str, options: str = "") -> dict[str, str]:
    """
    Return the commands that fit failures with such *codes* by what they are for, in which `{}` stands for the image.

    *name* is the image's, or NAME; *options* are those that name the stack, each with a space before it.
    """
    blames = [code.startswith(OF_THE_IMAGE) for code in codes]
    word = shlex.quote(name)
    bare, named = (f"-- {word}", f"--name={word}") if name.startswith("-") else (word, f"--name {word}")
    commands = {}
    if any(blames):
        commands["to replace {}"] = f"{program()} add{options} MENDED_FILE {named}"
        commands["to remove {}"] = f"{program()} remove{options} {bare}"
    if not all(blames):
        commands["to try {} again"] = f"{program()} unfinished retry{options} {bare}"
    return commands
