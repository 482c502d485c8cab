"""Requests that are not waited for: 202, the address to ask, and what the request itself would have answered."""

import asyncio
import json
import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
import pytest
from doubles.http_requests import Hub, answered, invocation, parsed, problem_of, request
from doubles.operation_runs import run_in
from doubles.parts import Parts, parts
from doubles.pictures import picture

import AnalyzeHttp
import DescribeHttp
import DomainsHttp
import OperationsHttp
import ThumbnailHttp
import UnfinishedHttp
from shared import names, services
from shared.errors import ImageRejectedError, StorageError, ThrottledError, VisionUnavailableError
from shared.images import ImageBytes
from shared.storage.blobs import IfEtag
from shared.vision import questions

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
WEBP = picture("WEBP")
SIZE = {"width": "100", "height": "50", "mode": "vision"}
ASYNC = {"Prefer": "respond-async"}
SIGNED = "https://example.com/private.jpg?sv=2024&sig=S3CRETSIG%2Fabc"


class Asked:
    """A route that can be asked without waiting, with a good request."""

    def __init__(self, folder: Any, method: str = "POST", **sent: Any) -> None:
        self.folder, self.method, self.sent = folder, method, sent

    def ask(
        self, body: bytes | Mapping[str, Any] = b"", *, prefer: str | None = None, **more: str
    ) -> func.HttpResponse:
        headers = {"Prefer": prefer} if prefer is not None else {}
        sent = {**self.sent, "params": {**self.sent.get("params", {}), **more}}
        return answered(self.folder.main, request(self.method, body, headers=headers, **sent))


ANALYZE = Asked(AnalyzeHttp, params={"visualFeatures": "Tags,Color"})
DESCRIBE = Asked(DescribeHttp, params={"maxCandidates": "3"})
DOMAINS = Asked(DomainsHttp, route={"model": "landmarks"})
THUMBNAIL = Asked(ThumbnailHttp, params=SIZE)
CUT = Asked(ThumbnailHttp, params={"width": "20", "height": "20", "mode": "center", "format": "webp"})
NAMED = Asked(ThumbnailHttp, "GET", params=SIZE, route={"name": "a.jpg"})
POSTED = [ANALYZE, DESCRIBE, DOMAINS, THUMBNAIL, CUT]
IDS = ["analyze", "describe", "domains", "thumbnail", "cut thumbnail"]


def upload(app: Parts, data: bytes = RED, name: str = "a.jpg") -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def look(location: str) -> func.HttpResponse:
    path = urlsplit(location).path
    assert path.startswith("/api/operations/op-")
    return answered(OperationsHttp.main, request("GET", route={"id": path.rpartition("/")[2]}))


