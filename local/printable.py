"""Show names of images as they are, but for what a terminal would not show or would obey."""


def printable(text: str) -> str:
    """Return *text* with what is no printable character as an escape such as `\\x07`, half characters too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
