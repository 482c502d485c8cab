import asyncio
import json
import logging
from pathlib import Path

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage
from doubles.http_requests import Hub, invocation
from doubles.parts import Parts
from doubles.pictures import picture

from RescueUpload import main
from shared import names
from shared.api import image_states
from shared.errors import SettingsError, StorageError

PROJECT = Path(__file__).resolve().parents[2]


def message(name: str = "a.jpg") -> func.QueueMessage:
    content = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.AnalyzeOnUpload",
        "BlobType": "BlockBlob",
        "ContainerName": "images",
        "BlobName": name,
        "ETag": '""',
    }
    return QueueMessage(id="m", body=json.dumps(content), dequeue_count=1)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The task hub to which every durable client belongs."""
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    return hub


def deliver(given: func.QueueMessage) -> None:
    asyncio.run(main(given, "starter", invocation("invocation-7")))


def test_an_upload_that_was_given_up_is_deferred_with_a_reason_and_an_appointment_for_each_step(
    app: Parts, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app.images.write(names.IMAGES, "a.jpg", picture(), content_type="image/jpeg")
    deliver(message())
    state = image_states.of_image(app.services, "a.jpg")
    assert (state["state"], state["analysis"]["problem"]["code"]) == ("deferred", "upload_interrupted")
    assert [(name, task["steps"], task["seconds"]) for name, _, task in hub.started] == [
        ("RetryOrchestrator", ["analysis"], 60.0),
        ("RetryOrchestrator", ["thumbnails"], 60.0),
    ]
    (line,) = [record.getMessage() for record in caplog.records if "upload.rescued" in record.getMessage()]
    assert line == "upload.rescued blob=a.jpg steps=analysis,thumbnails correlation=invocation-7"


def test_garbage_ends_without_an_error_so_that_it_does_not_come_again(app: Parts, hub: Hub) -> None:
    deliver(QueueMessage(id="m", body=b"\xff"))
    assert hub.started == []
    assert app.images.contents(names.UNFINISHED) == {}


def test_what_waiting_can_help_is_raised_so_that_the_message_stays(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(operation: str, container: str, name: str) -> None:
        raise StorageError("no answer")

    app.images.before = fail
    with pytest.raises(StorageError):
        deliver(message())


def test_without_settings_the_message_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISION_ENDPOINT", raising=False)
    with pytest.raises(SettingsError):
        deliver(message())


def test_its_queue_is_where_the_platform_puts_what_it_gives_up() -> None:
    """In the account of the images, as the blob trigger's own connection says."""
    bindings = [
        json.loads((PROJECT / folder / "function.json").read_text())["bindings"][0]
        for folder in ("RescueUpload", "AnalyzeOnUpload")
    ]
    assert bindings[0]["queueName"] == "webjobs-blobtrigger-poison"
    assert bindings[0]["connection"] == bindings[1]["connection"]
