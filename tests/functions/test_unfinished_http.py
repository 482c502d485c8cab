import asyncio
import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest
from doubles.http_requests import Hub, invocation, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

from shared import names
from shared.errors import ImageRejectedError, StorageError, VisionRefusedError, VisionUnavailableError
from shared.uploads import retry_step, steps
from UnfinishedHttp import main

RED = picture(colour=(200, 0, 0))


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    return hub


def ask(**params: str) -> dict[str, Any]:
    response = answer(request("GET", params=params))
    assert response.status_code == 200, response.get_body()
    return parsed(response)


def retry(body: Mapping[str, Any]) -> func.HttpResponse:
    return answer(request("POST", body, route={"action": "retry"}))


def answer(req: func.HttpRequest) -> func.HttpResponse:
    return asyncio.run(main(req, invocation(), starter="the durable client's binding"))  # type: ignore[arg-type]


def store(app: Parts, name: str, data: bytes = RED) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    steps.process(app.services, name, None)


def shown(listing: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(each["name"], each["step"], each["state"], each["code"]) for each in listing["unfinished"]]


@pytest.fixture
def sick(app: Parts) -> Parts:
    """A text, a picture that is refused, and one that has to wait, beside one that is well."""
    store(app, "well.jpg")
    store(app, "notes.jpg", b"dear diary")
    app.vision.failures = [VisionRefusedError("No.")]
    store(app, "dir/refused ä.jpg", picture(colour=(1, 2, 3)))
    app.vision.failing = VisionUnavailableError("down")
    store(app, "waits.jpg", picture(colour=(0, 200, 0)))
    app.vision.failing = None
    return app


def test_what_is_unfinished_is_listed_with_its_reason(sick: Parts) -> None:
    listing = ask()
    assert shown(listing) == [
        ("dir/refused ä.jpg", "analysis", "failed", "vision_refused"),
        ("notes.jpg", "analysis", "failed", "not_an_image"),
        ("waits.jpg", "analysis", "deferred", "vision_unavailable"),
        ("waits.jpg", "thumbnails", "deferred", "vision_unavailable"),
    ]
    assert listing["continuation"] is None
    waits = listing["unfinished"][2]
    assert waits["until"] > waits["last"]
    assert [each["running"] for each in listing["unfinished"]] == [False] * 4
    assert waits["record"] == "unfinished/analysis/waits.jpg.json"
    assert all(each["message"] and each["action"] for each in listing["unfinished"])


def test_once_its_time_has_passed_a_step_is_said_to_be_tried(sick: Parts) -> None:
    sick.clock.advance(3600)
    failed, _, analysis, thumbnails = ask()["unfinished"]
    assert [(each["until"], each["running"]) for each in (analysis, thumbnails)] == [(None, True)] * 2
    assert (failed["until"], failed["running"]) == (None, False)


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"step": "thumbnails"}, 1),
        ({"state": "failed"}, 2),
        ({"state": "deferred"}, 2),
        ({"code": "not_an_image"}, 1),
        ({"code": "not_an_image", "step": "thumbnails"}, 0),
    ],
)
def test_it_can_be_asked_for_by_step_state_and_code(sick: Parts, params: dict[str, str], count: int) -> None:
    assert len(ask(**params)["unfinished"]) == count


def test_pages_together_are_the_whole_list(sick: Parts) -> None:
    found, continuation = [], None
    for _ in range(9):
        page = ask(limit="1", **({"continuation": continuation} if continuation else {}))
        assert len(page["unfinished"]) <= 1
        found += shown(page)
        continuation = page["continuation"]
        if continuation is None:
            break
    assert found == shown(ask())


def test_what_was_overwritten_or_deleted_is_left_out(sick: Parts) -> None:
    sick.images.write(names.IMAGES, "notes.jpg", RED, content_type="image/jpeg")
    sick.images.delete(names.IMAGES, "waits.jpg")
    assert [name for name, *_ in shown(ask())] == ["dir/refused ä.jpg"]


