"""
NCRONTAB expressions, in which a timer trigger says its times: `{second} {minute} {hour} {day} {month} {day-of-week}`.

Syntax: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions. Unlike in cron,
a day must satisfy both the day of the month and the day of the week.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from local.host.errors import FunctionLoadError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# A 29th of February on a given day of the week is up to 40 years away.
MAX_DAYS = 366 * 41


@dataclass(frozen=True)
class Field:
    """One field: its name, the values it takes and, for some, names that stand for them, from *first* on."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[int, ...]:
        """Return the values that *text* stands for, ascending; raises FunctionLoadError."""
        values: set[int] = set()
        for part in text.split(","):
            values.update(self._parse_part(part))
        return tuple(sorted(values))

    def _parse_part(self, part: str) -> range:
        body, slash, step = part.partition("/")
        low, dash, high = body.partition("-")
        if slash and (not step.isdecimal() or int(step) < 1):
            raise self._error(part)
        if body == "*":
            begin, end = self.first, self.last
        else:
            begin = self._value(low, part)
            # A step without an end goes on to the last value.
            end = self._value(high, part) if dash else self.last if slash else begin
        if end < begin:
            raise self._error(part)
        return range(begin, end + 1, int(step) if slash else 1)

    def _value(self, text: str, part: str) -> int:
        name = text[:3].lower()
        if len(text) >= 3 and name in self.names:
            return self.first + self.names.index(name)
        if not text.isdecimal() or not self.first <= int(text) <= self.last:
            raise self._error(part)
        return int(text)

    def _error(self, part: str) -> FunctionLoadError:
        return FunctionLoadError(
            f"schedule: {part!r} is no {self.name}: give *, a number from {self.first} to {self.last}, a range such as "
            f"{self.first}-{self.last}, a list with commas, or a step such as */{min(5, self.last)}"
        )


FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of the week", 0, 6, WEEKDAYS),
)


@dataclass(frozen=True)
class Schedule:
    """The values of each field, ascending; 0 is Sunday."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Parse an expression of six fields, or of five without the seconds; raises FunctionLoadError."""
        parts = text.split()
        if len(parts) == len(FIELDS) - 1:
            parts = ["0", *parts]
        if len(parts) != len(FIELDS):
            raise FunctionLoadError(
                f"schedule {text!r} must have six fields: second minute hour day month day-of-week, for example "
                "0 30 4 * * * for 4:30 each day"
            )
        schedule = cls(*(field.parse(part) for field, part in zip(FIELDS, parts, strict=True)))
        if schedule.next_after(datetime(2000, 1, 1)) is None:
            raise FunctionLoadError(f"schedule {text!r} never happens: there is no such day")
        return schedule

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after *moment*, in its timezone; None if there is none."""
        earliest = moment.replace(microsecond=0) + timedelta(seconds=1)
        for offset in range(MAX_DAYS):
            day = (earliest + timedelta(days=offset)).date()
            if day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays:
                found = self._first_time(time.min if offset else earliest.time())
                if found is not None:
                    return datetime.combine(day, found, moment.tzinfo)
        return None

    def _first_time(self, earliest: time) -> time | None:
        for hour in self.hours:
            if hour < earliest.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (earliest.hour, earliest.minute):
                    continue
                for second in self.seconds:
                    if time(hour, minute, second) >= earliest:
                        return time(hour, minute, second)
        return None
