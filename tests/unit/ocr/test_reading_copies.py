"""Reading a picture of which a copy is sent: the record tells of the picture, and nothing is submitted twice."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.fake_vision import read_text
from doubles.parts import Parts, parts
from doubles.photographs import BY_NAME
from doubles.read_runs import ReadRun, upload

from shared import names
from shared.answers.answers import Answers
from shared.answers.claims import Claims
from shared.answers.tickets import ReadTicket
from shared.durable import inputs, read_job
from shared.durable.read_job import Job
from shared.errors import BusyError, ImageRejectedError
from shared.images import ImageBytes
from shared.ocr import reading
from shared.pictures.converter import Converter
from shared.pictures.fitting import FIT, READ, Limits, Sent
from shared.pictures.inspection import ImageHeader
from shared.vision import questions
from shared.vision.read_models import ReadResult

# 320x240 upright pixels; its own are 240x320.
TURNED = BY_NAME["held-6.jpg"].data
COPY = Sent(b"\xff\xd8\xff a copy", "JPEG", 160, 120, untouched=False)


class Copying(Converter):
    """Makes one and the same copy of all that is to be read."""

    def __init__(self) -> None:
        super().__init__(most_pixels=10**6, wait_seconds=0)
        self.failures: list[Exception] = []

    def sent(self, data: bytes, header: ImageHeader, limits: Limits) -> Sent:
        assert limits == READ
        if self.failures:
            raise self.failures.pop(0)
        return COPY


@pytest.fixture
def converter() -> Copying:
    return Copying()


@pytest.fixture
def app(converter: Copying) -> Iterator[Parts]:
    app = parts()
    claims = Claims(app.host, app.clock)
    answers = Answers(app.vision, claims, app.images, app.clock, converter, wait_seconds=1, most_bytes=10**7)
    yield Parts(app.services._replace(answers=answers), app.images, app.host, app.vision, app.clock)
    app.services.threads.shutdown()


def job_of(app: Parts, data: bytes = TURNED, name: str = "a.jpg") -> Job:
    return read_job.from_image(upload(app, data, name), app.services.settings, text_only=False)


def record_of(app: Parts, name: str = "a.jpg") -> Any:
    return json.loads(app.images.contents(names.TEXT)[f"{name}.json"])


def page_of(app: Parts, name: str = "a.jpg") -> Any:
    (page,) = record_of(app, name)["analyzeResult"]["readResults"]
    return page


def as_stored() -> ReadResult:
    """What was read of the picture as it is stored: a line that runs upward there."""
    result: Any = read_text("HELLO")
    (page,) = result["readResults"]
    line = {"boundingBox": [10, 300, 10, 20, 60, 20, 60, 300], "text": "HELLO", "words": []}
    page |= {"angle": -90.0, "width": 240, "height": 320, "lines": [line]}
    return ReadResult.of({"status": "succeeded", "analyzeResult": result})


def test_a_copy_is_read_and_the_record_has_its_text_where_the_picture_has_it(app: Parts) -> None:
    job = job_of(app)
    assert job.fit == FIT
    assert ReadRun(app, job).finish()["state"] == "done"
    record, page = record_of(app), page_of(app)
    assert record["sent"] == COPY.describe()
    assert (page["width"], page["height"]) == (320, 240)
    assert page["lines"][0]["boundingBox"] == [20, 20, 180, 20, 180, 60, 20, 60]
    assert app.vision.asked == [
        (questions.read(reading_order="natural")._replace(fit=FIT), ImageBytes(COPY.data).subject)
    ]


def test_a_document_that_goes_as_it_is_tells_of_no_copy(app: Parts) -> None:
    ReadRun(app, job_of(app, BY_NAME["plain.png"].data)).finish()
    assert "sent" not in record_of(app)
    assert page_of(app)["lines"][0]["boundingBox"] == [10, 10, 90, 10, 90, 30, 10, 30]


def test_its_records_have_the_key_that_they_always_had(app: Parts) -> None:
    job = job_of(app)
    ReadRun(app, job).finish()
    for name in (job.record, job.plain_record):
        info = app.images.head(names.TEXT, name)
        assert info is not None
        assert info.metadata[names.REQUEST] == job._replace(fit="").question.key
    assert reading.submit(app.services, job._replace(fit=""), 0)["state"] == "done"
    assert reading.submit(app.services, job, 0)["state"] == "done"


def test_a_picture_under_another_name_is_not_read_again(app: Parts) -> None:
    ReadRun(app, job_of(app)).finish()
    ReadRun(app, job_of(app, name="b.jpg")).finish()
    assert len(app.vision.asked) == 1
    assert record_of(app, "b.jpg")["sent"] == COPY.describe()
    assert page_of(app, "b.jpg") == page_of(app)


def test_bytes_that_came_over_http_are_kept_as_they_came_and_read_as_a_copy(app: Parts) -> None:
    job = read_job.from_request(ImageBytes(TURNED), app.services.settings, {})
    job = inputs.keep(app.host, job, TURNED)
    assert app.host.contents(names.INPUTS) == {job.input_name: TURNED}
    assert ReadRun(app, job).finish()["state"] == "done"
    assert app.host.contents(names.INPUTS) == {}
    record = json.loads(app.images.contents(names.TEXT)[job.record])
    assert (record["source"]["sha256"], record["sent"]) == (ImageBytes(TURNED).subject, COPY.describe())


def test_a_job_that_the_version_before_has_begun_goes_on_as_it_began(app: Parts) -> None:
    begun = {key: value for key, value in job_of(app).to_json().items() if key != "fit"}
    job = Job.from_json(begun)
    ReadRun(app, job).finish()
    assert app.vision.asked == [(job.question, job.subject)]
    assert "sent" not in record_of(app)


@pytest.mark.parametrize("name", ["a.jpg", "a copy.jpg"])
def test_what_the_version_before_has_read_is_turned_and_not_submitted_again(app: Parts, name: str) -> None:
    job = job_of(app, name=name)
    app.services.answers.keep_result(job.subject, job.question.plain, as_stored())
    run = ReadRun(app, job)
    assert run.finish()["state"] == "done"
    assert run.steps == ["OcrSubmit:read", "OcrStore:done"]
    assert app.vision.asked == []
    page = page_of(app, name)
    assert (page["width"], page["height"], page["angle"]) == (320, 240, 0.0)
    assert page["lines"][0]["boundingBox"] == [20, 10, 300, 10, 300, 60, 20, 60]
    # The next one reads one claim.
    assert reading.submit(app.services, job_of(app, name="c.jpg"), 0)["state"] == "read"


def test_a_read_that_the_version_before_has_submitted_is_waited_for_and_not_submitted_again(app: Parts) -> None:
    app.vision.reads = [["running", "succeeded"]]
    before = job_of(app)._replace(fit="")
    submitted = ReadRun(app, before)
    submitted.step()
    run = ReadRun(app, job_of(app, name="b.jpg"))
    assert run.finish()["state"] == "done"
    assert len(app.vision.asked) == 1
    assert submitted.finish()["state"] == "done"


def test_one_that_failed_meanwhile_is_submitted_anew(app: Parts) -> None:
    app.vision.reads = [["failed"]]
    ReadRun(app, job_of(app)._replace(fit="")).step()
    assert ReadRun(app, job_of(app, name="b.jpg")).finish()["problem"]["code"] == "read_failed"
    run = ReadRun(app, job_of(app, name="c.jpg"))
    assert run.finish()["state"] == "done"
    assert run.steps[0] == "OcrSubmit:submitted"
    assert len(app.vision.asked) == 2


def test_a_picture_that_the_app_cannot_decode_fails_and_leaves_no_claim(app: Parts, converter: Copying) -> None:
    converter.failures = [ImageRejectedError("no picture", code="image_unreadable")]
    assert ReadRun(app, job_of(app)).finish()["problem"]["code"] == "image_unreadable"
    assert app.host.contents(names.CACHE) == {}
    assert app.vision.asked == []


def test_one_for_which_there_is_no_memory_now_waits(app: Parts, converter: Copying) -> None:
    converter.failures = [BusyError("other pictures are being decoded", retry_after_seconds=2.0)]
    run = ReadRun(app, job_of(app))
    assert run.step()["state"] == "wait"
    assert run.finish()["state"] == "done"


def test_a_ticket_goes_through_the_history_whole(app: Parts) -> None:
    run = ReadRun(app, job_of(app))
    run.step()
    ticket = ReadTicket.from_json(json.loads(json.dumps(run.state["ticket"])))
    assert (ticket.sent, ticket.sides) == (COPY.describe(), (320, 240))
    # The version before reads what it knows of it.
    assert {"operation", "submitted"} <= run.state["ticket"].keys()
