"""Receipts add up to what the service has had, call by call: 429s, refusals, copies, and callers beside uploads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from doubles.http_requests import invocation, parsed, request
from doubles.parts import Parts, asking, parts
from doubles.pictures import picture

from bench import receipts
from ImagesHttp import main
from local.vision.server import RunningVision, running_vision
from shared import names, services
from shared.answers.held import LEASE_SECONDS
from shared.errors import BlobsightError
from shared.images import ImageBlob, ImageBytes
from shared.records import analysis
from shared.transport.http import Reply, Transport
from shared.uploads import steps
from shared.vision import questions
from shared.vision.client import VisionClient

IMAGES = {f"{number}.jpg": picture("JPEG", 80 + number, 60) for number in range(6)}


@pytest.fixture
def world() -> Iterator[tuple[Parts, RunningVision]]:
    with running_vision() as vision:
        app = parts(THUMBNAIL_SIZES="60x40", TEXT_MODE="never")
        client = VisionClient(vision.url, vision.key, clock=app.clock)
        with services.replaced(asking(app.services, client)):
            yield app, vision


def upload(app: Parts, name: str, data: bytes) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    with suppress(BlobsightError):
        steps.process(services.current(), name, data, from_backlog=True)


def problems(vision: RunningVision, image_names: list[str]) -> list[str]:
    told = {
        name: parsed(main(request("GET", route={"name": name}, params={"explain": "true"}), invocation()))["receipt"]
        for name in image_names
    }
    calls: list[Any] = vision.calls()
    return receipts.compare(told, calls, sum(each["transactions"] for each in calls)).problems


def test_a_storm_of_refused_calls_adds_up(world: tuple[Parts, RunningVision]) -> None:
    app, vision = world
    vision.set_faults(status={"429": 0.3, "500": 0.2})
    for _ in range(3):
        for name, data in IMAGES.items():
            upload(app, name, data)
        app.clock.advance(120.0)
    vision.set_faults()
    for name, data in IMAGES.items():
        upload(app, name, data)
    assert {each["status"] for each in vision.calls()} >= {200, 429}
    assert problems(vision, list(IMAGES)) == []


def test_images_that_the_service_refuses_add_up(world: tuple[Parts, RunningVision]) -> None:
    app, vision = world
    # Whole by its header, and nothing behind it: the app takes it, the service does not.
    upload(app, "cut.gif", picture("GIF", 80, 60)[:60])
    upload(app, "well.jpg", IMAGES["0.jpg"])
    assert problems(vision, ["cut.gif", "well.jpg"]) == []


def test_callers_beside_uploads_and_copies_under_other_names_add_up(world: tuple[Parts, RunningVision]) -> None:
    app, vision = world

    for name, data in IMAGES.items():
        answers = services.current().answers
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(answers.ask, questions.describe(), ImageBytes(data))
            upload(app, name, data)
            asked.result()
        answers.ask(analysis.question(app.services.settings), ImageBytes(data))
        upload(app, f"copies/{name}", data)
    services.current().answers.ask(questions.tag(), ImageBlob("copies/0.jpg"))
    assert problems(vision, list(IMAGES)) == []
    assert problems(vision, [f"copies/{name}" for name in IMAGES]) == []


def test_an_answer_that_came_after_its_lease_had_lapsed_is_one_call(
    world: tuple[Parts, RunningVision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has asked meanwhile: both calls were paid, and the record is of the first."""
    app, vision = world
    data, send = IMAGES["0.jpg"], Transport.send
    question = analysis.question(app.services.settings)

    def late(*args: Any, **options: Any) -> Reply:
        reply = send(*args, **options)
        monkeypatch.setattr(Transport, "send", send)
        app.clock.advance(LEASE_SECONDS + 1.0)
        services.current().answers.ask(question, ImageBytes(data))
        return reply

    monkeypatch.setattr(Transport, "send", late)
    upload(app, "a.jpg", data)
    assert [each["operation"] for each in vision.calls()].count("analyze") == 2
    assert problems(vision, ["a.jpg"]) == []
    found = parsed(main(request("GET", route={"name": "a.jpg"}, params={"explain": "true"}), invocation()))["receipt"]
    asked = [(call["image"], call["outcome"]) for call in found["calls"] if call["operation"] == "analyze"]
    assert sorted(asked, key=str) == [("a.jpg", "answered"), (None, "answered")]
