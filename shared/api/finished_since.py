"""
What `since` says of a poll for finished images, and what an answer says for the next one.

Images are told in rounds. A round is a span of storage's time, and each record that was written in it is looked at
once, in the order of containers and names. Rounds follow each other without a gap. So an answer in the middle of one
says where the listing goes on, and one at its end says a time.
"""

import base64
import json
import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

from shared import names
from shared.errors import BadRequestError
from shared.untrusted.characters import fault, shown

NOW = "now"
# The containers that a round lists, in this order. First come those in which an image's last record usually stands, so
# that images are told from the first pages on, and what is overtaken by a later step is looked at last.
CONTAINERS = (names.TEXT, names.UNFINISHED, names.THUMBNAILS, names.ANALYSIS)
# What a place in the middle of a round begins with.
_PLACE = "at-"
# Storage tells whole seconds, and its machines' clocks differ a little; what they have written must be listed by then.
LAG_SECONDS = 5
# By which a caller's clock may be ahead.
_SKEW_SECONDS = 300
# A plus that was not percent-encoded comes as a space.
_ZONE_AFTER_SPACE = re.compile(r" (?=\d\d:?\d\d$)")


class Place(NamedTuple):
    """
    Where a poll goes on. Times are whole seconds since 1970, by storage's clock.

    Attributes:
        begin: records of this second and later ones are looked at.
        end: records of this second and later ones are left to the next round; 0 where none has begun.
        part: the number of the container that is being listed.
        token: the continuation of its listing; None at its beginning.
    """

    begin: int
    end: int = 0
    part: int = 0
    token: str | None = None

    @property
    def container(self) -> str:
        """The container that is being listed."""
        return CONTAINERS[self.part]

    @property
    def is_in_round(self) -> bool:
        """Whether a round is under way."""
        return bool(self.end)

    def after(self, token: str | None) -> "Place":
        """The place after a page that has that continuation: in the next container, or after the round."""
        if token:
            return self._replace(token=token)
        if self.part + 1 < len(CONTAINERS):
            return self._replace(part=self.part + 1, token=None)
        return Place(self.end)

    def begun(self, now: datetime) -> "Place":
        """The same in a round: the one that is under way, or a new one up to this moment, which can be empty."""
        return self if self.is_in_round else Place(self.begin, max(self.begin, int(now.timestamp()) - LAG_SECONDS))

    def is_of(self, modified: datetime | None) -> bool:
        """Whether the round looks at a record that was written then."""
        return modified is not None and self.begin <= modified.timestamp() < self.end

    def told(self) -> str:
        """The same as an answer says it."""
        if not self.is_in_round:
            return datetime.fromtimestamp(self.begin, UTC).isoformat().replace("+00:00", "Z")
        return _PLACE + base64.urlsafe_b64encode(json.dumps(self, separators=(",", ":")).encode()).decode().rstrip("=")


def read(since: str, now: datetime) -> Place:
    """
    The place that a caller's *since* means.

    Raises:
        BadRequestError: `bad_parameter`: it means none, or a time more than five minutes ahead.
    """
    if since == NOW:
        return Place(int(now.timestamp()))
    place = _parsed(since) if since.startswith(_PLACE) else Place(_moment(since))
    latest = int(now.timestamp()) + _SKEW_SECONDS
    if max(place.begin, place.end) > latest:
        raise BadRequestError(
            f"since={shown(since)} is more than {_SKEW_SECONDS // 60} minutes ahead of storage's clock, which shows"
            f" {now.isoformat(timespec='seconds')}.",
            code="bad_parameter",
            action="Send a time that is past, or since=now.",
        )
    return place


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(_ZONE_AFTER_SPACE.sub("+", text))
        if found.tzinfo is None or not re.match(r"\d{4}-?\d\d-?\d\d[Tt ]\d\d", text):
            raise ValueError
        # Storage is younger than 1970.
        return max(0, math.floor(found.timestamp()))
    except (ValueError, OverflowError):
        raise _meaningless(text) from None


def _parsed(text: str) -> Place:
    encoded = text.removeprefix(_PLACE)
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        begin, end, part, token = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        raise _meaningless(text) from None
    numbers = all(type(each) is int for each in (begin, end, part))
    if not numbers or not 0 <= begin <= end or not end or not 0 <= part < len(CONTAINERS):
        raise _meaningless(text)
    if token is not None and (type(token) is not str or not token or fault(token)):
        raise _meaningless(text)
    return Place(begin, end, part, token)


def _meaningless(text: str) -> BadRequestError:
    return BadRequestError(
        f"since={shown(text)} is no time and no place that an answer has said.",
        code="bad_parameter",
        action=(
            "Send since=now, or a time with its zone such as 2026-11-30T20:00:00Z, or the `since` of the last answer,"
            " unchanged."
        ),
    )
