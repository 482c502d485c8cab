"""What is to be done next, by the store: instances with messages, activities, and when the next message is due."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from local.host.durable.instances import Status


@dataclass(frozen=True)
class Work:
    """An activity that is to run; *input* is JSON text."""

    row: int
    instance_id: str
    execution: str
    task_id: int
    name: str
    input: str


class Agenda:
    """Reads one store's tables; *unavailable* are names of functions in lower case whose calls wait."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def due_instances(self, now: float, limit: int, unavailable: Collection[str]) -> list[str]:
        """Return ids of instances with messages that are due, oldest first; not of orchestrators in *unavailable*."""
        rows = self._connection.execute(
            f"""
            SELECT inbox.instance FROM inbox JOIN instance ON instance.id = inbox.instance
            WHERE inbox.due <= ? AND lower(instance.name) NOT IN ({_marks(unavailable)})
            GROUP BY inbox.instance ORDER BY min(inbox.row) LIMIT ?
            """,  # noqa: S608
            [now, *unavailable, limit],
        )
        return [row[0] for row in rows]

    def waiting_work(self, limit: int, unavailable: Collection[str]) -> list[Work]:
        """Return activities that have not finished, oldest first; not those in *unavailable*."""
        rows = self._connection.execute(
            f"""
            SELECT row, instance, execution, task, name, input FROM work
            WHERE lower(name) NOT IN ({_marks(unavailable)}) ORDER BY row LIMIT ?
            """,  # noqa: S608
            [*unavailable, limit],
        )
        return [Work(*row) for row in rows]

    def count_waiting(self, unavailable: Collection[str]) -> dict[str, int]:
        """Return how many instances and activities there are of each name in *unavailable*."""
        rows = self._connection.execute(
            f"""
            SELECT name, count(*) FROM (
                SELECT instance.name AS name FROM instance WHERE status IN ('{Status.PENDING}', '{Status.RUNNING}')
                UNION ALL SELECT work.name FROM work
            ) WHERE lower(name) IN ({_marks(unavailable)}) GROUP BY name
            """,  # noqa: S608
            [*unavailable],
        )
        return dict(rows.fetchall())

    def next_due(self, now: float) -> float | None:
        """Return when the next message after *now* is due; None if there is none."""
        due = self._connection.execute("SELECT min(due) FROM inbox WHERE due > ?", [now]).fetchone()[0]
        return None if due is None else float(due)


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))
