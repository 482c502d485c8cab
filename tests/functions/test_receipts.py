"""`GET /api/images/{name}?explain=true`: what one image has cost, call by call, and why each step is as it is."""

import json
from typing import Any

import azure.functions as func
import pytest
from doubles.documents import several
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.parts import Parts, asking, parts, restarted
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of
from doubles.scripted_receipts import rewrite

from ImagesHttp import main
from local.vision.server import running_vision
from shared import names, services
from shared.answers.held import LEASE_SECONDS
from shared.errors import ThrottledError, VisionRefusedError
from shared.images import ImageBytes, Owner, asker
from shared.records import analysis
from shared.uploads import steps
from shared.vision import questions
from shared.vision.calls import MOST_TOLD, bounded
from shared.vision.client import VisionClient

DATA = picture("JPEG", 80, 60)


def upload(app: Parts, name: str, data: bytes = DATA) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    steps.process(app.services, name, data)


def get(name: str, **params: str) -> func.HttpResponse:
    return main(request("GET", route={"name": name}, params=params), invocation())


def receipt(name: str) -> Any:
    return parsed(get(name, explain="true"))["receipt"]


def told(name: str, step: str) -> list[tuple[str, str]]:
    return [(each["state"], each["code"]) for each in receipt(name)["decisions"] if each["step"] == step]


def test_the_receipt_tells_each_call_with_its_price_and_they_add_up(app: Parts) -> None:
    upload(app, "a.jpg")
    found = receipt("a.jpg")
    assert [(call["step"], call["outcome"], call["transactions"], call["price"]) for call in found["calls"]] == [
        ("analysis", "answered", 3, 0.0035),
        ("thumbnails", "answered", 1, 0.001),
    ]
    assert {call["image"] for call in found["calls"]} == {"a.jpg"}
    assert len({call["id"] for call in found["calls"]}) == 2
    sums = {"calls": 2, "untold": 0, "unknown": 0, "polls": 0, "transactions": 4, "price": 0.0045}
    assert (found["totals"], found["own"], found["currency"]) == (sums, sums, "USD")
    assert found["sha256"] == ImageBytes(DATA).subject


def test_without_explain_there_is_no_receipt_and_no_further_operation(app: Parts) -> None:
    upload(app, "a.jpg")
    seen: list[str] = []
    app.host.before = lambda operation, container, name: seen.append(container)
    assert "receipt" not in parsed(get("a.jpg"))
    assert "receipt" not in parsed(get("a.jpg", explain="false"))
    assert seen == []
    receipt("a.jpg")
    assert set(seen) == {names.CACHE}


def test_a_copy_under_another_name_paid_nothing_and_says_who_did(app: Parts) -> None:
    upload(app, "a.jpg")
    upload(app, "dir/b.jpg")
    found = receipt("dir/b.jpg")
    assert (found["totals"]["transactions"], found["own"]["transactions"], found["own"]["calls"]) == (4, 0, 0)
    assert {call["image"] for call in found["calls"]} == {"a.jpg"}
    assert told("dir/b.jpg", "analysis") == [("done", "known")]
    assert told("a.jpg", "analysis") == [("done", "made")]


def test_the_name_of_an_image_that_asked_and_is_gone_is_told_no_more(app: Parts) -> None:
    upload(app, "secret-name.jpg")
    upload(app, "b.jpg")
    app.images.delete(names.IMAGES, "secret-name.jpg")
    app.host.delete(names.OWNERS, names.owner(ImageBytes(DATA).subject, "secret-name.jpg"))
    assert {call["image"] for call in receipt("b.jpg")["calls"]} == {None}
    assert "secret-name" not in json.dumps([data.decode() for data in app.host.contents(names.CACHE).values()])


def test_a_deferred_step_tells_its_failed_calls_its_problem_and_the_next_try(app: Parts) -> None:
    app.vision.failing = ThrottledError("full", retry_after_seconds=60.0)
    upload(app, "a.jpg")
    found = receipt("a.jpg")
    [call] = [each for each in found["calls"] if each["step"] == "analysis"]
    assert (call["outcome"], call["problem"], call["transactions"]) == ("failed", "vision_throttled", None)
    [decision] = [each for each in found["decisions"] if each["step"] == "analysis"]
    assert (decision["state"], decision["code"], decision["attempts"]) == ("deferred", "vision_throttled", 1)
    assert decision["next"] > app.clock.utc().isoformat()
    assert decision["settings"] == [{"name": "VISION_RATE", "value": "10/1"}]
    app.vision.failing = None
    app.clock.advance(120.0)
    steps.process(app.services, "a.jpg", DATA)
    outcomes = [each["outcome"] for each in receipt("a.jpg")["calls"] if each["step"] == "analysis"]
    assert outcomes == ["failed", "answered"]


