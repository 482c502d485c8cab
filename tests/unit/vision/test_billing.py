"""What is counted as billed: by the service's own header, else the price of a success, and each page of a Read."""

import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import responses
from doubles.clock import FakeClock
from doubles.fuzz import fuzzed
from doubles.pictures import picture
from doubles.wire import running_wire
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import FEATURES
from shared.errors import BlobsightError, CallsStoppedError, VisionUnavailableError
from shared.images import ImageBytes
from shared.pace.gate import Gate
from shared.pace.slots import Grant, Slot
from shared.transport.http import Reply
from shared.vision import billing, questions
from shared.vision.client import VisionClient
from shared.vision.questions import Question

ENDPOINT = "https://vision.invalid"
BASE = f"{ENDPOINT}/vision/v3.2"
IMAGE = ImageBytes(b"\xff\xd8\xff image")
PREFIX = "CognitiveServices.ComputerVision."
TAGS: dict[str, Any] = {"json": {"tags": []}}
BILLED = {"CSP-Billing-Usage": "CognitiveServices.ComputerVision.Tags=1,CognitiveServices.ComputerVision.Transaction=2"}
READ = f"{BASE}/read/analyzeResults/1"


class Counted:
    """`shared.pace.slots.SlotSource` that remembers what was asked for and what it came to."""

    interval_seconds = 0.0

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.paid = 0
        # Of these, descriptions and text.
        self.described = 0
        self.at_once: list[int] = []

    def reserve(self, asks: Sequence[int], described: Sequence[int] = ()) -> Grant:
        self.asked += asks
        self.paid += sum(asks)
        self.described += sum(described)
        return Grant(tuple(Slot(0.0, *each) for each in zip(asks, described, strict=True)))

    def hold_off(self, seconds: float, *, throttled: bool) -> None:
        return

    def settle(self, transactions: int, described: int = 0, *, at_once: bool = False) -> None:
        self.paid += transactions
        self.described += described
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


def header(*entries: str) -> str:
    return ",".join(PREFIX + entry for entry in entries)


@pytest.mark.parametrize(
    ("told", "usage", "billed"),
    [
        # As captured: an analysis of one feature, an image's address that was refused, a thumbnail.
        (header("Categories=1", "Transaction=1"), {"Categories": 1, "Transaction": 1}, 1),
        (header("Transaction=1"), {"Transaction": 1}, 1),
        (header("GenerateThumbnail=1", "Transaction=1"), {"GenerateThumbnail": 1, "Transaction": 1}, 1),
        (
            header("Description=1", "Objects=1", "Tags=1", "Transaction=1"),
            {"Description": 1, "Objects": 1, "Tags": 1, "Transaction": 1},
            3,
        ),
        (header("Tags=1", "Transaction=3"), {"Tags": 1, "Transaction": 3}, 3),
        (header("Tags=1"), {"Tags": 1}, 1),
        (header("Transaction=0"), {"Transaction": 0}, 0),
        # A list that came in several headers, as HTTP joins them.
        (header("Tags=1") + ", " + header("Color=1", "Transaction=1"), {"Tags": 1, "Color": 1, "Transaction": 1}, 2),
        (" cognitiveservices.computervision.tags = 1 ,\tTRANSACTION=1", {"tags": 1, "Transaction": 1}, 1),
        (header("Tags=1", "tags=1", "Transaction=1", "transaction=1"), {"Tags": 2, "Transaction": 2}, 2),
        (header("Tags=1", "Objects=", "=4", "Faces=-1", "Adult=1.5", "Brands=x", "Color=99999"), {"Tags": 1}, 1),
        ("Tags=1,Objects=\u0661,", {"Tags": 1}, 1),
        (header("Transaction=99999"), {"Transaction": 3}, 3),
        ("nothing of use", {"Transaction": 3}, 3),
        ("", {"Transaction": 3}, 3),
    ],
)
def test_every_entry_of_the_header_is_read_and_without_one_a_success_costs_its_price(
    told: str, usage: dict[str, int], billed: int
) -> None:
    found = billing.usage(Reply(200, {"CSP-Billing-Usage": told}, b""), 3)
    assert (found, billing.billed(found)) == (usage, billed)


@fuzzed
@given(st.text(max_size=300) | st.text(alphabet="Tags.=,019 \t", max_size=300))
def test_whatever_the_header_says_there_is_a_count(told: str) -> None:
    found = billing.usage(Reply(200, {"CSP-Billing-Usage": told}, b""), 1)
    assert all(0 <= count <= 64 * 9999 and len(name) <= 64 for name, count in found.items())
    assert 0 <= billing.billed(found) <= 64 * 9999


