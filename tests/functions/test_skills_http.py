"""`POST /api/skills/{skill}`: the contract of custom skills of Azure AI Search, record by record."""

import asyncio
import base64
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import azure.functions as func
import pytest
from doubles.http_requests import Hub, answered, invocation, parsed, problem_of, request
from doubles.parts import Parts
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.read_runs import ReadRun

import DescribeHttp
from shared import names, services
from shared.api import responses
from shared.durable.read_job import Job
from shared.errors import ThrottledError, VisionUnavailableError
from shared.images import ImageBytes
from shared.ocr import on_request
from shared.records import analysis
from shared.skills import outputs, record_images, records, work
from shared.skills.record_images import Given
from shared.vision import questions
from SkillsHttp import main

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
SIGNED = "https://example.com/a.jpg"
TOKEN = "?sv=2024&sig=S3CRETSIG%2Fabc"


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def batch_of(*inputs: Any) -> dict[str, Any]:
    return {"values": [{"recordId": str(number), "data": data} for number, data in enumerate(inputs)]}


def sent(body: bytes | Mapping[str, Any], skill: str = "describe", **params: str) -> func.HttpResponse:
    given = request(body=body, params=params, route={"skill": skill})
    answer: func.HttpResponse = asyncio.run(main(given, invocation(), starter="the durable client's binding"))
    return answer


def values(body: bytes | Mapping[str, Any], skill: str = "describe", **params: str) -> list[dict[str, Any]]:
    """The records of an answer, after every check that holds for all answers."""
    answer = sent(body, skill, **params)
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.get_body()
    found: list[dict[str, Any]] = parsed(answer)["values"]
    for each in found:
        assert each.keys() == {"recordId", "data", "errors", "warnings"}
        assert not (each["data"] and each["errors"])
        for told in (each["errors"], each["warnings"]):
            assert told is None or (told and all(message.keys() == {"message"} for message in told))
    return found


def refusal(record: dict[str, Any]) -> str:
    """The code of the record's only error."""
    (error,) = record["errors"]
    assert record["data"] == {}
    return str(error["message"].rpartition("(")[2].removesuffix(")"))


def caption(data: bytes, operation: str = "describe") -> str:
    return f"{operation} {ImageBytes(data).subject}"


# The forms of an image


@pytest.mark.parametrize(
    "image",
    [
        base64_of(RED),
        base64.encodebytes(RED).decode(),
        f"data:image/jpeg;base64,{base64_of(RED)}",
        {"data": base64_of(RED)},
        {"$type": "file", "data": base64_of(RED)},
        {
            "$type": "file",
            "data": base64_of(RED),
            "url": "https://x.example/a.jpg",
            "contentOffset": 3,
            "pageNumber": 1,
        },
    ],
    ids=["text", "lines", "data address", "object", "file", "file with an address"],
)
def test_an_image_as_base64_is_asked_about(app: Parts, image: Any) -> None:
    (record,) = values(batch_of({"image": image}))
    assert (record["recordId"], record["errors"], record["warnings"]) == ("0", None, None)
    assert record["data"] == {
        "caption": caption(RED),
        "confidence": 0.5,
        "captions": [{"text": caption(RED), "confidence": 0.5}],
        "tags": ["outdoor"],
    }


@pytest.mark.parametrize(
    "inputs",
    [
        {"url": SIGNED, "sasToken": TOKEN},
        {"url": SIGNED, "sasToken": TOKEN[1:]},
        {"image": SIGNED + TOKEN},
        {"image": {"$type": "file", "url": SIGNED, "sasToken": TOKEN, "data": None}},
    ],
)
def test_an_address_goes_with_its_signature_to_the_service_and_to_nobody_else(
    app: Parts, caplog: pytest.LogCaptureFixture, inputs: Any
) -> None:
    addresses: list[str] = []
    app.vision.at_call = lambda question, image: addresses.append(getattr(image, "url", ""))
    caplog.set_level("DEBUG")
    answer = sent(batch_of(inputs))
    assert addresses == [SIGNED + TOKEN]
    stored = [app.host.contents(names.CACHE), app.host.contents(names.INPUTS)]
    assert "S3CRET" not in f"{answer.get_body()!r}{stored}{caplog.text}"


