"""The contract of Read, with scripted answers: nothing is recognized here."""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.clock import FakeClock
from doubles.documents import DOCUMENTS, PAGE, several, text_pdf, write_script
from doubles.patience import wait_until
from doubles.vision_calls import Caller, encoded, picture
from doubles.wire import running_wire, whole
from PIL import Image

from local.vision.server import RunningVision, running_vision

DATA = picture()
START = 1_800_000_000.0
HOURS = 3600


@pytest.fixture
def clock() -> FakeClock:
    """The service's clock."""
    return FakeClock(START)


@pytest.fixture
def reader(tmp_path: Path, clock: FakeClock) -> Iterator[Caller]:
    """Call a service that knows DATA."""
    write_script(tmp_path, DATA)
    with running(tmp_path, clock) as service, Caller(service.url, service.key) as client:
        yield client


def running(answers: Path, clock: FakeClock) -> Any:
    """Run a service that takes its answers from a directory."""
    return running_vision(answers=[answers], wall_clock=clock.now)


def operation_path(answer: requests.Response) -> str:
    """Return the path below /vision/v3.2/ that an accepted Read names."""
    assert answer.status_code == 202, answer.text
    return answer.headers["Operation-Location"].partition("/vision/v3.2/")[2]


def code(answer: requests.Response) -> str:
    """Return the code of a Read that was refused."""
    assert answer.status_code == 400
    return str(answer.json()["error"]["code"])


def test_an_accepted_read_answers_as_the_captured_service_does(reader: Caller) -> None:
    answer = reader.post("read/analyze", DATA)

    assert answer.status_code == 202
    assert answer.content == b""
    assert answer.headers["Content-Length"] == "0"
    assert "Content-Type" not in answer.headers
    assert "Retry-After" not in answer.headers
    assert answer.headers["CSP-Billing-Usage"] == "CognitiveServices.ComputerVision.Transaction=1"
    identifier = answer.headers["apim-request-id"]
    assert str(uuid.UUID(identifier)) == identifier
    assert answer.headers["Operation-Location"] == f"{reader.url}/vision/v3.2/read/analyzeResults/{identifier}"


def test_the_operation_lies_on_the_host_that_was_called(reader: Caller) -> None:
    answer = reader.post("read/analyze", DATA, headers={"Host": "vision.example:81"})

    assert answer.headers["Operation-Location"].startswith("http://vision.example:81/vision/v3.2/read/analyzeResults/")


def test_a_read_that_succeeded_has_the_result_and_whole_seconds(reader: Caller) -> None:
    answer = reader.get(operation_path(reader.post("read/analyze", DATA)))

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "succeeded",
        "createdDateTime": "2027-01-15T08:00:00Z",
        "lastUpdatedDateTime": "2027-01-15T08:00:00Z",
        "analyzeResult": {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [PAGE]},
    }


def test_a_read_runs_for_as_long_as_was_asked_for(reader: Caller, clock: FakeClock) -> None:
    reader.control("PUT", "faults", {"read_seconds": 12.5})
    path = operation_path(reader.post("read/analyze", DATA))
    clock.advance(12)
    running_still = reader.get(path)
    clock.advance(1)
    ended = reader.get(path).json()

    assert running_still.status_code == 200
    assert running_still.json() == {
        "status": "running",
        "createdDateTime": "2027-01-15T08:00:00Z",
        "lastUpdatedDateTime": "2027-01-15T08:00:00Z",
    }
    assert (ended["status"], ended["lastUpdatedDateTime"]) == ("succeeded", "2027-01-15T08:00:12Z")


def test_a_read_fails_when_it_is_to_and_tells_no_result(reader: Caller) -> None:
    reader.control("PUT", "faults", {"read_failed": 1})
    answer = reader.get(operation_path(reader.post("read/analyze", DATA))).json()

    assert answer["status"] == "failed"
    assert answer.keys() == {"status", "createdDateTime", "lastUpdatedDateTime"}


