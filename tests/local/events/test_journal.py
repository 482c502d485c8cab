import sqlite3
from pathlib import Path

import pytest

from local.events.journal import EVENTS, UPLOADS, Changes, Journal, Told
from local.events.outbox import Outbox


def test_a_full_disk_costs_what_was_being_written_and_nothing_else(tmp_path: Path) -> None:
    many = [Told(f"{number:04}.jpg" + "x" * 900, "0x1") for number in range(500)]
    with Journal(tmp_path / "told.db", "images") as journal:
        journal.record(Changes(told=[Told("kept.jpg", "0x1", 1)]))
        journal._database.execute("PRAGMA max_page_count = 10")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            journal.record(Changes(told=many))
        journal._database.execute("PRAGMA max_page_count = 100000")
        assert journal.told(many[0].name) is None
        journal.record(Changes(told=many))
        assert [journal.told(name) for name in ("kept.jpg", many[-1].name)] == [Told("kept.jpg", "0x1", 1), many[-1]]


def test_a_baseline_that_was_broken_off_is_none(tmp_path: Path) -> None:
    def listed() -> list[Told]:
        raise KeyboardInterrupt

    with Journal(tmp_path / "told.db", "images") as journal:
        with pytest.raises(KeyboardInterrupt):
            journal.record_baseline(told for _ in range(2) for told in listed())
        assert not journal.has_baseline()
        journal.record_baseline([Told("a.jpg", "0x1")])
        assert journal.has_baseline()


def test_a_change_is_noted_with_its_events_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "told.db"
    changes = Changes(told=[Told("new.jpg", "0x1")], gone=["old.jpg"], uploads=[{"id": "1"}], events=[{"id": "2"}])
    with Journal(path, "images") as journal, Outbox(path, UPLOADS) as uploads, Outbox(path, EVENTS) as events:
        journal.record(Changes(told=[Told("old.jpg", "0x0")]))
        journal._database.execute("CREATE TRIGGER fail BEFORE INSERT ON due BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(sqlite3.IntegrityError):
            journal.record(changes)
        assert (journal.told("new.jpg"), journal.told("old.jpg")) == (None, Told("old.jpg", "0x0"))
        journal._database.execute("DROP TRIGGER fail")
        journal.record(changes)
        assert (journal.told("new.jpg"), journal.told("old.jpg")) == (Told("new.jpg", "0x1"), None)
        assert [each.event for each in uploads.due(0, 10)] == [{"id": "1"}]
        assert [each.event for each in events.due(0, 10)] == [{"id": "2"}]