def test_a_text_tells_its_submission_its_pages_and_its_polls(app: Parts) -> None:
    app.vision.pages, app.vision.reads = 3, [["running", "running", "succeeded"]]
    data = several("TIFF", 3)
    job = job_of(app, data, "scan.tif", text_only=True)
    assert ReadRun(app, job).finish()["state"] == "done"
    found = receipt("scan.tif")
    [call] = found["calls"]
    assert (call["step"], call["status"], call["transactions"], call["polls"]) == ("text", 202, 3, 3)
    assert (call["price"], call["image"], found["totals"]["polls"]) == (0.0045, "scan.tif", 3)
    assert told("scan.tif", "text") == [("done", "read")]
    assert told("scan.tif", "analysis") == told("scan.tif", "thumbnails") == [("none", "document")]


def test_a_read_that_failed_and_the_one_after_it_are_both_told(app: Parts) -> None:
    app.vision.reads = [["failed"], ["succeeded"]]
    job = job_of(app, DATA)
    assert ReadRun(app, job).finish()["state"] == "failed"
    assert ReadRun(app, job).finish()["state"] == "done"
    calls = receipt("a.jpg")["calls"]
    assert [(call["outcome"], call["transactions"], call["polls"]) for call in calls] == [
        ("answered", 1, None),
        ("answered", 1, 1),
    ]
    assert calls[0]["id"] != calls[1]["id"]


@pytest.mark.parametrize(
    ("settings", "step", "decision", "setting"),
    [
        ({"TEXT_MODE": "never"}, "text", ("none", "not_wanted"), ("TEXT_MODE", "never")),
        ({}, "text", ("none", "no_text"), ("TEXT_MODE", "auto")),
        ({"THUMBNAIL_MODE": "center"}, "thumbnails", ("done", "cut_middle"), ("THUMBNAIL_MODE", "center")),
        ({"THUMBNAIL_MODE": "area"}, "thumbnails", ("done", "cut_area"), ("THUMBNAIL_MODE", "area")),
        ({"THUMBNAIL_MODE": "vision"}, "thumbnails", ("done", "made"), ("THUMBNAIL_MODE", "vision")),
        ({"VISION_STOP": "true"}, "analysis", ("deferred", "calls_stopped"), ("VISION_STOP", "true")),
    ],
)
def test_a_decision_names_the_setting_that_made_it(
    settings: dict[str, str], step: str, decision: tuple[str, str], setting: tuple[str, str]
) -> None:
    with running_vision() as vision:
        app = parts(THUMBNAIL_SIZES="60x40", **settings)
        client = VisionClient(vision.url, vision.key, clock=app.clock)
        if "VISION_STOP" in settings:
            from shared.pace.gate import Gate

            client = VisionClient(vision.url, vision.key, clock=app.clock, gate=Gate(app.clock, stopped=True))
        with services.replaced(asking(app.services, client)):
            app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
            steps.process(services.current(), "a.jpg", DATA)
            assert told("a.jpg", step) == [decision]
            [found] = [each for each in receipt("a.jpg")["decisions"] if each["step"] == step]
            assert setting in [(each["name"], each["value"]) for each in found["settings"]]
            assert receipt("a.jpg")["totals"]["transactions"] == sum(each["transactions"] for each in vision.calls())  # type: ignore[misc]


def test_a_thumbnail_around_what_the_analysis_names_cost_no_call(app: Parts) -> None:
    app.vision.objects = [{"object": "cup", "confidence": 0.9, "rectangle": {"x": 5, "y": 5, "w": 30, "h": 30}}]
    upload(app, "a.jpg")
    assert set(told("a.jpg", "thumbnails")) == {("done", "cut_subject")}
    assert [call["operation"] for call in receipt("a.jpg")["calls"]] == ["analyze"]