def test_one_seed_gives_the_same_reads_the_same_durations_whatever_else_is_called(
    vision: RunningVision,
) -> None:
    faults = {"read_seconds": {"median": 2.0, "p99": 15.0}, "read_failed": 0.3, "seed": 5}
    fates = []
    for calls_between in (0, 3):
        vision.set_faults(**faults)
        admission = vision.server.service.admission
        with Caller(vision.url, vision.key) as client:
            drawn = []
            for _ in range(40):
                drawn.append(admission.read_fate())
                for _ in range(calls_between if len(drawn) < 3 else 0):
                    client.get("models")
        fates.append(drawn)

    assert fates[0] == fates[1]
    assert 1.0 < sorted(fate.seconds for fate in fates[0])[20] < 4.0
    assert 4 <= sum(fate.fails for fate in fates[0]) <= 20


def test_an_unknown_operation_and_no_identifier_at_all_are_not_found(reader: Caller) -> None:
    for identifier in (str(uuid.uuid4()), "nonsense"):
        answer = reader.get(f"read/analyzeResults/{identifier}")
        assert answer.status_code == 404
        assert answer.json() == {"error": {"code": "404", "message": "Resource not found"}}


def test_an_operation_is_forgotten_after_48_hours(reader: Caller, clock: FakeClock) -> None:
    path = operation_path(reader.post("read/analyze", DATA))
    clock.advance(48 * HOURS)
    assert reader.get(path).status_code == 200
    clock.advance(1)
    assert reader.get(path).status_code == 404
    reader.post("read/analyze", DATA)
    clock.advance(-1)
    assert reader.get(path).status_code == 404


def test_both_calls_are_counted_and_only_the_accepted_read_is_paid(reader: Caller) -> None:
    path = operation_path(reader.post("read/analyze", DATA))
    reader.get(path)
    reader.get(path)
    reader.post("read/analyze", b"no image")

    assert reader.control("GET", "stats").json()["operations"] == {
        "read": {"status": {"202": 1, "400": 1}, "paid": 1, "transactions": 2, "bodies": [sha256(DATA).hexdigest()]},
        "readResult": {"status": {"200": 2}, "paid": 0, "transactions": 0, "bodies": []},
    }


@pytest.mark.parametrize(("query", "transactions"), [("", 3), ("pages=2-", 2), ("pages=1", 1)])
def test_each_page_that_is_read_is_billed_though_the_line_tells_one(
    tmp_path: Path, clock: FakeClock, query: str, transactions: int
) -> None:
    data = several("TIFF", 3)
    write_script(tmp_path, data, pages=3)
    with running(tmp_path, clock) as service, Caller(service.url, service.key) as caller:
        answer = caller.post("read/analyze", data, query=query)
        assert answer.headers["CSP-Billing-Usage"] == "CognitiveServices.ComputerVision.Transaction=1"
        assert service.stats()["read"]["transactions"] == transactions


def test_of_each_read_is_counted_how_often_it_was_asked_for_and_how_late_its_end_was_told(
    reader: Caller, clock: FakeClock
) -> None:
    reader.control("PUT", "faults", {"read_seconds": 12.5})
    paths = [operation_path(reader.post("read/analyze", DATA)) for _ in range(2)]
    for seconds in (5, 5, 3.25, 60):
        clock.advance(seconds)
        reader.get(paths[0])
    reader.control("PUT", "faults", {"throttle_every": {"readResult": 1}})
    assert reader.get(paths[1]).status_code == 429

    [reading] = reader.control("GET", "stats").json()["readings"].items()
    assert reading == (paths[0].rpartition("/")[2], {"polls": 3, "secondsLate": 0.75})


