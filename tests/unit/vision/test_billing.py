"""What is counted as paid: by the service's own header, else every success of a POST, and each page of a Read."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import responses
from doubles.clock import FakeClock

from shared.errors import BlobsightError, CallsStoppedError, VisionUnavailableError
from shared.images import ImageBytes
from shared.pace.gate import Gate
from shared.pace.slots import Grant, Slot
from shared.vision.client import VisionClient

ENDPOINT = "https://vision.invalid"
BASE = f"{ENDPOINT}/vision/v3.2"
IMAGE = ImageBytes(b"\xff\xd8\xff image")
TAGS: dict[str, Any] = {"json": {"tags": []}}
BILLED = {"CSP-Billing-Usage": "CognitiveServices.ComputerVision.Tags=1,CognitiveServices.ComputerVision.Transaction=2"}
READ = f"{BASE}/read/analyzeResults/1"


class Counted:
    """`shared.pace.slots.SlotSource` that remembers what was asked for and what it came to."""

    interval_seconds = 0.0

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.paid = 0
        self.at_once: list[int] = []

    def reserve(self, asks: Sequence[bool]) -> Grant:
        self.asked += asks
        self.paid += sum(asks)
        return Grant(tuple(Slot(0.0, paid) for paid in asks))

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        return

    def settle(self, transactions: int, *, at_once: bool = False) -> None:
        self.paid += transactions
        if at_once:
            self.at_once.append(transactions)


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def slots() -> Counted:
    return Counted()


@pytest.fixture
def client(slots: Counted, clock: FakeClock) -> VisionClient:
    return VisionClient(ENDPOINT, "key", clock=clock, gate=Gate(clock, slots))


@pytest.mark.parametrize(
    ("reply", "paid"),
    [
        (TAGS, 1),
        ({**TAGS, "headers": BILLED}, 2),
        ({**TAGS, "headers": {"CSP-Billing-Usage": "CognitiveServices.ComputerVision.Tags=1"}}, 1),
        ({"status": 400, "json": {"error": {"code": "InvalidRequest", "message": "no"}}}, 0),
        ({"status": 400, "json": {"error": {"code": "InvalidRequest", "message": "no"}}, "headers": BILLED}, 2),
        ({"status": 401}, 0),
    ],
    ids=["success", "header", "header without transactions", "refusal", "refusal with header", "wrong key"],
)
def test_a_call_is_counted_as_the_service_bills_it(
    service: responses.RequestsMock, client: VisionClient, slots: Counted, reply: dict[str, Any], paid: int
) -> None:
    service.post(f"{BASE}/tag", **reply)
    try:
        client.tag(IMAGE)
    except BlobsightError:
        assert reply.get("status", 200) != 200
    assert slots.paid == paid


def test_each_attempt_takes_a_turn_and_only_the_answered_one_is_counted(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    for reply in ({"status": 503}, {"status": 429, "headers": {"Retry-After": "3"}}, TAGS):
        service.post(f"{BASE}/tag", **reply)
    client.tag(IMAGE)
    assert slots.asked == [True] * 3
    assert slots.paid == 1


def test_asking_what_models_there_are_takes_a_turn_and_is_free(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    service.get(f"{BASE}/models", json={"models": []}, headers=BILLED)
    client.list_models()
    assert (slots.asked, slots.paid) == ([False], 0)


def pages(count: int) -> dict[str, Any]:
    return {"status": "succeeded", "analyzeResult": {"readResults": [{"page": page + 1} for page in range(count)]}}


def test_a_reads_pages_are_counted_when_its_result_comes_and_once(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    service.post(f"{BASE}/read/analyze", status=202, headers={"Operation-Location": READ})
    operation = client.read(IMAGE)
    assert slots.paid == 1
    for body in ({"status": "running"}, pages(5), pages(5)):
        service.get(READ, body=json.dumps(body), headers=BILLED)
    for _ in range(3):
        client.get_read_result(operation)
    assert slots.paid == 5
    assert slots.at_once == [4], "pages are many, and must not be forgotten if the process ends"


def test_a_read_of_one_page_costs_nothing_more(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    service.get(READ, body=json.dumps(pages(1)))
    client.get_read_result(READ)
    assert slots.paid == 0


def test_what_is_paid_is_stopped_and_what_was_paid_is_fetched(
    service: responses.RequestsMock, clock: FakeClock
) -> None:
    client = VisionClient(ENDPOINT, "key", clock=clock, gate=Gate(clock, stopped=True))
    service.get(READ, body=json.dumps(pages(1)))
    for ask in (lambda: client.tag(IMAGE), lambda: client.read(IMAGE)):
        with pytest.raises(CallsStoppedError):
            ask()
    assert client.get_read_result(READ).status == "succeeded"
    assert len(service.calls) == 1


def test_the_turn_is_not_waited_for_longer_than_the_setting_says(
    service: responses.RequestsMock, clock: FakeClock
) -> None:
    gate = Gate(clock)
    client = VisionClient(ENDPOINT, "key", clock=clock, timeout_seconds=30, max_wait_seconds=5, gate=gate)
    service.post(f"{BASE}/tag", status=503, headers={"Retry-After": "6"})
    with pytest.raises(VisionUnavailableError) as caught:
        client.tag(IMAGE)
    assert caught.value.retry_after_seconds == 6
    with pytest.raises(BlobsightError) as refused:
        client.tag(IMAGE)
    assert refused.value.retry_after_seconds == 6
    assert len(service.calls) == 1
    assert clock.sleeps == []
