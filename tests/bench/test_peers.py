"""The peers' benchmark in small: the service breaks as it says, our client stands it, the goals are judged rightly."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.clock import FakeClock

from bench.peers import answers, authority, child, report, rounds
from bench.peers import shelf as shelves
from bench.peers.clients import KEY, PEERS, URL, Target, make
from shared.errors import AnswerTooLargeError, BlobsightError, ConflictError
from shared.images import ImageUrl
from shared.storage.blobs import IfEtag
from shared.transport.http import Transport
from shared.vision.client import VisionClient
from shared.vision.models import Analysis

LOCKS = Path(report.__file__).parent / "locks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rounds.Server]:
    with rounds.serving(authority.make(tmp_path_factory.mktemp("authority"))) as running:
        yield running


@pytest.fixture
def control(server: rounds.Server) -> child.Service:
    service = child.Service(server.ports["http"])
    service.strike("", 0)
    return service


def target(server: rounds.Server, scheme: str = "http", deadline_seconds: float = 20.0) -> Target:
    return Target(f"{scheme}://127.0.0.1:{server.ports[scheme]}", str(server.bundle), deadline_seconds, 4)


def analyze(server: rounds.Server, clock: FakeClock, *, transport: Transport | None = None) -> Analysis:
    client = VisionClient(
        target(server).endpoint,
        KEY,
        transport=transport or Transport(service="Computer Vision", connections=1),
        clock=clock,
    )
    return client.analyze(ImageUrl(URL), ("Tags",))


@pytest.mark.parametrize("fault", answers.TRANSIENT)
def test_each_transient_fault_breaks_a_session_once(server: rounds.Server, control: child.Service, fault: str) -> None:
    ask = make("requests.Session", target(server))
    control.strike(fault, 1)
    with pytest.raises(requests.RequestException) as caught:
        ask(None)
    if fault in answers.STATUSES:
        response = caught.value.response
        assert response is not None
        status, wait = answers.STATUSES[fault]
        assert (response.status_code, response.headers.get("Retry-After")) == (status, wait and str(wait))
    assert len(ask(None)["tags"]) > 20
    assert control.counts()["requests"] == 2


@pytest.mark.parametrize("fault", answers.TRANSIENT)
def test_ours_recovers_from_each_transient_fault(server: rounds.Server, control: child.Service, fault: str) -> None:
    control.strike(fault, 1)
    clock = FakeClock()
    assert len(analyze(server, clock).tags) > 20
    assert control.counts()["requests"] == 2
    assert len(clock.sleeps) == 1


@pytest.mark.parametrize("fault", ["drip in the headers", "drip in the body", "hang"])
def test_ours_ends_at_its_deadline(server: rounds.Server, control: child.Service, fault: str) -> None:
    control.strike(fault)
    outcome = child.watched(make("ours", target(server, deadline_seconds=0.4)), None, 0.4)
    assert outcome["ended"] == "VisionUnavailableError"
    assert 0.3 < outcome["seconds"] < 3


def test_a_call_that_outlasts_its_deadline_is_told(
    server: rounds.Server, control: child.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WATCH_SECONDS", 0.5)
    control.strike("drip in the body")
    outcome = child.watched(make("requests.Session", target(server, deadline_seconds=0.3)), None, 0.3)
    assert outcome["ended"] == "still waiting"
    assert outcome["seconds"] > 0.7
    control.strike("", 0)  # ends what still waits


def test_a_huge_answer_is_poured_out_to_whoever_reads_it_and_ours_does_not(
    server: rounds.Server, control: child.Service
) -> None:
    control.strike("100 MB answer")
    with pytest.raises(AnswerTooLargeError):
        analyze(server, FakeClock())
    asked = control.counts()["requests"]
    assert control.counts()["sent"] < asked * 20 * 2**20
    control.strike("100 MB answer")
    response = requests.post(f"{target(server).endpoint}/vision/v3.2/analyze", data=b"", timeout=30)
    assert len(response.content) == answers.HUGE_BYTES


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cost_of_a_call_is_measured_at_many_threads(
    server: rounds.Server, control: child.Service, scheme: str
) -> None:
    task = {"threads": 4, "calls": 8, "body_bytes": 0, "fault": ""}
    figures = child.cost(make("ours", target(server, scheme)), control, task)
    assert figures["cpu_ms"] > 0
    assert figures["connections"] == 4
    assert control.counts()["requests"] == 8 + 4 * 5


def test_a_new_connection_is_made_for_each_call_where_that_is_measured(
    server: rounds.Server, control: child.Service
) -> None:
    task = {"threads": 1, "calls": 3, "body_bytes": 1000, "fault": "close after each"}
    assert child.cost(make("ours", target(server, "https")), control, task)["connections"] == 3 + 5


def test_a_copy_of_the_body_is_seen(control: child.Service) -> None:
    megabytes = 8
    figures = child.memory(lambda body: len(bytearray(body or b"")), control, {"body_bytes": megabytes * 2**20})
    assert figures["traced_mb"] >= megabytes


def test_every_peer_has_a_lock() -> None:
    assert {path.stem for path in LOCKS.glob("*.txt")} == set(PEERS.values())


def measured(cpu_ms: float, megabytes: float) -> dict[str, list[dict[str, float]]]:
    costs = {cell.name: [{"cpu_ms": cpu_ms}] * 3 for cell in rounds.COSTS}
    return costs | {cell.name: [{"traced_mb": megabytes, "resident_mb": 0.0}] for cell in rounds.MEMORY}


def both(cpu_ms: float, megabytes: float) -> dict[str, dict[str, list[dict[str, float]]]]:
    return dict.fromkeys(("ours", "ours, paced"), measured(cpu_ms, megabytes))


def faults(ours: dict[str, Any]) -> rounds.Faults:
    ended = {"ended": "AnswerTooLargeError", "seconds": 1.0, "resident_mb": 0.0}
    recovered = {fault: {**ended, "ended": ""} for fault in answers.TRANSIENT}
    endured = dict.fromkeys((*answers.TRANSIENT, *answers.ENDLESS), ended)
    return {peer: {"recover": recovered, "endure": {**endured, **ours}} for peer in PEERS}


def test_goals_hold_where_ours_is_cheap_and_are_missed_where_it_is_dear() -> None:
    others = {peer: measured(100.0, 0.0) for peer in PEERS}
    assert all(goal.held for goal in report.cost_goals({**others, **both(14.0, 0.09)}))
    assert not any(goal.held for goal in report.cost_goals({**others, **both(81.0, 0.11)}))


def test_a_ratio_is_of_the_quietest_rounds() -> None:
    """A busy minute makes one or the other dear, and says nothing."""
    cell = rounds.COSTS[0].name
    ours, other = ([{"cpu_ms": value} for value in values] for values in ([9.0, 1.0, 2.0], [2.0, 3.0, 18.0]))
    assert report.ratio({"ours": {cell: ours}, "it": {cell: other}}, cell, "ours", "it") == 0.5


def test_a_fault_that_outlasts_the_deadline_misses_the_goal_by_its_name() -> None:
    assert all(goal.held for goal in report.fault_goals(faults({})))
    late = {"hang": {"ended": "still waiting", "seconds": 7.0, "resident_mb": 0.0}}
    read = {"100 MB answer": {"ended": "AnswerTooLargeError", "seconds": 1.0, "resident_mb": 100.0}}
    missed = [goal for goal in report.fault_goals(faults({**late, **read})) if not goal.held]
    assert [goal.measured for goal in missed] == ["hang", "AnswerTooLargeError, 100.0 MB"]


def test_the_service_answers_what_each_version_can_read() -> None:
    assert "tags" in json.loads(answers.body_for("/vision/v3.2/analyze?x=1"))
    assert "tagsResult" in json.loads(answers.body_for("/computervision/imageanalysis:analyze"))
    for body in (answers.V32, answers.V40):
        assert 1_000 < len(body) < 3_000


def test_ours_raises_its_own_errors_only(server: rounds.Server, control: child.Service) -> None:
    for fault in answers.TRANSIENT:
        control.strike(fault)
        with pytest.raises(BlobsightError):
            analyze(server, FakeClock())


@pytest.mark.parametrize("fault", ["503", "reset"])
def test_ours_recovers_with_its_gate_and_its_books_too(
    server: rounds.Server, control: child.Service, fault: str
) -> None:
    control.strike(fault, 1)
    outcome = child.watched(make("ours, paced", target(server)), None, 20.0)
    assert outcome["ended"] == ""
    assert control.counts()["requests"] == 2


def test_the_shelf_keeps_to_conditions() -> None:
    shelf = shelves.shelf()
    etag = shelf.write("quota", "ledger", b"one", content_type="", condition=IfEtag(None))
    with pytest.raises(ConflictError):
        shelf.write("quota", "ledger", b"two", content_type="", condition=IfEtag(None))
    shelf.write("quota", "ledger", b"three", content_type="", condition=IfEtag(etag))
    blob = shelf.read("quota", "ledger")
    assert blob is not None
    assert blob.data == b"three"
