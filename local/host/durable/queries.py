"""What the management API asks the store: lists of instances, and what may be purged."""

from collections.abc import Collection
from dataclasses import dataclass

from local.host.durable.instances import FINAL, Instance, Status
from local.host.durable.schema import instance_from
from local.host.durable.store import Store

PURGED_TABLES = ("inbox", "history")


@dataclass(frozen=True)
class Filter:
    """Which instances: of these *statuses* (none: any), created in this time (seconds since 1970), with this prefix."""

    statuses: frozenset[Status] = frozenset()
    created_from: float | None = None
    created_to: float | None = None
    prefix: str = ""

    def condition(self) -> tuple[str, list[str | float]]:
        """Return the SQL condition and its parameters."""
        parts: list[str] = ["true"]
        parameters: list[str | float] = []
        if self.statuses:
            parts.append(f"status IN ({','.join('?' * len(self.statuses))})")
            parameters += sorted(self.statuses)
        if self.created_from is not None:
            parts.append("created >= ?")
            parameters.append(self.created_from)
        if self.created_to is not None:
            parts.append("created <= ?")
            parameters.append(self.created_to)
        if self.prefix:
            parts.append("substr(id, 1, ?) = ?")
            parameters += [len(self.prefix), self.prefix]
        return " AND ".join(parts), parameters


class Queries:
    """Reads and purges instances; to be used in the store's own thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, chosen: Filter, after: str, size: int) -> list[Instance]:
        """Return up to *size* instances by their ids, from behind the id *after*."""
        condition, parameters = chosen.condition()
        rows = self._store.connection.execute(
            f"SELECT * FROM instance WHERE id > ? AND {condition} ORDER BY id LIMIT ?",  # noqa: S608
            [after, *parameters, size],
        )
        return [instance_from(row) for row in rows]

    def purge(self, instance_id: str) -> int:
        """Delete one instance if it has finished; returns how many were deleted."""
        with self._store.transaction():
            instance = self._store.find(instance_id)
            found = [instance_id] if instance is not None and instance.status.is_final else []
            return self._delete(found)

    def purge_by(self, chosen: Filter) -> int:
        """Delete the finished instances of *chosen*; returns how many."""
        statuses = chosen.statuses & FINAL if chosen.statuses else FINAL
        condition, parameters = Filter(statuses, chosen.created_from, chosen.created_to, chosen.prefix).condition()
        if not statuses:
            return 0
        with self._store.transaction() as connection:
            rows = connection.execute(f"SELECT id FROM instance WHERE {condition}", parameters).fetchall()  # noqa: S608
            return self._delete([row[0] for row in rows])

    def _delete(self, instance_ids: Collection[str]) -> int:
        rows = [[instance_id] for instance_id in instance_ids]
        for table in PURGED_TABLES:
            self._store.connection.executemany(f"DELETE FROM {table} WHERE instance = ?", rows)  # noqa: S608
        self._store.connection.executemany("DELETE FROM instance WHERE id = ?", rows)
        return len(rows)
