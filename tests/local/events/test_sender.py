"""Events reach the host at least once, each by itself where the function that takes them may fail."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doubles.webhooks import FakeWebhooks

from local.events import webhook as webhook_module
from local.events.journal import EVENTS, Changes, Journal
from local.events.outbox import Outbox
from local.events.sender import MOST_TRIES, SingleSender
from local.events.webhook import NotDeliveredError, Subscription, Webhook


@dataclass
class World:
    journal: Journal
    outbox: Outbox
    said: list[str]
    copies: int = 1
    seconds: float = 1000.0

    def find(self, *names: str) -> None:
        """A look has found events about these blobs."""
        events = [{"id": name, "eventType": "BlobDeleted", "subject": f"/blobs/{name}"} for name in names]
        self.journal.record(Changes(events=list(events)))

    def sender(self, host: FakeWebhooks) -> SingleSender:
        webhook = Webhook(host.port, Subscription.of_event_grid_trigger("StorageEvents"), Path("none"))
        say, now = self.said.append, lambda: self.seconds
        return SingleSender(self.outbox, webhook, say=say, copies=self.copies, now=now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "told.db"
    with Journal(path, "images") as journal, Outbox(path, EVENTS) as outbox:
        yield World(journal, outbox, [])


def test_each_event_goes_in_a_request_of_its_own_and_once(world: World, host: FakeWebhooks) -> None:
    names = [f"{number}.jpg" for number in range(9)]
    world.find(*names)
    sender = world.sender(host)
    assert [sender.send(), sender.send()] == [9, 0]
    assert sorted(host.subjects()) == names
    assert {len(one.events) for one in host.deliveries} == {1}


def test_every_event_can_be_sent_twice(world: World, host: FakeWebhooks) -> None:
    world.copies = 2
    world.find("a.jpg")
    assert world.sender(host).send() == 1
    assert host.subjects() == ["a.jpg", "a.jpg"]


def test_an_event_on_which_the_function_fails_waits_longer_each_time_and_holds_up_no_other(
    world: World, host: FakeWebhooks
) -> None:
    host.failing.add("bad.jpg")
    world.find("bad.jpg", "good.jpg")
    sender = world.sender(host)
    assert sender.send() == 1
    for pause in (10, 30, 60, 300, 300):
        world.find("good.jpg")
        world.seconds += pause - 1
        assert sender.send() == 1
        before = host.subjects().count("bad.jpg")
        world.seconds += 1
        assert sender.send() == 0
        assert host.subjects().count("bad.jpg") == before + 1
    host.failing.clear()
    world.seconds += 300
    assert [sender.send(), sender.send()] == [1, 0]
    assert not world.said


def test_an_event_is_given_up_in_the_end_and_that_is_said(world: World, host: FakeWebhooks) -> None:
    host.failing.add("bad.jpg")
    world.find("bad.jpg")
    sender = world.sender(host)
    for _ in range(MOST_TRIES + 1):
        assert sender.send() == 0
        world.seconds += 300
    assert host.subjects() == ["bad.jpg"] * MOST_TRIES
    [said] = world.said
    assert said.startswith(f"BlobDeleted /blobs/bad.jpg is given up after {MOST_TRIES} tries: the host answered 500")


def test_without_the_function_no_event_is_sent_and_none_is_lost(world: World, host: FakeWebhooks) -> None:
    host.missing.add("StorageEvents")
    world.find("a.jpg")
    sender = world.sender(host)
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(NotDeliveredError, match="refused the subscription with 404"):
            sender.send()
    assert not host.subjects()
    host.missing.clear()
    assert sender.send() == 1


def test_a_function_that_goes_away_later_counts_for_no_try(world: World, host: FakeWebhooks) -> None:
    world.find("a.jpg")
    sender = world.sender(host)
    assert sender.send() == 1
    world.find("b.jpg", "c.jpg")
    host.missing.add("StorageEvents")
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(NotDeliveredError, match="404"):
            sender.send()
    host.missing.clear()
    assert sender.send() == 2


def test_a_function_that_does_not_end_holds_up_its_own_event_alone(
    world: World, host: FakeWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "ANSWER_SECONDS", 0.2)
    host.holding = threading.Event()
    world.find("slow.jpg")
    sender = world.sender(host)
    assert sender.send() == 0
    host.holding.set()
    assert sender.send() == 0
    world.seconds += 10
    assert sender.send() == 1


def test_what_was_accepted_before_a_crash_is_told_again_and_what_comes_after_it_too(
    world: World, host: FakeWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    world.find("a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "forget", crash)
        with pytest.raises(KeyboardInterrupt):
            world.sender(host).send()
    world.find("b.jpg")
    assert world.sender(host).send() == 2
    assert sorted(host.subjects()) == ["a.jpg", "a.jpg", "b.jpg"]
    assert len({event["id"] for event in host.accepted}) == 2
