"""
A setting as a field of `shared.settings.Settings`: its metadata, and how its text is read.

The metadata say what docs/settings.md says of it; a test compares the two.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from shared.configuration import storage_accounts

# As long as a key can be, or with what parts of connection strings and addresses are put together with.
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9+/=_-]{20}|[@?#;=]|.{80}", re.DOTALL)


def setting(
    name: str,
    help_text: str,
    parse: Callable[[str], Any],
    default: str | None = None,
    *,
    secret: bool = False,
    shown: bool = True,
) -> Any:
    """A field of `Settings`; a wrong value is repeated in its problem if it is *shown* and no secret."""
    metadata = _described(name, help_text, default, secret=secret)
    return field(repr=not secret, metadata={**metadata, "parse": parse, "shown": shown and not secret})


def _described(name: str, help_text: str, default: str | None, *, secret: bool = False) -> dict[str, Any]:
    return {"name": name, "help": help_text, "default": default, "secret": secret}


def account(name: str, help_text: str, needs: Mapping[str, str]) -> Any:
    """A field of `Settings` that is a storage account; see `storage_accounts`."""
    parts = [_described(f"{name}__{part.name}", part.help, "") for part in storage_accounts.PARTS]
    return field(metadata={**_described(name, help_text, None, secret=True), "needs": needs, "parts": parts})


def read(setting: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    """
    The value of a setting by its metadata; None where it may be empty and is.

    Raises:
        ValueError: what is wrong with it, as the rest of a sentence that begins with its name.
    """
    text = environment.get(setting["name"], "").strip() or setting["default"]
    if text is None:
        raise ValueError(f"is not set: {setting['help'][0].lower()}{setting['help'][1:].rstrip('.')}")
    if text == "":
        return None
    try:
        return setting["parse"](text)
    except ValueError as error:
        told = f"; it is {text!r}" if setting["shown"] and not _LIKE_A_SECRET.search(text) else ""
        raise ValueError(f"{error}{told}") from None
