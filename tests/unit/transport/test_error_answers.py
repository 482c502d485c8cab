"""How long an error answer asks to wait. Its bodies are read in `tests/unit/vision/test_error_answers.py`."""

import time
from collections.abc import Iterator

import pytest
from doubles.clock import EPOCH

from shared.transport.error_answers import retry_after_seconds


def asked(header: str | None = None, message: str | None = None) -> float | None:
    """The seconds of an answer with this `Retry-After` and this message."""
    return retry_after_seconds({} if header is None else {"Retry-After": header}, message, EPOCH)


@pytest.mark.parametrize("value", ["55", " 55 ", "55.0"])
def test_retry_after_may_be_seconds(value: str) -> None:
    assert asked(header=value) == 55


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def zone_of_the_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone_of_the_machine")
@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Jan 2026 00:00:30 GMT",
        "Thursday, 01-Jan-26 00:00:30 GMT",
        "Thu Jan  1 00:00:30 2026",
        "Thu, 01 Jan 2026 00:00:30",
        "Thu, 01 Jan 2026 00:00:30 -0000",
        "Thu, 01 Jan 2026 00:00:30 UT",
        "Thu, 01 Jan 2026 00:00:30 Z",
        "Thu, 01 Jan 2026 00:00:30 A",
        "Thu, 01 Jan 2026 00:00:30 CET",
        "Thu, 01 Jan 2026 02:00:30 +0200",
        "Wed, 31 Dec 2025 19:00:30 EST",
    ],
)
def test_retry_after_may_be_a_date_which_without_a_known_zone_is_utc(date: str) -> None:
    """RFC 9110, 5.6.7: an HTTP date is one in GMT. RFC 5322, 4.3: an unknown zone counts as -0000."""
    assert asked(header=date) == 30


@pytest.mark.parametrize("value", ["0", "0.0", "Wed, 31 Dec 2025 23:59:30 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_what_asks_for_no_wait_says_nothing(value: str) -> None:
    assert asked(header=value) is None


@pytest.mark.parametrize("value", ["3601", "999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_wait_is_longer_than_an_hour_after_which_the_service_is_asked_again(value: str) -> None:
    """Else an image would be deferred for years."""
    assert asked(header=value) == 3600


@pytest.mark.parametrize("value", ["3601", "9" * 200])
def test_nor_is_a_wait_that_stands_in_the_text(value: str) -> None:
    assert asked(message=f"Please retry after {value} seconds.") == 3600


@pytest.mark.parametrize(("value", "seconds"), [("0.001", 1), ("1.5", 2)])
def test_a_wait_is_rounded_up_to_whole_seconds(value: str, seconds: int) -> None:
    assert asked(header=value) == seconds


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (
            "Requests to the OCR Operation under Computer Vision API (v3.2) have exceeded rate limit of your current "
            "ComputerVision F0 pricing tier. Please retry after 55 seconds. To increase your rate limit switch to a "
            "paid tier.",
            55,
        ),
        ("Rate limit is exceeded. Try again in 26 seconds.", 26),
        ("Rate limit is exceeded. Try again in 1 second.", 1),
        ("Rate limit is exceeded.", None),
    ],
)
def test_how_long_to_wait_may_stand_in_the_text(message: str, seconds: float | None) -> None:
    assert asked(message=message) == seconds


@pytest.mark.parametrize("value", ["soon", "-5", "1e3", "nan", "\u0665", "Mon, 99 Foo 2026"])
def test_a_retry_after_that_means_nothing_is_passed_over(value: str) -> None:
    assert asked(header=value) is None
