"""What goes with an image that is deleted, what stays, and that neither a kill nor another writer changes that."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from doubles import deletions
from doubles.deletions import LEASE_SECONDS, Killed, Moments, books, delete, deliver, owners, records, upload
from doubles.documents import several
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.read_runs import ReadRun
from doubles.stored_before import restore

from shared import names
from shared.api import image_states
from shared.errors import ThrottledError
from shared.images import ImageBlob, ImageBytes
from shared.lifecycle import deletion, forgetting
from shared.records import versions
from shared.records.thumbnails import Thumbnail
from shared.records.versions import SourceChangedError
from shared.thumbnails import on_demand
from shared.uploads import steps

RED, BLUE, GREEN = (picture(colour=colour) for colour in ((200, 0, 0), (0, 0, 200), (0, 200, 0)))
PDF = several("PDF", 1)
LONG = "dir/" + "x" * 950 + ".jpg"
# Records of these have other stems than their names, or neighbours below the same prefix.
NAMES = ["a.jpg", "dir/über weg.jpg", LONG, "long/a.jpg", "by-sha256/a.jpg", "long", "by-sha256"]


@pytest.fixture
def app() -> Parts:
    return parts(TEXT_MODE="always")


def digest(data: bytes) -> str:
    return ImageBytes(data).subject


def calls(app: Parts) -> int:
    return len(app.vision.asked)


def state(app: Parts, name: str) -> str:
    return str(image_states.of_image(app.services, name)["state"])


def ask_for_others(app: Parts, name: str) -> None:
    """Have a caller ask for thumbnails of a size and a format that no setting names."""
    for wanted in (Thumbnail(48, 32, "auto"), Thumbnail(33, 22, "center", "webp")):
        on_demand.thumbnail(app.services, ImageBlob(name), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_every_record_of_a_deleted_image_goes_and_the_answers_stay(app: Parts, name: str) -> None:
    upload(app, name, RED)
    ask_for_others(app, name)
    app.clock.advance(LEASE_SECONDS)
    assert len(records(app)[names.THUMBNAILS]) == 4
    answers = books(app)[names.CACHE]
    assert owners(app) == [name]
    assert delete(app, name) == 1 + 2 + 4
    assert records(app) == {}
    assert books(app) == {names.CACHE: answers, names.FORGETTING: [digest(RED)]}


def test_thumbnails_of_former_settings_go_too(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    later = restarted(app, THUMBNAIL_SIZES="90x60", THUMBNAIL_FORMATS="webp", THUMBNAIL_MODE="center")
    delete(later, "a.jpg")
    assert records(app) == {}


def test_unfinished_records_of_every_step_go(app: Parts) -> None:
    app.vision.failing = ThrottledError("full", retry_after_seconds=60.0)
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    for outcome in steps.process(app.services, "a.jpg", RED):
        if outcome.job:
            ReadRun(app, outcome.job).step()
    assert len(records(app)[names.UNFINISHED]) == 3
    assert delete(app, "a.jpg") == 3
    assert records(app) == {}
    # The claims tell the calls that had no answer, and are forgotten with the others.
    assert (books(app).keys(), books(app)[names.FORGETTING]) == ({names.CACHE, names.FORGETTING}, [digest(RED)])


def test_images_whose_names_go_on_where_this_one_ends_keep_everything(app: Parts) -> None:
    others = ["a.jpg/b.jpg", "a.jpg.json", "a.jpg/200x150-smart.jpg", "a.jp", "a.jpg.jpg"]
    for name in others:
        upload(app, name, BLUE)
    kept = records(app)
    upload(app, "a.jpg", RED)
    delete(app, "a.jpg")
    assert records(app) == kept
    assert [state(app, name) for name in others] == ["complete"] * len(others)


def test_nothing_is_deleted_of_an_image_that_is_there(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    before = records(app), owners(app)
    with pytest.raises(SourceChangedError):
        deletion.forget(app.services, "a.jpg")
    assert (records(app), owners(app)) == before
    app.clock.advance(25 * deletions.HOUR_SECONDS)
    assert deletions.forget_what_is_due(app) == 0
    assert names.FORGETTING not in books(app)
    made = calls(app)
    upload(app, "copy.jpg", RED)
    assert calls(app) == made


def test_a_deletion_of_which_nothing_is_known_is_no_error(app: Parts) -> None:
    assert deletion.forget(app.services, "never.jpg") == 0
    assert records(app) == {} == books(app)


def test_a_deletion_is_told_with_the_number_of_records(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    upload(app, "a.jpg", RED)
    delete(app, "a.jpg")
    deletion.forget(app.services, "a.jpg")
    told = [each.getMessage() for each in caplog.records if "records.deleted" in each.getMessage()]
    assert [line.split(" correlation")[0] for line in told] == ["records.deleted blob=a.jpg records=5"]


def test_a_deletion_asks_storage_no_more_than_it_has_to(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    with Moments(app, -1, deletions.kill) as moments:
        app.images.delete(names.IMAGES, "a.jpg")
        deletion.forget(app.services, "a.jpg")
    looks = [each for each in moments.passed if not each.startswith("delete")]
    # Thumbnails, other records, the correction, the mark, forgetting, the image.
    assert len(looks) == 1 + 6 + 1 + 1 + 1 + 1
    assert len(moments.passed) - len(looks) == 1 + 5 + 1


class TestAnotherWriterAtAnyMoment:
    """Something happens before each operation of a deletion, in turn, and the new image loses nothing."""

    @staticmethod
    def at_every_moment(happen: Callable[[Parts], Any], *, hours: str = "24", name: str = "a.jpg") -> list[Parts]:
        """Worlds in which it has happened before, at each moment of, and after the deletion's work."""
        worlds: list[Parts] = []
        while True:
            app = parts(FORGET_AFTER_HOURS=hours, TEXT_MODE="always")
            upload(app, name, RED)
            app.clock.advance(LEASE_SECONDS)
            app.images.delete(names.IMAGES, name)
            moments = Moments(app, len(worlds), lambda app=app: happen(app))  # type: ignore[misc]
            with moments:
                try:
                    deletion.forget(app.services, name)
                except SourceChangedError:
                    assert len(moments.passed) > len(worlds)
            if moments.is_over:
                assert len(worlds) > 15
                return worlds
            worlds.append(app)

    @pytest.mark.parametrize("name", ["a.jpg", LONG])
    def test_the_same_bytes_come_again(self, name: str) -> None:
        for app in self.at_every_moment(lambda app: upload(app, name, RED), name=name):
            assert calls(app) == 3
            assert state(app, name) == "complete"
            assert owners(app) == [name]
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            upload(app, "copy.jpg", RED)
            assert calls(app) == 3

    def test_other_bytes_come(self) -> None:
        for app in self.at_every_moment(lambda app: upload(app, "a.jpg", BLUE)):
            assert state(app, "a.jpg") == "complete"
            assert names.owner(digest(BLUE), "a.jpg") in app.host.contents(names.OWNERS)
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            made = calls(app)
            upload(app, "copy.jpg", BLUE)
            assert calls(app) == made

    @pytest.mark.parametrize("hours", ["24", "0"])
    def test_the_bytes_come_under_another_name(self, hours: str) -> None:
        for app in self.at_every_moment(lambda app: upload(app, "b.jpg", RED), hours=hours):
            assert state(app, "b.jpg") == "complete"
            assert owners(app) == ["b.jpg"]
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            made = calls(app)
            upload(app, "copy.jpg", RED)
            assert calls(app) == made

    def test_the_image_is_undeleted(self) -> None:
        """It comes back with its ETag; the event of that comes after."""

        def undelete(app: Parts) -> None:
            app.images.restore(names.IMAGES, images.pop())

        images: list[Any] = []
        moment = 0
        while True:
            app = parts(TEXT_MODE="always")
            upload(app, "a.jpg", RED)
            blob = app.images.read(names.IMAGES, "a.jpg")
            images.append(blob)
            app.images.delete(names.IMAGES, "a.jpg")
            moments = Moments(app, moment, lambda app=app: undelete(app))  # type: ignore[misc]
            with moments, suppress(SourceChangedError):
                deletion.forget(app.services, "a.jpg")
            if moments.is_over:
                assert moment > 15
                break
            deliver(app, "a.jpg", RED)
            assert (calls(app), state(app, "a.jpg")) == (3, "complete")
            moment += 1

    def test_another_deletion_of_the_same_image(self) -> None:
        for app in self.at_every_moment(lambda app: deletion.forget(app.services, "a.jpg")):
            assert records(app) == {}
            assert owners(app) == []