@pytest.mark.parametrize(
    "params", [{"state": "lost"}, {"step": "colours"}, {"limit": "0"}, {"limit": "201"}, {"x": "1"}]
)
def test_a_wrong_parameter_is_refused(app: Parts, params: dict[str, str]) -> None:
    problem_of(answer(request("GET", params=params)), 400, "bad_parameter")


@pytest.mark.parametrize(("method", "action"), [("GET", "retry"), ("POST", ""), ("POST", "forget"), ("GET", "forget")])
def test_other_actions_are_not_found(app: Parts, method: str, action: str) -> None:
    problem_of(answer(request(method, route={"action": action} if action else {})), 404, "not_found")


def test_one_image_is_tried_again(sick: Parts, hub: Hub) -> None:
    response = retry({"name": "notes.jpg"})
    assert response.status_code == 202
    [retried] = parsed(response)["retried"]
    assert (retried["name"], retried["step"]) == ("notes.jpg", "analysis")
    [(orchestrator, _, task)] = hub.started
    assert (orchestrator, task["name"], task["steps"]) == ("RetryOrchestrator", "notes.jpg", ["analysis"])
    assert ("notes.jpg", "analysis", "deferred", "not_an_image") in shown(ask())


def test_the_seconds_until_then_are_a_short_number(app: Parts, hub: Hub) -> None:
    store(app, "notes.jpg", b"dear diary")
    assert b'"inSeconds": 0}' in retry({"name": "notes.jpg"}).get_body()


def test_a_retry_of_one_image_says_where_its_end_is_told(sick: Parts, hub: Hub) -> None:
    headers = retry({"name": "dir/refused ä.jpg"}).headers
    assert headers["Location"].endswith("/api/images?name=dir%2Frefused%20%C3%A4.jpg&wait=true")
    assert 1 <= int(headers["Retry-After"]) <= 60


def test_the_key_of_the_query_stands_in_that_address_again(sick: Parts, hub: Hub) -> None:
    sent = request("POST", {"name": "notes.jpg"}, route={"action": "retry"}, params={"code": "k/"})
    assert answer(sent).headers["Location"].endswith("/api/images?name=notes.jpg&wait=true&code=k%2F")


@pytest.mark.parametrize("body", [{"all": True}, {"pending": True}, {"code": "not_an_image"}])
def test_a_retry_of_many_has_no_address_to_follow(sick: Parts, hub: Hub, body: dict[str, Any]) -> None:
    """A poller would follow it, and nothing would send the continuation."""
    response = retry(body)
    assert response.status_code == 202
    assert not {"Location", "Retry-After"} & set(response.headers)


def test_one_image_is_tried_again_by_the_word_of_the_first_version(sick: Parts, hub: Hub) -> None:
    response = retry({"blob": "notes.jpg"})
    assert response.status_code == 202
    assert [task["name"] for _, _, task in hub.started] == ["notes.jpg"]


def test_after_a_retry_a_failure_is_no_longer_final(sick: Parts) -> None:
    retry({"name": "dir/refused ä.jpg"})
    outcomes = steps.process(sick.services, "dir/refused ä.jpg", None, only=("analysis",), from_backlog=True)
    assert outcomes[0].state == "done"
    assert all(name != "dir/refused ä.jpg" for name, *_ in shown(ask()))


def test_what_the_service_refused_is_asked_anew(app: Parts) -> None:
    app.vision.failures = [ImageRejectedError("Computer Vision refused the image.", code="image_not_supported")]
    store(app, "odd.jpg")
    before = app.vision.count()["analyze"]
    steps.process(app.services, "odd.jpg", None)
    assert app.vision.count()["analyze"] == before
    retry({"name": "odd.jpg", "step": "analysis"})
    steps.process(app.services, "odd.jpg", None, from_backlog=True)
    assert app.vision.count()["analyze"] == before + 1


def test_all_that_failed_is_tried_again_and_what_waits_is_left_alone(sick: Parts, hub: Hub) -> None:
    assert len(parsed(retry({"all": True}))["retried"]) == 2
    assert {task["name"] for _, _, task in hub.started} == {"notes.jpg", "dir/refused ä.jpg"}


