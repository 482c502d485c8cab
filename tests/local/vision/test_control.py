"""Statistics, the hold and the faults, over the control address."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.vision_calls import Caller, inner_code, picture

from local.vision.calls import LEDGER_NAME, CallLogInUseError
from local.vision.faults import FaultDice, Latency, parse_faults
from local.vision.server import RunningVision, running_vision

WAIT_SECONDS = 110.0


def stats(caller: Caller) -> dict[str, Any]:
    """Return the statistics by operation."""
    operations: dict[str, Any] = caller.control("GET", "stats").json()["operations"]
    return operations


def test_statistics_count_answers_paid_calls_transactions_and_images(caller: Caller) -> None:
    data = picture()
    caller.post("analyze", data)
    caller.post("analyze", data)
    caller.post("analyze", b"no image")
    caller.get("models")
    caller.post("models/landmarks/analyze", data)
    digest = sha256(data).hexdigest()

    assert stats(caller) == {
        "analyze": {"status": {"200": 2, "400": 1}, "paid": 2, "transactions": 3, "bodies": [digest, digest]},
        "models": {"status": {"200": 1}, "paid": 0, "transactions": 0, "bodies": []},
        "domain": {"status": {"200": 1}, "paid": 1, "transactions": 1, "bodies": [digest]},
    }


@pytest.mark.parametrize(
    ("path", "query", "line", "transactions"),
    [
        ("analyze", "", "Categories=1,Transaction=1", 1),
        ("analyze", "visualFeatures=Tags,Objects,Description", "Description=1,Objects=1,Tags=1,Transaction=1", 3),
        (
            "analyze",
            "visualFeatures=Categories,Tags&details=Landmarks,Celebrities",
            "Categories=1,Celebrities=1,Landmarks=1,Tags=1,Transaction=1",
            4,
        ),
        ("generateThumbnail", "width=10&height=10", "GenerateThumbnail=1,Transaction=1", 1),
        ("areaOfInterest", "", "AreaOfInterest=1,Transaction=1", 1),
        ("models/landmarks/analyze", "", "Landmarks=1,Transaction=1", 1),
        ("describe", "maxCandidates=0", "Transaction=1", 1),
    ],
)
def test_each_answer_is_billed_as_its_line_says(
    path: str, query: str, line: str, transactions: int, caller: Caller
) -> None:
    answer = caller.post(path, picture(), query=query)
    assert answer.headers["CSP-Billing-Usage"].replace("CognitiveServices.ComputerVision.", "") == line
    (counted,) = stats(caller).values()
    assert counted["transactions"] == transactions


@pytest.mark.parametrize(
    ("faults", "transactions"),
    [({}, 7), ({"status": {"503": 1}}, 4), ({"status": {"502": 1}}, 0), ({"throttle_every": {"tag": 1}}, 5)],
    ids=str,
)
def test_failures_of_the_service_are_billed_and_those_of_the_gateway_are_not(
    faults: object, transactions: int, caller: Caller
) -> None:
    caller.control("PUT", "faults", faults)
    for data in (picture(), b"no image"):
        for path, query in (("tag", ""), ("analyze", "visualFeatures=Tags,Objects,Description,Color")):
            caller.post(path, data, query=query)
    assert sum(each["transactions"] for each in stats(caller).values()) == transactions


def test_what_an_earlier_version_counted_has_one_transaction_for_each_paid_call(tmp_path: Path) -> None:
    (tmp_path / "vision").mkdir()
    lines = [{"operation": "tag", "status": 200, "paid": "ab"}, {"operation": "tag", "status": 400}]
    (tmp_path / "vision" / LEDGER_NAME).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with running_vision(state=tmp_path) as service:
        assert service.stats()["tag"]["transactions"] == 1


def test_refused_keys_are_counted_and_unknown_paths_are_not(vision: RunningVision, caller: Caller) -> None:
    with Caller(vision.url, "wrong") as stranger:
        stranger.post("tag", picture())
        stranger.post("nonsense", picture())

    assert stats(caller) == {"tag": {"status": {"401": 1}, "paid": 0, "transactions": 0, "bodies": []}}


def test_a_multipart_image_is_known_by_the_hash_of_its_part(caller: Caller) -> None:
    data = picture(kind="PNG")
    caller.post("tag", content_type="", files={"f": ("a.png", data)})

    assert stats(caller)["tag"]["bodies"] == [sha256(data).hexdigest()]


def test_deleting_the_statistics_starts_anew(caller: Caller) -> None:
    caller.post("tag", picture())
    assert caller.control("DELETE", "stats").status_code == 204

    assert stats(caller) == {}


def test_each_call_with_an_id_of_the_clients_own_is_listed_and_outlives_the_service(tmp_path: Path) -> None:
    data = picture()
    with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
        client.post("tag", data)  # without an id
        client.post("tag", data, headers={"x-ms-client-request-id": "one"})
        client.post("tag", b"no image", headers={"x-ms-client-request-id": "two"})
        told = client.control("GET", "calls").json()["calls"]
    one = {"operation": "tag", "status": 200, "transactions": 1, "paid": sha256(data).hexdigest(), "id": "one"}
    assert told == [one, {"operation": "tag", "status": 400, "transactions": 1, "id": "two"}]
    with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
        assert service.calls() == told
        client.control("DELETE", "stats")
        assert service.calls() == []


def test_statistics_outlive_the_service(tmp_path: Path) -> None:
    for _ in range(2):
        with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
            client.post("tag", picture())

    with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
        assert stats(client)["tag"]["paid"] == 2
        client.control("DELETE", "stats")
    with running_vision(state=tmp_path) as service:
        assert service.stats() == {}


def test_half_a_line_left_by_a_kill_is_dropped(tmp_path: Path) -> None:
    ledger = tmp_path / "vision" / LEDGER_NAME
    for _ in range(2):
        with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
            client.post("tag", picture())
        with ledger.open("ab") as file:
            file.write(b'{"operation": "ta')

    with running_vision(state=tmp_path) as service:
        assert service.stats()["tag"]["paid"] == 2


def test_two_services_never_share_a_state(tmp_path: Path) -> None:
    with (
        running_vision(state=tmp_path),
        pytest.raises(CallLogInUseError, match="give another --state"),
        running_vision(state=tmp_path),
    ):
        pass


def test_a_call_is_counted_before_its_answer_can_be_read(caller: Caller) -> None:
    """Whoever saw any part of an answer finds it in the statistics."""
    for count in range(1, 20):
        answer = caller.post("tag", picture(), stream=True)
        assert stats(caller)["tag"]["paid"] == count
        answer.close()


@contextmanager
def posting(caller: Caller, *operations: str) -> Iterator[list[requests.Response]]:
    """Post to each of *operations* in a thread of its own; the answers are complete at the end of the block."""
    answers: list[requests.Response] = []

    def post(operation: str) -> None:
        with Caller(caller.url, caller.key) as client:
            answers.append(client.post(operation, picture()))

    with ThreadPoolExecutor(max_workers=len(operations)) as pool:
        for operation in operations:
            pool.submit(post, operation)
        yield answers


def test_a_held_call_is_neither_counted_nor_answered_until_it_is_released(
    vision: RunningVision, caller: Caller
) -> None:
    caller.control("PUT", "hold", {"operations": ["analyze"]})
    with posting(caller, "analyze", "analyze") as answers:
        assert vision.hold.wait_until_waiting("analyze", 2, WAIT_SECONDS)
        assert caller.control("GET", "hold").json() == {"operations": ["analyze"], "waiting": {"analyze": 2}}
        assert caller.post("tag", picture()).status_code == 200
        assert "analyze" not in stats(caller)
        assert answers == []
        caller.control("DELETE", "hold")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert stats(caller)["analyze"]["paid"] == 2
    assert caller.control("GET", "hold").json() == {"operations": [], "waiting": {}}


def test_an_empty_hold_holds_every_operation_but_refused_calls_pass(vision: RunningVision, caller: Caller) -> None:
    caller.control("PUT", "hold", {})
    assert inner_code(caller.post("analyze", b"no image")) == "InvalidImageFormat"
    assert caller.get("models").status_code == 200
    with posting(caller, "generateThumbnail?width=60&height=60", "detect"):
        assert vision.hold.wait_until_waiting("generateThumbnail", 1, WAIT_SECONDS)
        assert vision.hold.wait_until_waiting("detect", 1, WAIT_SECONDS)
        caller.control("PUT", "hold", {"operations": []})


@pytest.mark.parametrize("content", [[], {"operations": ["ocr"]}, {"operations": "analyze"}, {"calls": 1}, None])
def test_a_hold_of_nothing_known_is_refused(caller: Caller, content: object) -> None:
    answer = caller.control("PUT", "hold", content)

    assert answer.status_code == 400
    assert "analyze" in answer.json()["error"]["message"] or content is None


def test_stopping_lets_held_calls_come_to_their_end() -> None:
    with running_vision() as service, Caller(service.url, service.key) as client:
        service.hold.set({})
        with posting(client, "tag") as answers:
            assert service.hold.wait_until_waiting("tag", 1, WAIT_SECONDS)
            assert service.server.stop()
    assert [answer.status_code for answer in answers] == [200]


def test_faults_are_shown_and_cleared(caller: Caller) -> None:
    asked = {
        "rate": {"calls": 10, "seconds": 1, "kind": "sliding"},
        "status": {"500": 0.25},
        "latency_seconds": {"median": 0.1, "p99": 0.5},
        "throttle_every": {"readResult": 2, "analyze": 10},
        "seed": 7,
    }
    assert caller.control("PUT", "faults", asked).status_code == 204
    assert asked.items() <= caller.control("GET", "faults").json().items()

    caller.control("DELETE", "faults")
    assert caller.control("GET", "faults").json()["status"] == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"resets": 1}, "'resets' is not a fault: use any of rate, retry_after, throttle_every, status, reset,"),
        ({"reset": 1.5}, "'reset' is 1.5: a number from 0 to 1 is required"),
        ({"drip": True}, "'drip' is True: a number from 0 to 1"),
        ({"status": {"200": 1}}, "a status from 400 to 599"),
        ({"status": {"500": 0.6, "503": 0.6}}, "add up to 1.2: at most 1"),
        ({"rate": {"calls": 0, "seconds": 1}}, "'rate.calls' is 0"),
        ({"rate": {"calls": 1}}, '"seconds": 1, "kind": "bucket"} is required'),
        ({"rate": {"calls": 1, "seconds": 1, "kind": "leaky"}}, "use bucket, fixed, sliding"),
        ({"throttle_every": 2}, 'an object such as {"readResult": 2} is required'),
        ({"throttle_every": {"poll": 2}}, "'throttle_every' has 'poll': use any of analyze,"),
        ({"throttle_every": {"readResult": 0}}, "'throttle_every.readResult' is 0"),
        ({"throttle_every": {"readResult": 1.5}}, "a whole number is required"),
        ({"retry_after": "never"}, "use header, text, date, none"),
        ({"latency_seconds": {"median": 2, "p99": 1}}, "'latency_seconds.p99' is 1"),
        ({"latency_seconds": -1}, "a number from 0 to 600"),
        ({"outage_until": "noon"}, "'outage_until' is 'noon'"),
        ({"seed": 1.5}, "a whole number is required"),
        ({"read_seconds": -1}, "a number from 0 to 600"),
        ({"read_failed": 2}, "a number from 0 to 1"),
        ([], "An object with any of rate,"),
    ],
)
def test_faults_that_cannot_be_are_refused_with_what_can(caller: Caller, content: object, says: str) -> None:
    answer = caller.control("PUT", "faults", content)

    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert caller.control("GET", "faults").json()["reset"] == 0


def test_an_unknown_control_address_says_what_there_is(caller: Caller) -> None:
    answer = caller.control("POST", "stats")

    assert answer.status_code == 404
    assert "GET or DELETE /_control/stats" in answer.json()["error"]["message"]


@pytest.mark.parametrize("status", [400, 401, 403, 408, 429, 500, 502, 503, 504, 599])
def test_any_status_can_be_had(vision: RunningVision, caller: Caller, status: int) -> None:
    vision.set_faults(status={str(status): 1})

    assert caller.post("tag", picture()).status_code == status
    tag = stats(caller)["tag"]
    assert (tag["status"], tag["paid"], tag["bodies"]) == ({str(status): 1}, 0, [])


def test_gateway_errors_are_html_and_the_services_own_are_json(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(status={"502": 1})
    assert caller.post("tag", picture()).text.startswith("<html>")

    vision.set_faults(status={"503": 1})
    assert caller.post("tag", picture()).json()["error"]["code"] == "ServiceUnavailable"


def test_every_second_call_of_one_operation_is_throttled_and_no_other(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(throttle_every={"tag": 2})
    answers = []
    for _ in range(3):
        answers += [caller.post("tag", picture()), caller.post("describe", picture())]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 200]
    assert answers[2].headers["Retry-After"] == "1"
    tag = stats(caller)["tag"]
    assert (tag["status"], tag["paid"]) == ({"200": 2, "429": 1}, 2)


def test_a_seed_makes_faults_happen_again(vision: RunningVision, caller: Caller) -> None:
    def statuses(seed: int) -> list[int]:
        vision.set_faults(status={"500": 0.3, "503": 0.3}, seed=seed)
        return [caller.get("models").status_code for _ in range(40)]

    first = statuses(1)
    assert {200, 500, 503} == set(first)
    assert statuses(1) == first
    assert statuses(2) != first


def test_one_fault_does_not_shift_the_others() -> None:
    alone = FaultDice(parse_faults({"reset": 0.3, "seed": 5}))
    together = FaultDice(parse_faults({"reset": 0.3, "drip": 0.5, "status": {"500": 0.2}, "seed": 5}))

    assert [alone.strike().reset for _ in range(100)] == [together.strike().reset for _ in range(100)]


def test_faults_come_as_often_as_asked_for() -> None:
    dice = FaultDice(parse_faults({"status": {"500": 0.1, "503": 0.3}, "seed": 1}))
    drawn = Counter(dice.strike().status for _ in range(10_000))

    assert drawn[500] == pytest.approx(1000, rel=0.15)
    assert drawn[503] == pytest.approx(3000, rel=0.15)


def test_latencies_follow_their_median_and_99th_percentile() -> None:
    dice = FaultDice(parse_faults({"latency_seconds": {"median": 0.4, "p99": 2.0}, "seed": 1}))
    drawn = sorted(dice.strike().latency_seconds for _ in range(20_000))

    assert drawn[10_000] == pytest.approx(0.4, rel=0.05)
    assert drawn[19_800] == pytest.approx(2.0, rel=0.15)
    assert parse_faults({"latency_seconds": 0.5}).latency == Latency(0.5, 0.5)


def test_a_latency_delays_the_count_and_the_answer(
    vision: RunningVision, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(vision.server.service.admission.stopping, "wait", waited.append)
    vision.set_faults(latency_seconds=0.7)
    caller.post("tag", picture())

    assert waited == [0.7]


def test_an_outage_answers_503_until_its_end() -> None:
    now = [1000.0]
    with running_vision(wall_clock=lambda: now[0]) as service, Caller(service.url, service.key) as client:
        service.set_faults(outage_until=2000)
        assert client.post("tag", picture()).status_code == 503
        now[0] = 2000.0
        assert client.post("tag", picture()).status_code == 200


def test_a_reset_strikes_before_counting(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(reset=1)
    with pytest.raises(requests.ConnectionError):
        caller.post("tag", picture())

    assert stats(caller) == {}


def test_a_reset_in_the_body_strikes_after_counting(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(reset_body=1)
    with pytest.raises(requests.RequestException):
        caller.post("tag", picture())

    assert stats(caller)["tag"]["paid"] == 1


def test_broken_json_is_well_formed_http(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(broken_json=1)
    answer = caller.post("tag", picture())

    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert stats(caller)["tag"]["paid"] == 1


def test_a_thumbnail_is_not_broken_as_json(vision: RunningVision, caller: Caller) -> None:
    vision.set_faults(broken_json=1)

    assert caller.post("generateThumbnail", picture(), query="width=50&height=50").content.endswith(b"\xff\xd9")


def test_a_dripping_answer_comes_byte_by_byte_and_at_once_when_the_service_stops() -> None:
    with running_vision() as service, Caller(service.url, service.key) as client:
        service.set_faults(drip=1)
        answer = client.post("tag", picture(), stream=True)
        assert len(answer.raw.read1(1024)) < int(answer.headers["Content-Length"])
        stopping = threading.Thread(target=service.server.stop)
        stopping.start()
        rest = answer.raw.read()
        stopping.join()

    assert rest.endswith(b"}")


def test_keys_are_valid_from_the_next_call_on_and_only_those_that_were_put(vision: RunningVision) -> None:
    with Caller(vision.url, vision.key) as first, Caller(vision.url, "other") as other:

        def statuses() -> list[int]:
            return [caller.post("tag", picture()).status_code for caller in (first, other)]

        assert statuses() == [200, 401]
        for keys, expected in (([vision.key, "other"], [200, 200]), (["other"], [401, 200]), ([], [401, 401])):
            assert first.control("PUT", "keys", {"keys": keys}).status_code == 204
            assert first.control("GET", "keys").json() == {"keys": keys}
            assert statuses() == expected
        assert first.control("DELETE", "keys").status_code == 204
        assert statuses() == [200, 401]


@pytest.mark.parametrize("content", [{}, [], {"keys": "one"}, {"keys": [1]}, {"keys": [""]}, {"keys": [], "more": 1}])
def test_what_are_no_keys_changes_nothing(vision: RunningVision, caller: Caller, content: object) -> None:
    answer = caller.control("PUT", "keys", content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadArgument")
    assert caller.control("GET", "keys").json() == {"keys": [vision.key]}
