"""When a timer trigger's NCRONTAB expression comes due."""

from datetime import UTC, datetime

import pytest

from local.host.errors import FunctionLoadError
from local.host.timers.ncrontab import Schedule

# A Wednesday.
MOMENT = datetime(2026, 1, 14, 10, 30, 15, 500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-01-14T10:30:16"),
        ("15 * * * * *", "2026-01-14T10:31:15"),
        ("0 */5 * * * *", "2026-01-14T10:35:00"),
        ("0 20/15 * * * *", "2026-01-14T10:35:00"),
        ("*/5 * * * *", "2026-01-14T10:35:00"),
        ("0 30 10 * * *", "2026-01-15T10:30:00"),
        ("0 0 3 * * *", "2026-01-15T03:00:00"),
        ("0 0 9-17 * * MON-FRI", "2026-01-14T11:00:00"),
        ("0 30 9 * jan Mon", "2026-01-19T09:30:00"),
        ("0 0 0 * * 0", "2026-01-18T00:00:00"),
        ("0 0 0 1,15 * *", "2026-01-15T00:00:00"),
        ("0 0 0 13 * 5", "2026-02-13T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59"),
        ("0 0 0 1 January *", "2027-01-01T00:00:00"),
    ],
)
def test_next_time_is_the_first_one_after_the_moment(expression: str, expected: str) -> None:
    assert Schedule.parse(expression).next_after(MOMENT) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "must have six fields"),
        ("0 0 * *", "must have six fields"),
        ("0 0 24 * * *", "'24' is no hour: give *, a number from 0 to 23"),
        ("60 * * * * *", "is no second"),
        ("0 0 0 0 * *", "is no day of the month"),
        ("0 0 0 * 13 *", "is no month"),
        ("0 0 0 * * 7", "is no day of the week"),
        ("0 0 0 * * funday", "is no day of the week"),
        ("0 5-1 * * * *", "is no minute"),
        ("0 */0 * * * *", "is no minute"),
        ("0 */x * * * *", "is no minute"),
        ("0 1, * * * *", "is no minute"),
        ("0 0 0 31 2 *", "never happens"),
    ],
)
def test_expression_that_makes_no_sense_is_refused_with_the_reason(expression: str, reason: str) -> None:
    with pytest.raises(FunctionLoadError) as refused:
        Schedule.parse(expression)
    assert reason in str(refused.value)