def test_what_is_counted_of_reads_outlives_the_service_until_it_is_started_anew(
    tmp_path: Path, clock: FakeClock
) -> None:
    write_script(tmp_path / "vision" / "answers", DATA)
    with (
        running_vision(state=tmp_path, wall_clock=clock.now) as service,
        Caller(service.url, service.key) as client,
    ):
        client.control("PUT", "faults", {"read_seconds": 1})
        path = operation_path(client.post("read/analyze", DATA))
        client.get(path)
    clock.advance(3)
    with (
        running_vision(state=tmp_path, wall_clock=clock.now) as service,
        Caller(service.url, service.key) as client,
    ):
        client.get(path)
        readings = client.control("GET", "stats").json()["readings"]
        client.control("DELETE", "stats")
        assert client.control("GET", "stats").json()["readings"] == {}
    assert list(readings.values()) == [{"polls": 2, "secondsLate": 2.0}]


def test_the_key_and_the_rate_hold_for_both_calls(reader: Caller) -> None:
    path = operation_path(reader.post("read/analyze", DATA))
    with Caller(reader.url, "wrong") as stranger:
        assert stranger.post("read/analyze", DATA).status_code == 401
        assert stranger.get(path).status_code == 401
    reader.control("PUT", "faults", {"rate": {"calls": 1, "seconds": 600, "kind": "fixed"}})
    assert reader.get(path).status_code == 200
    assert reader.get(path).status_code == 429
    assert reader.post("read/analyze", DATA).status_code == 429


def test_a_read_can_be_held_like_every_call_that_is_paid(reader: Caller) -> None:
    assert reader.control("PUT", "hold", {"operations": ["read"]}).status_code == 204
    with ThreadPoolExecutor(max_workers=1) as pool, Caller(reader.url, reader.key) as other:
        answer = pool.submit(other.post, "read/analyze", DATA)
        wait_until(lambda: reader.control("GET", "hold").json()["waiting"] == {"read": 1})
        assert "read" not in reader.control("GET", "stats").json()["operations"]
        reader.control("DELETE", "hold")
        assert answer.result().status_code == 202


def test_the_answer_of_an_accepted_read_can_be_lost_after_it_was_paid(vision: RunningVision) -> None:
    vision.set_faults(reset_body=1.0)
    with Caller(vision.url, vision.key) as client, pytest.raises(requests.ConnectionError):
        client.post("read/analyze", DATA)
    assert vision.stats()["read"]["paid"] == 1


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_format_is_accepted(reader: Caller, kind: str) -> None:
    assert reader.post("read/analyze", DOCUMENTS[kind]).status_code == 202


def test_a_picture_that_mentions_a_pdf_is_still_a_picture_and_a_pdf_may_follow_a_few_bytes(reader: Caller) -> None:
    commented = encoded(Image.new("RGB", (120, 90)), "JPEG", comment=b"made from %PDF-1.7")
    assert reader.post("read/analyze", commented).status_code == 202
    assert reader.post("read/analyze", b"\n\n" + DOCUMENTS["PDF"]).status_code == 202


def test_a_document_may_come_in_chunks_and_by_the_address_of_this_machine(reader: Caller) -> None:
    assert reader.post("read/analyze", iter([DATA[:100], DATA[100:]])).status_code == 202
    with running_wire(whole(200, DATA, Connection="close")) as files:
        answer = reader.post_url("read/analyze", f"{files.url}/sign.jpg")
        assert reader.get(operation_path(answer)).json()["analyzeResult"]["readResults"] == [PAGE]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "InvalidImageSize"),
        (b"no image", "InvalidImageFormat"),
        (picture(kind="GIF"), "UnsupportedImageFormat"),
        (DATA[: len(DATA) // 2], "InvalidImageFormat"),
        (picture(49, 60), "InvalidImageDimension"),
        (encoded(Image.new("1", (10_001, 60)), "PNG"), "InvalidImageDimension"),
        (encoded(Image.new("L", (40, 90)), "TIFF"), "InvalidImageDimension"),
        (b"II*\0cut off", "InvalidImageFormat"),
        (b"%PDF-1.7 cut off", "InvalidImageFormat"),
    ],
)
def test_documents_that_cannot_be_read_are_refused_unpaid(reader: Caller, data: bytes, expected: str) -> None:
    assert code(reader.post("read/analyze", data)) == expected
    assert reader.control("GET", "stats").json()["operations"]["read"]["paid"] == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("language=xx", "NotSupportedLanguage"),
        ("pages=0", "InvalidPageRange"),
        ("pages=3-2", "InvalidPageRange"),
        ("pages=-", "InvalidPageRange"),
        ("pages=1,,2", "InvalidPageRange"),
        ("pages=one", "InvalidPageRange"),
        ("pages=2", "InvalidPageRange"),
        ("readingOrder=random", "InvalidReadingOrder"),
        ("model-version=2019-01-01", "BadArgument"),
    ],
)
def test_bad_parameters_are_named_by_their_code_alone(reader: Caller, query: str, expected: str) -> None:
    answer = reader.post("read/analyze", DATA, query=query)

    assert code(answer) == expected
    assert answer.json()["error"].keys() == {"code", "message"}


