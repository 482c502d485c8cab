import sqlite3
from pathlib import Path

import pytest

from local.events.journal import Journal, Told


def test_a_full_disk_costs_what_was_being_written_and_nothing_else(tmp_path: Path) -> None:
    many = [Told(f"{number:04}.jpg" + "x" * 900, "0x1") for number in range(500)]
    with Journal(tmp_path / "told.db", "images") as journal:
        journal.record_told([Told("kept.jpg", "0x1", 1)])
        journal._database.execute("PRAGMA max_page_count = 10")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            journal.record_told(many)
        journal._database.execute("PRAGMA max_page_count = 100000")
        assert journal.told(many[0].name) is None
        journal.record_told(many)
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
