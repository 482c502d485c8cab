"""Images that come, change and go in any way, with events late, twice or never: one reconciliation makes all true."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from doubles import index_checks, index_lines, whole_life
from doubles.documents import text_pdf
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub, deletion_event

from shared import names
from shared.lifecycle import reactions, rebuild, reconcile_loop
from shared.uploads import on_upload

NAMES = ("a.jpg", "a.jpg/b.jpg", "c.jpg", "d/e.jpg", f"{'l' * 950}.jpg")
DATA = (
    *(picture(colour=(40 * number, 10, 20)) for number in range(4)),
    text_pdf("HELLO"),
    b"no picture at all",
)
STEPS = 30
LOST, TWICE, KILLED = 0.2, 0.2, 0.15


class _KilledError(BaseException):
    """Stands for a worker that is gone."""


class Life:
    """One such life, as its seed has it."""

    def __init__(self, hub: TaskHub, seed: int) -> None:
        self.hub = hub
        self.chance = random.Random(seed)
        self.events: list[Callable[[], None]] = []
        # Questions that were being paid for when the worker was killed.
        self.in_flight: Counter[str] = Counter()

    def go(self) -> None:
        """All of it, but for the events that are still to come."""
        for _ in range(STEPS):
            self.chance.choice([self.put, self.put, self.copy, self.delete, self.edit, self.deliver, self.deliver])()
            if self.chance.random() < 0.2:
                self.hub.pass_time(self.chance.choice([1, 10, 60]))

    def put(self) -> None:
        name, data = self.chance.choice(NAMES), self.chance.choice(DATA)
        self.hub.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        self.expect(lambda: self.created(name))

    def copy(self) -> None:
        there = self.hub.app.images.contents(names.IMAGES)
        if there:
            name = self.chance.choice(NAMES)
            data = there[self.chance.choice(sorted(there))]
            self.hub.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
            self.expect(lambda: self.created(name))

    def delete(self) -> None:
        if there := sorted(self.hub.app.images.contents(names.IMAGES)):
            name = self.chance.choice(there)
            self.hub.app.images.delete(names.IMAGES, name)
            self.expect(lambda: asyncio.run(reactions.process(deletion_event(name), "starter")))

    def edit(self) -> None:
        if there := sorted(self.hub.app.images.contents(names.IMAGES)):
            self.hub.app.images.edit(names.IMAGES, self.chance.choice(there), metadata={"note": "edited"})

    def created(self, name: str) -> None:
        # The platform drops the event of a blob that is gone.
        if (data := self.hub.app.images.contents(names.IMAGES).get(name)) is not None:
            asyncio.run(on_upload.process(name, data, "starter"))

    def expect(self, event: Callable[[], None]) -> None:
        if self.chance.random() >= LOST:
            self.events += [event] * (2 if self.chance.random() < TWICE else 1)

    def deliver(self) -> None:
        """One event, in no order, whose worker may be killed at any operation; it then comes again."""
        if not self.events:
            return
        event = self.events.pop(self.chance.randrange(len(self.events)))
        if self.chance.random() < KILLED:
            self.killed_in(event, self.chance.randrange(40))
            self.events.append(event)
        else:
            event()
            self.hub.pass_time(1)

    def killed_in(self, event: Callable[[], None], moment: int) -> None:
        left = moment

        def before(operation: str, container: str, name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise _KilledError

        app = self.hub.app
        asked = len(app.vision.asked)
        app.images.before = app.host.before = before
        try:
            event()
        except _KilledError:
            self.in_flight.update(subject for _, subject in app.vision.asked[asked:])
        finally:
            app.images.before = app.host.before = None
            # The lines that it had not stored go with the worker.
            index_lines.lose(app.services.index_writer)
        # Its claim lapses.
        app.clock.advance(20)


@pytest.mark.parametrize("seed", range(40))
def test_after_any_life_one_reconciliation_makes_all_true_and_pays_nothing_twice(seed: int) -> None:
    hub = TaskHub(parts(THUMBNAIL_SIZES="100x50", RECONCILE_SINCE="2025-12-01"))
    hub.app.vision.tags = {"text": 0.99}
    with hub.running():
        hub.keep_house()
        life = Life(hub, seed)
        life.go()
        hub.pass_time(60)
        hub.reconcile()
        hub.pass_time(400)
        # The events that were late find all done.
        paid = hub.app.vision.count()
        while life.events:
            life.events.pop()()
            hub.pass_time(1)
        hub.pass_time(400)
        assert hub.app.vision.count() == paid
        hub.reconcile()
        hub.pass_time(60)
        whole_life.check(
            hub.app,
            failed={name for name in NAMES if DATA[-1] == hub.app.images.contents(names.IMAGES).get(name)},
            in_flight=life.in_flight,
        )
        # The index has the lines of all this but for some that a kill has lost; a run over the records adds them.
        assert asyncio.run(rebuild.begin(hub.app.services, hub))  # type: ignore[arg-type]  # a durable client
        hub.finish(reconcile_loop.INDEX_ID)
        index_checks.check(hub.app)
        assert hub.app.vision.count() == paid
