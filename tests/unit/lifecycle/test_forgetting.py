"""Answers about bytes of no image are forgotten when their time has come, and no image's answers ever are."""

import pytest
from doubles import deletions
from doubles.deletions import HOUR_SECONDS, LEASE_SECONDS, Killed, Moments, books, delete, owners, upload
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.answers.owners import begin_forgetting
from shared.errors import StorageError
from shared.images import ImageBytes
from shared.lifecycle import adoption, forgetting
from shared.records import analysis
from shared.records.thumbnails import Thumbnail
from shared.thumbnails import on_demand

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))


@pytest.fixture
def app() -> Parts:
    return parts()


def digest(data: bytes) -> str:
    return ImageBytes(data).subject


def gone(app: Parts, hours: float = 25, data: bytes = RED, name: str = "a.jpg") -> None:
    """An image that was uploaded and deleted, so many hours ago."""
    upload(app, name, data)
    app.clock.advance(LEASE_SECONDS)
    delete(app, name)
    app.clock.advance(hours * HOUR_SECONDS)


def forget(app: Parts, data: bytes = RED) -> bool:
    return forgetting.forget_answers(app.services, digest(data))


def test_what_callers_had_of_the_same_bytes_goes_too(app: Parts) -> None:
    on_demand.thumbnail(app.services, ImageBytes(RED), Thumbnail(40, 40, "center"))
    place = names.text_of_digest(digest(RED), "read-1")
    app.images.write(names.TEXT, place, b"{}", content_type=names.JSON)
    others = names.text_of_digest(digest(BLUE), "read-1")
    app.images.write(names.TEXT, others, b"{}", content_type=names.JSON)
    gone(app)
    assert forget(app)
    assert deletions.records(app) == {names.TEXT: [others]}
    assert books(app) == {}


