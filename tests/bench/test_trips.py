"""The trips through the app: what holds for them however its modules are cut."""

import json
import sys
import threading

import pytest

from bench import trips
from bench.trips import Trip

# What each sends to Computer Vision; all others, whose answer is known, send nothing.
SENT = {
    "upload, 1 analysis and 2 thumbnails": 2,
    "POST /api/describe, new": 1,
    "OcrSubmit": 1,
    "OcrPoll": 1,
}


@pytest.fixture(scope="module")
def found() -> dict[str, Trip]:
    return {trip.name: trip for trip in trips.trips()}


def test_the_same_code_gives_the_same_figures(found: dict[str, Trip]) -> None:
    assert trips.trips() == list(found.values())


def test_no_known_answer_is_asked_for(found: dict[str, Trip]) -> None:
    assert {name: trip.sent for name, trip in found.items() if trip.sent} == SENT
    for new, known in [
        ("upload, 1 analysis and 2 thumbnails", "upload, the same event again"),
        ("POST /api/describe, new", "POST /api/describe, the answer is known"),
    ]:
        assert found[known].calls < found[new].calls
        assert sum(found[known].storage.values()) < sum(found[new].storage.values())


def test_a_first_upload_asks_storage_no_more_often_than_before(found: dict[str, Trip]) -> None:
    # One is the mark of the owner, and one tells the index. The first upload of a process also reads, and the very
    # first writes, when the app first ran, and it makes the blob to which the process adds its lines.
    assert sum(found["upload, 1 analysis and 2 thumbnails"].storage.values()) <= 27 + 2 + 3


def test_a_known_answer_is_one_look(found: dict[str, Trip]) -> None:
    assert found["POST /api/describe, the answer is known"].storage == {"read": 1}


def test_a_thumbnail_that_is_not_sent_is_not_read(found: dict[str, Trip]) -> None:
    assert found["GET /api/thumbnail/{name}, 304"].storage == {"head": 2}
    assert found["GET /api/thumbnail/{name}, stored"].storage == {"head": 1, "read": 1}


def test_what_is_only_looked_at_is_not_written(found: dict[str, Trip]) -> None:
    looks = [trip for name, trip in found.items() if name.startswith("GET ") or name.endswith("again")]
    assert len(looks) == 4
    # An event that comes again tells the index once more, as the try before may have been killed before it did.
    told = {"page", "append"}
    assert {operation for trip in looks for operation in trip.storage} - told <= {"head", "read", "digest"}
    assert [trip.name for trip in looks if told & set(trip.storage)] == ["upload, the same event again"]


def test_every_figure_is_of_a_whole_trip(found: dict[str, Trip]) -> None:
    for trip in found.values():
        assert 1 < trip.rooms <= trip.modules < trip.calls, trip
        assert 1 < trip.deepest < trip.calls, trip
        assert trip.rooms - 1 <= trip.moves <= trip.hops, trip
        assert trip.hops >= trip.modules - 1, trip
        assert sum(trip.storage.values()) > 0, trip


def test_nothing_is_counted_any_longer(found: dict[str, Trip]) -> None:
    assert found
    assert (sys.getprofile(), threading.getprofile()) == (None, None)


def test_both_forms_hold_every_trip(
    found: dict[str, Trip], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trips, "trips", lambda: list(found.values()))
    for arguments in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["trips", *arguments])
        assert trips.main() == 0
    table, _, printed = capsys.readouterr().out.partition("\n[")
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [f"| {name}" for name in found]
    assert json.loads(f"[{printed}") == [trip.as_json() for trip in found.values()]
    upload = json.loads(f"[{printed}")[0]
    assert upload["storage"].pop("all") == sum(upload["storage"].values())


def test_a_trip_that_ends_otherwise_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload never says so itself: it leaves what it could not do for later."""
    monkeypatch.setattr(trips, "_ANSWER", None)
    with pytest.raises(RuntimeError, match=r"upload, .*: left for later is \[\('RetryOrchestrator'"):
        trips.trips()
