import asyncio
import json
import logging
import threading

import pytest
from azure.functions.blob import InputStream
from doubles.http_requests import Hub, invocation, upload
from doubles.memory import MemoryBlobs
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun

from AnalyzeOnUpload import main
from shared import names
from shared.durable.read_job import Job
from shared.errors import BlobsightError, StorageDeniedError, StorageError, ThrottledError, VisionUnavailableError
from shared.vision.questions import Question

RED = picture(colour=(200, 0, 0))
BLUE = picture(colour=(0, 0, 200))


def store(app: Parts, data: bytes = RED, name: str = "a.jpg") -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The task hub to which every durable client belongs."""
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    return hub


def deliver(data: bytes = RED, name: str | None = "images/a.jpg") -> None:
    asyncio.run(main(upload(name, data), "the durable client's binding", invocation("invocation-7")))


def records(app: Parts) -> list[str]:
    return [f"{each}/{name}" for each in names.OUTPUTS for name in app.images.contents(each)]


def test_an_upload_gets_its_records(app: Parts) -> None:
    store(app)
    deliver()
    assert records(app) == ["analysis/a.jpg.json", "thumbnails/a.jpg/100x50-smart.jpg"]


def test_the_same_event_again_costs_nothing(app: Parts) -> None:
    store(app)
    for _ in range(3):
        deliver()
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}


@pytest.mark.parametrize(
    "name",
    [
        "thumbnails/a.jpg/100x50-smart.jpg",
        "analysis/a.jpg.json",
        "text/a.txt",
        "other/images/a.jpg",
        "images",
        "",
        None,
    ],
)
def test_what_is_not_under_images_is_ignored(app: Parts, name: str | None) -> None:
    """Event Grid does not filter by the trigger's path; an output that got in here would loop for ever."""
    store(app)
    deliver(name=name)
    assert app.vision.asked == []
    assert records(app) == []


def test_names_are_kept_with_their_folders(app: Parts) -> None:
    store(app, name="2026/ä b#c.jpg")
    deliver(name="images/2026/ä b#c.jpg")
    assert "analysis/2026/ä b#c.jpg.json" in records(app)


@pytest.mark.parametrize(
    "error", [ThrottledError("slow"), VisionUnavailableError("down"), StorageError("gone")], ids=lambda e: e.code
)
def test_what_waiting_can_help_gets_an_appointment_and_does_not_raise(
    app: Parts, hub: Hub, error: BlobsightError
) -> None:
    """The platform delivers what raised again at once, and gives up after five times."""
    store(app)
    app.vision.failing = error
    deliver()
    assert "unfinished/analysis/a.jpg.json" in records(app)
    assert [(name, task["name"], task["steps"]) for name, _, task in hub.started] == [
        ("RetryOrchestrator", "a.jpg", ["analysis"]),
        ("RetryOrchestrator", "a.jpg", ["thumbnails"]),
    ]
    note = json.loads(app.images.contents("unfinished")["analysis/a.jpg.json"])
    assert (note["state"], note["attempts"]) == ("deferred", 1)
    assert note["until"] > note["last"]


def test_the_same_event_again_makes_no_second_appointment(app: Parts, hub: Hub) -> None:
    store(app)
    app.vision.failing = VisionUnavailableError("down")
    deliver()
    deliver()
    assert len(hub.started) == 2


def test_an_appointment_that_cannot_be_made_is_raised_so_that_the_event_comes_again(app: Parts, hub: Hub) -> None:
    store(app)
    app.vision.failing = VisionUnavailableError("down")
    hub.failing = Exception("the hub is down")
    with pytest.raises(StorageError, match="the hub is down"):
        deliver()


def test_while_storage_is_out_the_whole_image_gets_an_appointment(app: Parts, hub: Hub) -> None:
    def before(operation: str, container: str, name: str) -> None:
        raise StorageError("the account is down")

    store(app)
    app.images.before = before
    deliver()
    [(name, _, task)] = hub.started
    assert (name, task["name"], task["steps"]) == ("RetryOrchestrator", "a.jpg", ["analysis", "thumbnails", "text"])