def test_everything_with_a_code_is_tried_again_whether_it_failed_or_waits(sick: Parts, hub: Hub) -> None:
    assert len(parsed(retry({"code": "vision_unavailable"}))["retried"]) == 2
    assert {tuple(task["steps"]) for _, _, task in hub.started} == {("analysis",), ("thumbnails",)}


def test_a_retry_does_not_wait_for_the_appointment_that_sleeps(sick: Parts, hub: Hub) -> None:
    """Its instance is another one than that of the appointment, which would count as under way."""
    retry({"name": "waits.jpg", "step": "thumbnails"})
    retry({"name": "waits.jpg", "step": "thumbnails"})
    assert len({identifier for _, identifier, _ in hub.started}) == 2


def test_a_name_may_stand_in_the_member_blob_too(sick: Parts, hub: Hub) -> None:
    assert parsed(retry({"blob": "notes.jpg"}))["retried"][0]["name"] == "notes.jpg"
    problem_of(retry({"blob": "notes.jpg", "name": "notes.jpg"}), 400, "bad_json")


def test_a_retry_that_is_not_arranged_leaves_the_failure_as_it_is(sick: Parts, hub: Hub) -> None:
    before = ask()
    hub.failing = ConnectionError("refused")
    problem_of(retry({"all": True}), 503, "storage_unavailable")
    assert ask() == before


def test_a_retry_that_dies_before_it_is_written_down_is_made_all_the_same(
    sick: Parts, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: object) -> None:
        raise StorageError("the account is down")

    with monkeypatch.context() as patched:
        patched.setattr("shared.api.unfinished_entries.reopen", die)
        problem_of(retry({"name": "dir/refused ä.jpg"}), 503, "storage_unavailable")
    assert ("dir/refused ä.jpg", "analysis", "failed", "vision_refused") in shown(ask())
    [(_, _, task)] = hub.started
    ended = asyncio.run(retry_step.retry({**task, "crash": None}, "starter"))
    assert ended["state"] == "ended"
    assert ended["steps"] == {"analysis": "done"}


def test_an_appointment_reopens_no_failure_that_came_after_it(sick: Parts, hub: Hub) -> None:
    retry({"name": "dir/refused ä.jpg"})
    [(_, _, task)] = hub.started
    for expected in (1, 0):
        sick.vision.failures = [VisionRefusedError("No.")]
        asyncio.run(retry_step.retry({**task, "crash": None}, "starter"))
        assert 1 - len(sick.vision.failures) == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a.jpg", "all": True},
        {"name": "a.jpg", "blob": "a.jpg"},
        {"blob": "a.jpg", "code": "not_an_image"},
        {"blob": 7},
        {"all": False},
        {"name": 7},
        {"code": ["x"]},
        {"all": True, "steps": "text"},
    ],
)
def test_a_body_that_says_nothing_clear_is_refused(app: Parts, body: dict[str, Any], hub: Hub) -> None:
    problem = problem_of(retry(body), 400, "bad_json")
    assert '{"all": true}' in problem["detail"]
    assert hub.started == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_is_no_object_is_refused(app: Parts, body: bytes) -> None:
    problem_of(answer(request("POST", body, route={"action": "retry"})), 400, "bad_json")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "well.jpg"}, 404, "not_found"),
        ({"name": "nobody.jpg"}, 404, "image_not_found"),
        ({"name": "notes.jpg", "step": "text"}, 404, "not_found"),
        ({"name": "../cache/x"}, 400, "bad_blob_name"),
        ({"name": ""}, 400, "bad_blob_name"),
        ({"blob": ""}, 400, "bad_blob_name"),
        ({"name": "notes.jpg", "step": "colours"}, 400, "bad_parameter"),
    ],
)
def test_what_cannot_be_tried_again_says_why(sick: Parts, body: dict[str, Any], status: int, code: str) -> None:
    problem_of(retry(body), status, code)


def test_a_record_that_cannot_be_read_is_passed_over(sick: Parts) -> None:
    sick.images.write(names.UNFINISHED, "analysis/zzz.json", b"{", content_type=names.JSON)
    assert len(ask()["unfinished"]) == 4
    assert json.dumps(ask())
