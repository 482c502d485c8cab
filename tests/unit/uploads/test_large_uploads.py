"""An upload that is larger than MAX_UPLOAD_MEGABYTES: refused without being read, and never a silence."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.documents import DOCUMENTS
from doubles.http_requests import Hub, invocation, request
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.read_runs import ReadRun

import OcrHttp
from shared import contract, names, services
from shared.api import image_states, unfinished_entries
from shared.configuration import parse
from shared.durable.read_job import Job
from shared.errors import BlobsightError
from shared.images import ImageBlob
from shared.records import versions
from shared.records.versions import WithheldVersion
from shared.storage import image_blobs
from shared.storage.blobs import BlobInfo
from shared.uploads import rescue, steps
from shared.vision import questions

MEGABYTE = 1024**2
PDF = DOCUMENTS["PDF"].ljust(MEGABYTE + 1, b"\0")
Json = dict[str, Any]


@pytest.fixture
def app() -> Iterator[Parts]:
    app = parts(THUMBNAIL_SIZES="100x50", MAX_UPLOAD_MEGABYTES="1")
    yield app
    app.services.threads.shutdown()


def raised(app: Parts) -> Parts:
    """The same app with a limit of 2 MB."""
    return restarted(app, THUMBNAIL_SIZES="100x50", MAX_UPLOAD_MEGABYTES="2")


def upload(app: Parts, data: bytes = PDF, name: str = "a.pdf") -> str:
    return app.images.write(names.IMAGES, name, data, content_type="application/pdf")


def process(app: Parts, data: bytes | None = PDF, name: str = "a.pdf") -> dict[str, tuple[str, str | None]]:
    return {each.step: (each.state, each.code) for each in steps.process(app.services, name, data)}


def note(app: Parts, step: str = "text", name: str = "a.pdf") -> Json:
    found: Json = json.loads(app.images.contents(names.UNFINISHED)[f"{step}/{name}.json"])
    return found


def read(app: Parts) -> Json:
    """Have the text read that is due."""
    (outcome,) = steps.process(app.services, "a.pdf", None)
    assert outcome.job
    return ReadRun(app, outcome.job).finish()


@pytest.mark.parametrize("data", [PDF, None], ids=["by its event", "by a retry"])
def test_it_fails_with_its_name_its_size_the_limit_and_what_to_do(app: Parts, data: bytes | None) -> None:
    upload(app)
    assert process(app, data) == {"text": ("failed", "image_too_large")}
    found = note(app)
    assert (found["state"], found["until"]) == ("failed", None)
    for told in ("'a.pdf'", "1048577 bytes", "1048576", "1 MB", "MAX_UPLOAD_MEGABYTES"):
        assert told in found["message"]
    for told in (
        'POST /api/ocr and {"name": "a.pdf"}',
        "POST /api/unfinished/retry",
        "Upload the new file as 'a.pdf' again",
    ):
        assert told in found["action"]
    assert app.vision.asked == []


def test_its_state_says_so_and_nothing_else_applies_to_a_document(app: Parts) -> None:
    upload(app)
    process(app)
    found = image_states.of_image(app.services, "a.pdf")
    assert (found["state"], found["analysis"]["state"], found["thumbnails"]) == ("failed", "none", [])
    assert found["text"]["problem"]["code"] == "image_too_large"


def test_it_is_neither_read_nor_hashed(app: Parts) -> None:
    upload(app)

    def watch(operation: str, container: str, name: str) -> None:
        assert (operation, container) != ("digest", names.IMAGES)

    app.images.before = watch
    found = versions.identify(app.images, "a.pdf", PDF, most=MEGABYTE)
    assert isinstance(found, WithheldVersion)
    assert (found.sha256, found.size) == ("", len(PDF))
    assert PDF.startswith(found.beginning)
    assert len(found.beginning) < MEGABYTE // 10


@pytest.mark.parametrize("megabytes", [0, 1])
def test_as_many_bytes_as_the_limit_are_taken(app: Parts, megabytes: int) -> None:
    upload(app, PDF[: MEGABYTE - 1 + megabytes])
    assert process(app, None) == {"text": ("due", None)}


def test_the_event_of_a_version_that_was_overwritten_by_a_smaller_one_has_that_one_done(app: Parts) -> None:
    upload(app)
    upload(app, DOCUMENTS["PDF"])
    assert process(app) == {"text": ("due", None)}


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (b"\x1aE\xdf\xa3".ljust(2 * MEGABYTE, b"\0"), "format_not_supported", "video"),
        (picture("BMP", 700, 700), "image_too_large", "MAX_UPLOAD_MEGABYTES"),
    ],
    ids=["a video", "an image beyond the setting"],
)
def test_what_is_no_document_is_told_the_nearer_reason(app: Parts, data: bytes, code: str, told: str) -> None:
    upload(app, data, "a.bmp")
    assert process(app, data, "a.bmp") == {"analysis": ("failed", code)}
    assert told in note(app, "analysis", "a.bmp")["message"]
    found = image_states.of_image(app.services, "a.bmp")
    assert (found["state"], found["thumbnails"], found["text"]) == ("failed", [], {"state": "none"})
    assert app.vision.asked == []


def test_the_same_event_again_changes_nothing(app: Parts) -> None:
    upload(app)
    process(app)
    before = note(app)
    assert process(app) == {"text": ("failed", "image_too_large")}
    assert note(app) == before


def test_with_a_higher_limit_its_event_has_it_read(app: Parts) -> None:
    upload(app)
    process(app)
    higher = raised(app)
    assert process(higher) == {"text": ("due", None)}
    assert app.images.contents(names.UNFINISHED) == {}
    assert read(higher)["state"] == "done"
    assert image_states.of_image(higher.services, "a.pdf")["state"] == "complete"


def test_with_a_higher_limit_a_retry_has_it_read(app: Parts) -> None:
    upload(app)
    process(app)
    higher = raised(app)
    (entry,) = unfinished_entries.find(higher.services, "a.pdf", None)
    assert unfinished_entries.appointment(entry, 0.0).steps == ("text",)
    assert unfinished_entries.reopen(higher.services, entry, 0.0)
    assert read(higher)["state"] == "done"
    assert app.images.contents(names.UNFINISHED) == {}


def test_with_the_same_limit_a_retry_fails_again_and_makes_no_appointment(app: Parts) -> None:
    upload(app)
    process(app)
    (entry,) = unfinished_entries.find(app.services, "a.pdf", None)
    assert unfinished_entries.reopen(app.services, entry, 0.0)
    (outcome,) = steps.process(app.services, "a.pdf", None, only=("text",), from_backlog=True)
    assert (outcome.state, outcome.code, outcome.appointment) == ("failed", "image_too_large", None)
    assert note(app)["state"] == "failed"


def test_with_a_higher_limit_an_image_is_analyzed(app: Parts) -> None:
    data = picture("BMP", 700, 700)
    upload(app, data, "a.bmp")
    process(app, data, "a.bmp")
    assert process(raised(app), data, "a.bmp") == {"analysis": ("done", None), "thumbnails": ("done", None)}


def test_one_that_computer_vision_itself_found_too_large_stays_refused_whatever_the_limit(app: Parts) -> None:
    """Its bytes were read, so a limit of uploads is not the reason."""
    data = DOCUMENTS["PDF"]
    upload(app, data)
    (outcome,) = steps.process(app.services, "a.pdf", data)
    assert outcome.job
    app.vision.failures = [image_blobs.too_large(BlobInfo("a.pdf", "", len(data)), 1)]
    assert ReadRun(app, outcome.job).finish()["problem"]["code"] == "image_too_large"
    assert process(raised(app), data) == {"text": ("failed", "image_too_large")}


def test_what_was_made_with_a_higher_limit_stays(app: Parts) -> None:
    upload(app)
    read(raised(app))
    assert process(app) == {"text": ("skipped", None)}
    assert image_states.of_image(app.services, "a.pdf")["state"] == "complete"


def test_a_request_by_its_name_has_it_read_whatever_the_limit(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    upload(app)
    process(app)
    with services.replaced(app.services):
        assert (
            asyncio.run(OcrHttp.main(request("POST", {"blob": "a.pdf"}), invocation(), starter="")).status_code == 202
        )
    ((_, _, job),) = hub.started
    assert ReadRun(app, Job.from_json(job)).finish()["state"] == "done"
    assert app.images.contents(names.UNFINISHED) == {}
    assert image_states.of_image(app.services, "a.pdf")["state"] == "complete"
    assert process(app) == {"text": ("skipped", None)}


def rescued(app: Parts, name: str = "a.pdf") -> int:
    """Rescue the upload; returns how many appointments it gets."""
    event = {"Type": "BlobTrigger", "FunctionId": "Host.Functions.AnalyzeOnUpload"}
    message = {**event, "ContainerName": "images", "BlobName": name, "ETag": ""}
    return len(rescue.rescue(app.services, json.dumps(message).encode()))


def test_one_that_has_killed_its_worker_is_not_tried_again(app: Parts) -> None:
    upload(app)
    assert rescued(app) == 0
    assert note(app)["code"] == "image_too_large"


def test_one_that_has_killed_its_worker_under_a_higher_limit_is_rescued(app: Parts) -> None:
    upload(app)
    process(app)
    assert rescued(raised(app)) == 1
    assert note(app)["code"] == "upload_interrupted"


def test_a_question_about_it_over_http_does_not_read_it(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    read_whole = MemoryBlobs.read
    most: list[int | None] = []

    def watched(self: MemoryBlobs, container: str, name: str, **options: Any) -> Any:
        most.append(options.get("most")) if container == names.IMAGES else None
        return read_whole(self, container, name, **options)

    upload(app, picture("BMP", 1300, 1100), "a.bmp")
    monkeypatch.setattr(MemoryBlobs, "read", watched)
    with pytest.raises(BlobsightError) as caught:
        app.services.answers.ask(questions.tag(language="en", model_version="latest"), ImageBlob("a.bmp"))
    assert (caught.value.status, caught.value.code) == (413, "image_too_large")
    assert most == [MEGABYTE]


def test_beyond_what_the_app_reads_at_all_the_address_is_the_way_whatever_the_limit() -> None:
    error = image_blobs.too_large(BlobInfo("a.pdf", "", contract.MAX_READ_BYTES + 1), MEGABYTE)
    assert "524288001 bytes" in error.message
    assert "500 MB" in error.message
    assert '{"url": "..."}' in error.action
    assert "name" not in error.action
    assert "MAX_UPLOAD_MEGABYTES" not in error.message + error.action


def test_the_setting_allows_no_more_than_the_app_reads() -> None:
    assert parse.MAX_MEGABYTES * MEGABYTE == contract.MAX_READ_BYTES
