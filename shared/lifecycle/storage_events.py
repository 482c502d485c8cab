"""
What an event of the images' account means for the app, beside an upload. Nothing is asked or done here.

The events are those of https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage in Event Grid's own
schema. CloudEvents are refused: versions of `azure-functions` decode them differently, some to an event without a type.
Facts of that page:

- `data.url` is the blob's percent-encoded address, of the blob endpoint or of Data Lake's (`dfs`). A rename has
  `sourceUrl` and `destinationUrl` instead.
- BlobTierChanged comes after the change. The page's examples tell neither the tier nor the one before; where an event
  has them, they are `accessTier` and `previousTier`.
- `recursive` of DirectoryDeleted is a text. A directory that is deleted with its files has this one event.
- A rehydration by copy is a BlobCreated. No type of the page tells of an undeleted blob: the comparison at night finds
  such an image.
"""

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from shared import names
from shared.errors import BlobsightError

# The blob trigger is not given more: scripts/cloud.py filters by it, and a test compares the two.
LARGEST_OF_TRIGGER = 104_857_600
_PREFIX = "Microsoft.Storage."
# Those that scripts/cloud.py subscribes to.
TYPES = tuple(
    f"{_PREFIX}{kind}"
    for kind in (
        "BlobCreated",
        "BlobDeleted",
        "BlobTierChanged",
        "BlobRenamed",
        "DirectoryRenamed",
        "DirectoryDeleted",
    )
)
_NEEDLESS = (f"{_PREFIX}DirectoryCreated", f"{_PREFIX}AsyncOperationInitiated")
_ARCHIVE = "archive"
_LOOK = "Look whether the blob of the event has its records, and report the event: Event Grid sends none like it."
_SUBSCRIBE = (
    "Delete the event subscription that sends it, and run `azd hooks run postdeploy`: that makes those the app needs, "
    "which are filtered and deliver EventGridSchema."
)


class Deleted(NamedTuple):
    """An image is gone."""

    name: str


class TooLarge(NamedTuple):
    """An image came that the trigger does not take; *key* is the same for each delivery of its event."""

    name: str
    key: str


class TierChanged(NamedTuple):
    """An image may be back from the archive tier, and is for certain where the event tells the tier before."""

    name: str
    key: str
    is_told: bool


class Renamed(NamedTuple):
    """An image has another name; one of the two is None where it lies in another container."""

    former: str | None
    name: str | None
    key: str


class DirectoryChanged(NamedTuple):
    """
    A directory with all that is in it has another name, or is gone.

    Attributes:
        former: what the names of its images began with, with a slash at the end; empty if in another container.
        now: what they begin with now; empty if they are gone, or in another container.
        event: the event's id, the same for each delivery.
    """

    former: str
    now: str
    event: str


class Needless(NamedTuple):
    """Nothing follows from it, for that reason."""

    reason: str
    blob: str


Meaning = Deleted | TooLarge | TierChanged | Renamed | DirectoryChanged | Needless


class RefusedError(Exception):
    """
    The event is none that the app can take, however often it is delivered.

    Attributes:
        reason: why, in a word.
        action: what to do.
    """

    def __init__(self, reason: str, problem: str, action: str) -> None:
        super().__init__(problem)
        self.reason = reason
        self.action = action


def read(event: object) -> Meaning:
    """
    What an event means.

    Args:
        event: as `azure.functions` decodes it: an EventGridEvent, whose members can be of any kind, or a CloudEvent.

    Raises:
        RefusedError: it is of another schema, of another type, of another container, or damaged.
    """
    kind = getattr(event, "event_type", None)
    if not isinstance(kind, str) or hasattr(event, "specversion"):
        _refuse("cloud_event", "It has no eventType, as a CloudEvent has none.")
    if kind in _NEEDLESS:
        return Needless("needless_type", _shown(event))
    if kind not in TYPES:
        _refuse("other_type", f"Its type {kind} is none that the app follows.")
    content = event.get_json()  # type: ignore[attr-defined]
    if not isinstance(content, dict):
        _refuse("damaged", "It has no object named data.")
    identifier = getattr(event, "id", None)
    if not isinstance(identifier, str) or not identifier or not _is_text(identifier):
        _refuse("damaged", "It has no id.")
    match kind.removeprefix(_PREFIX):
        case "BlobCreated":
            return _created(content, identifier)
        case "BlobDeleted":
            return _deleted(content)
        case "BlobTierChanged":
            return _tier_changed(content, identifier)
        case "BlobRenamed":
            return Renamed(*_both(content), identifier)
        case "DirectoryRenamed":
            former, now = (f"{each.rstrip('/')}/" if each else "" for each in _both(content))
            return DirectoryChanged(former, now, identifier)
    name = _in_images(content, "url").rstrip("/")
    if str(content.get("recursive", "")).lower() == "false":
        return Needless("empty_directory", name)  # nothing else is deleted without what is in it
    return DirectoryChanged(f"{name}/", "", identifier)


