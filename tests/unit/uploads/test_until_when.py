"""At every moment a deferred step says when it is tried again: a time ahead, or that it is being tried."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.task_hub import KilledError, TaskHub, seconds_until

from shared import names
from shared.api import image_states, unfinished_entries
from shared.api.unfinished_entries import Filter
from shared.durable.read_job import Job
from shared.errors import StorageError, StorageRefusedError, VisionUnauthorizedError, VisionUnavailableError
from shared.ocr import reading
from shared.uploads import attempt_mark, rescue, steps

RED = picture(colour=(200, 0, 0))
# From the end of an activity to the timer, and from one look to the next.
SLACK_SECONDS = 1.5


class Looks:
    """
    Looks at every image and every unfinished step, and holds each answer against what the orchestrations will do.

    *said* is what was answered, `until` or `running`, with each answer's code; *wrong* are those that were not true.
    """

    def __init__(self) -> None:
        self.wrong: list[str] = []
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
        moments = hub.moments(name, step)
        if told["running"] is (told["until"] is not None):
            expected: list[float] = []
        elif name == hub.delivering:
            return
        elif told["running"]:
            expected = [moment for moment in moments if moment <= SLACK_SECONDS]
        else:
            ahead = seconds_until(told["until"], hub.app)
            # An appointment of several steps tries the next one now, and is due again after that.
            expected = [each for each in moments if ahead > 0 and (each == 0 or abs(each - ahead) <= SLACK_SECONDS)]
        if not expected:
            now = hub.app.clock.utc().isoformat()
            self.wrong.append(
                f"{now}: {name} {step} {told['code']} {told['until']} {told['running']}, in truth {moments}"
            )


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def hub(looks: Looks) -> Iterator[TaskHub]:
    # In this mode, each of the two steps puts a question of its own.
    app = parts(THUMBNAIL_SIZES="100x50", THUMBNAIL_MODE="area")
    hub = TaskHub(app, looks)
    # Where a call is under way too.
    app.vision.before_call = lambda: looks(hub)
    with hub.running():
        yield hub
    assert looks.wrong == []


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


def wordy(hub: TaskHub) -> None:
    """From now on images have text."""
    hub.app.vision.tags = {"text": 0.9}


def test_text_that_waits_says_when(hub: TaskHub, looks: Looks) -> None:
    wordy(hub)
    hub.app.vision.at_call = lambda *_: down(hub.app)
    hub.upload("a.pdf", picture("PDF"))
    down(hub.app)
    hub.upload("b.pdf", picture("PDF", 90, 90))
    hub.pass_time(300)
    hub.app.vision.at_call, hub.app.vision.failing = None, None
    hub.pass_time(300)
    assert [state_of(hub, name) for name in ("a.pdf", "b.pdf")] == ["complete", "complete"]
    assert {said for _, said in looks.said} == {"until", "running"}


def test_text_that_waits_long_and_is_had_tried_again_is_tried_at_once(hub: TaskHub, looks: Looks) -> None:
    hub.app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    hub.upload("a.pdf", picture("PDF"))
    hub.pass_time(400)
    # It sleeps for ten minutes more.
    hub.app.vision.failing = None
    hub.tell_again({"code": "vision_unauthorized"})
    hub.pass_time(10)
    assert state_of(hub, "a.pdf") == "complete"
    assert hub.app.vision.count()["read"] == 3


def test_a_read_that_still_sleeps_after_another_try_has_failed_pays_nothing(hub: TaskHub) -> None:
    hub.app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    hub.upload("a.pdf", picture("PDF"))
    hub.pass_time(10)
    hub.app.vision.failing, hub.app.vision.reads = None, [["failed"]]
    hub.tell_again({"code": "vision_unauthorized"})
    hub.pass_time(20)
    failed = image_states.of_image(hub.app.services, "a.pdf")
    assert failed["state"] == "failed"
    paid = hub.app.vision.count()
    hub.pass_time(600)
    assert (image_states.of_image(hub.app.services, "a.pdf"), hub.app.vision.count()) == (failed, paid)
    assert all(instance.is_over for instance in hub.instances.values())


def test_text_that_is_cancelled_while_it_is_submitted_stays_cancelled(hub: TaskHub) -> None:
    """The activity that was under way meets an error after that, and no try follows."""

    def cancel() -> None:
        (instance,) = hub.instances
        hub.app.clock.advance(0.5)
        asyncio.run(hub.terminate(instance, "cancelled over HTTP"))
        reading.note_cancelled(hub.app.services, Job.from_json(hub.instances[instance].given))
        hub.app.clock.advance(0.5)

    hub.app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    hub.app.vision.before_call = cancel
    hub.upload("a.pdf", picture("PDF"))
    hub.pass_time(60)
    found: Any = image_states.of_image(hub.app.services, "a.pdf")
    assert (found["state"], found["text"]["problem"]["code"]) == ("failed", "ocr_cancelled")


@pytest.mark.parametrize("crash_of", [ZeroDivisionError, StorageRefusedError])
@pytest.mark.parametrize("crashes", [1, 2, 4, 7])
def test_while_a_try_crashes_it_says_when_the_next_one_comes(
    hub: TaskHub, looks: Looks, monkeypatch: pytest.MonkeyPatch, crashes: int, crash_of: type[Exception]
) -> None:
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.app.vision.failing = None
    real, left = steps.process, [crash_of("oh")] * crashes * 2

    def crash(*given: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return real(*given, **named)

    monkeypatch.setattr(steps, "process", crash)
    hub.pass_time(1200)
    assert not left
    assert state_of(hub) == "complete"
    assert "until" in {said for _, said in looks.said}


def test_a_try_whose_worker_is_killed_says_when_the_next_one_comes(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.app.vision.failing = None

    def die(*given: object, **named: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(steps, "process", die)
        patched.setattr(attempt_mark, "_end", lambda services, document, *given: (document, 0.0))
        hub.pass_time(6)
    hub.pass_time(320)
    assert state_of(hub) == "complete"


def test_while_the_text_cannot_be_handed_over_it_says_when(hub: TaskHub, looks: Looks) -> None:
    hub.app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    hub.upload("a.pdf", picture("PDF"))
    hub.pass_time(10)
    hub.tell_again({"name": "a.pdf"})
    hub.instances.popitem()  # the try sleeps, and the Read is lost
    hub.tell_again({"name": "a.pdf"})
    hub.app.vision.failing, hub.failing = None, ConnectionError("refused")
    hub.pass_time(60)
    assert {said for code, said in looks.said} == {"until", "running"}
    hub.failing = None
    hub.pass_time(100)
    assert state_of(hub, "a.pdf") == "complete"


def test_while_storage_takes_nothing_at_a_try_it_says_when(hub: TaskHub) -> None:
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.app.vision.failing = None

    def fail(operation: str, container: str, name: str) -> None:
        if (operation, container) in (("read", names.IMAGES), ("digest", names.IMAGES)):
            raise StorageError("the account is down")

    hub.app.images.before = fail
    hub.pass_time(60)
    hub.app.images.before = None
    hub.pass_time(100)
    assert state_of(hub) == "complete"


def test_an_event_that_comes_again_keeps_the_turn_that_is_arranged(hub: TaskHub) -> None:
    hub.app.vision.failing = VisionUnauthorizedError("wrong key (401)")
    hub.upload("a.jpg", RED)
    hub.pass_time(10)
    down(hub.app)
    before = image_states.of_image(hub.app.services, "a.jpg")["analysis"]["problem"]["until"]
    hub.deliver("a.jpg")
    assert image_states.of_image(hub.app.services, "a.jpg")["analysis"]["problem"]["until"] == before
    hub.pass_time(20)
    hub.app.vision.failing = None
    hub.pass_time(300)
    assert state_of(hub) == "complete"


def test_an_upload_whose_calls_take_long_says_when(hub: TaskHub, looks: Looks) -> None:
    def hang() -> None:
        looks(hub)
        hub.app.clock.advance(20)

    hub.app.vision.before_call = hang
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.pass_time(100)
    hub.app.vision.before_call = lambda: looks(hub)
    hub.app.vision.failing = None
    hub.pass_time(100)
    assert state_of(hub) == "complete"


def test_an_upload_that_was_deferred_before_it_was_given_up_says_when(hub: TaskHub) -> None:
    down(hub.app)
    hub.upload("a.jpg", RED)
    hub.instances.clear()  # as if its workers had died before they handed it over
    hub.app.clock.advance(700)
    hub.app.vision.failing = None
    message = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.AnalyzeOnUpload",
        "ContainerName": "images",
        "BlobName": "a.jpg",
    }
    asyncio.run(rescue.process(json.dumps(message).encode(), "starter"))
    hub.pass_time(70)
    assert state_of(hub) == "complete"


def test_what_is_archived_says_when_it_is_looked_at_again(hub: TaskHub) -> None:
    hub.app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    hub.app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    hub.deliver("a.jpg")
    hub.pass_time(400)
    hub.app.images.tell(names.IMAGES, "a.jpg", tier="Hot")
    hub.pass_time(700)
    assert state_of(hub) == "complete"


def put_into_the_backlog(hub: TaskHub) -> None:
    """An image whose event was lost, with its two steps in one appointment."""
    hub.app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    hub.app.services.quota.postpone(calls=60)
    hub.tell_again({"pending": True})


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_steps_that_are_tried_together_both_say_when_that_is(hub: TaskHub, order: int) -> None:
    put_into_the_backlog(hub)
    hub.app.vision.failures = [VisionUnavailableError("down"), VisionUnauthorizedError("wrong key (401)")][::order]
    hub.pass_time(400)
    assert state_of(hub) == "complete"


def test_a_worker_that_is_killed_between_the_marks_of_two_steps_leaves_both_say_when(
    hub: TaskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_the_backlog(hub)
    real, marks = attempt_mark._begin, []

    def die(*given: Any) -> Any:
        marks.append(given)
        if len(marks) == 2:
            raise KilledError
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(attempt_mark, "_begin", die)
        patched.setattr(attempt_mark, "_end", lambda services, document, *given: (document, 0.0))
        while len(marks) < 2:
            hub.pass_time(0.25)
    hub.pass_time(400)
    assert state_of(hub) == "complete"


def test_what_is_put_into_the_backlog_says_when(hub: TaskHub, looks: Looks) -> None:
    put_into_the_backlog(hub)
    down(hub.app)
    hub.pass_time(30)
    hub.app.vision.failing = None
    hub.pass_time(60)
    assert state_of(hub) == "complete"
    assert ("backlog", "until") in looks.said
