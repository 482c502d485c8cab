"""Every Read comes to an end, whatever its polls are answered in whatever order: the real client, gate and loop."""

import json
from typing import NamedTuple

import hypothesis
import pytest
from doubles.clock import FakeClock
from doubles.fake_vision import read_text
from doubles.fuzz import fuzzed
from doubles.parts import Parts, asking, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of
from hypothesis import strategies as st

from shared import names
from shared.answers.answers import OPERATION_SECONDS
from shared.clock import Deadline
from shared.durable import inputs, read_job
from shared.durable.read_job import Job
from shared.errors import VisionUnavailableError
from shared.images import ImageBytes, ImageUrl
from shared.transport.http import Reply, Transport
from shared.vision.client import VisionClient

RED = picture(colour=(200, 0, 0))
ADDRESS = "https://example.invalid/a.jpg"
BASE = "https://vision.invalid/vision/v3.2/read/analyzeResults"
KEPT_SECONDS = 48 * 3600.0
LATENCY_SECONDS = 4.0


class Said(NamedTuple):
    """What a poll is answered; without a status the connection is cut."""

    status: int | None
    body: str = ""
    retry_after: str = ""


def status(said: str) -> Said:
    result = {"analyzeResult": read_text("HELLO")} if said == "succeeded" else {}
    return Said(200, json.dumps({"status": said, **result}))


RUNNING, SUCCEEDED, FAILED = (status(each) for each in ("running", "succeeded", "failed"))
# What a service that is well never says of a Read that it can tell of, and a poisoned document gets for ever.
POISON = [Said(500), Said(503), Said(None), Said(200, "<html>"), Said(200, "[]"), Said(200, '{"status": 7}'), Said(302)]
REFUSED = [Said(400), Said(415), Said(413), Said(409)]
WAITED_FOR = [
    *(Said(429, retry_after=each) for each in ("", "0", "1", "90", "7200", "999999999")),
    Said(503, retry_after="30"),
    Said(503, retry_after="999999999"),
    Said(401),
    Said(403),
]
ANSWERS = st.sampled_from([RUNNING, SUCCEEDED, FAILED, Said(404), *POISON, *REFUSED, *WAITED_FOR])


class Wire(Transport):
    """
    A service that accepts every document and answers the polls of all its Reads with *answers*, the last one for ever.

    Of a Read that never was it says 404, or, *out* as a whole, what it says to the polls. After 48 hours it says 404.
    """

    def __init__(self, clock: FakeClock, answers: list[Said], *, out: bool) -> None:
        self.answers, self.out = answers, out
        self.submitted: list[float] = []
        self._clock = clock

    def send(self, method: str, url: str, *, headers: object, body: object, deadline: Deadline) -> Reply:
        self._clock.advance(LATENCY_SECONDS)
        if method == "POST":
            self.submitted.append(self._clock.now())
            return Reply(202, {"Operation-Location": f"{BASE}/{len(self.submitted)}"}, b"")
        number = int(url.rpartition("/")[2].replace("-", ""))
        if number and self._clock.now() - self.submitted[number - 1] > KEPT_SECONDS:
            return Reply(404, {}, b"")
        if not number and not self.out:
            return Reply(404, {}, b"")
        said = self.answers.pop(0) if len(self.answers) > 1 and number else self.answers[0]
        if said.status is None:
            raise VisionUnavailableError("Computer Vision could not be asked: it hung up.")
        return Reply(said.status, {"Retry-After": said.retry_after} if said.retry_after else {}, said.body.encode())


def app_of(answers: list[Said], *, out: bool) -> tuple[Parts, Wire]:
    app = parts()
    wire = Wire(app.clock, list(answers), out=out)
    vision = VisionClient("https://vision.invalid", "key", transport=wire, clock=app.clock)
    return Parts(asking(app.services, vision), app.images, app.host, app.vision, app.clock), wire


def job(app: Parts, kind: str) -> Job:
    if kind == "image":
        return job_of(app, RED)
    sent, content = (ImageUrl(ADDRESS), ADDRESS.encode()) if kind == "url" else (ImageBytes(RED), RED)
    return inputs.keep(app.host, read_job.from_request(sent, app.services.settings, {}), content)


def tickets(app: Parts) -> list[str]:
    """The claims that lead whoever asks to an accepted Read."""
    return [name for name, data in app.host.contents(names.CACHE).items() if b'"operation"' in data]


def end(app: Parts, kind: str) -> ReadRun:
    """Read a document to its end; nothing is kept of what was sent, and of a failure no ticket."""
    run = ReadRun(app, job(app, kind))
    outcome = run.finish(3000)
    assert outcome["state"] in ("done", "failed")
    assert outcome["state"] == "done" or tickets(app) == []
    assert not app.host.contents(names.INPUTS)
    assert not app.host.contents(names.KEYS)
    return run


@fuzzed
@hypothesis.given(st.lists(ANSWERS, max_size=8), ANSWERS, st.booleans(), st.sampled_from(["image", "bytes", "url"]))
def test_whatever_its_polls_are_answered_a_read_ends_and_is_paid_once(
    begins: list[Said], goes_on: Said, out: bool, kind: str
) -> None:
    app, wire = app_of([*begins, goes_on], out=out)
    run = end(app, kind)
    again = run.steps.count("OcrPoll:again")
    # Only one that was gone by itself is had anew, once; of an address nothing is kept by then.
    assert len(wire.submitted) == 1 + (again if kind != "url" else 0)
    assert again <= 1
    assert wire.submitted[-1] == wire.submitted[0] or wire.submitted[-1] - wire.submitted[0] >= OPERATION_SECONDS
    assert app.clock.now() < (1 + again) * OPERATION_SECONDS + 3600.0
    assert run.state["polls"] or run.state["outcome"]["state"] == "failed"
    wire.answers, wire.out = [SUCCEEDED], False
    app.clock.advance(3600.0)
    paid = len(wire.submitted)
    failed = run.state["outcome"]["state"] == "failed"
    assert end(app, kind).state["outcome"]["state"] == "done"
    assert len(wire.submitted) == paid + (failed or kind == "url")


@fuzzed
@hypothesis.given(st.lists(st.sampled_from([RUNNING, *POISON]), max_size=8), st.sampled_from(POISON))
def test_a_read_that_the_service_cannot_tell_of_fails_soon_after_its_deadline(
    begins: list[Said], goes_on: Said
) -> None:
    app, wire = app_of([*begins, goes_on], out=False)
    run = end(app, "bytes")
    assert run.state["outcome"]["problem"]["code"] == "read_failed"
    assert 1800.0 < app.clock.now() < 1800.0 + 400.0
    assert len(wire.submitted) == 1


@pytest.mark.parametrize("said", [*POISON, *WAITED_FOR], ids=str)
def test_the_same_of_the_service_as_a_whole_costs_no_read_for_a_day(said: Said) -> None:
    app, wire = app_of([said], out=True)
    run = ReadRun(app, job(app, "bytes"))
    while app.clock.now() < 24 * 3600.0:
        assert run.step()["state"] in ("submitted", "wait")
    wire.answers, wire.out = [SUCCEEDED], False
    assert run.finish()["state"] == "done"
    assert len(wire.submitted) == 1
