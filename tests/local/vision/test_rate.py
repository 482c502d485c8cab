"""The three kinds of rate limit, on a clock that stands still until it is moved; and how a refusal looks."""

import re
from email.utils import parsedate_to_datetime

import pytest
from doubles.vision_calls import Caller, picture

from local.vision.rate import KINDS, Kind, Rate, RateLimit
from local.vision.server import RunningVision, running_vision


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def passed(limit: RateLimit, calls: int) -> int:
    """Return how many of *calls* calls at once pass."""
    return sum(limit.wait_seconds() == 0 for _ in range(calls))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_lets_the_first_calls_pass_and_then_no_more(kind: Kind) -> None:
    assert passed(RateLimit(Rate(10, 1, kind), Clock()), 25) == 10


def test_a_bucket_fills_by_the_rate_and_never_beyond_its_size() -> None:
    clock = Clock()
    limit = RateLimit(Rate(10, 1, "bucket"), clock)
    passed(limit, 10)

    clock.now += 0.3
    assert passed(limit, 10) == 3
    clock.now += 100
    assert passed(limit, 25) == 10


def test_a_bucket_tells_when_the_next_token_is_there() -> None:
    clock = Clock()
    limit = RateLimit(Rate(20, 60, "bucket"), clock)
    passed(limit, 20)

    assert limit.wait_seconds() == pytest.approx(3)
    clock.now += 3
    assert limit.wait_seconds() == 0


def test_a_fixed_window_opens_anew_at_its_end() -> None:
    clock = Clock()
    limit = RateLimit(Rate(5, 10, "fixed"), clock)
    clock.now += 9
    assert passed(limit, 9) == 5
    assert limit.wait_seconds() == pytest.approx(1)

    clock.now += 1
    assert passed(limit, 9) == 5


def test_a_sliding_window_counts_every_span() -> None:
    clock = Clock()
    limit = RateLimit(Rate(5, 10, "sliding"), clock)
    clock.now += 9
    assert passed(limit, 9) == 5

    clock.now += 1
    assert limit.wait_seconds() == pytest.approx(9)
    clock.now += 9
    assert passed(limit, 9) == 5


def test_no_rate_lets_everything_pass() -> None:
    assert passed(RateLimit(None, Clock()), 1000) == 1000


def test_a_rate_is_written_as_calls_and_seconds() -> None:
    assert Rate.parse("20/60") == Rate(20, 60.0)


@pytest.mark.parametrize("text", ["", "10", "10/0", "0/1", "ten/1", "1/inf", "1/nan", "-1/1"])
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="write calls/seconds, for example 10/1 or 20/60"):
        Rate.parse(text)


def throttled_by(service: RunningVision, **faults: object) -> tuple[str, str | None]:
    """Return the text and the Retry-After of the call beyond one in a minute."""
    service.set_faults(rate={"calls": 1, "seconds": 60, "kind": "fixed"}, **faults)
    with Caller(service.url, service.key) as client:
        assert client.post("analyze", picture()).status_code == 200
        answer = client.post("analyze", picture())
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "429"
    return answer.json()["error"]["message"], answer.headers.get("Retry-After")


def test_a_refusal_says_what_the_free_tier_says() -> None:
    with running_vision(clock=Clock()) as service:
        text, retry_after = throttled_by(service)

    assert text == (
        "Requests to the Analyze Image Operation under Computer Vision API (v3.2) have exceeded rate limit of your "
        "current ComputerVision F0 pricing tier. Please retry after 60 seconds. To increase your rate limit switch to "
        "a paid tier."
    )
    assert retry_after == "60"


def test_the_waiting_time_stands_where_it_is_asked_for(vision: RunningVision) -> None:
    text, header = throttled_by(vision, retry_after="text")
    assert "retry after" in text
    assert header is None

    text, header = throttled_by(vision, retry_after="date")
    assert "retry after" not in text
    assert parsedate_to_datetime(header or "").tzinfo is not None

    text, header = throttled_by(vision, retry_after="none")
    assert "retry after" not in text
    assert header is None


def test_the_rate_of_the_command_line_holds_until_faults_name_another() -> None:
    clock = Clock()
    with running_vision(rate=Rate(2, 60), clock=clock) as service, Caller(service.url, service.key) as client:

        def statuses() -> list[int]:
            return [client.get("models").status_code for _ in range(3)]

        assert statuses() == [200, 200, 429]
        service.set_faults(reset=0)
        assert statuses() == [200, 200, 429]
        service.set_faults(rate=None)
        assert statuses() == [200, 200, 200]
        client.control("DELETE", "faults")
        assert statuses() == [200, 200, 429]


def test_the_tier_of_a_paid_rate_is_named() -> None:
    with running_vision(rate=Rate(1, 1), clock=Clock()) as service, Caller(service.url, service.key) as client:
        client.get("models")
        message = client.get("models").json()["error"]["message"]

    assert re.search(r"ComputerVision S1 pricing tier\. Please retry after 1 second\.$", message)