@pytest.mark.parametrize("name", ["a.jpg", LONG, "long/a.jpg"])
@pytest.mark.parametrize("data", [RED, PDF], ids=["picture", "document"])
def test_a_deletion_that_is_killed_at_any_moment_is_ended_by_the_next(name: str, data: bytes) -> None:
    moment = 0
    while True:
        app = parts(TEXT_MODE="always")
        upload(app, name, data)
        app.clock.advance(LEASE_SECONDS)
        app.images.delete(names.IMAGES, name)
        with Moments(app, moment, deletions.kill) as moments:
            if not killed(app, name):
                break
        if records(app):
            # So a reconciliation can tell whose records these are.
            assert any(_names_its_image(app, container, name) for container in records(app)) or owners(app) == [name]
        deletion.forget(app.services, name)
        assert records(app) == {}
        assert owners(app) == []
        assert books(app)[names.FORGETTING] == [digest(data)]
        app.clock.advance(25 * deletions.HOUR_SECONDS)
        assert deletions.forget_what_is_due(app) == 1
        assert books(app) == {}
        moment += 1
    assert moment == len(moments.passed) > 10


def killed(app: Parts, name: str) -> bool:
    try:
        deletion.forget(app.services, name)
    except Killed:
        return True
    return False


def _names_its_image(app: Parts, container: str, name: str) -> bool:
    documents = [data for place, data in app.images.contents(container).items() if place.endswith(".json")]
    return any(json.loads(data)["source"]["name"] == name for data in documents)