DENIED = StorageDeniedError("403 AuthorizationPermissionMismatch", action="Give the app's identity the role.")


def deny(blobs: MemoryBlobs, *operations: str) -> None:
    def before(operation: str, container: str, name: str) -> None:
        if operation in operations:
            raise DENIED

    blobs.before = before


def test_an_upload_tells_which_role_is_missing_and_is_done_once_it_is_there(app: Parts, hub: Hub) -> None:
    """Where the claims and the ledger are; nothing is paid for before they are held."""
    store(app)
    deny(app.host, "write", "read", "acquire")
    deliver()
    note = json.loads(app.images.contents("unfinished")["analysis/a.jpg.json"])
    assert (note["state"], note["code"], note["action"]) == ("deferred", "storage_denied", DENIED.action)
    assert [(name, task["steps"]) for name, _, task in hub.started] == [
        ("RetryOrchestrator", ["analysis"]),
        ("RetryOrchestrator", ["thumbnails"]),
    ]
    assert app.vision.asked == []
    app.host.before = None
    deliver()
    assert records(app) == ["analysis/a.jpg.json", "thumbnails/a.jpg/100x50-smart.jpg"]


@pytest.mark.parametrize("operations", [("write",), ("head", "read", "write")])
def test_an_upload_whose_records_are_denied_gets_an_appointment_and_loses_no_paid_answer(
    operations: tuple[str, ...], app: Parts, hub: Hub
) -> None:
    """The account that would hold the reason is the one that is denied: the log and the health report have it."""
    store(app)
    deny(app.images, *operations)
    deliver()
    [(name, _, task)] = hub.started
    assert (name, task["name"], task["steps"]) == ("RetryOrchestrator", "a.jpg", ["analysis", "thumbnails", "text"])
    paid = len(app.vision.asked)
    app.images.before = None
    deliver()
    assert records(app) == ["analysis/a.jpg.json", "thumbnails/a.jpg/100x50-smart.jpg"]
    assert len(app.vision.asked) == 2
    assert paid == (1 if operations == ("write",) else 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_empty"),
        (b"dear diary", "not_an_image"),
        (picture("JPEG", 49, 49), "image_too_small"),
        (b"8BPS" + bytes(60), "format_not_supported"),
        (RED[:10], "image_unreadable"),
    ],
)
def test_what_is_no_image_fails_for_good_without_a_call(app: Parts, data: bytes, code: str) -> None:
    """Raising would only have it delivered again."""
    store(app, data)
    deliver(data)
    assert records(app) == ["unfinished/analysis/a.jpg.json"]
    note = json.loads(app.images.contents("unfinished")["analysis/a.jpg.json"])
    assert (note["state"], note["code"]) == ("failed", code)
    assert note["action"]
    assert app.vision.asked == []


@pytest.mark.parametrize("is_told", [True, False], ids=["with its length", "by its bytes alone"])
def test_an_upload_of_more_than_100_mb_fails_for_good_without_a_call(app: Parts, hub: Hub, *, is_told: bool) -> None:
    """Whatever the platform says of its length: versions of azure-functions differ in that."""
    data = b"%PDF-1.7".ljust(100 * 1024**2 + 1, b"\0")
    store(app, data, "a.pdf")
    image = InputStream(data=data, name="images/a.pdf", length=len(data) if is_told else None)
    asyncio.run(main(image, "the durable client's binding", invocation()))
    assert records(app) == ["unfinished/text/a.pdf.json"]
    note = json.loads(app.images.contents("unfinished")["text/a.pdf.json"])
    assert (note["state"], note["code"]) == ("failed", "image_too_large")
    assert "104857601 bytes" in note["message"]
    assert (app.vision.asked, hub.started) == ([], [])


def test_an_image_that_is_gone_leaves_nothing(app: Parts) -> None:
    deliver()
    assert records(app) == []
    assert app.vision.asked == []


