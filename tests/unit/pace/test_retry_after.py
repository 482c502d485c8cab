"""Whatever a refusal says about when to come back, no question is sent more often than its time allows."""

import email.utils
import json
import math
from collections.abc import Mapping
from datetime import timedelta, timezone

import pytest
from doubles.clock import EPOCH, FakeClock
from doubles.fuzz import fuzzed
from doubles.memory import MemoryBlobs
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.clock import Deadline
from shared.errors import ThrottledError, VisionUnavailableError
from shared.images import ImageBytes
from shared.pace.gate import Gate
from shared.pace.ledger import Ledger, Rate
from shared.pace.obstacles import DEFAULT_THROTTLE_SECONDS
from shared.pace.quota import Quota
from shared.pace.retry import MAX_ATTEMPTS
from shared.transport.http import Reply, Transport
from shared.vision.client import VisionClient

SECONDS = 20.0
TIER = Rate.for_tier(10, 1.0)
LEDGER = "ledger.json"


class Refusing(Transport):
    """A service that refuses at once: with each of these answers in turn, then with the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(service="Computer Vision", connections=1)
        self.replies = replies
        self.asked = 0

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        self.asked += 1
        return self.replies[min(self.asked, len(self.replies)) - 1]


def reply(status: int, retry_after: str | None, body: bytes = b"") -> Reply:
    return Reply(status, {} if retry_after is None else {"Retry-After": retry_after}, body)


class Run:
    """One question at ten calls a second, to its end."""

    def __init__(self, *replies: Reply) -> None:
        clock = FakeClock()
        blobs = MemoryBlobs(clock)
        gate = Gate(clock, Quota(blobs, LEDGER, TIER, clock))
        self.service = Refusing(*replies)
        vision = VisionClient(
            "https://vision.invalid", "key", transport=self.service, timeout_seconds=SECONDS, clock=clock, gate=gate
        )
        with pytest.raises((ThrottledError, VisionUnavailableError)) as caught:
            vision.tag(ImageBytes(b"image"))
        self.error = caught.value
        self.seconds = clock.now()
        self.share = Ledger.from_json(blobs.contents(names.QUOTA)[LEDGER]).share


def dates() -> st.SearchStrategy[str]:
    """Moments near and far, in the shapes of HTTP and of mail, in any zone or none."""
    offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    moments = st.one_of(
        st.datetimes(timezones=offsets),
        st.integers(-100, 100).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    )
    zones = st.sampled_from(["GMT", "UT", "Z", "A", "EST", "CET", "-0000", "+9999", "-2400", "", "Europe/Berlin"])
    return st.one_of(
        moments.map(email.utils.format_datetime),
        moments.map(lambda moment: moment.strftime("%a %b %d %H:%M:%S %Y")),
        st.builds(lambda moment, zone: f"{moment:%a, %d %b %Y %H:%M:%S} {zone}", moments, zones),
    )


TEXTS = st.one_of(
    st.none(),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["0", "-0", "+1", "0.0", "1e308", "Infinity", "9" * 400, "1, 2", "Wed, 99 Foo 99999 99:99:99 GMT"]),
    st.binary(max_size=40).map(lambda data: data.decode("latin-1")),
    st.text(max_size=40),
    dates(),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.integers().map(lambda n: json.dumps({"message": f"Please retry after {n} seconds."}).encode()),
)
REFUSALS = st.builds(reply, st.sampled_from([429, 503, 500, 408]), TEXTS, BODIES)


@fuzzed
@given(st.lists(REFUSALS, min_size=1, max_size=6))
def test_whatever_refusals_ask_for_a_question_is_sent_a_bounded_number_of_times_and_ends_in_time(
    replies: list[Reply],
) -> None:
    """A 429 keeps it away for a second at least, and of all else it makes four attempts."""
    run = Run(*replies)
    assert run.service.asked <= math.floor(SECONDS / DEFAULT_THROTTLE_SECONDS) + MAX_ATTEMPTS
    assert run.seconds <= SECONDS
    assert run.error.code in ("vision_throttled", "vision_unavailable")
    assert run.error.retry_after_seconds is None or 1 <= run.error.retry_after_seconds <= 3600
    throttled = any(each.status == 429 for each in replies[: run.service.asked])
    assert (run.share < 1.0) == throttled


@pytest.mark.parametrize("text", [None, "0", "soon", "Wed, 31 Dec 2025 23:59:58 GMT"])
def test_a_429_that_asks_for_no_wait_is_one_like_any_other(text: str | None) -> None:
    told, asked = Run(reply(429, text)), Run(reply(429, "1"))
    assert told.service.asked == asked.service.asked <= SECONDS
    assert told.share == asked.share < 1.0


def test_a_503_that_asks_for_no_wait_is_tried_as_often_as_one_that_says_nothing() -> None:
    assert Run(reply(503, "0")).service.asked == Run(reply(503, None)).service.asked == MAX_ATTEMPTS