@pytest.mark.parametrize("name", ["a.jpg", LONG])
def test_a_deletion_without_documents_that_is_killed_is_ended_by_the_next(name: str) -> None:
    """Thumbnails alone, which callers have asked for."""
    moment = 0
    while True:
        app = parts(THUMBNAIL_MODE="vision")
        app.images.write(names.IMAGES, name, RED, content_type="image/jpeg")
        on_demand_by_service(app, name)
        assert owners(app) == [name]
        app.images.delete(names.IMAGES, name)
        with Moments(app, moment, deletions.kill):
            if not killed(app, name):
                break
        deletion.forget(app.services, name)
        assert (records(app), owners(app)) == ({}, [])
        moment += 1
    assert moment > 8


def on_demand_by_service(app: Parts, name: str) -> None:
    for side in (30, 40, 50):
        on_demand.thumbnail(app.services, ImageBlob(name), Thumbnail(side, side, "vision"))


class TestRenames:
    """Azure Storage renames by a copy and a deletion, whose events come in any order."""

    @pytest.mark.parametrize("deletion_first", [True, False])
    @pytest.mark.parametrize("hours", ["24", "1"])
    def test_a_rename_costs_no_call_and_leaves_the_new_name_alone(
        self, app: Parts, deletion_first: bool, hours: str
    ) -> None:
        app = restarted(app, FORGET_AFTER_HOURS=hours, TEXT_MODE="always")
        upload(app, "old.jpg", RED)
        app.images.write(names.IMAGES, "new.jpg", RED, content_type="image/jpeg")
        app.images.delete(names.IMAGES, "old.jpg")
        events = [lambda: deletion.forget(app.services, "old.jpg"), lambda: deliver(app, "new.jpg", RED)]
        for event in events if deletion_first else reversed(events):
            event()
        assert (calls(app), state(app, "new.jpg"), owners(app)) == (3, "complete", ["new.jpg"])
        assert all("new.jpg" in place for places in records(app).values() for place in places)
        app.clock.advance(25 * deletions.HOUR_SECONDS)
        assert deletions.forget_what_is_due(app) == 0
        upload(app, "newer.jpg", RED)
        assert calls(app) == 3

    def test_a_rename_and_back_costs_no_call(self, app: Parts) -> None:
        upload(app, "a.jpg", RED)
        upload(app, "b.jpg", RED)
        delete(app, "a.jpg")
        upload(app, "a.jpg", RED)
        delete(app, "b.jpg")
        assert (calls(app), state(app, "a.jpg"), owners(app)) == (3, "complete", ["a.jpg"])

    def test_a_renamed_document_costs_no_call(self, app: Parts) -> None:
        upload(app, "old.pdf", PDF)
        upload(app, "new.pdf", PDF)
        delete(app, "old.pdf")
        assert (calls(app), state(app, "new.pdf"), owners(app)) == (1, "complete", ["new.pdf"])


