"""Two of everything: reconciliations that meet each other, and images that change while one goes on."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from doubles import whole_life
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.task_hub import TaskHub, deletion_event

from shared import names, services
from shared.lifecycle import plans, reactions, reconcile_page
from shared.lifecycle.reconcile_loop import Paged, PageWork, advance, begin, work_of
from shared.uploads import on_upload

WELL, OTHER, NEW = picture(colour=(10, 20, 30)), picture(colour=(40, 50, 60)), picture(colour=(70, 80, 90))
SETTINGS = {"THUMBNAIL_SIZES": "100x50", "RECONCILE_SINCE": "2025-12-01"}


def world() -> TaskHub:
    """Images that are well, two of them with the same bytes; one without an event; and records of one that is gone."""
    hub = TaskHub(parts(**SETTINGS))
    with hub.running():
        hub.upload("a/well.jpg", WELL)
        hub.upload("b/copy.jpg", WELL)
        hub.upload("c/gone.jpg", OTHER)
        hub.app.images.delete(names.IMAGES, "c/gone.jpg")
        hub.app.images.write(names.IMAGES, "d/lost.jpg", NEW, content_type="image/jpeg")
        hub.pass_time(5)
    return hub


def settle(hub: TaskHub) -> None:
    """Let go on what is under way, and have one reconciliation more."""
    hub.pass_time(400)
    hub.reconcile()
    hub.pass_time(400)


class Once:
    """
    Does something at one operation of the accounts, counted from 0, and notes how many there were.

    Those of a call under way are left out: who holds its claim would stand still meanwhile, and so lose it. So are
    those of the index: who stores lines for all would stand still, and the action waits for that.
    """

    def __init__(self, app: Parts, moment: int, action: Callable[[], None]) -> None:
        self.count = 0
        self._moment, self._action = moment, action
        self._lock, self._acting = threading.Lock(), threading.Event()
        app.images.before = app.host.before = self

    def __call__(self, operation: str, container: str, name: str) -> None:
        with self._lock:
            if self._acting.is_set() or container == names.INDEX or (container == names.CACHE and name):
                return
            number, self.count = self.count, self.count + 1
            if number != self._moment:
                return
            self._acting.set()
        try:
            self._action()
        finally:
            self._acting.clear()


def uploaded(hub: TaskHub, name: str, data: bytes) -> None:
    """An image comes, and its event at once."""
    hub.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    asyncio.run(on_upload.process(name, data, "starter"))


def deleted(hub: TaskHub, name: str) -> None:
    """An image goes, and its event comes at once."""
    hub.app.images.delete(names.IMAGES, name)
    asyncio.run(reactions.process(deletion_event(name), "starter"))


def renamed(hub: TaskHub, name: str, to: str) -> None:
    """A copy and a deletion."""
    data = hub.app.images.contents(names.IMAGES)[name]
    uploaded(hub, to, data)
    deleted(hub, name)


CHANGES: dict[str, Callable[[TaskHub], None]] = {
    "an upload under a new name": lambda hub: uploaded(hub, "e/new.jpg", picture(colour=(1, 2, 3))),
    "an upload under the name of one that is gone": lambda hub: uploaded(hub, "c/gone.jpg", picture(colour=(4, 5, 6))),
    "the same bytes come back": lambda hub: uploaded(hub, "c/gone.jpg", OTHER),
    "one that is well is overwritten": lambda hub: uploaded(hub, "a/well.jpg", picture(colour=(7, 8, 9))),
    "one that is well is deleted": lambda hub: deleted(hub, "a/well.jpg"),
    "one that is well is renamed": lambda hub: renamed(hub, "a/well.jpg", "z/well.jpg"),
    "one that is well is renamed to before": lambda hub: renamed(hub, "b/copy.jpg", "a/first.jpg"),
    "the lost one is deleted": lambda hub: deleted(hub, "d/lost.jpg"),
    "the event of the lost one comes": lambda hub: asyncio.run(on_upload.process("d/lost.jpg", NEW, "starter")),
    "the event of the one that is gone comes": lambda hub: asyncio.run(
        reactions.process(deletion_event("c/gone.jpg"), "starter")
    ),
}
# Every so many operations; each change begins with another one, so all changes together try them all.
STRIDE = 8


def run_changed(change: str, moment: int) -> int:
    """A reconciliation with that change at that operation; how many operations it had."""
    hub = world()
    with hub.running():
        once = Once(hub.app, moment, lambda: CHANGES[change](hub))
        hub.reconcile()
        hub.app.images.before = hub.app.host.before = None
        settle(hub)
        whole_life.check(hub.app)
    return once.count


@pytest.mark.parametrize("change", CHANGES)
def test_images_that_change_during_a_reconciliation_are_whole_afterwards(change: str) -> None:
    start = list(CHANGES).index(change) % STRIDE
    moment = start
    while moment <= run_changed(change, moment):
        moment += STRIDE


def pages_of(app: Parts) -> list[Paged]:
    """The pages of a whole reconciliation of another process, which hands nothing over; the outcome of each."""

    async def page(work: PageWork) -> Paged:
        return await reconcile_page.page(work, "starter")

    found = []
    with services.replaced(app.services):
        state = begin(plans.by_request(app.services))
        while not state["over"]:
            found.append(asyncio.run(page(work_of(state))))
            state = advance(state, found[-1])
    return found


@pytest.mark.parametrize("moment", range(0, 60, 6))
def test_two_reconciliations_at_once_find_and_do_the_same_as_one(moment: int) -> None:
    hub = world()
    with hub.running():
        other: list[Any] = []
        once = Once(hub.app, moment, lambda: other.extend(pages_of(restarted(hub.app, **SETTINGS))))
        hub.reconcile()
        hub.app.images.before = hub.app.host.before = None
        assert bool(other) == (moment < once.count)
        settle(hub)
        whole_life.check(hub.app)


def test_a_second_request_for_a_reconciliation_meets_the_first() -> None:
    hub = world()
    with hub.running():
        hub.reconcile()
        begun = {name for name, each in hub.instances.items() if each.name == "ReconcileOrchestrator"}
        assert begun == {"reconcile"}