def test_an_event_that_comes_late_finds_what_the_image_is_now(app: Parts) -> None:
    store(app, RED)
    store(app, BLUE)
    deliver(RED)
    analysis = json.loads(app.images.contents("analysis")["a.jpg.json"])
    assert analysis["source"]["bytes"] == len(BLUE)
    assert app.vision.count()["analyze"] == 1


def test_the_event_loop_is_free_while_an_upload_is_worked_on(app: Parts) -> None:
    """A blocked loop would freeze every function of the process."""
    store(app)
    released = threading.Event()
    app.vision.at_call = lambda *_: released.wait(110)

    async def both() -> None:
        working = asyncio.create_task(main(upload("images/a.jpg", RED), "", invocation()))
        while not app.vision.asked:
            await asyncio.sleep(0.001)
        assert not working.done()
        released.set()
        await working

    asyncio.run(both())
    assert len(records(app)) == 2


def test_everything_logged_carries_the_invocation(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store(app)
    deliver()
    lines = [each for each in caplog.messages if each.startswith(("step.", "upload.", "image."))]
    assert lines
    assert all(line.endswith("correlation=invocation-7") for line in lines)


@pytest.fixture
def wordy(app: Parts) -> Parts:
    """The app, with text in every image."""
    app.vision.tags = {"text": 0.9}
    return app


def test_text_is_handed_over_once_however_often_the_event_comes(wordy: Parts, hub: Hub) -> None:
    etag = store(wordy)
    for _ in range(3):
        deliver()
    ((orchestrator, instance_id, job),) = hub.started
    assert orchestrator == "OcrOrchestrator"
    assert Job.from_json(job).instance_id == instance_id
    assert (job["name"], job["etag"]) == ("a.jpg", etag)
    assert wordy.vision.count() == {"analyze": 1, "areaOfInterest": 1}


def test_an_image_without_text_starts_nothing(app: Parts, hub: Hub) -> None:
    store(app)
    deliver()
    assert hub.started == []


def test_a_document_is_handed_over_without_a_call(app: Parts, hub: Hub) -> None:
    store(app, picture("PDF"))
    deliver(picture("PDF"))
    assert len(hub.started) == 1
    assert app.vision.asked == []


def test_an_image_uploaded_again_is_handed_over_again(wordy: Parts, hub: Hub) -> None:
    for _ in range(2):
        store(wordy)
        deliver()
    assert len({instance_id for _, instance_id, _ in hub.started}) == 2


def test_a_text_that_is_there_is_not_handed_over(wordy: Parts, hub: Hub) -> None:
    store(wordy)
    deliver()
    ReadRun(wordy, Job.from_json(hub.started.pop()[2])).finish()
    deliver()
    assert hub.started == []


def test_a_hand_over_that_fails_is_raised_so_that_the_event_comes_again(wordy: Parts, hub: Hub) -> None:
    store(wordy)
    hub.failing = ConnectionError("the durable API is down")
    with pytest.raises(StorageError, match="the durable API is down"):
        deliver()
    hub.failing = None
    deliver()
    assert len(hub.started) == 1
    assert wordy.vision.count()["analyze"] == 1


def test_text_is_handed_over_even_if_another_step_is_deferred(wordy: Parts, hub: Hub) -> None:
    def at_call(question: Question, image: object) -> None:
        if question.operation == "areaOfInterest":
            raise ThrottledError("later")

    wordy.vision.at_call = at_call
    store(wordy)
    deliver()
    assert [orchestrator for orchestrator, _, _ in hub.started] == ["RetryOrchestrator", "OcrOrchestrator"]


def test_the_durable_client_is_made_of_the_binding(wordy: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    bindings: list[str] = []

    def client(starter: str) -> Hub:
        bindings.append(starter)
        return Hub()

    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", client)
    store(wordy)
    deliver()
    assert bindings == ["the durable client's binding"]


def test_with_wrong_settings_nothing_is_lost_either(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._current", None)
    for name in ("VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage"):
        monkeypatch.delenv(name, raising=False)
    deliver()
    [(name, _, task)] = hub.started
    assert (name, task["name"], task["seconds"]) == ("RetryOrchestrator", "a.jpg", 60.0)