class TestDeletedWhileWorkedOn:
    """The image goes while its upload, its Read or a caller's thumbnail is under way."""

    def test_nothing_is_left_whenever_the_image_goes_during_its_upload(self) -> None:
        moment = 0
        while True:
            app = parts()
            app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")

            def deleted(app: Parts = app) -> None:
                app.images.delete(names.IMAGES, "a.jpg")
                deletion.forget(app.services, "a.jpg")

            with Moments(app, moment, deleted) as moments:
                steps.process(app.services, "a.jpg", RED)
            if moments.is_over:
                break
            app.images.delete(names.IMAGES, "a.jpg")
            deletion.forget(app.services, "a.jpg")
            assert (records(app), owners(app)) == ({}, []), moments.passed
            assert calls(app) <= 2
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            assert books(app) == {}, moments.passed
            moment += 1
        assert moment > 20

    def test_the_event_of_an_image_that_went_forgets_what_a_killed_delivery_has_asked(self, app: Parts) -> None:
        app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
        app.vision.at_call = lambda *_: deletions.kill()
        with pytest.raises(Killed):
            steps.process(app.services, "a.jpg", RED)
        app.vision.at_call = None
        assert owners(app) == ["a.jpg"]
        assert delete(app, "a.jpg") == 0
        steps.process(app.services, "a.jpg", RED)  # the event once more
        assert owners(app) == []
        assert books(app)[names.FORGETTING] == [digest(RED)]

    @pytest.mark.parametrize("hours", ["24", "0"])
    def test_nothing_is_left_whenever_the_image_goes_during_its_read(self, hours: str) -> None:
        for steps_before in range(4):
            app = parts(FORGET_AFTER_HOURS=hours)
            app.vision.reads = [["running", "succeeded"]]
            app.images.write(names.IMAGES, "a.pdf", PDF, content_type="application/pdf")
            (outcome,) = steps.process(app.services, "a.pdf", PDF)
            assert outcome.job
            run = ReadRun(app, outcome.job)
            for _ in range(steps_before):
                run.step()
            delete(app, "a.pdf")
            assert run.finish() == {"state": "superseded", "deleted": True}
            assert (records(app), owners(app)) == ({}, [])
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            assert books(app) == {}

    def test_a_document_that_is_overwritten_during_its_read_loses_its_mark(self, app: Parts) -> None:
        other = several("PDF", 2)
        app.images.write(names.IMAGES, "a.pdf", PDF, content_type="application/pdf")
        (outcome,) = steps.process(app.services, "a.pdf", PDF)
        assert outcome.job
        run = ReadRun(app, outcome.job)
        run.step()
        upload(app, "a.pdf", other)
        assert run.finish()["state"] == "superseded"
        assert list(app.host.contents(names.OWNERS)) == [names.owner(digest(other), "a.pdf")]
        assert books(app)[names.FORGETTING] == [digest(PDF)]

    def test_a_document_that_goes_during_its_read_loses_its_mark_whenever_another_takes_its_name(self) -> None:
        other, moment = several("PDF", 2), 0
        while True:
            app = parts()
            app.images.write(names.IMAGES, "a.pdf", PDF, content_type="application/pdf")
            (outcome,) = steps.process(app.services, "a.pdf", PDF)
            assert outcome.job
            run = ReadRun(app, outcome.job)
            run.step()
            delete(app, "a.pdf")
            moments = Moments(app, moment, lambda app=app: upload(app, "a.pdf", other))  # type: ignore[misc]
            with moments:
                assert run.finish()["state"] == "superseded"
            if moments.is_over:
                break
            assert list(app.host.contents(names.OWNERS)) == [names.owner(digest(other), "a.pdf")], moments.passed
            assert digest(PDF) in books(app)[names.FORGETTING]
            moment += 1
        assert moment > 8

    def test_a_caller_s_thumbnail_of_an_image_that_goes_leaves_nothing(self, app: Parts) -> None:
        app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
        app.vision.at_call = lambda *_: app.images.delete(names.IMAGES, "a.jpg")
        with pytest.raises(Exception, match="no image"):
            ask_for_others(app, "a.jpg")
        assert (records(app), owners(app)) == ({}, [])
        assert books(app)[names.FORGETTING] == [digest(RED)]

    def test_a_caller_s_thumbnail_of_an_image_that_is_overwritten_leaves_no_mark_of_the_former_bytes(
        self, app: Parts
    ) -> None:
        app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")

        def overwrite(*_: object) -> None:
            app.vision.at_call = None
            upload(app, "a.jpg", BLUE)

        app.vision.at_call = overwrite
        ask_for_others(app, "a.jpg")
        assert list(app.host.contents(names.OWNERS)) == [names.owner(digest(BLUE), "a.jpg")]
        assert books(app)[names.FORGETTING] == [digest(RED)]

    def test_a_caller_s_thumbnail_that_fails_while_its_image_goes_leaves_no_mark(self, app: Parts) -> None:
        app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
        app.vision.failing = ThrottledError("full", retry_after_seconds=60.0)
        app.vision.before_call = lambda: app.images.delete(names.IMAGES, "a.jpg")
        with pytest.raises(ThrottledError):
            ask_for_others(app, "a.jpg")
        assert owners(app) == []