def told(response: func.HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    """What makes two answers the same."""
    headers = {name: value for name, value in response.headers.items() if name.lower() != "x-correlation-id"}
    return response.status_code, response.get_body(), headers


def accepted(response: func.HttpResponse) -> str:
    """The address that a 202 gives, after what holds for each."""
    assert response.status_code == 202, response.get_body()
    assert response.headers["Preference-Applied"] == "respond-async"
    assert response.headers["Retry-After"] == "1"
    body, location = parsed(response), response.headers["Location"]
    assert body == {"id": urlsplit(location).path.rpartition("/")[2], "state": "running"}
    return location


@pytest.mark.parametrize("asked", POSTED, ids=IDS)
@pytest.mark.parametrize("body", [RED, {"name": "a.jpg"}, {"url": "https://example.com/a.jpg"}], ids=str)
def test_the_end_is_what_the_request_would_have_answered(
    task_hub: Hub, asked: Asked, body: bytes | dict[str, str]
) -> None:
    if asked is CUT and isinstance(body, dict) and "url" in body:
        asked = THUMBNAIL
    ends = []
    for prefer in ("respond-async", None):
        app = parts()
        upload(app)
        with services.replaced(app.services):
            response = asked.ask(body, prefer=prefer)
            if prefer:
                location = accepted(response)
                assert app.vision.asked == []
                under_way = look(location)
                assert (under_way.status_code, parsed(under_way)["state"]) == (202, "running")
                assert under_way.headers["Location"] == location
                assert run_in(task_hub, app)[0]["state"] == "done"
                response = look(location)
            ends.append(told(response))
            assert len(app.vision.asked) == (asked is not CUT)
            assert app.host.contents(names.INPUTS) == app.host.contents(names.KEYS) == {}
    assert ends[0][0] == 200
    assert ends[0][2].get("Content-Type") == ends[1][2].get("Content-Type")
    assert ends[0][1] == ends[1][1]
    assert ends[0][2].keys() == ends[1][2].keys()


@pytest.mark.parametrize("asked", [*POSTED, NAMED], ids=[*IDS, "named thumbnail"])
def test_what_is_known_is_answered_at_once(app: Parts, task_hub: Hub, asked: Asked) -> None:
    upload(app)
    body = b"" if asked is NAMED else RED
    first = asked.ask(body)
    paid = len(app.vision.asked)
    second = asked.ask(body, prefer="respond-async")
    assert told(second)[:2] == told(first)[:2]
    assert "Preference-Applied" not in second.headers
    assert (len(app.vision.asked), task_hub.started) == (paid, [])
    assert app.host.contents(names.INPUTS) == {}


def test_a_caller_who_has_a_thumbnail_already_is_told_so_at_once(app: Parts, task_hub: Hub) -> None:
    upload(app)
    headers = {**ASYNC, "If-None-Match": NAMED.ask().headers["ETag"]}
    sent = request("GET", params=SIZE, route={"name": "a.jpg"}, headers=headers)
    assert answered(ThumbnailHttp.main, sent).status_code == 304


@pytest.mark.parametrize("body", [WEBP, {"name": "a.webp"}], ids=["bytes", "name"])
def test_a_picture_of_which_a_copy_is_sent_is_answered_too(app: Parts, task_hub: Hub, body: Any) -> None:
    upload(app, WEBP, "a.webp")
    location = accepted(DESCRIBE.ask(body, prefer="respond-async"))
    run_in(task_hub, app)
    assert look(location).get_body() == DESCRIBE.ask(body).get_body()
    assert len(app.vision.asked) == 1


def test_a_thumbnail_by_its_name_is_made_too(app: Parts, task_hub: Hub) -> None:
    upload(app)
    location = accepted(NAMED.ask(prefer="respond-async"))
    run_in(task_hub, app)
    made = look(location)
    assert told(made) == told(NAMED.ask())
    assert made.headers["Content-Location"].endswith("/thumbnails/a.jpg/100x50-smart.jpg")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_is_answered_as_ever(app: Parts, task_hub: Hub, method: str) -> None:
    upload(app)
    asked = Asked(ThumbnailHttp, method, params=SIZE, route={"name": "a.jpg"})
    assert asked.ask(prefer="respond-async").status_code == (202 if method == "GET" else 200)


def test_the_same_question_about_the_same_bytes_is_one_operation(app: Parts, task_hub: Hub) -> None:
    locations = {accepted(DESCRIBE.ask(RED, prefer="respond-async")) for _ in range(3)}
    assert len(locations) == len(task_hub.started) == 1
    # Each request has kept its bytes, and deleted them again where another one's operation is under way.
    assert len(app.host.contents(names.INPUTS)) == 1
    others = [
        DESCRIBE.ask(BLUE, prefer="respond-async"),
        DESCRIBE.ask(RED, prefer="respond-async", language="es"),
        ANALYZE.ask(RED, prefer="respond-async"),
        THUMBNAIL.ask(RED, prefer="respond-async"),
        CUT.ask(RED, prefer="respond-async"),
    ]
    assert len({*locations, *map(accepted, others)}) == 1 + len(others)


def test_the_key_of_the_query_goes_along(app: Parts, task_hub: Hub) -> None:
    sent = request(body=RED, headers=ASYNC, params={"code": "k/"})
    assert urlsplit(answered(DescribeHttp.main, sent).headers["Location"]).query == "code=k%2F"


@pytest.mark.parametrize("asked", POSTED, ids=IDS)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"no image", 400, "not_an_image"),
        ({"name": "none.jpg"}, 404, "image_not_found"),
        ({"name": ".."}, 400, "bad_blob_name"),
        (b"", 400, "image_missing"),
    ],
    ids=str,
)
def test_what_the_request_shows_to_be_wrong_is_told_at_once(
    app: Parts, task_hub: Hub, asked: Asked, body: Any, status: int, code: str
) -> None:
    problem_of(asked.ask(body, prefer="respond-async"), status, code)
    assert task_hub.started == []
    assert app.host.contents(names.INPUTS) == {}