def test_a_signature_is_put_behind_what_the_address_asks_for(app: Parts) -> None:
    addresses: list[str] = []
    app.vision.at_call = lambda question, image: addresses.append(getattr(image, "url", ""))
    values(batch_of({"url": f"{SIGNED}?snapshot=1", "sasToken": TOKEN}, {"url": f"{SIGNED}?a=1", "sasToken": "?"}))
    assert sorted(addresses) == [f"{SIGNED}?a=1", f"{SIGNED}?snapshot=1&{TOKEN[1:]}"]


def test_places_that_cannot_be_mapped_back_stay_and_the_record_says_so(app: Parts) -> None:
    place = {"x": 1, "y": 2, "w": 3, "h": 4}
    app.vision.objects = [{"object": "cup", "confidence": 0.9, "rectangle": place}]
    sides = {"width": 1000, "height": 500, "originalWidth": 4000, "originalHeight": 2000, "rotationFromOriginal": 0}
    image = {"data": base64_of(picture("JPEG", 80, 60)), **sides}
    (other,) = values(batch_of({"image": image}), "analyze")
    assert other["data"]["objects"][0]["rectangle"] == place
    assert "80x60 pixels, and its members say 1000x500" in other["warnings"][0]["message"]
    (mapped,) = values(batch_of({"image": {**image, "width": 80, "height": 60}}), "analyze")
    assert mapped["data"]["objects"][0]["rectangle"] == {"x": 50, "y": 67, "w": 150, "h": 133}
    assert mapped["warnings"] is None


def test_an_address_without_a_signature_is_taken(app: Parts) -> None:
    (record,) = values(batch_of({"url": SIGNED, "sasToken": None}))
    assert record["errors"] is None


@pytest.mark.parametrize("inputs", [{"name": "a b/ä.jpg"}, {"url": "https://MEMORY.invalid/images/a%20b/%C3%A4.jpg"}])
def test_an_image_of_the_container_is_read_by_its_name(app: Parts, inputs: Any) -> None:
    app.images.write(names.IMAGES, "a b/ä.jpg", RED, content_type="image/jpeg")
    (record,) = values(batch_of(inputs))
    assert record["data"]["caption"] == caption(RED)