@pytest.mark.parametrize(
    "query",
    [
        "language=en&model-version=latest&readingOrder=basic",
        "language=zh-Hans&model-version=2022-01-30-preview&readingOrder=natural&pages=1",
        "unknown=1",
    ],
)
def test_good_parameters_are_taken(reader: Caller, query: str) -> None:
    assert reader.post("read/analyze", DATA, query=query).status_code == 202


def test_the_model_version_that_was_asked_for_is_told(reader: Caller) -> None:
    path = operation_path(reader.post("read/analyze", DATA, query="model-version=2021-04-12"))

    assert reader.get(path).json()["analyzeResult"]["modelVersion"] == "2021-04-12"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", "image/jpeg", ""])
def test_other_media_types_are_unsupported(reader: Caller, content_type: str) -> None:
    answer = reader.post("read/analyze", DATA, content_type=content_type)

    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "UnsupportedMediaType"


def test_addresses_of_other_machines_are_refused_without_a_connection(reader: Caller) -> None:
    assert code(reader.post_url("read/analyze", "http://192.0.2.1/a.jpg")) == "InvalidImageUrl"
    assert code(reader.post("read/analyze", b"{", content_type="application/json")) == "BadArgument"


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [("", [1, 2, 3, 4]), ("2", [2]), ("-2", [1, 2]), ("3-", [3, 4]), ("4,1-2,2", [1, 2, 4]), ("3-99", [3, 4])],
)
def test_only_the_pages_that_are_asked_for_are_told(
    tmp_path: Path, clock: FakeClock, kind: str, asked: str, told: list[int]
) -> None:
    data = several(kind, 4)
    write_script(tmp_path, data, pages=4)
    with running(tmp_path, clock) as service, Caller(service.url, service.key) as client:
        path = operation_path(client.post("read/analyze", data, query=f"pages={asked}" if asked else ""))
        pages = client.get(path).json()["analyzeResult"]["readResults"]

    assert [page["page"] for page in pages] == told


def test_a_script_that_cannot_be_used_is_a_500(reader: Caller, tmp_path: Path) -> None:
    data = text_pdf("Hello")
    (tmp_path / f"{sha256(data).hexdigest()}.json").write_text("[]")
    answer = reader.post("read/analyze", data)

    assert answer.status_code == 500
    assert re.search(sha256(data).hexdigest(), answer.json()["error"]["message"])


def test_an_operation_outlives_the_service(tmp_path: Path, clock: FakeClock) -> None:
    write_script(tmp_path / "vision" / "answers", DATA)
    with (
        running_vision(state=tmp_path, wall_clock=clock.now) as service,
        Caller(service.url, service.key) as client,
    ):
        client.control("PUT", "faults", {"read_seconds": 60})
        path = operation_path(client.post("read/analyze", DATA))
    with (
        running_vision(state=tmp_path, wall_clock=clock.now) as service,
        Caller(service.url, service.key) as client,
    ):
        assert client.get(path).json()["status"] == "running"
        clock.advance(60)
        assert client.get(path).json()["analyzeResult"]["readResults"] == [PAGE]
