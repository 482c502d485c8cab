"""`/api/ocr`: start, report, cancel."""

import asyncio
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
import pytest
from doubles.fake_vision import read_text
from doubles.http_requests import Hub, invocation, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of, upload

from OcrHttp import main
from shared import names
from shared.durable import inputs, purge, read_job
from shared.durable.read_job import Job
from shared.errors import StorageError
from shared.images import ImageBytes, ImageUrl

RED = picture(colour=(200, 0, 0))
URL = "https://example.invalid/a.jpg"
SIGNED = "https://example.invalid/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc"
HOST = "https://blobsight.example"
UNKNOWN = f"ocr-{'0' * 40}"
DOWN = Exception("Connection refused by the durable API")


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The task hub to which every durable client belongs."""
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    monkeypatch.setenv("WEBSITE_HOSTNAME", "blobsight.example")
    return hub


def ask(
    method: str = "POST",
    body: bytes | Mapping[str, Any] = b"",
    identifier: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **params: str,
) -> func.HttpResponse:
    route = {"id": identifier} if identifier else {}
    return sent(request(method, body, params=params, route=route, headers=headers))


def sent(given: func.HttpRequest) -> func.HttpResponse:
    answer: func.HttpResponse = asyncio.run(main(given, invocation(), starter="the durable client's binding"))
    return answer


def job_for(app: Parts, data: bytes = RED, **parameters: str) -> Job:
    return read_job.from_request(ImageBytes(data), app.services.settings, parameters)


def read(app: Parts, hub: Hub, job: Job) -> str:
    """Let a job that was started come to its end; returns its id."""
    hub.set(job.instance_id, "Completed", output=ReadRun(app, job).finish())
    return job.instance_id


def nothing_happened(app: Parts, hub: Hub) -> bool:
    return not (hub.started or app.vision.asked or app.host.contents(names.INPUTS) or app.images.contents(names.TEXT))


# POST


def test_bytes_are_stored_and_their_read_is_started(app: Parts, hub: Hub) -> None:
    response = ask(body=RED)
    job = job_for(app)
    assert response.status_code == 202
    assert parsed(response) == {"id": job.instance_id, "state": "running"}
    ((orchestrator, identifier, given),) = hub.started
    started = Job.from_json(given)
    assert (orchestrator, identifier) == ("OcrOrchestrator", job.instance_id)
    assert started == job._replace(input=started.input)
    assert app.host.contents(names.INPUTS) == {started.input_name: RED}
    assert app.vision.asked == []


def test_the_location_is_absolute_and_tells_when_to_come_back(app: Parts) -> None:
    response = ask(body=RED)
    assert response.headers["Location"] == f"{HOST}/api/ocr/{job_for(app).instance_id}"
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("host", ["evil.example", "", "evil.example:80", "[::1]:7071"])
def test_the_location_is_not_what_the_request_says_of_its_host(app: Parts, hub: Hub, host: str) -> None:
    """A poller would carry its key there."""
    headers = dict.fromkeys(("Host", "X-Forwarded-Host", "X-Original-Host", "Forwarded"), host)
    given = request(body=RED, params={"code": "k"}, headers=headers, address=f"http://{host}/api/ocr?code=k")
    location = f"{HOST}/api/ocr/{job_for(app).instance_id}"
    assert sent(given).headers["Location"] == f"{location}?code=k"
    hub.set(job_for(app).instance_id, "Running")
    given = request("GET", route={"id": job_for(app).instance_id}, headers=headers, address=f"http://{host}/api/ocr")
    assert sent(given).headers["Location"] == location


@pytest.mark.parametrize("host", ["[::1", "a\\@b", "x" * 5000, "a b", "\xe9\x00"])
def test_a_host_that_can_be_none_is_refused_by_its_name(app: Parts, hub: Hub, host: str) -> None:
    response = sent(request(body=RED, headers={"Host": host}, address=f"http://{host}/api/ocr"))
    assert (response.status_code, parsed(response)["code"]) == (400, "bad_header")
    assert "The header Host" in parsed(response)["detail"]
    assert "Location" not in dict(response.headers)
    assert hub.started == []


@pytest.mark.parametrize(
    ("name", "value", "origin"),
    [
        ("PUBLIC_ADDRESS", "https://gateway.example/pictures/", "https://gateway.example/pictures"),
        ("WEBSITE_HOSTNAME", "my-app.azurewebsites.net", "https://my-app.azurewebsites.net"),
        ("WEBSITE_HOSTNAME", "[::1]:7071", "http://[::1]:7071"),
        ("WEBSITE_HOSTNAME", "[::1", ""),
        ("WEBSITE_HOSTNAME", "", ""),
    ],
)
def test_the_location_follows_the_settings_and_is_a_path_where_nothing_is_known(
    app: Parts, monkeypatch: pytest.MonkeyPatch, name: str, value: str, origin: str
) -> None:
    monkeypatch.setenv(name, value)
    assert ask(body=RED).headers["Location"] == f"{origin}/api/ocr/{job_for(app).instance_id}"


@pytest.mark.parametrize("name", ["code", "CODE", "Code"])
def test_a_key_in_the_query_goes_back_in_the_location(app: Parts, name: str) -> None:
    """Whoever sends it that way polls the address as it is."""
    response = ask(body=RED, **{name: "k&y/+="})
    assert urlsplit(response.headers["Location"]).query == "code=k%26y%2F%2B%3D"


def test_a_key_in_the_headers_does_not_come_back(app: Parts) -> None:
    response = ask(body=RED, headers={"x-functions-key": "secret-key"})
    assert urlsplit(response.headers["Location"]).query == ""
    assert "secret-key" not in str(dict(response.headers)) + response.get_body().decode()


def test_the_format_goes_along_with_the_location(app: Parts, hub: Hub) -> None:
    """A poller follows the address as it is, and wants what it asked for at first."""
    response = ask(body=RED, format="txt", code="key")
    assert urlsplit(response.headers["Location"]).query == "format=txt&code=key"
    hub.set(job_for(app).instance_id, "Running")
    again = ask("GET", identifier=job_for(app).instance_id, format="txt")
    assert urlsplit(again.headers["Location"]).query == "format=txt"


def test_an_address_is_handed_over_without_a_fetch(app: Parts, hub: Hub) -> None:
    job = read_job.from_request(ImageUrl(URL), app.services.settings, {})
    assert parsed(ask(body={"url": URL}))["id"] == job.instance_id
    started = Job.from_json(hub.started[0][2])
    assert started == job._replace(input=started.input)
    assert inputs.read(app.host, started) == URL.encode()


def test_an_address_is_told_by_nothing_but_two_blobs_together(
    app: Parts, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = ask(body={"url": SIGNED})
    assert parsed(response)["id"] == "ocr-1b46bd4bfb14193cf8f773909877a8de259323df"
    sealed, key = app.host.contents(names.INPUTS), app.host.contents(names.KEYS)
    assert list(sealed) == list(key)
    found = f"{hub.started} {sealed} {key} {caplog.text} {response.get_body()!r} {dict(response.headers)}"
    for secret in ("hunter2", "S3CRET", "sv=2024"):
        assert secret not in found
    assert inputs.read(app.host, Job.from_json(hub.started[0][2])) == SIGNED.encode()


def test_no_two_addresses_have_one_key(app: Parts) -> None:
    for address in (SIGNED, SIGNED, URL):
        ask(body={"url": address}, language="de")
        ask(body={"url": address})
    keys = app.host.contents(names.KEYS)
    assert len(set(keys.values())) == len(keys) == 4


def ids_kept(app: Parts) -> list[str]:
    return [name for container in (names.INPUTS, names.KEYS) for name in app.host.contents(container)]


@pytest.mark.parametrize("body", [RED, {"url": SIGNED}], ids=["bytes", "url"])
def test_what_is_sent_again_while_it_is_under_way_is_not_kept_twice(
    app: Parts, hub: Hub, body: bytes | dict[str, str]
) -> None:
    ask(body=body)
    before = ids_kept(app)
    assert [ask(body=body).status_code for _ in range(2)] == [202, 202]
    assert ids_kept(app) == before
    assert ReadRun(app, Job.from_json(hub.started[0][2])).finish()["state"] == "done"
    assert ids_kept(app) == []


@pytest.mark.parametrize("body", [RED, {"url": SIGNED}], ids=["bytes", "url"])
def test_two_requests_at_once_do_not_destroy_what_the_other_has_sent(
    app: Parts, hub: Hub, body: bytes | dict[str, str]
) -> None:
    """Wherever the second comes in between; whoever is first has it read, and with what it has sent itself."""
    for moment in range(8):
        operations: list[str] = []

        def before(operation: str, container: str, name: str, moment: int = moment) -> None:
            operations.append(operation)  # noqa: B023 (called within the round)
            if len(operations) == moment:  # noqa: B023
                with ThreadPoolExecutor(1) as pool:
                    assert pool.submit(ask, body=body, language="de").result(110).status_code == 202

        app.host.before = before
        assert ask(body=body, language="de").status_code == 202
        app.host.before = None
        assert len(hub.started) == 1
        assert ReadRun(app, Job.from_json(hub.started.pop()[2])).finish()["state"] == "done"
        assert ids_kept(app) == []
        hub.statuses.clear()
        for container in (names.CACHE, names.TEXT):
            for blobs in (app.host, app.images):
                for name in blobs.contents(container):
                    blobs.delete(container, name)


@pytest.mark.parametrize("body", [RED, {"url": SIGNED}], ids=["bytes", "url"])
@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_process_that_dies_at_any_step_is_made_good_by_sending_it_again(
    app: Parts, hub: Hub, body: bytes | dict[str, str], dies_at: int
) -> None:
    operations: list[str] = []

    def before(operation: str, container: str, name: str) -> None:
        operations.append(operation)
        if len(operations) == dies_at:
            raise KeyboardInterrupt

    app.host.before = before
    with suppress(KeyboardInterrupt):
        ask(body=body)
        run = ReadRun(app, Job.from_json(hub.started[0][2]))
        run.finish()
    app.host.before = None
    hub.statuses.clear()
    for secret in (b"hunter2", b"S3CRET"):
        assert not any(secret in data for container in names.OUTPUTS for data in app.host.contents(container).values())
    response = ask(body=body)
    if response.status_code == 202:
        assert ReadRun(app, Job.from_json(hub.started[-1][2])).finish()["state"] == "done"
    app.clock.advance(8 * 86_400)
    asyncio.run(purge.purge(app.services, NoHistories()))
    assert ids_kept(app) == []


class NoHistories:
    """A task hub of which nothing is purged."""

    async def purge_instance_history_by(self, *_: object) -> Any:
        return SimpleNamespace(instances_deleted=0)


def test_what_is_not_read_because_the_hub_does_not_answer_is_not_kept(app: Parts, hub: Hub) -> None:
    hub.failing = DOWN
    for body in (RED, {"url": SIGNED}):
        problem_of(ask(body=body), 503, "storage_unavailable")
    assert ids_kept(app) == []


def test_a_start_that_was_made_but_whose_answer_is_lost_keeps_what_it_needs(
    app: Parts, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_new = hub.start_new

    async def cut_off(*given: Any) -> str:
        await start_new(*given)
        raise DOWN

    monkeypatch.setattr(hub, "start_new", cut_off)
    assert ask(body={"url": SIGNED}).status_code == 202
    assert ReadRun(app, Job.from_json(hub.started[0][2])).finish()["state"] == "done"


def test_the_record_of_an_earlier_version_is_told_without_its_signature(app: Parts, hub: Hub) -> None:
    job = read_job.from_request(ImageUrl(SIGNED), app.services.settings, {})
    identifier = read(app, hub, inputs.keep(app.host, job, SIGNED.encode()))
    stored = json.loads(app.images.contents(names.TEXT)[job.record])
    stored["source"] = {"url": SIGNED}
    app.images.write(names.TEXT, job.record, json.dumps(stored).encode(), content_type=names.JSON)
    response = ask("GET", identifier=identifier)
    assert parsed(response)["source"] == {"url": URL}
    assert b"S3CRET" not in response.get_body()


def test_an_uploaded_image_is_read_as_its_upload_would_be(app: Parts, hub: Hub) -> None:
    """The same instance: whoever comes first, there is one Read and one record."""
    job = job_of(app, RED)
    assert parsed(ask(body={"blob": "a.jpg"}))["id"] == job.instance_id
    assert hub.started[0][2] == job.to_json()
    assert app.host.contents(names.INPUTS) == {}


def test_an_uploaded_document_is_marked_as_one(app: Parts, hub: Hub) -> None:
    job_of(app, picture("PDF"))
    ask(body={"blob": "a.jpg"})
    assert hub.started[0][2]["text_only"]


def test_another_question_about_an_uploaded_image_does_not_touch_its_records(app: Parts, hub: Hub) -> None:
    job_of(app, RED)
    assert ask(body={"blob": "a.jpg"}, language="de").status_code == 202
    job = job_for(app, language="de")
    assert hub.started[0][1] == job.instance_id
    assert app.host.contents(names.INPUTS) == {Job.from_json(hub.started[0][2]).input_name: RED}


def test_every_parameter_reaches_the_service(app: Parts, hub: Hub) -> None:
    ask(body=RED, language="de", pages="1-3,5", readingOrder="basic", **{"model-version": "2022-04-30"})
    job = Job.from_json(hub.started[0][2])
    assert dict(job.question.parameters) == {
        "language": "de",
        "pages": "1-3,5",
        "readingOrder": "basic",
        "model-version": "2022-04-30",
    }


def test_what_is_under_way_is_not_started_again(app: Parts, hub: Hub) -> None:
    for _ in range(3):
        assert ask(body=RED).status_code == 202
    assert len(hub.started) == 1


def test_a_read_that_came_to_an_end_without_a_text_is_started_anew(app: Parts, hub: Hub) -> None:
    ask(body=RED)
    app.vision.reads = [["failed"]]
    read(app, hub, job_for(app))
    assert ask(body=RED).status_code == 202
    assert len(hub.started) == 2


def test_a_stored_text_answers_at_once(app: Parts, hub: Hub) -> None:
    ask(body=RED)
    job = job_for(app)
    read(app, hub, Job.from_json(hub.started[0][2]))
    response = ask(body=RED)
    assert response.status_code == 200
    assert parsed(response) == {
        "state": "done",
        "text": "HELLO\n",
        "source": {"sha256": job.subject, "bytes": len(RED)},
        "request": {"readingOrder": "natural", "model-version": "latest"},
        "analyzeResult": read_text("HELLO"),
        "record": f"text/{job.record}",
    }
    assert response.headers["Content-Location"].endswith(job.record)
    assert len(hub.started) == 1
    assert app.vision.count() == {"read": 1}


def test_the_text_of_an_upload_answers_for_the_same_bytes_over_http(app: Parts, hub: Hub) -> None:
    ReadRun(app, job_of(app, RED)).finish()
    response = ask(body=RED)
    assert response.status_code == 200
    assert parsed(response)["record"] == f"text/{job_for(app).record}"
    assert app.vision.count() == {"read": 1}
    assert hub.started == []


def test_plain_text_has_its_own_form(app: Parts, hub: Hub) -> None:
    app.vision.text = "Zoë"
    ReadRun(app, job_of(app, RED)).finish()
    response = ask(body={"blob": "a.jpg"}, format="txt")
    assert response.status_code == 200
    assert response.get_body() == "Zoë\n".encode()
    assert (response.mimetype, response.charset) == ("text/plain", "utf-8")
    assert response.headers["Content-Location"].endswith("/text/a.jpg.txt")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("language", "German"),
        ("language", "d"),
        ("language", "de;"),
        ("pages", "one"),
        ("pages", "1,,2"),
        ("pages", "-"),
        ("readingOrder", "random"),
        ("readingOrder", "Natural"),
        ("model-version", "newest"),
        ("model-version", "2022-4-1"),
        ("format", "pdf"),
        ("format", "TXT"),
        ("lang", "de"),
        ("reading_order", "basic"),
        ("raw", "1"),
    ],
)
@pytest.mark.parametrize("body", [RED, {"url": URL}, {"blob": "a.jpg"}], ids=["bytes", "url", "blob"])
def test_bad_parameters_are_refused_before_anything_is_stored_or_started(
    app: Parts, hub: Hub, body: bytes | dict[str, str], parameter: str, value: str
) -> None:
    upload(app, RED)
    problem_of(ask(body=body, **{parameter: value}), 400, "bad_parameter")
    assert nothing_happened(app, hub)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "image_missing"),
        (b"dear diary, called .jpg", 400, "not_an_image"),
        (picture("GIF"), 400, "format_not_supported"),
        (picture("JPEG", 49, 49), 400, "image_too_small"),
        (picture("JPEG", 49, 100), 400, "image_too_small"),
        (RED[:10], 400, "image_unreadable"),
        ({"url": "ftp://example.invalid/a.jpg"}, 400, "bad_url"),
        ({"url": "not an address"}, 400, "bad_url"),
        ({"path": "a.jpg"}, 400, "bad_json"),
        ({"url": URL, "blob": "a.jpg"}, 400, "bad_json"),
        ({"blob": "../cache/x"}, 400, "bad_blob_name"),
        ({"blob": "x/../../cache/x"}, 400, "bad_blob_name"),
        ({"blob": ""}, 400, "bad_blob_name"),
        ({"blob": "nothing.jpg"}, 404, "image_not_found"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_stored_or_started(
    app: Parts, hub: Hub, body: bytes | dict[str, str], status: int, code: str
) -> None:
    problem_of(ask(body=body), status, code)
    assert nothing_happened(app, hub)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "PDF", "TIFF", "WEBP", "AVIF", "JPEG2000"])
def test_every_format_that_is_read_or_converted_is_taken_by_its_bytes(app: Parts, kind: str) -> None:
    assert ask(body=picture(kind, 50, 50)).status_code == 202


def test_an_image_larger_than_analyze_takes_can_be_read(app: Parts) -> None:
    """Read takes 500 MB, not 4."""
    assert ask(body=RED.ljust(5 * 1024 * 1024, b"\0")).status_code == 202


def test_a_blob_that_cannot_be_read_is_refused(app: Parts, hub: Hub) -> None:
    upload(app, b"dear diary")
    problem_of(ask(body={"blob": "a.jpg"}), 400, "not_an_image")
    assert hub.started == []


def test_an_address_in_the_place_of_a_blobs_name_is_not_repeated_whole(app: Parts) -> None:
    detail = problem_of(ask(body={"blob": SIGNED}), 404, "image_not_found")["detail"]
    assert detail == f"There is no image {URL!r} in the container 'images'."


def test_a_chunked_body_asks_for_its_length(app: Parts) -> None:
    problem_of(ask(headers={"Transfer-Encoding": "chunked"}), 411, "length_required")


def test_post_with_an_id_is_a_mistake(app: Parts, hub: Hub) -> None:
    problem_of(ask(body=RED, identifier=UNKNOWN), 400, "bad_parameter")
    assert nothing_happened(app, hub)


def test_a_hub_that_does_not_answer_is_told_as_an_outage(app: Parts, hub: Hub) -> None:
    hub.failing = DOWN
    problem = problem_of(ask(body=RED), 503, "storage_unavailable")
    assert "Connection refused" in problem["detail"]


def test_storage_that_is_down_is_told_as_an_outage(app: Parts, hub: Hub) -> None:
    def before(*_: str) -> None:
        raise StorageError("the account is down")

    app.images.before = app.host.before = before
    problem_of(ask(body=RED), 503, "storage_unavailable")
    assert hub.started == []


def test_wrong_settings_are_told_as_the_apps_mistake(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    problem_of(ask(body=RED), 500, "settings_invalid")
    assert hub.started == []


# GET


def test_a_read_that_is_under_way_tells_how_far_it_is(app: Parts, hub: Hub) -> None:
    said = {"step": "OcrPoll", "polls": 3, "elapsedSeconds": 4.5, "waitSeconds": 2.2, "problem": None}
    hub.set(UNKNOWN, "Running", custom_status=said)
    response = ask("GET", identifier=UNKNOWN)
    assert response.status_code == 202
    assert parsed(response) == {
        "id": UNKNOWN,
        "state": "running",
        "step": "OcrPoll",
        "polls": 3,
        "elapsedSeconds": 4.5,
        "waitSeconds": 2.2,
    }
    assert response.headers["Location"] == f"{HOST}/api/ocr/{UNKNOWN}"
    assert response.headers["Retry-After"] == "3"


@pytest.mark.parametrize("runtime_status", ["Pending", "Running", "ContinuedAsNew", "Suspended"])
def test_whatever_has_not_ended_is_running(app: Parts, hub: Hub, runtime_status: str) -> None:
    hub.set(UNKNOWN, runtime_status)
    response = ask("GET", identifier=UNKNOWN)
    assert (response.status_code, response.headers["Retry-After"]) == (202, "1")


@pytest.mark.parametrize(("wait", "header"), [(0.0, "1"), (1.2, "2"), (59.5, "60"), (3600.0, "60")])
def test_retry_after_is_between_a_second_and_a_minute(app: Parts, hub: Hub, wait: float, header: str) -> None:
    hub.set(UNKNOWN, "Running", custom_status={"waitSeconds": wait})
    assert ask("GET", identifier=UNKNOWN).headers["Retry-After"] == header


def test_what_a_read_waits_for_is_told(app: Parts, hub: Hub) -> None:
    problem = {"code": "vision_throttled", "status": 429, "message": "later", "action": "wait", "requestId": None}
    hub.set(UNKNOWN, "Running", custom_status={"waitSeconds": 30, "problem": problem})
    assert parsed(ask("GET", identifier=UNKNOWN))["problem"]["code"] == "vision_throttled"


def test_a_read_that_has_ended_gives_its_text(app: Parts, hub: Hub) -> None:
    identifier = read(app, hub, job_of(app, RED))
    response = ask("GET", identifier=identifier)
    assert response.status_code == 200
    assert parsed(response)["text"] == "HELLO\n"
    assert parsed(response)["source"]["name"] == "a.jpg"
    assert ask("GET", identifier=identifier, format="txt").get_body() == b"HELLO\n"


def test_a_read_of_an_image_that_was_overwritten_since_does_not_give_the_new_ones_text(app: Parts, hub: Hub) -> None:
    old = read(app, hub, job_of(app, RED))
    app.vision.text = "ANOTHER"
    new = read(app, hub, job_of(app, picture()))
    for params in ({}, {"format": "txt"}):
        problem_of(ask("GET", identifier=old, **params), 410, "ocr_superseded")
        assert b"ANOTHER" in ask("GET", identifier=new, **params).get_body()


@pytest.mark.parametrize("format_", ["json", "txt"])
def test_a_text_whose_record_was_deleted_is_gone(app: Parts, hub: Hub, format_: str) -> None:
    identifier = read(app, hub, job_of(app, RED))
    for name in app.images.contents(names.TEXT):
        app.images.delete(names.TEXT, name)
    problem_of(ask("GET", identifier=identifier, format=format_), 410, "ocr_gone")


def test_a_failed_read_says_why_and_what_to_do(app: Parts, hub: Hub) -> None:
    app.vision.reads = [["failed"]]
    problem = problem_of(ask("GET", identifier=read(app, hub, job_of(app, RED))), 422, "read_failed")
    assert "failed to read it" in problem["detail"]
    assert problem["action"].startswith("Have it read again")
    assert problem["visionRequestId"] == "1"


@pytest.mark.parametrize(("deleted", "word"), [(True, "deleted"), (False, "overwritten")])
def test_a_read_whose_image_changed_is_gone(app: Parts, hub: Hub, deleted: bool, word: str) -> None:
    hub.set(UNKNOWN, "Completed", output={"state": "superseded", "deleted": deleted})
    assert word in problem_of(ask("GET", identifier=UNKNOWN), 410, "ocr_superseded")["detail"]


@pytest.mark.parametrize("runtime_status", ["Terminated", "Canceled"])
def test_a_cancelled_read_is_gone(app: Parts, hub: Hub, runtime_status: str) -> None:
    hub.set(UNKNOWN, runtime_status, output="cancelled over HTTP")
    problem_of(ask("GET", identifier=UNKNOWN), 410, "ocr_cancelled")


@pytest.mark.parametrize(("runtime_status", "output"), [("Failed", "NonDeterministicOrchestration"), ("Completed", 7)])
def test_an_orchestration_that_broke_is_the_apps_mistake(
    app: Parts, hub: Hub, runtime_status: str, output: object
) -> None:
    hub.set(UNKNOWN, runtime_status, output=output)
    problem_of(ask("GET", identifier=UNKNOWN), 500, "internal_error")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("identifier", [UNKNOWN, "ocr-1", "x", UNKNOWN.upper(), f"{UNKNOWN}0", "../" + UNKNOWN, "@a@b"])
def test_an_id_that_is_none_is_not_found(app: Parts, hub: Hub, method: str, identifier: str) -> None:
    problem_of(ask(method, identifier=identifier), 404, "ocr_not_found")
    assert hub.terminated == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_of_another_orchestrator_is_not_found(app: Parts, hub: Hub, method: str) -> None:
    hub.set(UNKNOWN, "Running", name="BackfillOrchestrator")
    problem_of(ask(method, identifier=UNKNOWN), 404, "ocr_not_found")
    assert hub.terminated == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_an_id_there_is_nothing_to_tell(app: Parts, method: str) -> None:
    problem_of(ask(method), 400, "bad_parameter")


@pytest.mark.parametrize(
    ("method", "params"),
    [("GET", {"format": "xml"}), ("GET", {"pages": "1"}), ("DELETE", {"format": "txt"}), ("DELETE", {"force": "1"})],
)
def test_parameters_that_nobody_reads_are_refused(app: Parts, hub: Hub, method: str, params: dict[str, str]) -> None:
    hub.set(UNKNOWN, "Running")
    problem_of(ask(method, identifier=UNKNOWN, **params), 400, "bad_parameter")
    assert hub.terminated == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_hub_that_does_not_answer_is_an_outage_and_no_mistake(app: Parts, hub: Hub, method: str) -> None:
    hub.failing = DOWN
    problem_of(ask(method, identifier=UNKNOWN), 503, "storage_unavailable")


# DELETE


@pytest.mark.parametrize("runtime_status", ["Pending", "Running", "ContinuedAsNew", "Suspended"])
def test_a_read_that_is_under_way_can_be_cancelled(app: Parts, hub: Hub, runtime_status: str) -> None:
    hub.set(UNKNOWN, runtime_status)
    response = ask("DELETE", identifier=UNKNOWN)
    assert (response.status_code, parsed(response)) == (202, {"id": UNKNOWN, "state": "cancelling"})
    assert hub.terminated == [UNKNOWN]


def test_an_upload_whose_read_is_cancelled_says_so(app: Parts, hub: Hub) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    started = parsed(ask("POST", {"blob": "a.jpg"}))
    assert ask("DELETE", identifier=started["id"]).status_code == 202
    note = json.loads(app.images.contents(names.UNFINISHED)["text/a.jpg.json"])
    assert (note["state"], note["code"]) == ("failed", "ocr_cancelled")
    assert "retry" in note["action"]


@pytest.mark.parametrize("body", [RED, {"url": SIGNED}], ids=["bytes", "url"])
def test_what_was_sent_goes_with_a_read_that_is_cancelled(app: Parts, hub: Hub, body: bytes | dict[str, str]) -> None:
    started = parsed(ask(body=body))
    assert ids_kept(app)
    assert ask("DELETE", identifier=started["id"]).status_code == 202
    assert ids_kept(app) == []


@pytest.mark.parametrize("body", [RED, {"url": SIGNED}], ids=["bytes", "url"])
def test_cancelling_again_deletes_what_a_process_that_died_has_left(
    app: Parts, hub: Hub, body: bytes | dict[str, str]
) -> None:
    started = parsed(ask(body=body))
    hub.set(started["id"], "Terminated")
    assert ask("DELETE", identifier=started["id"]).status_code == 200
    assert ids_kept(app) == []


def test_a_read_that_has_ended_cannot_be_cancelled(app: Parts, hub: Hub) -> None:
    identifier = read(app, hub, job_of(app, RED))
    problem_of(ask("DELETE", identifier=identifier), 409, "ocr_finished")
    assert hub.terminated == []


@pytest.mark.parametrize("runtime_status", ["Terminated", "Canceled"])
def test_cancelling_twice_is_no_mistake(app: Parts, hub: Hub, runtime_status: str) -> None:
    hub.set(UNKNOWN, runtime_status)
    response = ask("DELETE", identifier=UNKNOWN)
    assert (response.status_code, parsed(response)["state"]) == (200, "cancelled")
    assert hub.terminated == []


def test_a_cancellation_that_gets_lost_is_told(app: Parts, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def terminate(*_: object) -> None:
        raise DOWN

    hub.set(UNKNOWN, "Running")
    monkeypatch.setattr(hub, "terminate", terminate)
    problem_of(ask("DELETE", identifier=UNKNOWN), 503, "storage_unavailable")


# All of them


def test_every_answer_carries_the_correlation(app: Parts, hub: Hub) -> None:
    for response in (ask(body=RED, headers={"X-Correlation-Id": "c-7"}), ask(headers={"X-Correlation-Id": "c-7"})):
        assert response.headers["X-Correlation-Id"] == "c-7"


def test_the_apps_own_mistakes_are_told_without_its_inside(
    app: Parts, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("shared.ocr.on_request.prepare", broken)
    problem_of(ask(body=RED), 500, "internal_error")
