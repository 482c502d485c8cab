"""
The meaning of one app setting's text.

Each parser raises ValueError where the text means nothing; its message completes a sentence that names the setting.
"""

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from shared.contract import FEATURES, LANGUAGES, MAX_READ_BYTES, READING_ORDERS
from shared.names import FORMATS, Format
from shared.untrusted import allowed_destinations, base_addresses

VISION_AUTHS = ("key", "identity")
TEXT_MODES = ("auto", "always", "never")
# How a thumbnail is cut: around the boxes of its analysis, around an area of interest, by the service, in the middle.
Mode = Literal["auto", "area", "vision", "center"]
MODES: tuple[Mode, ...] = get_args(Mode)
Reconcile = Literal["repair", "report", "off"]
RECONCILE_MODES: tuple[Reconcile, ...] = get_args(Reconcile)
LogNames = Literal["plain", "hash"]
LOG_NAMES: tuple[LogNames, ...] = get_args(LogNames)
Allowed = allowed_destinations.Allowed
MAX_CROP_PIXELS = 4096  # a side of a thumbnail that the app cuts: no screen shows more
LEAST_KEY_CHARACTERS = 16
MAX_MEGABYTES = MAX_READ_BYTES // 1024**2

# With the line breaks of Unicode, and bytes of the environment that are no UTF-8.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"

Size = tuple[int, int]


class Prices(NamedTuple):
    """
    What 1,000 transactions cost: `description_and_text` of Describe, the feature Description and Read, `others` of all
    other questions and features. The currency is a code of three letters (ISO 4217).
    """

    others: float
    description_and_text: float
    currency: str


def public_address(text: str) -> str:
    """The address by which callers reach the app."""
    return "".join(base_addresses.checked(text, "https://api.example.com"))


def proxy(text: str) -> str:
    """The address of a proxy, with its scheme."""
    # Without its scheme, requests would take the name for one.
    found = re.fullmatch(r"(?i:https?)://(?:[!-~]*@)?([^@]+?)/?", text)
    user = text.partition("://")[2].rpartition("@")[0]
    if not found or base_addresses.host(found[1]) is None or set(user) & set("/?#\\"):
        raise ValueError("must be an http(s) address such as http://proxy:8080, with user and password encoded")
    return text


def _is_printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def key(text: str) -> str:
    """A key of the resource."""
    # It travels in a header.
    if not _is_printable_ascii(text) or " " in text:
        raise ValueError("must be a key as the portal shows it: ASCII characters on one line, without spaces")
    return text


def word(text: str) -> str:
    """A text on one line."""
    if re.search(_CONTROL, text):
        raise ValueError("must be a text on one line, without control characters")
    return text


def gallery_key(text: str) -> str:
    """The key of the page."""
    # It travels in a header, and strangers may try as many as they like.
    if not _is_printable_ascii(text) or " " in text or len(text) < LEAST_KEY_CHARACTERS:
        raise ValueError(
            f"must be at least {LEAST_KEY_CHARACTERS} ASCII characters on one line, without spaces: "
            "`openssl rand -hex 16` makes one"
        )
    return text


def rate(text: str) -> tuple[int, float]:
    """Calls, and in how many seconds."""
    # With more digits a number can be too large to reckon with.
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9}(?:\.[0-9]{1,9})?)", text)
    if not found or not int(found[1]) or not float(found[2]):
        raise ValueError("must be a rate such as 10/1 (calls per seconds) or 20/60")
    return int(found[1]), float(found[2])


def prices(text: str) -> Prices:
    """Two prices and their currency."""
    price = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)"
    found = re.fullmatch(rf"{price}/{price} ([A-Z]{{3}})", text)
    if not found:
        raise ValueError("must be two prices of 1,000 transactions and a currency, such as 1.00/1.50 USD")
    return Prices(float(found[1]), float(found[2]), found[3])


def features(text: str) -> tuple[str, ...]:
    """The visual features, in the order of `FEATURES`."""
    wanted = {part.strip().lower() for part in text.split(",") if part.strip()}
    unknown = wanted - {feature.lower() for feature in FEATURES}
    if unknown or not wanted:
        raise ValueError(f"must be a comma-separated choice of {', '.join(FEATURES)}")
    return tuple(feature for feature in FEATURES if feature.lower() in wanted)


def sizes(text: str) -> tuple[Size, ...]:
    """Widths and heights in pixels, each pair once."""
    sizes = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", part)
        size = (int(found[1]), int(found[2])) if found else (0, 0)
        if not all(1 <= side <= MAX_CROP_PIXELS for side in size):
            raise ValueError(f"must be sizes such as 200x150,1024x768 with sides of 1 to {MAX_CROP_PIXELS}")
        sizes.append(size)
    return tuple(dict.fromkeys(sizes))


def formats(text: str) -> tuple[Format, ...]:
    """The formats of thumbnails, in the order of `FORMATS`."""
    wanted = {part.strip().lower() for part in text.split(",") if part.strip()}
    if not wanted or wanted - set(FORMATS):
        raise ValueError(f"must be a comma-separated choice of {', '.join(FORMATS)}")
    return tuple(form for form in FORMATS if form in wanted)


def truth(text: str) -> bool:
    """True or false."""
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def seconds(text: str, most: int = 600) -> float:
    """Seconds above 0, and no more than *most*."""
    seconds = 0.0
    if re.fullmatch(r"[0-9.eE+-]{1,30}", text):
        with suppress(ValueError):
            seconds = float(text)
    if not 0 < seconds <= most:
        raise ValueError(f"must be a number of seconds above 0 and at most {most}")
    return seconds


def long_seconds(text: str) -> float:
    """Seconds of up to a day."""
    return seconds(text, 86_400)


def moment(text: str) -> datetime:
    """A moment, in UTC where it has no zone."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a day or a moment such as 2026-11-30 or 2026-11-30T03:30:00Z") from None


def _one_of(allowed: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return parse


def _whole_number(kind: str, least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number{kind}")
        return int(text)

    return parse


url_allow = allowed_destinations.parsed
vision_auth = _one_of(VISION_AUTHS)
text_mode = _one_of(TEXT_MODES)
reconcile = _one_of(RECONCILE_MODES)
log_names = _one_of(LOG_NAMES)
thumbnail_mode = _one_of(MODES)
reading_order = _one_of(READING_ORDERS)
language = _one_of(sorted(LANGUAGES))
threads = _whole_number(" of 1 to 256", 1, 256)
count = _whole_number(", 0 or above", 0, 10**12 - 1)
megabytes = _whole_number(f" of megabytes, 1 to {MAX_MEGABYTES}", 1, MAX_MEGABYTES)
megapixels = _whole_number(" of millions of pixels, 1 to 500", 1, 500)
hours = _whole_number(" of hours, 0 to 8760", 0, 8760)
hour = _whole_number(" of 0 to 23", 0, 23)
days = _whole_number(" of days, 1 to 36500", 1, 36_500)