def test_it_is_told(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    gone(app)
    forget(app)
    assert f"answers.forgotten subject={digest(RED)[:16]}" in caplog.text


def test_nothing_is_forgotten_without_a_mark(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    held = books(app)
    assert not forget(app)
    assert books(app) == held


def test_a_mark_is_due_when_its_hours_are_over(app: Parts) -> None:
    assert not forgetting.is_any_due(app.services)
    gone(app, hours=0)
    app.clock.advance(24 * HOUR_SECONDS - 1)
    assert not forgetting.is_any_due(app.services)
    app.clock.advance(1)
    assert forgetting.is_any_due(app.services)


def test_another_deletion_lets_the_hours_begin_anew(app: Parts) -> None:
    gone(app, hours=20)
    gone(app, hours=20, name="b.jpg")
    assert deletions.forget_what_is_due(app) == 0
    app.clock.advance(4 * HOUR_SECONDS)
    assert deletions.forget_what_is_due(app) == 1


def test_an_image_that_has_the_bytes_again_takes_the_mark_away(app: Parts) -> None:
    gone(app, hours=1)
    upload(app, "b.jpg", RED)
    app.clock.advance(25 * HOUR_SECONDS)
    held = books(app)[names.CACHE]
    assert deletions.forget_what_is_due(app) == 0
    assert books(app) == {names.CACHE: held, names.OWNERS: [names.owner(digest(RED), "b.jpg")]}


def test_a_round_goes_over_as_many_marks_as_there_are(app: Parts) -> None:
    for number in range(7):
        gone(app, hours=0, data=picture(colour=(0, number * 30, 100)), name=f"{number}.jpg")
    app.clock.advance(25 * HOUR_SECONDS)
    assert deletions.forget_what_is_due(app) == 7
    assert books(app) == {}


@pytest.mark.parametrize("name", ["b.jpg", "a.jpg"])
def test_an_upload_of_the_same_bytes_at_any_moment_keeps_its_answers(name: str) -> None:
    moment = 0
    while True:
        app = parts()
        gone(app)
        moments = Moments(app, moment, lambda app=app: upload(app, name, RED))  # type: ignore[misc]
        with moments:
            forget(app)
        if moments.is_over:
            break
        assert owners(app) == [name]
        made = len(app.vision.asked)
        app.clock.advance(25 * HOUR_SECONDS)
        deletions.forget_what_is_due(app)
        upload(app, "copy.jpg", RED)
        assert len(app.vision.asked) == made, moments.passed
        moment += 1
    assert moment > 10


def test_answers_come_back_as_they_were_for_an_image_that_came_meanwhile(app: Parts) -> None:
    gone(app)
    before = {blob.name: (blob.metadata, blob.size) for blob in app.host.page(names.CACHE).items}
    # After the last claim is deleted, and before the last look.
    deleted = 0

    def come(operation: str, container: str, _: str) -> None:
        nonlocal deleted
        deleted += (operation, container) == ("delete", names.CACHE)
        if operation == "page" and container == names.OWNERS and deleted == len(before):
            app.host.write(names.OWNERS, names.owner(digest(RED), "b.jpg"), b"b.jpg", content_type=names.PLAIN)

    app.host.before = come
    assert not forget(app)
    app.host.before = None
    assert {blob.name: (blob.metadata, blob.size) for blob in app.host.page(names.CACHE).items} == before


@pytest.mark.parametrize("fails", ["the deletion's answer", "the next look"])
def test_answers_come_back_where_storage_fails_after_an_image_has_come(app: Parts, fails: str) -> None:
    gone(app)
    before = app.host.contents(names.CACHE)
    deleted = 0

    def fail(operation: str, container: str, name: str) -> None:
        nonlocal deleted
        if operation == "delete" and container == names.CACHE:
            deleted += 1
            if deleted == 1:
                app.host.write(names.OWNERS, names.owner(digest(RED), "b.jpg"), b"b.jpg", content_type=names.PLAIN)
            elif deleted == 2 and fails == "the deletion's answer":
                app.host.delete(names.CACHE, name)
                raise StorageError("Blob storage did not answer.")
        if operation == "page" and container == names.OWNERS and deleted:
            raise StorageError("Blob storage did not answer.")

    app.host.before = fail
    with pytest.raises(StorageError):
        forget(app)
    app.host.before = None
    assert deleted > 1
    assert app.host.contents(names.CACHE) == before


def test_each_answer_comes_back_that_can_where_storage_fails_for_one(app: Parts) -> None:
    gone(app)
    before = app.host.contents(names.CACHE)
    written = 0

    def fail(operation: str, container: str, _: str) -> None:
        nonlocal written
        if operation == "page" and container == names.OWNERS and not app.host.contents(names.CACHE):
            app.host.write(names.OWNERS, names.owner(digest(RED), "b.jpg"), b"b.jpg", content_type=names.PLAIN)
        if operation == "write" and container == names.CACHE:
            written += 1
            if written == 1:
                raise StorageError("Blob storage did not answer.")

    app.host.before = fail
    with pytest.raises(StorageError):
        forget(app)
    app.host.before = None
    assert len(app.host.contents(names.CACHE)) == len(before) - 1 == written - 1


def test_a_round_that_is_killed_at_any_moment_is_ended_by_the_next() -> None:
    moment = 0
    while True:
        app = parts()
        gone(app)
        with Moments(app, moment, deletions.kill):
            try:
                forget(app)
                break
            except Killed:
                pass
        assert deletions.forget_what_is_due(app) == 1
        assert books(app) == {}
        moment += 1
    assert moment > 8


def test_a_mark_that_was_written_anew_meanwhile_stays(app: Parts) -> None:
    gone(app)

    def renew(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("delete", names.FORGETTING):
            begin_forgetting(app.host, digest(RED))

    app.host.before = renew
    assert forget(app)
    app.host.before = None
    assert books(app) == {names.FORGETTING: [digest(RED)]}


def test_a_claim_that_is_leased_stays_for_the_next_round(app: Parts) -> None:
    gone(app)
    claim = names.claim(digest(RED), analysis.question(app.services.settings).key)
    assert app.host.acquire(names.CACHE, claim, "lease", 15)
    assert not forget(app)
    assert books(app) == {names.CACHE: [claim], names.FORGETTING: [digest(RED)]}
    app.clock.advance(LEASE_SECONDS)
    assert forget(app)
    assert books(app) == {}


class TestClaimsOfEarlierVersions:
    """These versions wrote no marks, so another image may have the bytes."""

    @staticmethod
    def with_a_former_claim(app: Parts) -> None:
        gone(app)
        claim = books(app)[names.CACHE][0]
        app.host.edit(names.CACHE, claim, metadata={})

    def test_they_stay_until_every_image_has_its_mark(self, app: Parts) -> None:
        self.with_a_former_claim(app)
        held = books(app)
        assert not forget(app)
        assert books(app) == held
        adoption.note(app.services, app.clock.utc().isoformat())
        assert forget(app)
        assert books(app) == {}

    def test_they_stay_for_an_image_that_was_adopted(self, app: Parts) -> None:
        self.with_a_former_claim(app)
        app.host.write(names.OWNERS, names.owner(digest(RED), "old.jpg"), b"old.jpg", content_type=names.PLAIN)
        adoption.note(app.services, app.clock.utc().isoformat())
        assert not forget(app)
        assert len(books(app)[names.CACHE]) == 2


def test_no_hours_forget_in_the_deletion_itself() -> None:
    app = parts(FORGET_AFTER_HOURS="0")
    gone(app, hours=0)
    assert books(app) == {}
