"""A correction goes with its image, and follows the bytes where these come again within the hours of forgetting."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from doubles import deletions
from doubles.deletions import Killed, Moments, books, delete, deliver, records, upload
from doubles.documents import several
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.durable import appointments
from shared.errors import StorageError
from shared.images import ImageBlob, ImageBytes
from shared.lifecycle import deletion, plans, reconcile_page, record_pages
from shared.lifecycle.reconcile_loop import PageWork
from shared.records import corrections, seen_bytes
from shared.records.corrections import Correction, Stored
from shared.records.thumbnails import FOCAL
from shared.records.versions import SourceChangedError
from shared.uploads import steps
from shared.vision import questions

RED, BLUE = (picture("JPEG", 240, 120, colour=colour) for colour in ((200, 0, 0), (0, 0, 200)))
PDF = several("PDF", 1)
HOUR_SECONDS = 3600.0
LONG = "dir/" + "x" * 950 + ".jpg"
SAID = Correction("A zebra", "A zebra at a fence", ("zebra",), ("horse",), (0.25, 0.5))
OTHER = Correction("Mine")
KINDS = pytest.mark.parametrize(
    ("data", "said"), [(RED, SAID), (PDF, SAID._replace(focal=None))], ids=["picture", "document"]
)


@pytest.fixture
def app() -> Parts:
    return parts(THUMBNAIL_SIZES="100x50")


def say(app: Parts, name: str, correction: Correction = SAID) -> Stored:
    info = app.images.head(names.IMAGES, name)
    assert info is not None
    version = seen_bytes.version(app.images, info)
    return corrections.write(app.images, version, correction, app.clock)


def said_of(app: Parts, name: str) -> Correction | None:
    found = corrections.read(app.images, name)
    return found.correction if found else None


def kept(app: Parts) -> list[str]:
    return list(app.host.contents(names.KEPT_CORRECTIONS))


def paid(app: Parts) -> int:
    return len(app.vision.asked)


def focal_marks(app: Parts, name: str) -> set[str | None]:
    page = app.images.page(names.THUMBNAILS, prefix=names.thumbnails(name))
    return {info.metadata.get(FOCAL) for info in page.items}


@KINDS
@pytest.mark.parametrize("new", ["b.jpg", "a.jpg", LONG], ids=["renamed", "undeleted", "long"])
def test_it_follows_the_image_that_comes_after_the_deletion(
    app: Parts, data: bytes, said: Correction, new: str
) -> None:
    upload(app, "a.jpg", data)
    at = say(app, "a.jpg", said).at
    calls = paid(app)
    app.clock.advance(HOUR_SECONDS)
    delete(app, "a.jpg")
    assert said_of(app, "a.jpg") is None
    assert len(kept(app)) == 1
    upload(app, new, data)
    assert said_of(app, new) == said
    assert kept(app) == []
    assert paid(app) == calls
    found = corrections.read(app.images, new)
    info = app.images.head(names.IMAGES, new)
    assert found is not None
    assert info is not None
    assert (found.at, found.source["name"], found.source["etag"]) == (at, new, info.etag)
    assert seen_bytes.is_of_now(app.images, info, found.info)


@KINDS
@pytest.mark.parametrize("new", ["b.jpg", LONG])
def test_it_follows_the_image_that_came_before_the_deletion(
    app: Parts, data: bytes, said: Correction, new: str
) -> None:
    upload(app, "a.jpg", data)
    say(app, "a.jpg", said)
    app.clock.advance(HOUR_SECONDS)
    upload(app, new, data)
    delete(app, "a.jpg")
    assert said_of(app, new) == said
    assert kept(app) == []
    assert records(app)[names.CORRECTIONS] == [names.correction(new)]


@KINDS
def test_it_follows_whatever_comes_between_the_two(data: bytes, said: Correction) -> None:
    """The events of a copy and of a deletion, each at every moment of the other."""

    def begun() -> Parts:
        app = parts(THUMBNAIL_SIZES="100x50")
        upload(app, "a.jpg", data)
        say(app, "a.jpg", said)
        app.images.write(names.IMAGES, "b.jpg", data, content_type="image/jpeg")
        app.images.delete(names.IMAGES, "a.jpg")
        return app

    def gone(app: Parts) -> int:
        return deletion.forget(app.services, "a.jpg")

    def come(app: Parts) -> None:
        deliver(app, "b.jpg", data)

    pairs: list[tuple[Callable[[Parts], object], Callable[[Parts], object]]] = [(gone, come), (come, gone)]
    for first, second in pairs:
        moment = 0
        while True:
            app = begun()
            moments = Moments(app, moment, partial(second, app))
            with moments:
                first(app)
            if moments.is_over:
                assert moment > 10
                break
            assert said_of(app, "b.jpg") == said, moments.passed
            assert said_of(app, "a.jpg") is None
            moment += 1


@pytest.mark.parametrize("copied", [False, True], ids=["comes later", "is there"])
def test_a_deletion_that_is_killed_at_any_moment_loses_nothing(copied: bool) -> None:
    moment = 0
    while True:
        app = parts(THUMBNAIL_SIZES="100x50")
        upload(app, "a.jpg", RED)
        say(app, "a.jpg")
        if copied:
            upload(app, "b.jpg", RED)
        app.images.delete(names.IMAGES, "a.jpg")
        with Moments(app, moment, deletions.kill) as moments, suppress(Killed):
            deletion.forget(app.services, "a.jpg")
        if moments.is_over:
            assert moment > 12
            return
        heirs: list[str] = []
        deletion.forget(app.services, "a.jpg", heir=heirs.append)
        assert (said_of(app, "a.jpg"), said_of(app, "b.jpg")) == (None, SAID if copied else None)
        if not copied:
            upload(app, "c.jpg", RED)
            assert said_of(app, "c.jpg") == SAID
        assert records(app)[names.CORRECTIONS] == [names.correction("b.jpg" if copied else "c.jpg")]
        moment += 1


def test_an_upload_that_is_killed_at_any_moment_loses_nothing() -> None:
    moment = 0
    while True:
        app = parts(THUMBNAIL_SIZES="100x50")
        upload(app, "a.jpg", RED)
        say(app, "a.jpg")
        delete(app, "a.jpg")
        app.images.write(names.IMAGES, "b.jpg", RED, content_type="image/jpeg")
        with Moments(app, moment, deletions.kill) as moments, suppress(Killed):
            deliver(app, "b.jpg", RED)
        if moments.is_over:
            assert moment > 12
            return
        app.clock.advance(deletions.LEASE_SECONDS)
        deliver(app, "b.jpg", RED)
        assert said_of(app, "b.jpg") == SAID, moments.passed
        assert focal_marks(app, "b.jpg") == {"0.25,0.5"}, moments.passed
        moment += 1


def test_thumbnails_of_the_image_that_comes_are_cut_around_its_focal_point(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    delete(app, "a.jpg")
    upload(app, "b.jpg", RED)
    assert focal_marks(app, "b.jpg") == {"0.25,0.5"}


def test_of_an_image_that_is_there_the_thumbnails_are_to_be_cut_anew(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    upload(app, "b.jpg", RED)
    app.images.delete(names.IMAGES, "a.jpg")
    heirs: list[str] = []
    deletion.forget(app.services, "a.jpg", heir=heirs.append)
    assert heirs == ["b.jpg"]


def test_without_a_focal_point_no_thumbnail_is_to_be_cut(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg", OTHER)
    upload(app, "b.jpg", RED)
    app.images.delete(names.IMAGES, "a.jpg")
    heirs: list[str] = []
    deletion.forget(app.services, "a.jpg", heir=heirs.append)
    assert (heirs, said_of(app, "b.jpg")) == ([], OTHER)


@pytest.mark.parametrize("before", [False, True], ids=["comes later", "is there"])
def test_an_image_with_a_correction_of_its_own_keeps_that(app: Parts, before: bool) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    if before:
        upload(app, "b.jpg", RED)
        say(app, "b.jpg", OTHER)
        delete(app, "a.jpg")
    else:
        delete(app, "a.jpg")
        app.images.write(names.IMAGES, "b.jpg", RED, content_type="image/jpeg")
        say(app, "b.jpg", OTHER)
        deliver(app, "b.jpg", RED)
    assert said_of(app, "b.jpg") == OTHER
    assert len(kept(app)) == 1


def test_of_several_images_the_one_that_came_last_gets_it(app: Parts) -> None:
    for name in ("a.jpg", "b.jpg", "d.jpg", "c.jpg"):
        upload(app, name, RED)
        app.clock.advance(60)
    say(app, "a.jpg")
    delete(app, "a.jpg")
    assert records(app)[names.CORRECTIONS] == ["c.jpg.json"]


def test_a_copy_that_was_there_all_the_time_is_no_rename(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    upload(app, "old.jpg", RED)
    say(app, "a.jpg")
    app.clock.advance(25 * HOUR_SECONDS)
    delete(app, "a.jpg")
    assert said_of(app, "old.jpg") is None
    upload(app, "new.jpg", RED)
    assert (said_of(app, "old.jpg"), said_of(app, "new.jpg")) == (None, SAID)


def test_a_copy_that_was_there_all_the_time_is_none_either_where_its_mark_is_new(app: Parts) -> None:
    """Such as after a caller has named it, or after the adoption of images by a new version."""
    upload(app, "a.jpg", RED)
    upload(app, "old.jpg", RED)
    say(app, "a.jpg")
    app.clock.advance(25 * HOUR_SECONDS)
    app.services.answers.ask(questions.describe(), ImageBlob("old.jpg"))
    mark = app.host.head(names.OWNERS, names.owner(ImageBytes(RED).subject, "old.jpg"))
    assert mark is not None
    assert mark.modified == app.clock.utc()
    delete(app, "a.jpg")
    assert said_of(app, "old.jpg") is None
    assert len(kept(app)) == 1


@pytest.mark.parametrize("first", ["deletions", "copies"])
def test_of_the_same_bytes_in_a_directory_each_keeps_its_own(app: Parts, first: str) -> None:
    said = {"1.jpg": SAID, "2.jpg": OTHER, "3.jpg": Correction("Third")}
    for name, correction in said.items():
        upload(app, f"old/{name}", RED)
        say(app, f"old/{name}", correction)
    app.clock.advance(2 * HOUR_SECONDS)
    order = ("3.jpg", "1.jpg", "2.jpg")
    if first == "copies":
        for name in order:
            upload(app, f"new/{name}", RED)
    for name in said:
        delete(app, f"old/{name}")
    if first == "deletions":
        for name in order:
            upload(app, f"new/{name}", RED)
    assert {name: said_of(app, f"new/{name}") for name in said} == said
    assert kept(app) == []


def test_an_image_whose_bytes_are_others_by_now_gets_nothing(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    upload(app, "b.jpg", RED)
    app.images.write(names.IMAGES, "b.jpg", BLUE, content_type="image/jpeg")
    delete(app, "a.jpg")
    assert said_of(app, "b.jpg") is None
    assert len(kept(app)) == 1


def test_an_image_that_goes_while_it_gets_it_has_none_left(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    upload(app, "b.jpg", RED)
    app.images.delete(names.IMAGES, "a.jpg")

    def go(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.CORRECTIONS):
            delete(app, "b.jpg")

    app.images.before = go
    deletion.forget(app.services, "a.jpg")
    app.images.before = None
    assert names.CORRECTIONS not in records(app)
    assert len(kept(app)) == 1


def test_one_of_former_bytes_says_so_under_the_new_name_too(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    former = say(app, "a.jpg").source
    upload(app, "a.jpg", BLUE)
    assert said_of(app, "a.jpg") == SAID
    delete(app, "a.jpg")
    upload(app, "b.jpg", BLUE)
    found = corrections.read(app.images, "b.jpg")
    info = app.images.head(names.IMAGES, "b.jpg")
    assert found is not None
    assert info is not None
    assert (found.correction, found.source) == (SAID, {**former, "name": "b.jpg"})
    assert not seen_bytes.is_of_now(app.images, info, found.info)


def test_what_no_image_takes_over_goes_with_the_forgetting(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    app.clock.advance(deletions.LEASE_SECONDS)
    delete(app, "a.jpg")
    app.clock.advance(23 * HOUR_SECONDS)
    deletions.forget_what_is_due(app)
    assert len(kept(app)) == 1
    app.clock.advance(2 * HOUR_SECONDS)
    deletions.forget_what_is_due(app)
    assert books(app) == {}


def test_what_an_image_with_its_own_does_not_take_goes_too(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    upload(app, "b.jpg", RED)
    say(app, "a.jpg")
    say(app, "b.jpg", OTHER)
    delete(app, "a.jpg")
    app.clock.advance(25 * HOUR_SECONDS)
    deletions.forget_what_is_due(app)
    assert kept(app) == []
    assert said_of(app, "b.jpg") == OTHER


def test_a_setting_of_no_hours_keeps_nothing() -> None:
    app = parts(THUMBNAIL_SIZES="100x50", FORGET_AFTER_HOURS="0")
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    written: list[str] = []
    app.host.before = lambda operation, container, name: written.append(f"{operation} {container}")
    delete(app, "a.jpg")
    app.host.before = None
    assert f"write {names.KEPT_CORRECTIONS}" not in written
    upload(app, "b.jpg", RED)
    assert said_of(app, "b.jpg") is None


def test_with_no_hours_an_image_that_is_there_gets_it_all_the_same() -> None:
    app = parts(THUMBNAIL_SIZES="100x50", FORGET_AFTER_HOURS="0")
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    upload(app, "b.jpg", RED)
    delete(app, "a.jpg")
    assert said_of(app, "b.jpg") == SAID


def test_what_cannot_be_analyzed_is_known_again_too(app: Parts) -> None:
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    upload(app, "a.svg", drawing)
    say(app, "a.svg", OTHER)
    delete(app, "a.svg")
    upload(app, "b.svg", drawing)
    assert said_of(app, "b.svg") == OTHER


def test_an_upload_without_a_correction_asks_for_none(app: Parts) -> None:
    asked: list[str] = []
    app.images.before = app.host.before = lambda operation, container, name: asked.append(f"{operation} {container}")
    upload(app, "a.jpg", RED)
    assert not [each for each in asked if each.endswith((names.CORRECTIONS, names.KEPT_CORRECTIONS))]
    asked.clear()
    upload(app, "copy.jpg", RED)
    assert [each for each in asked if names.CORRECTIONS in each] == [f"page {names.KEPT_CORRECTIONS}"]


def test_a_deletion_without_a_correction_writes_nothing_more(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    asked: list[str] = []
    app.images.before = app.host.before = lambda operation, container, name: asked.append(f"{operation} {container}")
    delete(app, "a.jpg")
    assert [each for each in asked if names.CORRECTIONS in each] == [f"read {names.CORRECTIONS}"]


def test_one_that_was_damaged_goes_all_the_same(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.images.write(names.CORRECTIONS, names.correction("a.jpg"), b"{", content_type=names.JSON)
    delete(app, "a.jpg")
    assert records(app) == {}
    assert kept(app) == []


def test_of_an_image_that_is_there_again_it_stays(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    with pytest.raises(SourceChangedError):
        deletion.forget(app.services, "a.jpg")
    assert said_of(app, "a.jpg") == SAID
    assert kept(app) == []


@pytest.mark.parametrize("mode", ["repair", "report"])
@pytest.mark.parametrize("name", ["a.jpg", LONG])
def test_the_comparison_at_night_finds_those_of_images_that_are_gone(app: Parts, name: str, mode: str) -> None:
    """Such as one that was written while its image was deleted by a process that was killed."""
    for each in (name, "b.jpg"):
        app.images.write(names.IMAGES, each, RED if each == name else BLUE, content_type="image/jpeg")
        say(app, each, OTHER)
    app.images.delete(names.IMAGES, name)
    plan = {**plans.by_request(app.services), "mode": mode}
    work = PageWork(plan=plan, phase="corrections", continuation=None, counts={}, ended=False, problem=None)
    page = reconcile_page.PHASES["corrections"](app.services, work)
    assert page.continuation is None
    assert page.counts == {"orphans": 1, "records_deleted": int(mode == "repair")}
    assert (said_of(app, name) is None) is (mode == "repair")
    assert said_of(app, "b.jpg") == OTHER


def test_the_comparison_has_the_thumbnails_of_an_heir_cut_anew(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    upload(app, "b.jpg", RED)
    app.images.delete(names.IMAGES, "a.jpg")
    plan = plans.by_request(app.services)
    work = PageWork(plan=plan, phase="corrections", continuation=None, counts={}, ended=False, problem=None)
    page = record_pages.page(app.services, work)
    assert page.left == [appointments.of_focal_point("b.jpg")]


def test_storage_that_fails_leaves_the_correction_for_the_next_delivery(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    say(app, "a.jpg")
    app.images.delete(names.IMAGES, "a.jpg")

    def fail(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.KEPT_CORRECTIONS):
            raise StorageError("down")

    app.host.before = fail
    with pytest.raises(StorageError):
        deletion.forget(app.services, "a.jpg")
    app.host.before = None
    assert said_of(app, "a.jpg") == SAID
    deletion.forget(app.services, "a.jpg")
    assert len(kept(app)) == 1


def test_a_step_that_is_done_again_looks_for_nothing(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    asked: list[str] = []
    app.host.before = lambda operation, container, name: asked.append(f"{operation} {container}")
    steps.process(app.services, "a.jpg", RED)
    assert f"page {names.KEPT_CORRECTIONS}" not in asked
