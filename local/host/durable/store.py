"""
What orchestrations need to survive a kill, in one SQLite file.

`inbox` holds messages to instances, timers included: a timer is a message that is due later. `work` holds activities
that have not finished. A restart needs no recovery: what is in there is simply due.

Methods block on the disk; they may be called from any thread, but from one at a time.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.host.durable.agenda import Work
from local.host.durable.history import Event, sub_orchestration_failed
from local.host.durable.instances import Instance, NewInstance, Parent, Status, new_execution
from local.host.durable.schema import SCHEMA, instance_from
from local.host.durable.turn import Result, Turn


class Store:
    """The file and what is written into it; `Agenda` reads it for the engine, `Queries` for the management API."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        # A caller is told that an instance has started only after this: it must survive a power cut too.
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what the block writes."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def start(self, new: NewInstance, now: float) -> Status | None:
        """Start *new* in place of a finished instance, if there is one; returns the status of one that is not."""
        with self.transaction():
            return self._start(new, now)

    def load_turn(self, instance_id: str, now: float) -> Turn | None:
        """Return what has come in for an instance; None, after throwing it away, if nothing is to be done about it."""
        with self.transaction() as connection:
            instance = self.find(instance_id)
            if instance is None or instance.status.is_final:
                connection.execute("DELETE FROM inbox WHERE instance = ?", [instance_id])
                return None
            # What belongs to an execution of the past, before it continued as new or was replaced.
            connection.execute(
                "DELETE FROM inbox WHERE instance = ? AND execution NOT IN ('', ?)", [instance_id, instance.execution]
            )
            rows = connection.execute(
                "SELECT row, event FROM inbox WHERE instance = ? AND due <= ? ORDER BY due, row", [instance_id, now]
            ).fetchall()
        messages = [json.loads(event) for _, event in rows]
        return Turn(instance, self.history(instance_id), messages, [row for row, _ in rows], now) if rows else None

    def find(self, instance_id: str) -> Instance | None:
        """Return the instance, if there is one."""
        row = self.connection.execute("SELECT * FROM instance WHERE id = ?", [instance_id]).fetchone()
        return instance_from(row) if row else None

    def history(self, instance_id: str) -> list[Event]:
        """Return the events of the instance's present execution."""
        rows = self.connection.execute("SELECT event FROM history WHERE instance = ? ORDER BY row", [instance_id])
        return [json.loads(row[0]) for row in rows]

    def commit(self, result: Result) -> bool:
        """Write down what a turn has come to; false, with nothing written, if the instance is not there any more."""
        turn, now = result.turn, result.turn.now
        before, after = turn.instance, result.instance
        with self.transaction() as connection:
            found = self.find(before.id)
            if found is None or found.execution != before.execution:
                return False
            connection.executemany("DELETE FROM inbox WHERE row = ?", [[row] for row in turn.message_ids])
            self._update(after)
            if result.continues_as_new:
                self._begin_execution(after, now)
            self._append(after.id, result.events)
            for due, event in result.timers:
                self._send(after.id, after.execution, event, due)
            connection.executemany(
                "INSERT INTO work (instance, execution, task, name, input) VALUES (?, ?, ?, ?, ?)",
                [(after.id, after.execution, task.id, task.name, task.input or "null") for task in result.activities],
            )
            for child in result.children:
                self._start_child(child, now)
            if after.parent and result.message_to_parent and self.find(after.parent.id):
                self._send(after.parent.id, after.parent.execution, result.message_to_parent, now)
            if after.status.is_final:
                connection.execute("DELETE FROM inbox WHERE instance = ?", [after.id])
        return True

    def finish_work(self, work: Work, event: Event, now: float) -> None:
        """Take an activity's outcome: its row goes in the same transaction that posts *event*."""
        with self.transaction() as connection:
            deleted = connection.execute("DELETE FROM work WHERE row = ?", [work.row]).rowcount
            if deleted and self.find(work.instance_id) is not None:
                self._send(work.instance_id, work.execution, event, now)

    def send(self, instance_id: str, event: Event, now: float) -> None:
        """Post a message to an instance, whatever execution it is in when the message arrives."""
        self._send(instance_id, "", event, now)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _start(self, new: NewInstance, now: float) -> Status | None:
        existing = self.find(new.id)
        if existing is not None and not existing.status.is_final:
            return existing.status
        for table in ("inbox", "history"):
            self.connection.execute(f"DELETE FROM {table} WHERE instance = ?", [new.id])  # noqa: S608
        parent = new.parent or Parent("", "", "", 0)
        execution = new_execution()
        self.connection.execute(
            "REPLACE INTO instance VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, ?)",
            [
                *(new.id, execution, new.name, new.version, new.input, Status.PENDING, now, now),
                *(parent.id, parent.execution, parent.name, parent.task_id),
            ],
        )
        self._send(new.id, execution, new.started_event(execution, now), now)
        return None

    def _start_child(self, child: NewInstance, now: float) -> None:
        status = self._start(child, now)
        if status is not None and child.parent is not None:
            reason = f"An Orchestration instance with the status {status} already exists."
            failed = sub_orchestration_failed(child.parent.task_id, reason, now)
            self._send(child.parent.id, child.parent.execution, failed, now)

    def _update(self, instance: Instance) -> None:
        self.connection.execute(
            "UPDATE instance SET execution = ?, input = ?, status = ?, custom_status = ?, output = ?, updated = ? "
            "WHERE id = ?",
            [
                *(instance.execution, instance.input, instance.status, instance.custom_status, instance.output),
                *(instance.updated, instance.id),
            ],
        )

    def _begin_execution(self, instance: Instance, now: float) -> None:
        """Forget the history and what was sent to the execution before: it begins anew."""
        self.connection.execute("DELETE FROM history WHERE instance = ?", [instance.id])
        self.connection.execute("DELETE FROM inbox WHERE instance = ? AND execution <> ''", [instance.id])
        new = NewInstance(instance.id, instance.name, instance.input, instance.version, instance.parent)
        self._send(instance.id, instance.execution, new.started_event(instance.execution, now), now)

    def _append(self, instance_id: str, events: Collection[Event]) -> None:
        self.connection.executemany(
            "INSERT INTO history (instance, event) VALUES (?, ?)",
            [(instance_id, json.dumps(event, ensure_ascii=False)) for event in events],
        )

    def _send(self, instance_id: str, execution: str, event: Event, due: float) -> None:
        self.connection.execute(
            "INSERT INTO inbox (instance, execution, event, due) VALUES (?, ?, ?, ?)",
            [instance_id, execution, json.dumps(event, ensure_ascii=False), due],
        )
