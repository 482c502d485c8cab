"""What a command says when it cannot go on."""

from __future__ import annotations


class Failed(Exception):  # noqa: N818 - a command that failed, as `cloud.py` words it
    """A command ends here; its text is the reason, in sentences for the person who deploys. It never holds a key."""
