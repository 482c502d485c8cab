"""The same bytes under several names: nothing is paid for them twice, and their answers go with the last one."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from doubles import whole_life
from doubles.documents import text_pdf
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub

from shared import names

PHOTO, LETTER = picture(colour=(10, 20, 30)), text_pdf("HELLO")
COPIES = ("a.jpg", "a.jpg/b.jpg", "c/a.jpg", f"{'l' * 950}.jpg", "by-sha256/e.jpg")
HOUR = 3600.0
KINDS = pytest.mark.parametrize("data", [PHOTO, LETTER], ids=["photograph", "document"])


@contextmanager
def running(**settings: str) -> Iterator[TaskHub]:
    hub = TaskHub(parts(THUMBNAIL_SIZES="100x50", **settings))
    # So the photograph has text too.
    hub.app.vision.tags = {"text": 0.99}
    with hub.running():
        hub.keep_house()
        yield hub


def put(hub: TaskHub, *image_names: str, data: bytes) -> None:
    """Upload them one after the other, and let their texts be read."""
    for name in image_names:
        hub.upload(name, data)
        hub.pass_time(30)


def hours_pass(hub: TaskHub, hours: int) -> None:
    """The hourly timer at each of them, and all that it begins."""
    for _ in range(hours):
        hub.app.clock.advance(HOUR)
        hub.keep_house()


def check(hub: TaskHub) -> None:
    """Everything is whole now, and still after a reconciliation."""
    hub.reconcile()
    whole_life.check(hub.app)


@KINDS
@pytest.mark.parametrize("last", range(len(COPIES)))
def test_of_five_copies_the_last_one_keeps_all_and_takes_the_answers_with_it(data: bytes, last: int) -> None:
    with running() as hub:
        put(hub, *COPIES, data=data)
        paid = hub.app.vision.count()
        assert set(paid.values()) == {1}
        for name in COPIES:
            if name != COPIES[last]:
                hub.delete(name)
        hours_pass(hub, 60)
        check(hub)
        assert whole_life.states(hub.app) == {"complete": 1}
        assert whole_life.subjects(hub.app) != set()
        # Its answers serve again.
        put(hub, "again.jpg", data=data)
        assert hub.app.vision.count() == paid
        hub.delete("again.jpg")
        hub.delete(COPIES[last])
        hours_pass(hub, 23)
        assert whole_life.subjects(hub.app) != set()
        hours_pass(hub, 3)
        assert whole_life.subjects(hub.app) == set()
        assert hub.app.host.contents(names.FORGETTING) == {}
        check(hub)
        assert [records for records in whole_life.record_names(hub.app).values() if records] == []


@KINDS
def test_with_no_time_to_forget_the_last_ones_answers_go_at_once_and_no_others(data: bytes) -> None:
    with running(FORGET_AFTER_HOURS="0") as hub:
        put(hub, *COPIES, data=data)
        hub.reconcile()
        for name in COPIES[1:]:
            hub.delete(name)
            assert whole_life.subjects(hub.app) != set()
        hub.delete(COPIES[0])
        assert whole_life.subjects(hub.app) == set()
        assert hub.app.host.contents(names.FORGETTING) == {}


# A copy and a deletion have two events, each of which may come twice and late.
ORDERS = sorted(set(itertools.permutations(["created", "created", "deleted", "deleted"])))


@KINDS
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_rename_costs_no_call_in_whatever_order_its_events_come(data: bytes, order: tuple[str, ...]) -> None:
    with running() as hub:
        put(hub, "old.jpg", data=data)
        paid = hub.app.vision.count()
        hub.app.images.write(names.IMAGES, "new.jpg", data, content_type="image/jpeg")
        hub.app.images.delete(names.IMAGES, "old.jpg")
        for event in order:
            if event == "created":
                hub.deliver("new.jpg")
            else:
                hub.deliver_deletion("old.jpg")
            hub.pass_time(30)
        hours_pass(hub, 60)
        check(hub)
        assert whole_life.states(hub.app) == {"complete": 1}
        assert hub.app.vision.count() == paid
        assert hub.app.host.contents(names.FORGETTING) == {}


@KINDS
@pytest.mark.parametrize("name", ["old.jpg", "new.jpg"], ids=["undeleted", "moved"])
def test_what_comes_back_within_a_day_costs_no_call_and_after_it_is_paid_once_more(data: bytes, name: str) -> None:
    with running() as hub:
        put(hub, "old.jpg", data=data)
        paid = hub.app.vision.count()
        hub.delete("old.jpg")
        hours_pass(hub, 22)
        put(hub, name, data=data)
        assert hub.app.vision.count() == paid
        hours_pass(hub, 60)
        check(hub)
        assert whole_life.states(hub.app) == {"complete": 1}
        hub.delete(name)
        hours_pass(hub, 26)
        put(hub, name, data=data)
        assert hub.app.vision.count() == paid + paid


@KINDS
def test_a_deletion_whose_event_comes_after_the_image_is_there_again_takes_nothing(data: bytes) -> None:
    with running() as hub:
        put(hub, "old.jpg", data=data)
        before = whole_life.record_names(hub.app)
        hub.app.images.delete(names.IMAGES, "old.jpg")
        put(hub, "old.jpg", data=data)
        hub.deliver_deletion("old.jpg")
        assert whole_life.record_names(hub.app) == before
        hours_pass(hub, 60)
        check(hub)
        assert whole_life.states(hub.app) == {"complete": 1}