def test_a_thumbnail_that_cannot_be_is_refused_at_once(app: Parts, task_hub: Hub) -> None:
    for body in (RED, {"url": "https://example.com/a.jpg"}):
        problem_of(THUMBNAIL.ask(body, prefer="respond-async", height="1025"), 400, "bad_parameter")
    large = Asked(ThumbnailHttp, params={"width": "2000", "height": "50", "mode": "auto"})
    problem_of(large.ask({"url": "https://example.com/a.jpg"}, prefer="respond-async"), 400, "bad_parameter")
    assert task_hub.started == []


def test_a_wait_is_told_with_its_reason_and_its_time(app: Parts, task_hub: Hub) -> None:
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    problem = {"code": "vision_throttled", "status": 429, "message": "later", "action": "Wait.", "requestId": None}
    identifier = urlsplit(location).path.rpartition("/")[2]
    status = {"waitSeconds": 12.5, "problem": problem}
    task_hub.set(identifier, "Running", name="OperationOrchestrator", custom_status=status)
    response = look(location)
    assert parsed(response) == {"id": identifier, "state": "running", **status}
    assert response.headers["Retry-After"] == "13"


def test_what_can_be_mended_by_waiting_is_asked_again_until_it_is_answered(app: Parts, task_hub: Hub) -> None:
    app.vision.failures = [
        ThrottledError("later", retry_after_seconds=90.0),
        VisionUnavailableError("down"),
        VisionUnavailableError("down"),
    ]
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    run_in(task_hub, app)
    assert look(location).status_code == 200
    assert app.clock.now() > 90


def test_what_lasts_for_a_day_ends_with_its_last_reason(app: Parts, task_hub: Hub) -> None:
    app.vision.failing = VisionUnavailableError("down")
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    app.clock.advance(1)
    begun = app.clock.now()
    (end,) = run_in(task_hub, app)
    assert end["state"] == "failed"
    assert app.clock.now() - begun <= timedelta(hours=24).total_seconds()
    problem_of(look(location), 503, "vision_unavailable")
    assert app.host.contents(names.INPUTS) == {}


def test_what_computer_vision_refuses_is_told_as_to_the_request(app: Parts, task_hub: Hub) -> None:
    refusal = ImageRejectedError("Computer Vision refused the image.", code="image_not_supported", request_id="id-1")
    app.vision.failures = [refusal]
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    run_in(task_hub, app)
    document = problem_of(look(location), 400, "image_not_supported")
    assert (document["detail"], document["visionRequestId"]) == (refusal.message, "id-1")
    problem_of(DESCRIBE.ask(RED), 400, "image_not_supported")


@pytest.mark.parametrize("asked", [ANALYZE, THUMBNAIL], ids=["analyze", "thumbnail"])
@pytest.mark.parametrize(("change", "what"), [("deleted", "deleted"), ("other bytes", "overwritten")])
def test_an_image_that_is_another_one_by_then_has_no_answer(
    app: Parts, task_hub: Hub, asked: Asked, change: str, what: str
) -> None:
    upload(app)
    location = accepted(asked.ask({"name": "a.jpg"}, prefer="respond-async"))
    if change == "deleted":
        app.images.delete(names.IMAGES, "a.jpg")
    else:
        upload(app, BLUE)
    run_in(task_hub, app)
    document = problem_of(look(location), 410, "operation_gone")
    assert what in document["detail"]
    assert app.vision.asked == []


@pytest.mark.parametrize("asked", [ANALYZE, THUMBNAIL], ids=["analyze", "thumbnail"])
def test_an_edit_of_the_image_changes_nothing(app: Parts, task_hub: Hub, asked: Asked) -> None:
    upload(app)
    location = accepted(asked.ask({"name": "a.jpg"}, prefer="respond-async"))
    app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "holiday"})
    run_in(task_hub, app)
    assert look(location).status_code == 200


@pytest.mark.parametrize("asked", [ANALYZE, THUMBNAIL], ids=["analyze", "thumbnail"])
def test_an_image_that_is_overwritten_while_it_is_worked_on_has_no_answer(
    app: Parts, task_hub: Hub, asked: Asked
) -> None:
    upload(app)
    location = accepted(asked.ask({"name": "a.jpg"}, prefer="respond-async"))
    look_again = app.images.head

    def overwritten(container: str, name: str) -> Any:
        found = look_again(container, name)
        if container == names.IMAGES:
            app.images.head = look_again  # type: ignore[method-assign]
            upload(app, BLUE)
        return found

    app.images.head = overwritten  # type: ignore[method-assign]
    run_in(task_hub, app)
    problem_of(look(location), 410, "operation_gone")


