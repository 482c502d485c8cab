"""
Who may see the page, as far as settings say it; read alone, because it must hold where other settings are wrong.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from shared.configuration import parse


class GalleryAccess(NamedTuple):
    """
    Attributes:
        sign_in: whether the platform signs people in, so that its header about them can be believed.
        key: what opens reading; None where no key does.
        is_open: whether callers on this machine need neither. Never where people sign in.
        is_development: whether the app runs on a developer's machine.
    """

    sign_in: bool
    key: str | None
    is_open: bool
    is_development: bool


def read(environment: Mapping[str, str]) -> GalleryAccess:
    """GALLERY_KEY, GALLERY_OPEN and what the platform says; a wrong value opens nothing."""
    # Set by App Service authentication ("True"), and by Core Tools and the local host ("Development").
    sign_in = environment.get("WEBSITE_AUTH_ENABLED", "").strip().lower() in ("true", "1")
    is_development = environment.get("AZURE_FUNCTIONS_ENVIRONMENT", "").strip().lower() == "development"
    key, wanted_open = None, False
    with suppress(ValueError):
        key = parse.gallery_key(environment.get("GALLERY_KEY", "").strip())
    with suppress(ValueError):
        wanted_open = parse.truth(environment.get("GALLERY_OPEN", "").strip())
    return GalleryAccess(sign_in, key, wanted_open and is_development and not sign_in, is_development)
