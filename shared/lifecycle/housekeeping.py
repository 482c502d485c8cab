"""
Housekeeping as the platform calls it, once an hour: begin the run that is due.

The comparison is due at the half of RECONCILE_HOUR. An hour that was missed, as the app was stopped, is caught up at
the next. Answers are forgotten hourly, if the time of one has come.
"""

from datetime import datetime, timedelta

from shared import services
from shared.durable.handover import DurableClient
from shared.lifecycle import first_start, forgetting, plans, report
from shared.lifecycle.reconcile_loop import FORGETTING_ID, WHOLE_ID, Plan
from shared.services import App

_MINUTE = 30
# A timer may fire a moment early.
_EARLY = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


async def begin_due(app: App, client: DurableClient) -> None:
    """
    Begin the comparison if it is due, else the forgetting of answers if that is.

    Raises:
        StorageError: storage or the Functions host did not answer; the next hour finds it due again.
    """
    due = await services.in_thread(app.threads, lambda: _due(app))
    if due:
        await plans.begin(client, *due, purge=True)


def _due(app: App) -> tuple[str, Plan] | None:
    first_start.note(app)
    last = report.read(app)["timer"]
    if last is None or _is_over(app, datetime.fromisoformat(last)):
        return WHOLE_ID, plans.by_timer(app)
    return (FORGETTING_ID, plans.forgetting(app)) if forgetting.is_any_due(app) else None


def _is_over(app: App, last: datetime) -> bool:
    """Whether the next comparison is due after the one that began then."""
    now = app.clock.utc()
    # A clock that was put back must not keep it from running until it is there again.
    return last > now + _HOUR or last < moment_before(now + _EARLY, app.settings.reconcile_hour) - _EARLY


def moment_before(now: datetime, hour: int) -> datetime:
    """The last moment, up to now, at which the comparison was to begin."""
    today = now.replace(hour=hour, minute=_MINUTE, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
