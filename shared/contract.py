"""Facts of Computer Vision v3.2 that more than its client needs: what it takes, in which words and sizes."""

import re
from datetime import date

from shared.untrusted import base_addresses

FEATURES = ("Categories", "Adult", "Tags", "Description", "Faces", "Objects", "ImageType", "Color", "Brands")
# Per feature, the service supports fewer and refuses the others itself; the list is of the v3.2 swagger.
_LANGUAGES = """
    ar az bg bs ca cs cy da de el en es et eu fi fr ga gl he hi hr hu id it ja kk ko lt lv mk ms nb nl pl prs pt
    pt-BR pt-PT ro ru sk sl sr-Cyrl sr-Latn sv th tr uk vi zh zh-Hans zh-Hant
"""
LANGUAGES = frozenset(_LANGUAGES.split())
READING_ORDERS = ("basic", "natural")
# The form of a model's version; that the date is one of the calendar, `model_version` checks.
MODEL_VERSION = r"(?:latest|([0-9]{4}-[0-9]{2}-[0-9]{2}))(?:-preview)?"
MAX_THUMBNAIL_PIXELS = 1024  # generateThumbnail takes 1..1024 for each side
# v3.2 image operations: "less than 4 megabytes", "greater than 50 x 50", "less than 16,000 x 16,000"
# (learn.microsoft.com, Image Analysis overview, 2025-09-16); an image of exactly 50 pixels is taken.
MAX_IMAGE_BYTES = 4 * 1024 * 1024
MIN_SIDE_PIXELS = 50
MAX_SIDE_PIXELS = 16_000

# v3.2 Read: "images greater than 50 x 50, less than 10,000 x 10,000 pixels, less than 500 MB"; PDFs have no size limit
# of their own (learn.microsoft.com, Call the Read API), but the app holds no larger blob in memory.
MAX_READ_BYTES = 500 * 1024 * 1024
MAX_READ_SIDE_PIXELS = 10_000


def endpoint(text: str) -> str:
    """
    The base address of a Computer Vision resource, however it was copied: without slashes at its end, doubled slashes
    and the API's own path, which the client adds.

    Raises:
        ValueError: it is no such address.
    """
    origin, path = base_addresses.checked(text.strip(), "https://my-resource.cognitiveservices.azure.com")
    return origin + re.sub(r"/vision(/v[0-9.]+)?$", "", path, flags=re.IGNORECASE)


def model_version(text: str) -> str:
    """
    A version of a model, which is latest or a date of the calendar.

    Raises:
        ValueError: it is none; the text completes a sentence that names the setting or the parameter.
    """
    found = re.fullmatch(MODEL_VERSION, text)
    if not found or (found[1] and not _is_date(found[1])):
        raise ValueError("must be latest or a date such as 2021-05-01")
    return text


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
