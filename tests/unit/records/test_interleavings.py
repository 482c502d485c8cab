"""
Two writers, at every moment.

A run over one image is a row of storage operations and paid calls. Each test here lets something happen before one of
them: the image is overwritten, deleted, delivered again. It does so before every one in turn, so that there is no
moment that was not tried.
"""

import json
import threading
from contextlib import suppress

import pytest
from doubles.parts import parts
from doubles.pictures import picture

from shared import names
from shared.clock import SystemClock
from shared.errors import ConflictError, ThrottledError
from shared.images import ImageBytes
from shared.uploads import steps

OLD, NEW = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
NAME = "a.jpg"
CONTAINERS = (names.ANALYSIS, names.THUMBNAILS, names.UNFINISHED)


class World:
    """An app with one uploaded image, and something that happens once, before moment number *moment*."""

    def __init__(self, happen=None, moment=-1, old=OLD):
        self.app = parts()
        self.moments: list[str] = []
        self._happen = happen
        self._moment = moment
        self.etag = self.app.images.write(names.IMAGES, NAME, old, content_type="image/jpeg")
        self.old = old
        self.written: list[tuple[str, str, str]] = []
        self._write = self.app.images.write
        self.app.images.write = self._remembered_write
        self.app.images.before = self._before
        self.app.host.before = self._before
        self.app.vision.at_call = lambda question, image: self._before("call", question.operation, "")

    def _before(self, operation, container, name):
        self.moments.append(f"{operation} {container}")
        if len(self.moments) - 1 == self._moment and self._happen:
            happen, self._happen = self._happen, None
            happen(self)

    def _remembered_write(self, container, name, data, **options):
        etag = self._write(container, name, data, **options)
        self.written.append((container, name, (options.get("metadata") or {}).get(names.SOURCE_ETAG)))
        return etag

    def deliver(self, data=None):
        return steps.process(self.app.services, NAME, data)

    def run(self):
        """The delivery of the old version, in which something happens."""
        self.deliver(self.old)
        return self

    def overwrite(self, data=NEW):
        self.etag = self.app.images.write(names.IMAGES, NAME, data, content_type="image/jpeg")

    def delete(self):
        self.app.images.delete(names.IMAGES, NAME)

    def records(self):
        return {container: self.app.images.contents(container) for container in CONTAINERS}

    def paid(self):
        """Each call as (question, subject), to see that none was paid twice."""
        return [(question.text, subject) for question, subject in self.app.vision.asked]


def moments(old=OLD):
    """The moments of an undisturbed run."""
    return World(old=old).run().moments


def assert_all_new(world):
    app = world.app
    for container in (names.ANALYSIS, names.THUMBNAILS):
        for name in app.images.contents(container):
            assert app.images.head(container, name).metadata[names.SOURCE_ETAG] == world.etag, (container, name)
    record = json.loads(app.images.contents(names.ANALYSIS)[f"{NAME}.json"])
    assert record["source"]["sha256"] == ImageBytes(NEW).subject
    assert record["result"]["description"]["captions"][0]["text"].endswith(ImageBytes(NEW).subject)
    assert len(app.images.contents(names.THUMBNAILS)) == 2
    assert app.images.contents(names.UNFINISHED) == {}
    for place in {(container, name) for container, name, _ in world.written if container in CONTAINERS}:
        versions = [etag for *written, etag in world.written if tuple(written) == place]
        new = versions.index(world.etag) if world.etag in versions else len(versions)
        assert set(versions[new:]) <= {world.etag}, f"{place} went back to an older version"


def assert_paid_once(world):
    assert len(set(world.paid())) == len(world.paid())


MOMENTS = range(len(moments()))