def subject_of(event: object) -> str | None:
    """What the event says that it is about, for the log of one that cannot be read."""
    return _shown(event) or None


def _created(content: Mapping[str, object], identifier: str) -> Meaning:
    name, length, etag = _in_images(content, "url"), content.get("contentLength"), content.get("eTag")
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        _refuse("damaged", "It has no data.contentLength, the size of the blob.")
    if length <= LARGEST_OF_TRIGGER:
        return Needless("analyzed_on_upload", name)
    unquoted = etag.strip('"') if isinstance(etag, str) and _is_text(etag) else ""
    return TooLarge(name, unquoted or identifier)


def _deleted(content: Mapping[str, object]) -> Meaning:
    name = _in_images(content, "url")
    # A name has its question marks encoded, so a query is none of it.
    query = parse_qs(urlsplit(str(content["url"])).query, keep_blank_values=True)
    if {key.lower() for key in query} & {"snapshot", "versionid"}:
        return Needless("snapshot_or_version", name)
    return Deleted(name)


def _tier_changed(content: Mapping[str, object], identifier: str) -> Meaning:
    name = _in_images(content, "url")
    now, before = (content.get(key) for key in ("accessTier", "previousTier"))
    if isinstance(now, str) and now.lower() == _ARCHIVE:
        return Needless("archived", name)
    is_told = isinstance(before, str) and bool(before)
    if is_told and str(before).lower() != _ARCHIVE:
        return Needless("was_not_archived", name)
    return TierChanged(name, identifier, is_told)


def _both(content: Mapping[str, object]) -> tuple[str | None, str | None]:
    """The names before and after a rename, each None in another container."""
    former, now = (_in_container(content, key) for key in ("sourceUrl", "destinationUrl"))
    if former is None and now is None:
        _refuse("other_container", "It is about another container.")
    return former, now


def _in_images(content: Mapping[str, object], member: str) -> str:
    name = _in_container(content, member)
    if name is None:
        _refuse("other_container", "It is about another container.")
    return name


def _in_container(content: Mapping[str, object], member: str) -> str | None:
    """The name of the image at an address, or None if it lies in another container."""
    url = content.get(member)
    if not isinstance(url, str):
        _refuse("damaged", f"It has no data.{member}, the address of what it is about.")
    container, name = _place(url, member)
    if container != names.IMAGES:
        return None
    try:
        return names.check_image_name(name)
    except BlobsightError as error:
        _refuse("damaged", f"data.{member} is no address of an image: {error.message}")


def _place(url: str, member: str) -> tuple[str, str]:
    """
    Container and name at an address.

    An emulator's address has the account as the first segment of its path; a real one has it in the host's name.
    """
    problem = f"data.{member} is not the address of a blob."
    # Python takes tabs and line breaks out of an address without a word, and it would be another one then.
    if not _is_text(url) or any(ord(character) < 0x20 for character in url):
        _refuse("damaged", problem)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        account = int(_has_account_in_path(host))
        segments = parts.path.lstrip("/").split("/", 1 + account)
        container, name = (unquote(segment, errors="strict") for segment in segments[account:])
    except ValueError:
        _refuse("damaged", problem)
    if not host or not container or not name or parts.fragment:
        _refuse("damaged", problem)
    return container, name


def _has_account_in_path(host: str) -> bool:
    if "." not in host:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8; JSON can hold half a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(event: object) -> str:
    subject = getattr(event, "subject", None)
    return subject if isinstance(subject, str) and _is_text(subject) else ""


def _refuse(reason: str, problem: str) -> NoReturn:
    raise RefusedError(reason, problem, _LOOK if reason == "damaged" else _SUBSCRIBE)
