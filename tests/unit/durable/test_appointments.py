import pytest

from shared.durable.appointments import Appointment, seconds_until
from shared.errors import (
    BlobsightError,
    ImageArchivedError,
    ImageIncompleteError,
    QuotaExhaustedError,
    ThrottledError,
    VisionNotFoundError,
    VisionUnauthorizedError,
    VisionUnavailableError,
)


@pytest.mark.parametrize(
    ("error", "attempts", "seconds"),
    [
        (VisionUnavailableError("down"), 1, 5.0),
        (VisionUnavailableError("down"), 2, 10.0),
        (VisionUnavailableError("down"), 40, 300.0),
        (VisionUnavailableError("down", retry_after_seconds=42.0), 5, 42.0),
        (ThrottledError("slow", retry_after_seconds=55.0), 1, 55.0),
        (QuotaExhaustedError("spent", retry_after_seconds=86_400.0), 1, 86_400.0),
        (VisionUnauthorizedError("key"), 1, 300.0),
        (VisionUnauthorizedError("key"), 3, 1200.0),
        (VisionUnauthorizedError("key"), 9, 3600.0),
        # A gateway's word on when to try a refused key again is worth nothing.
        (VisionUnauthorizedError("key", retry_after_seconds=1.0), 1, 300.0),
        (VisionNotFoundError("404"), 1, 300.0),
        (ImageArchivedError("archived"), 1, 300.0),
        (ImageArchivedError("archived"), 3, 1200.0),
        (ImageArchivedError("archived"), 50, 86_400.0),
        (ImageIncompleteError("copied"), 1, 5.0),
        (ImageIncompleteError("copied"), 50, 3600.0),
    ],
)
def test_the_wait_is_what_was_asked_for_or_doubles(error: BlobsightError, attempts: int, seconds: float) -> None:
    assert seconds_until(error, attempts) == seconds


def test_an_appointment_is_the_same_for_the_same_version_step_and_question() -> None:
    one = Appointment("a.jpg", ("analysis",), "0x1,q", 5.0)
    assert one.instance_id == one._replace(seconds=99.0, attempts=7).instance_id
    others = [
        one._replace(name="b.jpg"),
        one._replace(steps=("thumbnails",)),
        one._replace(key="0x2,q"),
        one._replace(key="0x1,p"),
    ]
    assert len({each.instance_id for each in [one, *others]}) == 5