class TestOverwritten:
    """The bytes that an image had before are no image's, unless another one has them."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [(RED, BLUE), (RED, PDF), (PDF, RED), (PDF, several("PDF", 2)), (RED, b"no image at all")],
        ids=["by a picture", "by a document", "a document by a picture", "a document by another", "by no image"],
    )
    def test_the_answers_about_the_former_bytes_go_after_the_hours(
        self, app: Parts, before: bytes, after: bytes
    ) -> None:
        upload(app, "a", before)
        upload(app, "a", after)
        app.clock.advance(23 * deletions.HOUR_SECONDS)
        assert deletions.forget_what_is_due(app) == 0
        assert subjects(app) >= {digest(before)}
        app.clock.advance(2 * deletions.HOUR_SECONDS)
        assert deletions.forget_what_is_due(app) == 1
        assert digest(before) not in subjects(app)
        assert owners(app) == ([] if after == b"no image at all" else ["a"])
        assert names.FORGETTING not in books(app)

    def test_another_image_with_the_former_bytes_keeps_the_answers(self, app: Parts) -> None:
        upload(app, "a.jpg", RED)
        upload(app, "b.jpg", RED)
        upload(app, "a.jpg", BLUE)
        app.clock.advance(25 * deletions.HOUR_SECONDS)
        assert deletions.forget_what_is_due(app) == 0
        made = calls(app)
        upload(app, "c.jpg", RED)
        assert calls(app) == made
        assert owners(app) == ["a.jpg", "b.jpg", "c.jpg"]

    def test_it_is_seen_with_other_settings_too(self, app: Parts) -> None:
        upload(app, "a.jpg", RED)
        later = restarted(app, VISION_FEATURES="Faces", THUMBNAIL_SIZES="90x60", TEXT_MODE="never")
        upload(later, "a.jpg", BLUE)
        assert books(app)[names.FORGETTING] == [digest(RED)]

    def test_an_image_overwritten_twice_at_any_moment_keeps_the_last_one_s_mark_alone(self) -> None:
        moment = 0
        while True:
            app = parts()
            upload(app, "a.jpg", RED)
            app.images.write(names.IMAGES, "a.jpg", BLUE, content_type="image/jpeg")

            def again(app: Parts = app) -> None:
                app.images.write(names.IMAGES, "a.jpg", GREEN, content_type="image/jpeg")

            with Moments(app, moment, again) as moments:
                steps.process(app.services, "a.jpg", BLUE)
            if moments.is_over:
                break
            deliver(app, "a.jpg", GREEN)
            assert list(app.host.contents(names.OWNERS)) == [names.owner(digest(GREEN), "a.jpg")], moments.passed
            assert state(app, "a.jpg") == "complete"
            moment += 1
        assert moment > 20

    def test_edited_metadata_change_nothing(self, app: Parts) -> None:
        upload(app, "a.jpg", RED)
        app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "holiday"})
        deliver(app, "a.jpg", RED)
        assert owners(app) == ["a.jpg"]
        assert names.FORGETTING not in books(app)

    def test_disowning_leaves_an_image_alone_that_has_the_bytes_again(self, app: Parts) -> None:
        upload(app, "a.jpg", RED)
        former = versions.identify(app.images, "a.jpg", RED)
        assert former
        with pytest.raises(SourceChangedError):
            deletion.disown(app.services, "a.jpg", {digest(RED)}, lambda: versions.ensure_other(app.images, former))
        assert owners(app) == ["a.jpg"]


class TestCopies:
    """Five names with the same bytes."""

    NAMES = ("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")

    @pytest.mark.parametrize("data", [RED, PDF], ids=["picture", "document"])
    def test_the_last_one_s_deletion_takes_the_answers_after_the_hours(self, app: Parts, data: bytes) -> None:
        for name in self.NAMES:
            upload(app, name, data)
        made = calls(app)
        assert made == (1 if data == PDF else 3)
        for name in self.NAMES[:4]:
            delete(app, name)
            app.clock.advance(30 * deletions.HOUR_SECONDS)
            assert deletions.forget_what_is_due(app) == 0
        assert (state(app, "5.jpg"), owners(app)) == ("complete", ["5.jpg"])
        upload(app, "6.jpg", data)
        assert calls(app) == made
        delete(app, "5.jpg")
        delete(app, "6.jpg")
        assert records(app) == {}
        app.clock.advance(24 * deletions.HOUR_SECONDS - 1)
        assert deletions.forget_what_is_due(app) == 0
        assert digest(data) in subjects(app)
        app.clock.advance(1)
        assert deletions.forget_what_is_due(app) == 1
        assert books(app) == {}
        upload(app, "7.jpg", data)
        assert calls(app) == 2 * made

    def test_with_no_hours_they_go_with_the_last_one(self) -> None:
        app = parts(FORGET_AFTER_HOURS="0")
        for name in self.NAMES:
            upload(app, name, RED)
        app.clock.advance(LEASE_SECONDS)
        for name in self.NAMES[:4]:
            delete(app, name)
        assert subjects(app) == {digest(RED)}
        assert names.FORGETTING not in books(app)
        delete(app, "5.jpg")
        assert books(app) == {}


def subjects(app: Parts) -> set[str]:
    return {name.partition("/")[0] for name in app.host.contents(names.CACHE)}


class TestRecordsOfEarlierVersions:
    """Their records tell less, and their images have no marks of owners."""

    FIXTURES = Path(__file__).parents[2] / "fixtures" / "records"

    @pytest.mark.parametrize("fixture", ["before.json", "before_pictures.json"])
    def test_deletion_removes_all_of_them(self, fixture: str) -> None:
        content = json.loads((self.FIXTURES / fixture).read_text())
        for before in content.get("deployments", {"": content}).values():
            app = parts(**before.get("settings", {"THUMBNAIL_SIZES": "100x50"}))
            app.clock.advance(before.get("now_seconds", 0.0))
            restore(app.images, before["images"])
            restore(app.host, before["host"])
            images = app.images.contents(names.IMAGES)
            assert images
            by_digest = [
                (container, name)
                for container, held in records(app).items()
                for name in held
                if name.startswith("by-sha256/")
            ]
            asked = {digest(data) for data in images.values()} & subjects(app)
            for name in images:
                delete(app, name)
            left = [(container, name) for container, held in records(app).items() for name in held]
            assert left == by_digest
            assert set(books(app)[names.FORGETTING]) >= asked - unknown(before)
            # Until the images of earlier versions have been adopted, another one may have the same bytes.
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            assert subjects(app) >= asked

    def test_nothing_is_paid_again_for_the_images_that_stay(self) -> None:
        before = json.loads((self.FIXTURES / "before.json").read_text())
        app = parts(THUMBNAIL_SIZES="100x50")
        restore(app.images, before["images"])
        restore(app.host, before["host"])
        complete = [name for name in app.images.contents(names.IMAGES) if state(app, name) == "complete"]
        assert len(complete) == 3
        for gone in complete:
            kept = {name: data for name, data in app.images.contents(names.IMAGES).items() if name in complete}
            kept.pop(gone)
            delete(app, gone)
            app.clock.advance(25 * deletions.HOUR_SECONDS)
            deletions.forget_what_is_due(app)
            for name, data in kept.items():
                assert state(app, name) == "complete"
                deliver(app, name, data)
        assert calls(app) == 0

    def test_a_copy_s_deletion_takes_nothing_from_the_others_that_have_no_marks(self) -> None:
        before = json.loads((self.FIXTURES / "before.json").read_text())
        app = parts(THUMBNAIL_SIZES="100x50")
        restore(app.images, before["images"])
        restore(app.host, before["host"])
        data = app.images.contents(names.IMAGES)["album/photo.jpg"]
        app.images.write(names.IMAGES, "former copy.jpg", data, content_type="image/jpeg")
        delete(app, "album/photo.jpg")
        app.clock.advance(25 * deletions.HOUR_SECONDS)
        deletions.forget_what_is_due(app)
        deliver(app, "former copy.jpg", data)
        assert calls(app) == 0


def unknown(before: dict[str, Any]) -> set[str]:
    """Digests of images that have no records, so that their deletion cannot tell them."""
    told = {
        str(json.loads(each["text"])["source"].get("sha256"))
        for each in before["images"]
        if each["container"] != names.IMAGES and each["name"].endswith(".json") and "text" in each
    }
    return {digest_of for digest_of in _digests(before) if digest_of not in told}


def _digests(before: dict[str, Any]) -> set[str]:
    app = parts()
    restore(app.images, before["images"])
    return {digest(data) for data in app.images.contents(names.IMAGES).values()}


def test_a_claim_whose_call_is_under_way_keeps_the_mark_for_the_next_round() -> None:
    app = parts(FORGET_AFTER_HOURS="0", THUMBNAIL_SIZES="", TEXT_MODE="never")
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    app.vision.at_call = lambda *_: delete(app, "a.jpg")
    steps.process(app.services, "a.jpg", RED)
    assert records(app) == {}
    assert list(books(app)) == [names.CACHE, names.FORGETTING]
    app.clock.advance(LEASE_SECONDS)
    assert forgetting.is_any_due(app.services)
    assert deletions.forget_what_is_due(app) == 1
    assert books(app) == {}


@pytest.mark.parametrize("hours", ["0", "24"])
def test_the_last_two_copies_deleted_at_the_same_time_take_the_answers(hours: str) -> None:
    """Each deletion may still see the other image's mark, at any moment of its own."""
    moment = 0
    while True:
        app = parts(FORGET_AFTER_HOURS=hours)
        for name in ("a.jpg", "b.jpg"):
            upload(app, name, RED)
            app.images.delete(names.IMAGES, name)
        app.clock.advance(LEASE_SECONDS)
        moments = Moments(app, moment, lambda app=app: deletion.forget(app.services, "b.jpg"))  # type: ignore[misc]
        with moments:
            deletion.forget(app.services, "a.jpg")
        if moments.is_over:
            break
        app.clock.advance(int(hours) * deletions.HOUR_SECONDS)
        deletions.forget_what_is_due(app)
        assert (records(app), books(app)) == ({}, {}), moments.passed
        moment += 1
    assert moment > 12


@pytest.mark.parametrize("operation", ["write", "read"])
def test_a_step_that_is_given_up_while_its_image_goes_leaves_no_note(app: Parts, operation: str) -> None:
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")

    def go(what: str, container: str, _: str) -> None:
        if (what, container) == (operation, names.UNFINISHED):
            app.images.before = None
            app.images.delete(names.IMAGES, "a.jpg")

    app.images.before = go
    steps.give_up(app.services, "a.jpg", ["analysis", "thumbnails"], "It raised.")
    assert records(app) == {}


def test_a_step_that_is_given_up_of_an_image_that_is_gone_takes_its_notes_away(app: Parts) -> None:
    app.vision.failing = ThrottledError("full", retry_after_seconds=60.0)
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    steps.process(app.services, "a.jpg", RED)
    assert names.UNFINISHED in records(app)
    app.images.delete(names.IMAGES, "a.jpg")
    steps.give_up(app.services, "a.jpg", ["analysis"], "It raised.")
    assert records(app) == {}