def test_an_address_of_the_container_needs_no_signature_and_keeps_none(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    (record,) = values(batch_of({"url": app.images.url(names.IMAGES, "a.jpg"), "sasToken": TOKEN}))
    assert record["data"]["caption"] == caption(RED)


def test_another_container_of_the_account_is_not_the_own_one(app: Parts) -> None:
    seen: list[Any] = []
    app.vision.at_call = lambda question, image: seen.append(image)
    values(batch_of({"url": app.images.url("images2", "a.jpg")}, {"url": app.images.url("IMAGES", "a.jpg")}))
    assert all(hasattr(each, "url") for each in seen)
    assert len(seen) == 2


def test_inputs_that_are_not_known_are_told_and_change_nothing(app: Parts) -> None:
    (record,) = values(batch_of({"image": base64_of(RED), "languageCode": "en"}))
    assert record["data"]["caption"] == caption(RED)
    assert record["warnings"] == [{"message": "The input languageCode is not known here and changes nothing."}]


BAD = [
    ({}, "image_missing"),
    ({"image": None}, "image_missing"),
    ({"text": "Hello world"}, "image_missing"),
    ({"image": 7}, "bad_json"),
    ({"image": ["x"]}, "bad_json"),
    ({"image": {}}, "bad_json"),
    ({"image": {"data": 7}}, "bad_json"),
    ({"image": base64_of(RED), "name": "a.jpg"}, "bad_json"),
    ({"image": "BASE64 ENCODED STRING OF A JPEG IMAGE"}, "body_not_an_image"),
    ({"image": base64_of(b"no image at all, but text")}, "not_an_image"),
    ({"image": base64_of(picture(width=20, height=20))}, "image_too_small"),
    ({"image": ""}, "image_empty"),
    ({"name": "none.jpg"}, "image_not_found"),
    ({"name": "../a.jpg"}, "bad_blob_name"),
    ({"name": "a\x00.jpg"}, "bad_json"),
    ({"url": "ftp://x.example/a.jpg"}, "bad_url"),
    ({"url": "https://x.example/a b.jpg"}, "bad_url"),
    ({"url": "http://x.example/a.jpg"}, "url_not_allowed"),
    ({"image": "https://169.254.169.254/a.jpg"}, "url_not_allowed"),
    ({"image": {"$type": "file", "url": "https://127.1/a.jpg"}}, "url_not_allowed"),
    ({"url": "\ud800"}, "bad_json"),
    ({"url": SIGNED, "sasToken": 7}, "bad_json"),
]


@pytest.mark.parametrize(("inputs", "code"), BAD)
def test_a_bad_record_has_its_error_and_the_others_their_answers(app: Parts, inputs: Any, code: str) -> None:
    bad, good = values(batch_of(inputs, {"image": base64_of(RED)}))
    assert refusal(bad) == code
    assert good["data"]["caption"] == caption(RED)
    assert len(app.vision.asked) == 1


@pytest.mark.parametrize("value", [None, 7, "x", [], {"recordId": "1"}, {"recordId": "1", "data": 5}])
def test_a_value_that_is_no_record_has_an_error_too(app: Parts, value: Any) -> None:
    bad, good = values({"values": [value, {"recordId": "0", "data": {"image": base64_of(RED)}}]})
    assert refusal(bad) == "bad_json"
    assert bad["recordId"] in ("", "1")
    assert good["recordId"] == "0"
    assert good["errors"] is None


def test_doubled_and_missing_ids_are_void_and_as_many_records_come_back(app: Parts) -> None:
    data = {"image": base64_of(RED)}
    given = [{"recordId": "a", "data": data}, {"recordId": "a", "data": data}, {"data": data}]
    given += [{"recordId": 7, "data": data}, {"recordId": "b", "data": data}]
    found = values({"values": given})
    assert [each["recordId"] for each in found] == ["a", "a", "", "", "b"]
    assert [bool(each["errors"]) for each in found] == [True, True, True, True, False]


# The whole request


def test_an_empty_batch_is_answered_empty(app: Parts) -> None:
    assert values({"values": []}) == []


def test_members_beside_those_of_the_contract_are_passed_over(app: Parts) -> None:
    given = {"recordId": "0", "data": {"image": base64_of(RED)}, "more": 1}
    assert values({"values": [given], "skillset": "x"})[0]["errors"] is None


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b'"x"', b"{}", b'{"values": null}', b'{"values": {}}', b'{"values": [], "values": []}']
)
def test_what_is_no_batch_is_refused_as_a_whole(app: Parts, body: bytes) -> None:
    problem_of(sent(body), 400, "bad_json")


def test_a_thousand_records_are_the_most(app: Parts) -> None:
    assert len(values(batch_of(*[{}] * 1000))) == 1000
    assert "1001 records" in problem_of(sent(batch_of(*[{}] * 1001)), 413, "batch_too_large")["detail"]


def test_another_skill_is_not_found(app: Parts) -> None:
    assert "analyze, describe, read" in problem_of(sent(batch_of(), "translate"), 404, "skill_not_found")["action"]


@pytest.mark.parametrize(
    ("skill", "params"),
    [
        ("describe", {"timeoutSeconds": "0"}),
        ("describe", {"timeoutSeconds": "231"}),
        ("describe", {"timeoutSeconds": "x"}),
        ("describe", {"visualFeatures": "Tags"}),
        ("describe", {"maxCandidates": "0"}),
        ("analyze", {"visualFeatures": "Everything"}),
        ("read", {"pages": "0"}),
        ("read", {"format": "txt"}),
    ],
)
def test_parameters_are_those_of_the_question(app: Parts, task_hub: Hub, skill: str, params: dict[str, str]) -> None:
    problem_of(sent(batch_of(), skill, **params), 400, "bad_parameter")


def test_parameters_are_asked(app: Parts) -> None:
    values(batch_of({"image": base64_of(RED)}), "analyze", visualFeatures="Objects,Color", language="de")
    ((question, _),) = app.vision.asked
    assert dict(question.parameters) == {"visualFeatures": "Objects,Color", "language": "de", "model-version": "latest"}


