"""The ledger as it is stored."""

import json
from datetime import UTC, datetime

import pytest

from shared.pace import reservation
from shared.pace.ledger import Ledger, Rate

TEN = Rate(10, 1.0)
NOW = datetime(2026, 1, 30, 12, tzinfo=UTC).timestamp()


def test_a_ledger_is_read_as_it_was_written() -> None:
    ledger, _ = reservation.reserve(Ledger(), NOW, [1] * 3, TEN)
    ledger = reservation.held_off(ledger, NOW, 5.25, TEN, throttled=True)
    ledger, _ = reservation.postponed(ledger, NOW, 0.125, 1, TEN)
    read = Ledger.from_json(ledger.to_json())
    moments = {"next_slot", "not_before", "backlog", "cut_at"}
    for name, value in ledger._asdict().items():
        assert getattr(read, name) == (pytest.approx(value, abs=1e-6) if name in moments else value), name


def test_a_process_of_version_0_1_0_beside_this_one_reads_and_writes_the_same() -> None:
    """Only what a paid slot counts is another number; the old process corrects its own one by what it knows."""
    stored = {
        "nextSlot": "2026-01-30T12:00:00.100000+00:00",
        "notBefore": "1970-01-01T00:00:00.000000+00:00",
        "backlogFrom": "1970-01-01T00:00:00.000000+00:00",
        "backlog": "1970-01-01T00:00:00.000000+00:00",
        "share": 1.0,
        "cutAt": "1970-01-01T00:00:00.000000+00:00",
        "day": "2026-01-30",
        "paidOfDay": 1,
        "month": "2026-01",
        "paidOfMonth": 40,
    }
    ledger, _ = reservation.reserve(Ledger.from_json(json.dumps(stored).encode()), NOW, [3], TEN)
    assert json.loads(ledger.to_json()) == stored | {
        "nextSlot": "2026-01-30T12:00:00.200000+00:00",
        "paidOfDay": 4,
        "paidOfMonth": 43,
        # What that version has counted is taken for the class that costs more.
        "describedOfDay": 1,
        "describedOfMonth": 40,
    }


@pytest.mark.parametrize("told", [None, "3", -1, 2.5, True, [], {}])
def test_a_second_count_that_is_none_takes_nothing_from_what_limits_the_calls(told: object) -> None:
    ledger = Ledger(day="2026-01-30", paid_of_day=7, month="2026-01", paid_of_month=9)
    stored = json.loads(ledger.to_json()) | {"describedOfDay": told, "describedOfMonth": told}
    read = Ledger.from_json(json.dumps(stored).encode())
    assert read == ledger._replace(described_of_day=7, described_of_month=9)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"nextSlot": 5}', b"\xff", Ledger().to_json()[:-20]])
def test_a_ledger_that_cannot_be_read_begins_anew(data: bytes) -> None:
    assert Ledger.from_json(data) == Ledger()