@pytest.mark.parametrize(
    ("question", "price"),
    [
        (questions.analyze(["Tags", "Description", "Objects"]), 3),
        (questions.analyze(["Categories", "Tags"], details=["Landmarks", "Celebrities"], language="es"), 4),
        (questions.analyze(FEATURES), len(FEATURES)),
        (questions.analyze([]), 1),
        (questions.describe(description_exclude=["Celebrities"]), 1),
        (questions.thumbnail(200, 150), 1),
        (questions.area_of_interest(), 1),
        (questions.detect(), 1),
        (questions.domain("landmarks"), 1),
        (questions.read(pages="1-5"), 1),
    ],
    ids=lambda value: getattr(value, "text", value),
)
def test_each_feature_and_detail_of_an_analysis_is_a_transaction_and_so_is_any_other_call(
    question: Question, price: int
) -> None:
    assert billing.price(question) == price


@pytest.mark.parametrize(
    ("reply", "paid", "described"),
    [
        (TAGS, 3, 1),
        ({**TAGS, "headers": BILLED}, 2, 0),
        ({**TAGS, "headers": {"CSP-Billing-Usage": f"{PREFIX}Description=1,{PREFIX}Tags=1"}}, 2, 1),
        ({**TAGS, "headers": {"CSP-Billing-Usage": f"{PREFIX}Tags=1"}}, 1, 0),
        ({"status": 400, "json": {"error": {"code": "InvalidRequest", "message": "no"}}}, 0, 0),
        ({"status": 400, "json": {"error": {"code": "InvalidRequest", "message": "no"}}, "headers": BILLED}, 2, 0),
        ({"status": 401}, 0, 0),
    ],
    ids=[
        *("success", "header", "header with a description", "header without transactions"),
        *("refusal", "refusal with header", "wrong key"),
    ],
)
def test_a_call_is_counted_as_the_service_bills_it(
    service: responses.RequestsMock,
    client: VisionClient,
    slots: Counted,
    reply: dict[str, Any],
    paid: int,
    described: int,
) -> None:
    service.post(f"{BASE}/analyze", **reply)
    try:
        client.analyze(IMAGE, ["Tags", "Description", "Objects"])
    except BlobsightError:
        assert reply.get("status", 200) != 200
    assert slots.asked == [3]
    assert (slots.paid, slots.described) == (paid, described)


@pytest.mark.parametrize(
    ("question", "path", "reply"),
    [
        (questions.analyze(["Tags"]), "analyze", TAGS),
        (questions.thumbnail(20, 10), "generateThumbnail", {"body": picture("JPEG", 20, 10)}),
    ],
    ids=["json", "image"],
)
def test_an_answer_tells_what_was_billed_for_it(
    service: responses.RequestsMock, client: VisionClient, question: Question, path: str, reply: dict[str, Any]
) -> None:
    service.post(f"{BASE}/{path}", **reply, headers=BILLED)
    assert client.ask(question, IMAGE).usage == {"Tags": 1, "Transaction": 2}
    service.replace("POST", f"{BASE}/{path}", **reply)
    assert client.ask(question, IMAGE).usage == {"Transaction": 1}


def test_headers_of_one_name_are_read_as_one_list() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for entry in ("Tags=1", "Objects=1", "Transaction=1"):
            handler.send_header("csp-billing-usage", PREFIX + entry)
        body = b'{"tags": []}'
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with running_wire(answer) as wire:
        found = VisionClient(wire.url, "key").ask(questions.analyze(["Tags", "Objects"]), IMAGE)
    assert found.usage == {"Tags": 1, "Objects": 1, "Transaction": 1}
    assert billing.billed(found.usage) == 2


def test_each_attempt_takes_a_turn_and_only_the_answered_one_is_counted(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    for reply in ({"status": 503}, {"status": 429, "headers": {"Retry-After": "3"}}, TAGS):
        service.post(f"{BASE}/analyze", **reply)
    client.analyze(IMAGE, ["Tags", "Objects"])
    assert slots.asked == [2] * 3
    assert slots.paid == 2


def test_asking_what_models_there_are_takes_a_turn_and_is_free(
    service: responses.RequestsMock, client: VisionClient, slots: Counted
) -> None:
    service.get(f"{BASE}/models", json={"models": []}, headers=BILLED)
    client.list_models()
    assert (slots.asked, slots.paid) == ([0], 0)


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
