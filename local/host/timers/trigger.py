"""Timer-triggered functions: their schedules, and what they are told when they run."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from local.host.app.connections import fill_settings
from local.host.app.converters import Datum, datum
from local.host.app.loader import LoadedFunction
from local.host.app.metadata import Binding
from local.host.timers.ncrontab import Schedule


@dataclass(frozen=True)
class TimerFunction:
    """A function with a timer trigger; *is_monitored* says whether a time missed while the host was away counts."""

    function: LoadedFunction
    schedule: Schedule
    runs_on_startup: bool
    is_monitored: bool

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name


def timer_functions(functions: Iterable[LoadedFunction], environment: Mapping[str, str]) -> list[TimerFunction]:
    """Return the enabled timer-triggered functions."""
    return [
        TimerFunction(
            function,
            timer_schedule(function.metadata.trigger, environment),
            function.metadata.trigger.properties.get("runOnStartup") is True,
            function.metadata.trigger.properties.get("useMonitor") is not False,
        )
        for function in functions
        if function.metadata.trigger.type.lower() == "timertrigger" and not function.metadata.disabled
    ]


def timer_schedule(binding: Binding, environment: Mapping[str, str]) -> Schedule:
    """Return the times of a timer trigger; raises FunctionLoadError for a schedule that cannot be used."""
    return Schedule.parse(fill_settings(binding.text("schedule"), environment))


def timer_datum(last: datetime, following: datetime | None, *, is_past_due: bool) -> Datum:
    """Return what a timerTrigger gets: the time of the *last* run, of the *following* one, and whether it is late."""
    status = {
        "Last": last.isoformat(),
        "LastUpdated": last.isoformat(),
        "Next": following.isoformat() if following else None,
    }
    return datum(
        json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": is_past_due}), "json"
    )