@pytest.mark.parametrize("asked", POSTED[:4], ids=IDS[:4])
def test_an_answer_that_is_no_longer_kept_is_gone(app: Parts, task_hub: Hub, asked: Asked) -> None:
    location = accepted(asked.ask(RED, prefer="respond-async"))
    run_in(task_hub, app)
    assert look(location).status_code == 200
    app.clock.advance(61)  # the lease of the claim
    for blobs, container in ((app.host, names.CACHE), (app.images, names.THUMBNAILS)):
        for name in list(blobs.contents(container)):
            blobs.delete(container, name)
    document = problem_of(look(location), 410, "operation_gone")
    assert "Send the request again" in document["action"]


def test_an_answer_about_an_address_is_kept_for_five_minutes(app: Parts, task_hub: Hub) -> None:
    location = accepted(DESCRIBE.ask({"url": SIGNED}, prefer="respond-async"))
    run_in(task_hub, app)
    app.clock.advance(299)
    assert look(location).status_code == 200
    app.clock.advance(2)
    problem_of(look(location), 410, "operation_gone")


def test_what_was_sent_and_is_no_longer_kept_is_gone(app: Parts, task_hub: Hub) -> None:
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    for name in list(app.host.contents(names.INPUTS)):
        app.host.delete(names.INPUTS, name)
    run_in(task_hub, app)
    assert "no longer kept" in problem_of(look(location), 410, "operation_gone")["detail"]


@pytest.mark.parametrize(
    "identifier", ["", "op-1", f"op-{'0' * 40}", f"op-{'G' * 40}", f"ocr-{'0' * 40}", "reconcile", "x" * 5000]
)
def test_what_is_no_operation_is_not_found(app: Parts, task_hub: Hub, identifier: str) -> None:
    task_hub.set("reconcile", "Running", name="ReconcileOrchestrator")
    task_hub.set(f"ocr-{'0' * 40}", "Running")
    response = answered(OperationsHttp.main, request("GET", route={"id": identifier}))
    problem_of(response, 404, "operation_not_found")


def test_another_orchestration_is_not_told(app: Parts, task_hub: Hub) -> None:
    task_hub.set(f"op-{'0' * 40}", "Running", name="OcrOrchestrator")
    response = answered(OperationsHttp.main, request("GET", route={"id": f"op-{'0' * 40}"}))
    problem_of(response, 404, "operation_not_found")


@pytest.mark.parametrize(
    ("status", "output", "code", "http"),
    [
        ("Terminated", None, "operation_gone", 410),
        ("Canceled", None, "operation_gone", 410),
        ("Failed", "oh", "internal_error", 500),
        ("Completed", None, "internal_error", 500),
    ],
)
def test_an_instance_without_an_outcome_is_told(
    app: Parts, task_hub: Hub, status: str, output: Any, code: str, http: int
) -> None:
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    identifier = urlsplit(location).path.rpartition("/")[2]
    task_hub.set(identifier, status, name="OperationOrchestrator", output=output)
    problem_of(look(location), http, code)


def test_a_hub_that_takes_nothing_leaves_nothing(app: Parts, task_hub: Hub) -> None:
    task_hub.failing = ConnectionError("refused")
    problem_of(DESCRIBE.ask(RED, prefer="respond-async"), 503, "storage_unavailable")
    assert app.host.contents(names.INPUTS) == {}


