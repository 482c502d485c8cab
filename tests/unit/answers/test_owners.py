"""Which image an answer is about: noted before the answer is claimed or paid for, once, and by one write."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from doubles import deletions
from doubles.deletions import HOUR_SECONDS, Moments, forget_what_is_due
from doubles.documents import several
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.answers import owners
from shared.errors import BusyError, ImageRejectedError, StorageError, ThrottledError
from shared.images import ImageBlob, ImageBytes, ImageUrl, Owner
from shared.lifecycle import deletion
from shared.records import analysis, versions
from shared.records.versions import SeenVersion, Source
from shared.uploads import steps

RED, BLUE, PDF = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200)), several("PDF", 1)
LONG = "x" * 1000


@pytest.fixture
def app() -> Parts:
    return parts()


def put(app: Parts, name: str, data: bytes) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def held(app: Parts) -> dict[str, bytes]:
    return app.host.contents(names.OWNERS)


def watch(app: Parts) -> list[str]:
    """The operations on the host account from now on, with the paid calls between them."""
    passed: list[str] = []
    app.host.before = lambda operation, container, _: passed.append(f"{operation} {container}")
    app.vision.at_call = lambda question, _: passed.append(question.operation)
    return passed


def digest(data: bytes) -> str:
    return ImageBytes(data).subject


@pytest.mark.parametrize("name", ["a.jpg", "dir/über weg.jpg", LONG, "long/a.jpg"])
def test_the_mark_tells_the_image_and_which_version_it_is(app: Parts, name: str) -> None:
    etag = put(app, name, RED)
    steps.process(app.services, name, RED)
    assert held(app) == {names.owner(digest(RED), name): name.encode()}
    mark = owners.find(app.host, digest(RED), name)
    image = app.images.head(names.IMAGES, name)
    assert mark
    assert image
    assert dict(mark.metadata) == Source(name, etag, ImageBytes(RED)).metadata()
    assert SeenVersion(image).is_source_of(app.images, mark)
    put(app, name, BLUE)
    overwritten = app.images.head(names.IMAGES, name)
    assert overwritten
    assert not SeenVersion(overwritten).is_source_of(app.images, mark)


def test_an_upload_is_noted_once_and_before_its_first_claim(app: Parts) -> None:
    put(app, "a.jpg", RED)
    passed = watch(app)
    steps.process(app.services, "a.jpg", RED)
    assert passed.count("write owners") == 1
    assert passed[0] == "write owners"
    assert passed.count("write cache") == 4


def test_an_upload_that_is_answered_by_claims_is_noted_too(app: Parts) -> None:
    for name in ("a.jpg", "copy.jpg"):
        put(app, name, RED)
        steps.process(app.services, name, RED)
    assert len(app.vision.asked) == 2
    assert sorted(held(app).values()) == [b"a.jpg", b"copy.jpg"]


def test_a_document_is_noted_before_its_read_is_handed_over(app: Parts) -> None:
    put(app, "a.pdf", PDF)
    passed = watch(app)
    (outcome,) = steps.process(app.services, "a.pdf", PDF)
    assert outcome.job
    assert passed == ["write owners"]
    assert list(held(app).values()) == [b"a.pdf"]


def test_a_picture_with_text_is_noted_once(app: Parts) -> None:
    app = parts(TEXT_MODE="always")
    put(app, "a.jpg", RED)
    passed = watch(app)
    assert steps.process(app.services, "a.jpg", RED)[-1].job
    assert passed.count("write owners") == 1


def test_a_redelivery_writes_no_mark(app: Parts) -> None:
    put(app, "a.jpg", RED)
    steps.process(app.services, "a.jpg", RED)
    passed = watch(app)
    steps.process(app.services, "a.jpg", RED)
    assert passed == []


def test_what_is_no_image_is_not_noted(app: Parts) -> None:
    put(app, "a.jpg", b"no image at all")
    steps.process(app.services, "a.jpg", None)
    assert held(app) == {}


def test_an_upload_whose_mark_cannot_be_written_is_tried_again_and_nothing_is_paid(app: Parts) -> None:
    put(app, "a.jpg", RED)

    def refuse(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("write", names.OWNERS):
            raise StorageError("away")

    app.host.before = refuse
    outcomes = steps.process(app.services, "a.jpg", RED)
    assert {outcome.state for outcome in outcomes} == {"deferred"}
    assert app.vision.asked == []
    app.host.before = None
    assert {outcome.state for outcome in steps.process(app.services, "a.jpg", RED)} == {"done"}
    assert list(held(app).values()) == [b"a.jpg"]


class TestCallersOverHttp:
    """They own nothing by their bytes; a name counts where it comes to a paid call."""

    def test_a_name_is_noted_before_the_paid_call(self, app: Parts) -> None:
        put(app, "a.jpg", RED)
        passed = watch(app)
        app.services.answers.ask(analysis.question(app.services.settings), ImageBlob("a.jpg"))
        assert passed.index("write owners") < passed.index("analyze")
        assert passed.count("write owners") == 1
        assert list(held(app).values()) == [b"a.jpg"]

    def test_a_known_answer_costs_no_mark(self, app: Parts) -> None:
        question = analysis.question(app.services.settings)
        app.services.answers.ask(question, ImageBytes(RED))
        assert held(app) == {}
        put(app, "a.jpg", RED)
        passed = watch(app)
        app.services.answers.ask(question, ImageBlob("a.jpg"))
        assert passed == ["read cache"]

    def test_a_call_that_is_objected_to_costs_none_either(self, app: Parts) -> None:
        put(app, "a.jpg", RED)

        def object_to_it() -> None:
            raise BusyError("not now")

        with suppress(BusyError):
            app.services.answers.ask(
                analysis.question(app.services.settings), ImageBlob("a.jpg"), before_call=object_to_it
            )
        assert held(app) == {}

    @pytest.mark.parametrize("image", [ImageBytes(RED), ImageUrl("https://pictures.example/a.jpg")])
    def test_bytes_and_addresses_are_of_no_image(self, app: Parts, image: ImageBytes | ImageUrl) -> None:
        app.services.answers.ask(analysis.question(app.services.settings), image)
        assert held(app) == {}

    def test_a_mark_that_cannot_be_written_keeps_the_call_from_being_paid(self, app: Parts) -> None:
        put(app, "a.jpg", RED)

        def refuse(operation: str, container: str, _: str) -> None:
            if (operation, container) == ("write", names.OWNERS):
                raise StorageError("away")

        app.host.before = refuse
        with pytest.raises(StorageError):
            app.services.answers.ask(analysis.question(app.services.settings), ImageBlob("a.jpg"))
        assert app.vision.asked == []
        assert app.host.contents(names.CACHE) == {}  # so the next one asks at once

    def test_what_the_app_itself_refuses_is_noted_by_no_caller(self, app: Parts) -> None:
        put(app, "a.jpg", b"no image at all")
        with pytest.raises(ImageRejectedError):
            app.services.answers.ask(analysis.question(app.services.settings), ImageBlob("a.jpg"))
        assert held(app) == {}


def test_bytes_are_owned_while_one_image_has_a_mark(app: Parts) -> None:
    for name in ("a.jpg", "b.jpg"):
        owners.note_bytes(app.host, ImageBytes(RED, Owner(name, "0x1")))
    assert owners.is_owned(app.host, digest(RED))
    assert not owners.is_owned(app.host, digest(BLUE))
    for name in ("a.jpg", "b.jpg"):
        assert owners.is_owned(app.host, digest(RED))
        mark = owners.find(app.host, digest(RED), name)
        assert mark
        assert owners.delete(app.host, mark)
    assert not owners.is_owned(app.host, digest(RED))


def test_a_mark_that_was_written_anew_is_not_deleted(app: Parts) -> None:
    owners.note(app.host, digest(RED), "a.jpg", {})
    mark = owners.find(app.host, digest(RED), "a.jpg")
    assert mark
    owners.note(app.host, digest(RED), "a.jpg", {})
    assert not owners.delete(app.host, mark)
    assert owners.is_owned(app.host, digest(RED))


def test_a_version_and_its_bytes_tell_the_same_of_themselves(app: Parts) -> None:
    etag = put(app, "a.jpg", RED)
    source = versions.identify(app.images, "a.jpg", RED)
    assert isinstance(source, Source)
    assert source.image.owner == Owner("a.jpg", etag)
    assert source.image.describe(etag) == source.metadata()


class TestNamedImagesThatGoMeanwhile:
    """A caller names an image, which is deleted or overwritten while its question is asked."""

    @staticmethod
    def ask(app: Parts) -> None:
        app.services.answers.ask(analysis.question(app.services.settings), ImageBlob("a.jpg"))

    @staticmethod
    def delete(app: Parts) -> None:
        app.images.delete(names.IMAGES, "a.jpg")
        deletion.forget(app.services, "a.jpg")

    def at_every_moment(self, happen: Callable[[Parts], object]) -> list[Parts]:
        """Worlds in which it has happened before each operation after the read of the image, in turn."""
        worlds: list[Parts] = []
        while True:
            app = parts()
            put(app, "a.jpg", RED)
            moments = Moments(app, len(worlds) + 1, lambda app=app: happen(app))  # type: ignore[misc]
            with moments:
                self.ask(app)
            if moments.is_over:
                assert len(worlds) > 5
                return worlds
            worlds.append(app)

    def test_no_mark_is_left_of_one_that_is_deleted(self) -> None:
        for app in self.at_every_moment(self.delete):
            assert held(app) == {}
            assert list(app.host.contents(names.FORGETTING)) == [digest(RED)]
            app.clock.advance(25 * HOUR_SECONDS)
            assert forget_what_is_due(app) == 1
            assert app.host.contents(names.CACHE) == {}

    def test_no_mark_is_left_of_one_that_is_overwritten(self) -> None:
        for app in self.at_every_moment(lambda app: put(app, "a.jpg", BLUE)):
            assert held(app) == {}

    def test_the_mark_stays_where_the_same_bytes_come_again(self) -> None:
        def again(app: Parts) -> None:
            self.delete(app)
            deletions.upload(app, "a.jpg", RED)

        for app in self.at_every_moment(again):
            assert list(held(app).values()) == [b"a.jpg"]

    def test_a_call_that_fails_leaves_no_mark_either(self, app: Parts) -> None:
        put(app, "a.jpg", RED)
        app.vision.failing = ThrottledError("full", retry_after_seconds=60.0)
        app.vision.before_call = lambda: app.images.delete(names.IMAGES, "a.jpg")
        with pytest.raises(ThrottledError):
            self.ask(app)
        assert held(app) == {}

    def test_an_edit_of_metadata_changes_nothing(self, app: Parts) -> None:
        put(app, "a.jpg", RED)
        app.vision.at_call = lambda *_: app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "holiday"})
        self.ask(app)
        assert list(held(app).values()) == [b"a.jpg"]
        assert app.host.contents(names.FORGETTING) == {}

    def test_storage_that_fails_then_withholds_no_answer(self, app: Parts) -> None:
        put(app, "a.jpg", RED)

        def refuse(operation: str, container: str, _: str) -> None:
            if operation == "head":
                raise StorageError("away")

        app.images.before = refuse
        self.ask(app)
        assert len(app.vision.asked) == 1