# What is paid


def test_the_same_image_twice_in_a_batch_is_asked_about_once(app: Parts) -> None:
    found = values(batch_of({"image": base64_of(RED)}, {"image": {"data": base64_of(RED)}}, {"image": base64_of(BLUE)}))
    assert [each["data"]["caption"] for each in found] == [caption(RED), caption(RED), caption(BLUE)]
    assert len(app.vision.asked) == 2


def test_the_same_batch_again_pays_nothing_and_is_answered_the_same(app: Parts) -> None:
    batch = batch_of(*[{"image": base64_of(picture(colour=(12 * each, 0, 0)))} for each in range(20)])
    first = values(batch, "analyze")
    assert values(batch, "analyze") == first
    assert len(app.vision.asked) == 20


def test_what_analyze_is_asked_without_parameters_is_what_uploads_ask(app: Parts) -> None:
    app.services.answers.ask(analysis.question(app.services.settings), ImageBytes(RED))
    values(batch_of({"image": base64_of(RED)}), "analyze")
    assert len(app.vision.asked) == 1


def test_callers_come_before_uploads_at_the_gate(app: Parts) -> None:
    values(batch_of({"image": base64_of(RED)}))
    assert app.vision.in_background == [False]


def test_a_record_is_asked_again_while_waiting_can_help(app: Parts) -> None:
    app.vision.failures = [ThrottledError("slow down", retry_after_seconds=0.01)]
    (record,) = values(batch_of({"image": base64_of(RED)}))
    assert record["data"]["caption"] == caption(RED)
    assert len(app.vision.asked) == 2


def test_a_record_that_cannot_be_done_in_time_says_why_and_the_others_are_answered(app: Parts) -> None:
    values(batch_of({"image": base64_of(BLUE)}))
    app.vision.failing = VisionUnavailableError("It is down.", retry_after_seconds=60)
    late, known = values(batch_of({"image": base64_of(RED)}, {"image": base64_of(BLUE)}))
    assert refusal(late) == "vision_unavailable"
    assert known["data"]["caption"] == caption(BLUE)


@pytest.fixture
def held(app: Parts) -> Iterator[threading.Event]:
    """Calls about RED wait until it is set."""
    released = threading.Event()
    app.vision.at_call = lambda question, image: released.wait(20) if image.subject == ImageBytes(RED).subject else None
    yield released
    released.set()


@contextmanager
def time_over(when: Callable[[Collection["asyncio.Task[Any]"]], bool]) -> Iterator[None]:
    """Inside, a batch is answered as soon as that holds for its tasks, however fast the machine is."""

    async def wait(tasks: Collection["asyncio.Task[Any]"], *, timeout: float) -> None:
        assert timeout > 0
        while not when(tasks):
            await asyncio.sleep(0.005)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "wait", wait)
        yield


def test_a_batch_is_answered_in_time_and_what_was_paid_meanwhile_is_found_by_the_next_run(
    app: Parts, held: threading.Event
) -> None:
    batch = batch_of({"image": base64_of(RED)}, {"image": base64_of(BLUE)})
    with time_over(lambda tasks: any(task.done() for task in tasks)):
        late, done = values(batch, timeoutSeconds="8")
    assert refusal(late) == "busy"
    assert "not done in time" in late["errors"][0]["message"]
    assert "7 seconds" in late["errors"][0]["message"]
    assert done["data"]["caption"] == caption(BLUE)
    held.set()
    first, second = values(batch)
    assert (first["data"]["caption"], second["data"]["caption"]) == (caption(RED), caption(BLUE))
    assert len(app.vision.asked) == 2


def test_nothing_is_begun_after_the_batch_is_answered(app: Parts, held: threading.Event) -> None:
    more = [{"image": base64_of(picture(colour=(16 * each, 0, 0)))} for each in range(work.SIDE_BY_SIDE + 4)]
    app.vision.at_call = lambda question, image: held.wait(20)
    with time_over(lambda _: len(app.vision.asked) == work.SIDE_BY_SIDE):
        found = values(batch_of(*more))
    assert {refusal(each) for each in found} == {"busy"}
    held.set()
    app.services.batches.shutdown()
    assert len(app.vision.asked) == work.SIDE_BY_SIDE