def test_thumbnails_that_no_setting_wants_and_those_of_a_refused_image_say_so(app: Parts) -> None:
    upload(app, "notes.jpg", b"dear diary")
    assert told("notes.jpg", "thumbnails") == told("notes.jpg", "text") == [("none", "image_refused")]
    upload(app, "a.jpg")
    with services.replaced(restarted(app, THUMBNAIL_SIZES=",").services):
        assert told("a.jpg", "thumbnails") == [("none", "not_wanted")]


def test_a_copy_that_was_sent_is_told(app: Parts) -> None:
    upload(app, "a.webp", picture("WEBP", 80, 60))
    [call] = [each for each in receipt("a.webp")["calls"] if each["step"] == "analysis"]
    assert (call["sent"]["kind"], call["sent"]["width"], call["sent"]["untouched"]) == ("JPEG", 80, False)


def test_an_image_without_records_has_its_bytes_read_and_one_in_the_archive_tells_no_calls(app: Parts) -> None:
    app.services.answers.ask(questions.describe(), ImageBytes(DATA))
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    found = receipt("a.jpg")
    assert [(call["operation"], call["step"], call["image"]) for call in found["calls"]] == [("describe", None, None)]
    assert (found["totals"]["transactions"], found["own"]["transactions"]) == (1, 0)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    assert (receipt("a.jpg")["sha256"], receipt("a.jpg")["calls"]) == (None, [])


class TestOfTheVersionBefore:
    """Its claims tell no calls; its records tell what the one of the analysis cost."""

    def test_an_answer_is_one_call_whose_transactions_its_record_tells(self, app: Parts) -> None:
        upload(app, "a.jpg")
        app.clock.advance(LEASE_SECONDS)
        rewrite(app.host, app.images, "a.jpg", app.services.settings)
        call = receipt("a.jpg")["calls"][0]
        assert (call["id"], call["outcome"], call["transactions"], call["image"]) == (None, "answered", 3, None)
        assert (call["begun"], call["requestId"]) == (None, "request-1")

    def test_an_answer_without_a_record_is_a_call_that_tells_no_transactions(self, app: Parts) -> None:
        upload(app, "a.jpg")
        app.clock.advance(LEASE_SECONDS)
        rewrite(app.host, app.images, "a.jpg", app.services.settings)
        app.images.delete(names.ANALYSIS, names.analysis("a.jpg"))
        found = receipt("a.jpg")
        assert [call["transactions"] for call in found["calls"] if call["operation"] == "analyze"] == [None]
        assert (found["totals"]["untold"], found["totals"]["transactions"]) == (1, 1)

    def test_a_claim_that_is_gone_leaves_what_the_record_tells(self, app: Parts) -> None:
        upload(app, "a.jpg")
        app.clock.advance(LEASE_SECONDS)
        for name in app.host.contents(names.CACHE):
            app.host.delete(names.CACHE, name)
        [call] = receipt("a.jpg")["calls"]
        assert (call["id"], call["operation"], call["transactions"], call["price"]) == (None, "analyze", 3, 0.0035)

    def test_a_refusal_is_one_call_that_failed(self, app: Parts) -> None:
        app.vision.failures = [VisionRefusedError("no")]
        upload(app, "a.jpg")
        refused = {
            "state": "refused",
            "question": "analyze?visualFeatures=Tags",
            "at": "2026-11-30T12:00:00+00:00",
            "requestId": "r1",
            "code": "image_unreadable",
            "message": "no",
            "action": "none",
            "tooLarge": False,
        }
        claim = names.claim(ImageBytes(DATA).subject, "analyze-of-before")
        app.host.write(names.CACHE, claim, json.dumps(refused).encode(), content_type=names.JSON)
        found = [call for call in receipt("a.jpg")["calls"] if call["requestId"] == "r1"]
        assert [(call["outcome"], call["problem"], call["transactions"]) for call in found] == [
            ("failed", "image_unreadable", None)
        ]

    def test_an_answer_that_is_too_old_stays_told_beside_the_one_that_took_its_place(self, app: Parts) -> None:
        upload(app, "a.jpg")
        app.clock.advance(LEASE_SECONDS)
        ended = app.clock.utc().isoformat()
        rewrite(app.host, app.images, "a.jpg", app.services.settings, expires=ended)
        image = ImageBytes(DATA, Owner("a.jpg", "2"))
        app.services.answers.ask(analysis.question(app.services.settings), image)
        found = [call for call in receipt("a.jpg")["calls"] if call["operation"] == "analyze"]
        assert [(call["id"] is None, call["outcome"], call["transactions"]) for call in found] == [
            (True, "answered", 3),
            (False, "answered", 3),
        ]
        assert found[0]["requestId"] == "request-1"

    def test_a_refusal_that_is_forgotten_stays_told(self, app: Parts) -> None:
        question = questions.describe()
        claim = names.claim(ImageBytes(DATA).subject, question.key)
        refused = {
            "state": "refused",
            "question": question.text,
            "at": "2026-11-30T12:00:00+00:00",
            "requestId": "r1",
            "code": "image_unreadable",
            "message": "no",
            "action": "none",
            "tooLarge": False,
        }
        app.host.write(names.CACHE, claim, json.dumps(refused).encode(), content_type=names.JSON)
        app.services.answers.forget_refusal(ImageBytes(DATA).subject, question)
        app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
        found = receipt("a.jpg")
        assert [(call["requestId"], call["problem"]) for call in found["calls"]] == [("r1", "image_unreadable")]
        assert (found["totals"]["untold"], found["totals"]["unknown"]) == (1, 0)


