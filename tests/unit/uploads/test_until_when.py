"""Whenever somebody asks, a deferred step says when it is tried again: a time ahead, or that it is being tried."""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub, seconds_until

from shared import names
from shared.api import image_states, unfinished_entries
from shared.api.unfinished_entries import Filter
from shared.errors import VisionUnavailableError

RED = picture(colour=(200, 0, 0))
# From the end of an activity to the timer, and from one look to the next.
SLACK_SECONDS = 1.5


class Looks:
    """
    Looks at every image and every unfinished step, and holds each answer against what the orchestrations will do.

    *said* is what was answered, `until` or `running`, with each answer's code.
    """

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, hub: TaskHub) -> None:
        app = hub.app
        for name in app.images.contents(names.IMAGES):
            found: Any = image_states.of_image(app.services, name)
            steps = [("thumbnails", each) for each in found["thumbnails"]]
            for step, each in [("analysis", found["analysis"]), ("text", found["text"]), *steps]:
                if each["state"] == "deferred":
                    self._check(hub, name, step, each["problem"])
                elif "problem" in each:
                    assert (each["problem"]["until"], each["problem"]["running"]) == (None, False)
        for entry in unfinished_entries.page(app.services, Filter(state="deferred"), limit=50)[0]:
            told = entry.to_json(app.clock)
            self._check(hub, told["name"], told["step"], told)

    def _check(self, hub: TaskHub, name: str, step: str, told: dict[str, Any]) -> None:
        self.said.append((told["code"], "running" if told["running"] else "until"))
        assert (told["until"] is None) == told["running"]
        if name == hub.delivering:
            return
        moments = hub.moments(name, step)
        if told["running"]:
            assert any(moment <= SLACK_SECONDS for moment in moments), (name, step, told, moments)
        else:
            ahead = seconds_until(told["until"], hub.app)
            assert ahead > 0
            assert any(abs(moment - ahead) <= SLACK_SECONDS for moment in moments), (name, step, told, ahead, moments)


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def hub(looks: Looks) -> Iterator[TaskHub]:
    app = parts(THUMBNAIL_SIZES="100x50")
    hub = TaskHub(app, looks)
    # Where a call is under way too.
    app.vision.before_call = lambda: looks(hub)
    with hub.running():
        yield hub


def state_of(hub: TaskHub, name: str = "a.jpg") -> str:
    return image_states.of_image(hub.app.services, name)["state"]


def down(app: Parts) -> None:
    app.vision.failing = VisionUnavailableError("down")


def test_in_an_outage_of_42_seconds_every_answer_says_when(hub: TaskHub, looks: Looks) -> None:
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.pass_time(42)
    assert state_of(hub) == "deferred"
    told = len(looks.said)
    # Two steps, twice at each of 42 seconds, and at every call.
    assert told > 2 * 2 * 42
    assert {said for _, said in looks.said} == {"until", "running"}
    hub.app.vision.failing = None
    hub.pass_time(60)
    assert state_of(hub) == "complete"