def test_the_moments_hold_calls_and_writes():
    """The rows below are worth something only if the disturbances meet the work."""
    seen = moments()
    assert seen.count("call analyze") == 1
    assert seen.count("call areaOfInterest") == 1
    assert seen.count("write analysis") == 1
    assert seen.count("write thumbnails") == 2
    assert seen[-1].startswith(("head", "delete"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_overwritten_at_any_moment_and_its_own_event_after(moment):
    world = World(World.overwrite, moment).run()
    world.deliver(NEW)
    assert_all_new(world)
    assert_paid_once(world)


@pytest.mark.parametrize("moment", MOMENTS)
def test_overwritten_and_processed_by_another_worker_at_any_moment(moment):
    def happen(world):
        world.overwrite()
        world.deliver(NEW)

    world = World(happen, moment).run()
    assert_all_new(world)
    assert_paid_once(world)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_old_versions_event_delivered_again_at_any_moment_of_the_new_ones(moment):
    """
    Where it meets a claim, it is as if the claim's holder had stood still until its lease lapsed: the one in flight may
    be paid again, and nothing else.
    """
    world = World(lambda world: world.deliver(OLD), moment, old=NEW).run()
    assert_all_new(world)
    assert len(world.paid()) - len(set(world.paid())) <= 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_deleted_at_any_moment_leaves_no_record(moment):
    world = World(World.delete, moment).run()
    last_look = max(index for index, seen in enumerate(moments()) if seen == "head images")
    if moment <= last_look:
        assert not any(world.records().values()), world.records()
    else:
        # Deleted after the run was over for it: whoever deletes sees to that.
        assert world.deliver(OLD) == []
    assert len(set(world.paid())) == len(world.paid())


@pytest.mark.parametrize("moment", MOMENTS)
def test_deleted_and_uploaded_again_at_any_moment(moment):
    def happen(world):
        world.delete()
        world.overwrite()

    world = World(happen, moment).run()
    world.deliver(NEW)
    assert_all_new(world)
    assert_paid_once(world)


BAD = b"text, whatever it is called"
BAD_MOMENTS = range(len(moments(BAD)))


@pytest.mark.parametrize("moment", BAD_MOMENTS)
def test_a_bad_file_overwritten_by_a_good_one_at_any_moment(moment):
    world = World(World.overwrite, moment, old=BAD).run()
    world.deliver(NEW)
    assert_all_new(world)
    assert_paid_once(world)


@pytest.mark.parametrize("moment", BAD_MOMENTS)
def test_a_bad_file_overwritten_and_processed_by_another_worker_at_any_moment(moment):
    def happen(world):
        world.overwrite()
        world.deliver(NEW)

    world = World(happen, moment, old=BAD).run()
    assert_all_new(world)


@pytest.mark.parametrize("moment", BAD_MOMENTS)
def test_a_bad_file_deleted_at_any_moment_leaves_no_record(moment):
    world = World(World.delete, moment, old=BAD).run()
    last_look = max(index for index, seen in enumerate(moments(BAD)) if seen == "head images")
    if moment <= last_look:
        assert not any(world.records().values())


def same_bytes_again(moment=-1):
    """
    The image is uploaded once more; before that moment it becomes a bad file, whose worker has seen all records. What
    that one deletes, it deletes one moment later.
    """
    world, late, seen = World(), [], []
    world.deliver(OLD)
    world.overwrite(OLD)
    delete = world.app.images.delete

    def delete_late():
        while late:
            place, options = late.pop(0)
            with suppress(ConflictError):
                delete(*place, **options)

    def before(operation, container, name):
        seen.append(f"{operation} {container}")
        if len(seen) - 1 == moment:
            world.overwrite(BAD)
            world.app.images.delete = lambda *place, **options: late.append((place, options))
            world.deliver(BAD)
            world.app.images.delete = delete
        elif late:
            delete_late()

    world.app.images.before = before
    world.deliver(OLD)
    world.app.images.before = None
    delete_late()
    return world, seen


@pytest.mark.parametrize("moment", range(len(same_bytes_again()[1])))
def test_a_record_that_gets_its_new_etag_while_a_bad_files_worker_deletes_it_is_not_left(moment):
    world, _ = same_bytes_again(moment)
    assert world.app.images.contents(names.ANALYSIS) == world.app.images.contents(names.THUMBNAILS) == {}


def test_a_delivery_that_failed_does_not_note_what_another_one_has_done_meanwhile():
    world = World()
    world.app.vision.failures = [ThrottledError("later")]

    def before(operation, container, name):
        if (operation, container) == ("write", names.UNFINISHED):
            world.app.images.before = None
            world.deliver(OLD)

    world.app.images.before = before
    assert [outcome.state for outcome in world.deliver(OLD)] == ["skipped", "skipped"]
    assert world.app.images.contents(names.UNFINISHED) == {}


def test_ten_deliveries_at_the_same_instant_are_paid_once():
    app = parts(SystemClock())
    app.images.write(names.IMAGES, NAME, OLD, content_type="image/jpeg")
    start, ended = threading.Barrier(10), []

    def deliver():
        start.wait()
        ended.append({outcome.state for outcome in steps.process(app.services, NAME, OLD)})

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    assert len(ended) == 10
    assert all(states <= {"done", "skipped"} for states in ended)
    assert len(app.images.contents(names.THUMBNAILS)) == 2
    assert app.images.contents(names.UNFINISHED) == {}