def test_storage_that_keeps_nothing_hands_nothing_over(app: Parts, task_hub: Hub) -> None:
    def before(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("write", names.INPUTS):
            raise StorageError("full")

    app.host.before = before
    problem_of(DESCRIBE.ask(RED, prefer="respond-async"), 503, "storage_unavailable")
    assert task_hub.started == []


def being_made(app: Parts) -> None:
    """Let another caller ask for the thumbnail of RED at this moment."""
    question = questions.thumbnail(100, 50, smart_cropping=True)
    claim = names.claim(ImageBytes(RED).subject, question.key)
    app.host.write(names.CACHE, claim, b'{"state": "asking"}', content_type=names.JSON, condition=IfEtag(None))
    assert app.host.acquire(names.CACHE, claim, "another", 60)


def test_a_thumbnail_that_another_caller_makes_is_come_back_for_at_its_own_address(app: Parts, task_hub: Hub) -> None:
    upload(app)
    being_made(app)
    response = answered(
        ThumbnailHttp.main, request("GET", params={**SIZE, "code": "k"}, route={"name": "a.jpg"}, headers={})
    )
    assert (response.status_code, parsed(response)["state"]) == (202, "pending")
    assert "Preference-Applied" not in response.headers
    location = urlsplit(response.headers["Location"])
    assert (location.path, location.query) == (
        "/api/thumbnail/a.jpg",
        "width=100&height=50&mode=vision&code=k",
    )
    assert task_hub.started == []


@pytest.mark.parametrize("name", ["dir/ä b.jpg", "/a.jpg", "a//b.jpg"])
def test_that_address_is_right_for_any_name(app: Parts, task_hub: Hub, name: str) -> None:
    upload(app, name=name)
    being_made(app)
    response = answered(ThumbnailHttp.main, request("GET", params={**SIZE, "name": name}))
    location = urlsplit(response.headers["Location"])
    if "//" in f"/{name}":
        assert (location.path, "name=%2Fa.jpg" in location.query or "name=a%2F%2Fb.jpg" in location.query) == (
            "/api/thumbnail",
            True,
        )
    else:
        assert location.path == "/api/thumbnail/dir/%C3%A4%20b.jpg"


def test_posted_bytes_whose_thumbnail_another_caller_makes_are_handed_over(app: Parts, task_hub: Hub) -> None:
    being_made(app)
    response = THUMBNAIL.ask(RED)
    assert (response.status_code, parsed(response)["state"]) == (202, "pending")
    location = response.headers["Location"]
    assert parsed(response)["id"] == urlsplit(location).path.rpartition("/")[2]
    app.clock.advance(61)
    run_in(task_hub, app)
    assert look(location).get_body() == THUMBNAIL.ask(RED).get_body()
    assert app.vision.count()["generateThumbnail"] == 1


def test_nothing_of_an_address_but_a_digest_is_in_history_record_or_log(
    app: Parts, task_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for asked in (ANALYZE, THUMBNAIL):
        location = accepted(asked.ask({"url": SIGNED}, prefer="respond-async"))
        for container in (names.INPUTS, names.KEYS):
            for data in app.host.contents(container).values():
                assert b"S3CRET" not in data
                assert b"example.com" not in data
        run_in(task_hub, app)
        assert look(location).status_code == 200
    hub = json.dumps([task_hub.started, [vars(each) for each in task_hub.statuses.values()]], default=vars)
    stored = [str(each) for blobs in (app.host, app.images) for each in blobs.everything()]
    for text in (hub, *caplog.messages, *stored):
        assert "S3CRET" not in text
        assert "sv=2024" not in text


def test_who_waits_for_computer_vision_keeps_no_request_for_a_state_from_a_thread(app: Parts, task_hub: Hub) -> None:
    """As many callers as there are threads for them, and more behind them."""
    upload(app)
    held, waiting = threading.Event(), threading.Semaphore(0)

    def at_call(*_: object) -> None:
        waiting.release()
        assert held.wait(30)

    app.vision.at_call = at_call

    async def run() -> None:
        bodies = [picture(colour=(number, 9, 99)) for number in range(12)]
        each = [AnalyzeHttp.main(request(body=body), invocation(), starter="s") for body in bodies]  # type: ignore[arg-type]
        callers = asyncio.gather(*each)
        await asyncio.to_thread(lambda: [waiting.acquire(timeout=30) for _ in range(4)])
        listing = request("GET", route={})
        told = await UnfinishedHttp.main(listing, invocation(), starter="s")
        assert told.status_code == 200
        held.set()
        assert {answer.status_code for answer in await callers} == {200}

    asyncio.run(run())


def test_a_state_is_told_even_while_all_callers_wait(app: Parts, task_hub: Hub) -> None:
    location = accepted(DESCRIBE.ask(RED, prefer="respond-async"))
    run_in(task_hub, app)
    held = threading.Event()
    for _ in range(8):
        app.services.callers.submit(held.wait, 30)
    try:
        assert look(location).status_code == 200
    finally:
        held.set()
