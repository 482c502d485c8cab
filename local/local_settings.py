"""The file local.settings.json: app settings for this machine, as Core Tools have them."""

from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.json_text import read_json

NAME = "local.settings.json"


def read_local_settings(root: Path) -> dict[str, str]:
    """
    Return the `Values` of the file in *root*; none if it is not there.

    Raises LocalError for a file that is encrypted or no plain JSON, and for values that are not text.
    """
    path = root / NAME
    if not path.exists():
        return {}
    settings = read_json_object(path)
    if settings.get("IsEncrypted"):
        raise LocalError(f"{NAME} is encrypted: run `func settings decrypt`")
    values = settings.get("Values", {})
    if not isinstance(values, dict):
        raise LocalError(f"{NAME}: Values must be an object of names and texts")
    for name, value in values.items():
        if not isinstance(value, str):
            raise LocalError(f"{NAME}: the value of {name} must be text in quotes, as in Azure")
    return values


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object in the file; raises LocalError for anything else, FileNotFoundError if it is not there."""
    try:
        content = read_json(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LocalError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise LocalError(f"{path.name} is not plain JSON (comments are not allowed): {error}") from None
    if not isinstance(content, dict):
        raise LocalError(f"{path.name} must hold a JSON object")
    return content