@pytest.mark.parametrize(("seconds", "outcome"), [(60.0, "open"), (601.0, "lost")])
def test_a_call_without_an_end_is_lost_when_no_function_can_be_waiting_for_it(
    app: Parts, seconds: float, outcome: str
) -> None:
    upload(app, "a.jpg")
    app.clock.advance(LEASE_SECONDS)
    begun = {"id": "1", "begun": app.clock.utc().isoformat()}
    rewrite(app.host, app.images, "a.jpg", app.services.settings, calls=[begun])
    app.images.delete(names.ANALYSIS, names.analysis("a.jpg"))
    app.clock.advance(seconds)
    found = receipt("a.jpg")
    assert [call["outcome"] for call in found["calls"] if call["operation"] == "analyze"] == [outcome]
    assert found["totals"]["unknown"] == 1


def test_many_calls_of_one_image_are_its_own_and_tell_how_many_had_no_answer(app: Parts) -> None:
    upload(app, "a.jpg")
    app.clock.advance(LEASE_SECONDS)
    at = app.clock.utc().isoformat()
    one = {"image": asker("a.jpg"), "begun": at, "ended": at, "status": 429, "problem": "vision_throttled"}
    lost = {"image": asker("a.jpg"), "begun": at, "lost": True}
    told = bounded([{**each, "id": str(number)} for number in range(70) for each in (one, lost)])
    assert len(told) == MOST_TOLD
    rewrite(app.host, app.images, "a.jpg", app.services.settings, calls=told)
    app.images.delete(names.ANALYSIS, names.analysis("a.jpg"))
    found = receipt("a.jpg")
    assert found["totals"] == found["own"]
    assert (found["totals"]["calls"], found["totals"]["unknown"]) == (140 + 1, 70)  # and the area of interest
    merged = [call for call in found["calls"] if call["outcome"] == "several"]
    assert [(call["calls"], call["image"], call["transactions"]) for call in merged] == [(41, "a.jpg", 0)]


def test_a_document_of_many_pages_that_was_refused_first_adds_up(app: Parts) -> None:
    app.vision.pages, app.vision.reads = 4, [["failed"], ["running", "succeeded"]]
    job = job_of(app, several("TIFF", 4), "scan.tif", text_only=True)
    assert ReadRun(app, job).finish()["state"] == "failed"
    assert ReadRun(app, job).finish()["state"] == "done"
    found = receipt("scan.tif")
    assert [call["transactions"] for call in found["calls"]] == [1, 4]
    assert found["own"]["transactions"] == 5


def test_explain_is_true_or_false_and_of_one_image(app: Parts) -> None:
    problem_of(get("a.jpg", explain="perhaps"), 400, "bad_parameter")
    problem_of(main(request("GET", params={"explain": "true"}), invocation()), 400, "bad_parameter")
    problem_of(get("none.jpg", explain="true"), 404, "image_not_found")


def test_an_image_that_is_waited_for_is_explained_at_the_address_too(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    answer = get("a.jpg", explain="true", wait="true")
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith("/api/images/a.jpg?wait=true&explain=true")
    assert parsed(answer)["receipt"]["calls"] == []
