"""
What the version before has left is shown and redone by this one: no step is paid again, and none is forgotten.

`tests/fixtures/records/before_pending.json` is what that version (November 29, 2026) has left of nine uploads in both
accounts, and the inputs of the orchestrations that slept.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.http_requests import invocation, parsed, request
from doubles.parts import parts
from doubles.stored_before import restore
from doubles.task_hub import TaskHub

from shared.api import image_states
from shared.durable.appointments import Appointment
from UnfinishedHttp import main

BEFORE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "records" / "before_pending.json").read_text()
)
STATES = {
    "again.jpg": "deferred",  # it had failed, and a retry has reopened it
    "deferred.jpg": "deferred",
    "letter.pdf": "complete",
    "new.jpg": "pending",
    "notes.jpg": "failed",
    "photo.jpg": "complete",
    "refused.jpg": "failed",
    "sign.jpg": "complete",
    "tried.jpg": "deferred",  # a worker was killed while RetryStep tried it
}
DONE = {name: "complete" for name, state in STATES.items() if state != "failed"} | {
    name: "failed" for name, state in STATES.items() if state == "failed"
}


def hub_with(**settings: str) -> TaskHub:
    app = parts(**{"THUMBNAIL_SIZES": "100x50", **settings})
    app.clock.advance(BEFORE["now_seconds"])
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    return TaskHub(app)


@pytest.fixture
def hub() -> Iterator[TaskHub]:
    hub = hub_with()
    with hub.running():
        yield hub


def go_on(hub: TaskHub) -> None:
    """Let the orchestrations go on that slept."""
    for given in BEFORE["instances"]:
        appointment = Appointment(**{**given, "steps": tuple(given["steps"])})
        asyncio.run(hub.start_new("RetryOrchestrator", appointment.instance_id, given))


def states(hub: TaskHub) -> dict[str, str]:
    return {each["name"]: each["state"] for each in image_states.page(hub.app.services, limit=50)["images"]}


def retry_pending() -> list[tuple[str, str]]:
    answer = asyncio.run(main(request("POST", {"pending": True}, route={"action": "retry"}), invocation(), starter="s"))
    return [(each["name"], each["step"]) for each in parsed(answer)["retried"]]


def test_every_image_has_the_state_that_it_had_and_says_when_it_is_tried(hub: TaskHub) -> None:
    assert states(hub) == STATES
    tried: Any = image_states.of_image(hub.app.services, "tried.jpg")["analysis"]
    assert (tried["problem"]["until"], tried["problem"]["running"]) == (None, True)
    again: Any = image_states.of_image(hub.app.services, "again.jpg")["analysis"]
    assert again["problem"]["until"]
    assert not again["problem"]["running"]


def test_what_slept_is_done_and_paid_once(hub: TaskHub) -> None:
    go_on(hub)
    hub.pass_time(400)
    assert states(hub) == {**DONE, "new.jpg": "pending"}
    assert hub.app.vision.count() == {"analyze": 3, "areaOfInterest": 2}


def test_what_other_settings_leave_is_redone_and_paid_once() -> None:
    hub = hub_with(THUMBNAIL_SIZES="100x50,64x64")
    with hub.running():
        go_on(hub)
        hub.app.clock.advance(60)
        for name in ("photo.jpg", "sign.jpg", "refused.jpg"):
            found: Any = image_states.of_image(hub.app.services, name)
            assert [each["state"] for each in found["thumbnails"]] == ["done", "pending"]
            assert found["thumbnails"][1]["reason"]["code"] == "settings_changed"
        thumbnails = {name for name in STATES if name not in ("letter.pdf", "notes.jpg")}
        assert set(retry_pending()) == {("new.jpg", "analysis"), *((name, "thumbnails") for name in thumbnails)}
        assert retry_pending() == []
        hub.pass_time(400)
        assert states(hub) == DONE
    # Four analyses, and one area of interest for both thumbnails of each of the seven images.
    assert hub.app.vision.count() == {"analyze": 4, "areaOfInterest": 7}