def test_nobody_pays_for_an_image_that_was_found_too_late(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    released, read = threading.Event(), app.images.read

    def slowly(container: str, name: str, **options: Any) -> Any:
        assert released.wait(20)
        return read(container, name, **options)

    monkeypatch.setattr(app.images, "read", slowly)
    (late,) = values(batch_of({"name": "a.jpg"}), timeoutSeconds="1")
    assert refusal(late) == "busy"
    released.set()
    app.services.batches.shutdown()
    assert app.vision.asked == []


def test_the_time_of_a_batch_counts_while_others_have_all_threads(app: Parts, held: threading.Event) -> None:
    for _ in range(services.BATCH_THREADS):
        app.services.batches.submit(held.wait, 20)
    (late,) = values(batch_of({"image": base64_of(RED)}), timeoutSeconds="1")
    assert refusal(late) == "busy"
    assert not held.is_set()


def test_images_are_decoded_as_they_are_asked_about(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    asked: list[int] = []
    image_of = record_images.image_of
    all_places = threading.Barrier(work.SIDE_BY_SIDE)

    def counted(app: Any, given: Given) -> Any:
        decoded.append(given.text)
        return image_of(app, given)

    def at_call(question: Any, image: Any) -> None:
        all_places.wait(20)
        asked.append(len(decoded))
        all_places.wait(20)

    monkeypatch.setattr(record_images, "image_of", counted)
    app.vision.at_call = at_call
    values(batch_of(*[{"image": base64_of(picture(colour=(9 * each, 0, 0)))} for each in range(2 * work.SIDE_BY_SIDE)]))
    half = [work.SIDE_BY_SIDE] * work.SIDE_BY_SIDE
    assert asked == half + [2 * each for each in half]


def test_the_event_loop_does_nothing_that_grows_with_the_batch(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: dict[str, threading.Thread] = {}

    def watch(module: Any, name: str) -> None:
        action = getattr(module, name)

        def noted(*given: Any) -> Any:
            threads[name] = threading.current_thread()
            return action(*given)

        monkeypatch.setattr(module, name, noted)

    watch(records, "parsed")
    watch(record_images, "given")
    watch(record_images, "image_of")
    watch(outputs, "described")
    watch(responses, "answer_json")
    assert sent(batch_of({"image": base64_of(RED)})).status_code == 200
    assert len(threads) == 5
    assert threading.current_thread() not in threads.values()


def test_a_batch_takes_little_more_memory_than_its_body(app: Parts) -> None:
    """The body and its texts; images are decoded a few at a time."""
    padding = bytes(250_000)
    images = [picture(kind="PNG", colour=(9 * each, 0, 0)) + padding for each in range(24)]
    body = json.dumps(batch_of(*[{"image": base64_of(each)} for each in images])).encode()
    images.clear()
    tracemalloc.start()
    assert sent(body).status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(body)


def test_batches_that_wait_keep_no_other_request_waiting(app: Parts, held: threading.Event) -> None:
    """Neither those in the worker's own threads, nor those in the pool of asynchronous functions."""
    app.services.answers.ask(questions.describe(), ImageBytes(BLUE))
    app.vision.at_call = lambda question, image: held.wait(20)
    more = [
        [{"image": base64_of(picture(colour=(9 * each, 0, batch)))} for each in range(12)] for batch in (0, 90, 180)
    ]
    batches = [threading.Thread(target=sent, args=(batch_of(*inputs),)) for inputs in more]
    for each in batches:
        each.start()
    wait_until(lambda: len(app.vision.asked) > services.BATCH_THREADS)
    answer = answered(DescribeHttp.main, request(body=BLUE))
    assert parsed(answer)["description"]["captions"][0]["text"] == caption(BLUE)
    assert asyncio.run(services.in_thread(app.services.threads, lambda: "done")) == "done"
    assert len(app.vision.asked) == services.BATCH_THREADS + 1
    held.set()
    for each in batches:
        each.join()


def test_a_batch_is_answered_in_its_time_though_others_have_every_thread(app: Parts, held: threading.Event) -> None:
    app.vision.at_call = lambda question, image: held.wait(20)
    more = [[{"image": base64_of(picture(colour=(9 * each, 0, batch)))} for each in range(8)] for batch in (0, 90)]
    batches = [threading.Thread(target=sent, args=(batch_of(*inputs),)) for inputs in more]
    for each in batches:
        each.start()
    wait_until(lambda: len(app.vision.asked) == services.BATCH_THREADS)
    begun = time.monotonic()
    late, wrong = values(batch_of({"image": base64_of(BLUE)}, {}), timeoutSeconds="1")
    assert time.monotonic() - begun < 10
    assert not held.is_set()
    assert (refusal(late), refusal(wrong)) == ("busy", "image_missing")
    held.set()
    for each in batches:
        each.join()


def test_a_mistake_of_the_app_is_that_records_error(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("shared.skills.outputs.described", broken)
    (record,) = values(batch_of({"image": base64_of(RED)}))
    assert refusal(record) == "internal_error"
    assert "secret" not in json.dumps(record)


# read


class Reader(Hub):
    """A task hub in which a Read comes to its end by itself, unless it is *held*."""

    def __init__(self, app: Parts) -> None:
        super().__init__()
        self.app = app
        self.held = False

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str:
        started = await super().start_new(orchestration_function_name, instance_id, client_input)
        if not self.held:
            self.finish(instance_id)
        return started

    def finish(self, instance_id: str) -> None:
        job = Job.from_json(json.loads(self.statuses[instance_id].input_))
        self.set(instance_id, "Completed", output=ReadRun(self.app, job).finish())


@pytest.fixture
def reader(app: Parts, monkeypatch: pytest.MonkeyPatch) -> Reader:
    hub = Reader(app)
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    return hub


def test_a_document_is_read_and_its_lines_are_told(app: Parts, reader: Reader) -> None:
    (record,) = values(batch_of({"image": base64_of(RED)}), "read")
    assert record["data"] == {
        "text": "HELLO\n",
        "lines": [{"text": "HELLO", "boundingBox": [10, 10, 90, 10, 90, 30, 10, 30], "page": 1}],
    }
    ((orchestrator, _, _),) = reader.started
    assert orchestrator == "OcrOrchestrator"
    assert app.host.contents(names.INPUTS) == {}


def test_the_language_that_is_asked_for_is_told(app: Parts, reader: Reader) -> None:
    (record,) = values(batch_of({"image": base64_of(RED)}), "read", language="de")
    assert record["data"]["language"] == "de"


def test_what_was_read_before_is_not_read_again(app: Parts, reader: Reader) -> None:
    first = values(batch_of({"image": base64_of(RED)}), "read")
    assert values(batch_of({"image": base64_of(RED)}, {"image": {"data": base64_of(RED)}}), "read")[1] == {
        **first[0],
        "recordId": "1",
    }
    assert app.vision.count()["read"] == 1


def test_an_image_of_the_container_is_read_by_its_record(app: Parts, reader: Reader) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    (record,) = values(batch_of({"name": "a.jpg"}), "read")
    assert record["data"]["text"] == "HELLO\n"
    assert "a.jpg.json" in app.images.contents(names.TEXT)


def test_a_document_that_is_not_read_in_time_goes_on_and_the_next_run_finds_it(app: Parts, reader: Reader) -> None:
    reader.held = True
    (late,) = values(batch_of({"image": base64_of(RED)}), "read", timeoutSeconds="1")
    assert refusal(late) == "busy"
    ((_, identifier, _),) = reader.started
    reader.finish(identifier)
    (record,) = values(batch_of({"image": base64_of(RED)}), "read")
    assert record["data"]["text"] == "HELLO\n"
    assert (len(reader.started), app.vision.count()["read"]) == (1, 1)


def test_a_batch_has_more_time_than_other_requests(app: Parts, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_WAIT_SECONDS", "0.1")
    reader.held, get_status = True, reader.get_status

    async def finished_at_the_third_look(instance_id: str) -> Any:
        looks.append(instance_id)
        if len(looks) == 3:
            reader.finish(instance_id)
        return await get_status(instance_id)

    looks: list[str] = []
    monkeypatch.setattr(reader, "get_status", finished_at_the_third_look)
    (record,) = values(batch_of({"image": base64_of(RED)}), "read")
    assert record["data"]["text"] == "HELLO\n"
    assert len(looks) == 3


def test_a_document_that_is_being_handed_over_as_the_batch_is_answered_is_read_all_the_same(
    app: Parts, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, start_new = asyncio.Event(), reader.start_new

    async def slowly(*given: Any) -> str:
        await released.wait()
        return await start_new(*given)

    async def both() -> func.HttpResponse:
        given = request(
            body=batch_of({"image": base64_of(RED)}), params={"timeoutSeconds": "1"}, route={"skill": "read"}
        )
        answer: func.HttpResponse = await main(given, invocation(), starter="the durable client's binding")
        released.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
        return answer

    monkeypatch.setattr(reader, "start_new", slowly)
    reader.held = True
    (late,) = parsed(asyncio.run(both()))["values"]
    assert refusal(late) == "busy"
    ((_, _, started),) = reader.started
    assert list(app.host.contents(names.INPUTS)) == [Job.from_json(started).input_name]


def test_no_read_is_begun_after_the_batch_is_answered(
    app: Parts, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that wait for a place at the end are not handed over, and nothing of them is kept."""
    documents = [{"image": base64_of(picture(colour=(16 * each, 0, 0)))} for each in range(work.SIDE_BY_SIDE + 4)]
    released, write = threading.Event(), app.host.write

    def slowly(container: str, *given: Any, **options: Any) -> Any:
        if container == names.INPUTS:
            assert released.wait(20)
        return write(container, *given, **options)

    async def both() -> func.HttpResponse:
        given = request(body=batch_of(*documents), params={"timeoutSeconds": "1"}, route={"skill": "read"})
        answer: func.HttpResponse = await main(given, invocation(), starter="the durable client's binding")
        released.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
        return answer

    monkeypatch.setattr(app.host, "write", slowly)
    reader.held = True
    found = parsed(asyncio.run(both()))["values"]
    assert {refusal(each) for each in found} == {"busy"}
    assert len(reader.started) == work.SIDE_BY_SIDE
    assert len(app.host.contents(names.INPUTS)) == work.SIDE_BY_SIDE


def test_nothing_of_a_batch_runs_on_once_it_is_answered(app: Parts, reader: Reader) -> None:
    """But what has begun in a thread; a Read is asked for no longer."""

    async def left() -> int:
        given = request(
            body=batch_of({"image": base64_of(RED)}), params={"timeoutSeconds": "1"}, route={"skill": "read"}
        )
        await main(given, invocation(), starter="the durable client's binding")
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            # What is cancelled ends at its next turn, and what is not goes on looking for the Read.
            await asyncio.wait(others, timeout=1)
        return len(asyncio.all_tasks())

    reader.held = True
    assert asyncio.run(left()) == 1


def test_no_document_is_begun_after_the_batch_is_answered(
    app: Parts, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, prepare, prepared = threading.Event(), on_request.prepare, list[object]()

    def slowly(*given: Any) -> Any:
        prepared.append(given)
        assert released.wait(20)
        return prepare(*given)

    async def both() -> func.HttpResponse:
        images = [{"image": base64_of(picture(colour=(9 * each, 0, 0)))} for each in range(work.SIDE_BY_SIDE + 4)]
        given = request(body=batch_of(*images), params={"timeoutSeconds": "1"}, route={"skill": "read"})
        answer: func.HttpResponse = await main(given, invocation(), starter="the durable client's binding")
        released.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
        return answer

    monkeypatch.setattr(on_request, "prepare", slowly)
    found = parsed(asyncio.run(both()))["values"]
    assert {refusal(each) for each in found} == {"busy"}
    assert 0 < len(prepared) == len(reader.started) <= work.SIDE_BY_SIDE


def test_a_document_that_cannot_be_read_has_the_reason(app: Parts, reader: Reader) -> None:
    app.vision.reads = [["failed"]] * 9
    (record,) = values(batch_of({"image": base64_of(RED)}), "read")
    assert refusal(record) == "read_failed"
