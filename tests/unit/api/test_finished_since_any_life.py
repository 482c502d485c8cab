"""Images that come, are worked on, change and go in any order, with polls in between: each result is told once."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

import pytest
from doubles.clock import FakeClock
from doubles.documents import text_pdf
from doubles.fuzz import EXAMPLES
from doubles.parts import parts
from doubles.pictures import picture
from doubles.task_hub import TaskHub, deletion_event

from shared import names
from shared.api import finished_images, finished_since, image_states
from shared.errors import NotFoundError, ThrottledError, VisionRefusedError
from shared.images import ImageBlob
from shared.lifecycle import reactions
from shared.ocr import on_request
from shared.records import unfinished
from shared.records.thumbnails import Thumbnail
from shared.thumbnails import on_demand
from shared.uploads import on_upload
from shared.vision.questions import Question

NAMES = ("a.jpg", "a.jpg/b.jpg", "a.jpg-c.jpg", "long/d.jpg", f"{'l' * 950}.jpg")
DATA = (*(picture(colour=(40 * number, 10, 20)) for number in range(3)), text_pdf("HELLO"), b"no picture at all")
STEPS = 60


class WholeSeconds(FakeClock):
    """Tells the time as storage does, so that many records are of the same second."""

    def utc(self) -> datetime:
        return super().utc().replace(microsecond=0)


# What an image's records are by now: each with its ETag. None is an image that is not there or not finished.
Result = frozenset[tuple[str, str]] | None


class Life:
    """One such life, as its seed has it, and what its polls have told."""

    def __init__(self, hub: TaskHub, seed: int) -> None:
        self.hub = hub
        self.chance = random.Random(seed)
        # Of each image: what will be delivered yet, and its result as it was told last.
        self.events: dict[str, list[Callable[[], None]]] = {name: [] for name in NAMES}
        self.told: dict[str, Result] = dict.fromkeys(NAMES)
        self.since = "2025-12-31T23:59:59Z"
        self.is_polling = False

    def go(self) -> None:
        actions = [
            self.put,
            self.put,
            self.delete,
            self.edit,
            self.ask,
            self.read,
            *[self.deliver] * 3,
            *[self.poll] * 4,
            self.wait,
        ]
        for _ in range(STEPS):
            self.chance.choice(actions)()

    def put(self) -> None:
        name, data = self.chance.choice(NAMES), self.chance.choice(DATA)
        self.hub.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        self.events[name] += [lambda: self.created(name)] * self.chance.choice([1, 1, 2])

    def created(self, name: str) -> None:
        if (data := self.hub.app.images.contents(names.IMAGES).get(name)) is None:
            return
        failures = [None, None, ThrottledError("Slow down."), VisionRefusedError("No such model.")]
        failure, fails_late = self.chance.choice(failures), self.chance.choice([False, True])

        def at_call(question: Question, image: object) -> None:
            if not self.is_polling:
                self.poll()
            if failure and fails_late and question.operation == "areaOfInterest":
                raise failure  # of the thumbnails alone, which are made after the text then

        self.hub.app.vision.failures = [failure] if failure and not fails_late else []
        self.hub.app.vision.at_call = at_call
        asyncio.run(on_upload.process(name, data, "starter"))
        self.hub.app.vision.failures, self.hub.app.vision.at_call = [], None

    def delete(self) -> None:
        if there := sorted(self.hub.app.images.contents(names.IMAGES)):
            name = self.chance.choice(there)
            self.hub.app.images.delete(names.IMAGES, name)
            self.events[name] += [lambda: asyncio.run(reactions.process(deletion_event(name), "starter"))]

    def edit(self) -> None:
        """No event comes for it; without its MD5 only the bytes tell that the records hold."""
        if there := sorted(self.hub.app.images.contents(names.IMAGES)):
            without = self.chance.choice([{}, {"md5": None}])
            self.hub.app.images.edit(names.IMAGES, self.chance.choice(there), metadata={"note": "edited"}, **without)

    def ask(self) -> None:
        """A caller asks for a thumbnail of another size."""
        complete = [name for name in NAMES if self.thumbnails_of(name)]
        if complete:
            wanted = Thumbnail(33, 33, "center")
            on_demand.thumbnail(self.hub.app.services, ImageBlob(self.chance.choice(complete)), wanted)

    def read(self) -> None:
        """A caller has the text of an image read, whether or not its analysis finds any."""
        app = self.hub.app.services
        if complete := [name for name in NAMES if self.thumbnails_of(name)]:
            job, is_known = on_request.prepare(app, ImageBlob(self.chance.choice(complete)), {})
            if not is_known:
                asyncio.run(on_request.begin(app, self.hub, job))  # type: ignore[arg-type]  # a durable client

    def thumbnails_of(self, name: str) -> list[str]:
        """Those that the state of an image that is finished is derived from."""
        return [each for each, _ in self.result(name) or [] if each.endswith("-smart.jpg")]

    def deliver(self) -> None:
        if waiting := [name for name in NAMES if self.events[name]]:
            name = self.chance.choice(waiting)
            self.events[name].pop(self.chance.randrange(len(self.events[name])))()
            self.hub.pass_time(0)

    def wait(self) -> None:
        self.hub.pass_time(self.chance.choice([1, 1, 3, 7, 60]))

    def poll(self, limit: int | None = None) -> bool:
        """Poll once, at times while something else goes on; whether all was told by then."""
        beside = None if limit else self.chance.choice([self.put, self.deliver, self.delete, None, None, None])

        def meanwhile(operation: str, container: str, name: str) -> None:
            nonlocal beside
            if operation == "page" and container in finished_since.CONTAINERS and beside:
                beside, action = None, beside
                action()

        before = self.hub.app.clock.utc()
        self.hub.app.images.before, self.is_polling = meanwhile, True
        limit = limit or self.chance.choice([1, 1, 2, 50])
        found = finished_images.since(self.hub.app.services, self.since, limit=limit)
        self.hub.app.images.before, self.is_polling = None, False
        told = [image["name"] for image in found.images]
        assert len(told) == len(set(told)) <= limit
        for name in told:
            result = self.result(name)
            assert result, f"{name} is not finished"
            assert result != self.told[name], f"{name} is told twice"
            self.told[name] = result
        self.since = found.since
        if found.is_over:
            assert finished_since.read(self.since, before).begin <= before.timestamp()
        return found.is_over

    def result(self, name: str) -> Result:
        """What an image's state was derived from, if it is finished."""
        try:
            image = image_states.of_image(self.hub.app.services, name)
        except NotFoundError:
            return None
        states = [("analysis", image["analysis"]), ("text", image["text"])]
        states += [("thumbnails", each) for each in image["thumbnails"]]
        # Where the analysis has failed, text that might be there never is looked for.
        open_steps = [step for step, each in states if each["state"] in ("pending", "deferred")]
        if open_steps and (image["analysis"]["state"], open_steps) != ("failed", ["text"]):
            return None
        if image["analysis"]["state"] == "failed" and image["text"]["state"] == "deferred":
            return None
        places = [str(each[key]) for _, each in states for key in ("record", "plain") if key in each]
        places += ["/".join(unfinished.place(step, name)) for step, each in states if each["state"] == "failed"]
        infos = [self.hub.app.images.head(*each.split("/", 1)) for each in places]
        return frozenset((info.name, info.etag) for info in infos if info)

    def end(self) -> None:
        """All events come, all tries are over, and polls go on until nothing is left."""
        while any(self.events.values()):
            self.deliver()
        self.hub.pass_time(900)
        assert not [each for each in self.hub.instances.values() if not each.is_over]
        for _ in range(3):
            for name in NAMES:
                self.result(name)  # a look finds that an image was only edited, and writes it down
            while not self.poll(limit=2):
                pass
            self.hub.pass_time(finished_since.LAG_SECONDS + 1)
        for name in NAMES:
            assert self.result(name) in (None, self.told[name]), f"{name} was left out"


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(EXAMPLES // 6))
def test_each_result_is_told_once(seed: int) -> None:
    hub = TaskHub(parts(WholeSeconds(), THUMBNAIL_SIZES="60x50,50x60"))
    hub.app.vision.tags = {"text": 0.99} if seed % 2 else {"outdoor": 0.9}
    with hub.running():
        life = Life(hub, seed)
        life.go()
        life.end()
