"""The calls that a claim tells are those that the service has had, id by id, whatever failed or died meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from doubles.pictures import picture

from local.vision.server import RunningVision, running_vision
from shared import names
from shared.answers.claims import LEASE_SECONDS, Claims
from shared.errors import BlobsightError, ImageRejectedError, VisionUnavailableError
from shared.images import ImageBytes, ImageUrl, Owner, asker
from shared.transport.http import Reply, Transport
from shared.vision import calls, questions
from shared.vision.client import VisionClient

IMAGE = ImageBytes(picture("JPEG", 80, 60), Owner("dir/a.jpg", "1"))
QUESTION = questions.analyze(("Tags", "Description"))
CLAIM = names.claim(IMAGE.subject, QUESTION.key)


class Killed(BaseException):
    """What a killed process does next: nothing."""


class World:
    def __init__(self, service: RunningVision) -> None:
        self.service = service
        self.clock = FakeClock()
        self.blobs = MemoryBlobs(self.clock)
        self.claims = Claims(self.blobs, self.clock)
        self.transport = Transport(service="Computer Vision", connections=2)

    def ask(self, image: ImageBytes = IMAGE) -> Any:
        client = VisionClient(self.service.url, self.service.key, clock=self.clock, transport=self.transport)
        return self.claims.ask(
            image.subject,
            QUESTION,
            lambda: client.ask(QUESTION, image),
            wait_seconds=LEASE_SECONDS + 1.0,
            image=image.asker,
        )

    @property
    def claim(self) -> Any:
        return json.loads(self.blobs.contents(names.CACHE)[CLAIM])

    def told(self) -> list[tuple[Any, ...]]:
        return [(each["id"], each.get("status"), sum(each.get("usage", {}).values())) for each in self.claim["calls"]]

    def heard(self) -> list[tuple[Any, ...]]:
        """Of the service; the billing line names each feature, and the call itself once more."""
        return [(each["id"], each["status"], each["transactions"]) for each in self.service.calls()]


@pytest.fixture
def world() -> Iterator[World]:
    with running_vision() as service:
        yield World(service)


def ids(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[:2] for row in rows]


def test_an_answer_tells_its_call_with_the_id_that_the_service_has_had(world: World) -> None:
    world.ask()
    call = world.claim["calls"][0]
    assert ids(world.told()) == ids(world.heard()) == [(call["id"], 200)]
    assert call["usage"] == {"Tags": 1, "Description": 1, "Transaction": 1}
    assert (call["image"], call["begun"] <= call["ended"]) == (asker("dir/a.jpg"), True)
    assert "dir/a.jpg" not in json.dumps(world.claim)


def test_the_id_of_a_call_is_in_the_claim_before_it_is_sent(world: World) -> None:
    seen: list[str] = []
    send = world.transport.send

    def sending(*args: Any, headers: Any, **options: Any) -> Reply:
        told = world.claim["calls"]
        assert (world.claim["state"], headers[calls.HEADER]) == ("asking", told[-1]["id"])
        assert "ended" not in told[-1]
        seen.append(told[-1]["id"])
        return send(*args, headers=headers, **options)

    world.transport.send = sending  # type: ignore[method-assign]
    world.service.set_faults(status={"500": 1.0})
    with pytest.raises(VisionUnavailableError):
        world.ask()
    world.service.set_faults()
    world.ask()
    assert seen == [each["id"] for each in world.service.calls()]
    assert len(set(seen)) == 5


def test_calls_that_failed_stay_told_and_the_next_asker_goes_on_at_once(world: World) -> None:
    world.service.set_faults(status={"503": 1.0})
    with pytest.raises(VisionUnavailableError):
        world.ask()
    assert world.claim["state"] == "asking"
    assert {each["problem"] for each in world.claim["calls"]} == {"vision_unavailable"}
    world.service.set_faults()
    begun = world.clock.now()
    world.ask()
    assert (world.claim["state"], world.clock.now()) == ("answered", begun)
    assert ids(world.told()) == ids(world.heard())
    assert [row[1] for row in world.told()] == [503, 503, 503, 503, 200]


def test_a_process_that_is_killed_leaves_its_call_to_the_one_that_takes_the_claim_over(world: World) -> None:
    world.service.set_faults(status={"500": 1.0})
    send, sent = world.transport.send, 0

    def killed_after_sending(*args: Any, **options: Any) -> Reply:
        nonlocal sent
        reply, sent = send(*args, **options), sent + 1
        if sent == 2:
            world.blobs.before = dead
            raise Killed
        return reply

    def dead(*args: object) -> None:
        raise Killed

    world.transport.send = killed_after_sending  # type: ignore[method-assign]
    with pytest.raises(Killed):
        world.ask()
    world.blobs.before, world.transport.send = None, send  # type: ignore[method-assign]
    world.service.set_faults()
    world.ask()
    assert [(row[0]) for row in world.told()] == [(row[0]) for row in world.heard()]
    assert [(row[1]) for row in world.told()] == [500, None, 200]
    assert [each.get("lost") for each in world.claim["calls"]] == [None, True, None]


def test_a_try_that_was_refused_before_it_was_sent_has_no_call(world: World) -> None:
    def full() -> Any:
        raise VisionUnavailableError("not asked")

    with pytest.raises(BlobsightError):
        world.claims.ask(IMAGE.subject, QUESTION, full, wait_seconds=1.0)
    assert world.blobs.contents(names.CACHE) == {}


def test_a_refusal_that_is_forgotten_leaves_its_call(world: World) -> None:
    world.service.set_faults()
    broken = ImageBytes(IMAGE.data[:300], IMAGE.owner)
    world.clock.advance(1.0)
    with pytest.raises(ImageRejectedError):
        world.ask(broken)
    name = names.claim(broken.subject, QUESTION.key)
    refused = json.loads(world.blobs.contents(names.CACHE)[name])
    assert (refused["state"], refused["calls"][0]["status"]) == ("refused", 400)
    world.claims.forget_refusal(broken.subject, QUESTION)
    # A lease that is given back lets the claim be written without it.
    left = json.loads(world.blobs.contents(names.CACHE)[name])
    assert (left["state"], left["calls"]) == ("asking", refused["calls"])


@pytest.mark.parametrize(
    ("held", "before"),
    [
        ({"by": "x", "since": "2026-11-30T12:00:00+00:00"}, [{"begun": "2026-11-30T12:00:00+00:00", "lost": True}]),
        ({"by": "x"}, []),
        ({"calls": "damaged"}, []),
        (
            {"calls": [1, {"id": "a", "ended": "2026"}, {"id": "b"}]},
            [{"id": "a", "ended": "2026"}, {"id": "b", "lost": True}],
        ),
    ],
)
def test_what_a_dead_holder_of_any_version_has_left_comes_first(
    world: World, held: dict[str, object], before: list[object]
) -> None:
    world.blobs.write(names.CACHE, CLAIM, json.dumps({"state": "asking", **held}).encode(), content_type=names.JSON)
    world.ask()
    assert world.claim["calls"][:-1] == before
    assert world.claim["calls"][-1]["id"] == world.service.calls()[0]["id"]


def test_a_long_list_tells_the_oldest_as_one_and_loses_no_transaction() -> None:
    one = {"id": "x", "begun": "2026", "ended": "2026", "usage": {"Tags": 1, "Transaction": 1}}
    told = calls.bounded([one] * 90)
    for _ in range(3):
        told = calls.bounded([*told, *[one] * 40])
    assert len(told) == calls.MOST_TOLD
    assert sum(each.get("count", 1) for each in told) == 90 + 120
    assert sum(each["usage"]["Tags"] for each in told) == 90 + 120
    assert calls.lost(told) == told


def test_calls_of_several_images_are_told_as_no_one_s() -> None:
    told = [{"id": str(number), "image": asker(str(number % 2)), "ended": "2026"} for number in range(150)]
    merged = calls.bounded(told)[0]
    assert merged == {"count": 51, "usage": {}}


def test_a_question_about_an_address_keeps_no_call_that_failed(world: World) -> None:
    """What it shows can change, and no receipt tells it."""
    name = names.claim(ImageUrl("https://example.com/a.jpg?key=1").subject, QUESTION.key)

    def ask() -> Any:
        image = ImageUrl("https://example.com/a.jpg?key=1")
        client = VisionClient(world.service.url, world.service.key, clock=world.clock, transport=world.transport)
        return world.claims.ask(image.subject, QUESTION, lambda: client.ask(QUESTION, image), wait_seconds=20.0)

    world.service.set_faults(status={"503": 1.0})
    with pytest.raises(VisionUnavailableError):
        ask()
    assert name not in world.blobs.contents(names.CACHE)
