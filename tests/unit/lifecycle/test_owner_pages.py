"""Each mark of an owner is compared with its image at night."""

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from doubles.cleaning import adopted, run
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.answers import owners
from shared.images import ImageBytes
from shared.lifecycle import deletion, owner_pages
from shared.uploads import steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
# Of one length, as an overwritten image may be.
ONE, OTHER = RED + b"1", RED + b"2"
LONG = "dir/" + "x" * 950 + ".jpg"
RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)


class KilledError(Exception):
    """The end of a process."""


@pytest.fixture
def app() -> Parts:
    return adopted(parts())


def put(app: Parts, name: str, data: bytes) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def upload(app: Parts, name: str, data: bytes) -> None:
    put(app, name, data)
    steps.process(app.services, name, data)


def compare(app: Parts, mode: str = "repair") -> Counter[str]:
    return run(app, owner_pages.owners, mode)


def marks(app: Parts) -> list[str]:
    return [name for name in app.host.contents(names.OWNERS) if name != names.ADOPTED]


def mark(name: str, data: bytes) -> str:
    return names.owner(ImageBytes(data).subject, name)


def state(app: Parts) -> dict[str, dict[str, bytes]]:
    both = {f"images {each}": app.images.contents(each) for each in RECORDS}
    return {**both, **{each: app.host.contents(each) for each in (names.OWNERS, names.FORGETTING, names.CACHE)}}


def counted(app: Parts) -> Counter[str]:
    """The operations from now on, by name and container."""
    seen: Counter[str] = Counter()
    app.host.before = lambda operation, container, _: seen.update([f"{operation} {container}"])
    app.images.before = app.host.before
    return seen


def test_a_mark_that_is_right_costs_one_head_of_its_image(app: Parts) -> None:
    for number in range(20):
        upload(app, f"{number}.jpg", RED if number % 2 else BLUE)
    before, seen = state(app), counted(app)
    assert compare(app) == Counter(pages=1)
    assert state(app) == before
    assert seen == {"page owners": 1, "head images": 20}


@pytest.mark.parametrize("name", ["a.jpg", "dir/über weg.jpg", LONG, "long/a.jpg"])
def test_the_mark_of_an_image_that_is_gone_goes_with_all_that_it_has_left(app: Parts, name: str) -> None:
    upload(app, name, RED)
    upload(app, "other.jpg", BLUE)
    app.images.delete(names.IMAGES, name)
    counts = compare(app)
    assert marks(app) == [mark("other.jpg", BLUE)]
    assert list(app.host.contents(names.FORGETTING)) == [ImageBytes(RED).subject]
    assert all(each.startswith("other.jpg") for record in RECORDS for each in app.images.contents(record))
    assert counts == Counter(orphans=1, records_deleted=3, pages=1)


def test_a_mark_whose_records_are_gone_already_is_no_orphan(app: Parts) -> None:
    owners.note(app.host, ImageBytes(RED).subject, "a.jpg", {})
    assert compare(app) == Counter(pages=1)
    assert marks(app) == []


@pytest.mark.parametrize("change", ["gone", "overwritten"])
def test_a_report_changes_nothing(app: Parts, change: str) -> None:
    upload(app, "a.jpg", ONE)
    app.images.delete(names.IMAGES, "a.jpg")
    if change == "overwritten":
        put(app, "a.jpg", OTHER)
    before = state(app)
    assert compare(app, "report") == Counter(pages=1)
    assert state(app) == before


@pytest.mark.parametrize(("data", "digests"), [(BLUE + b"longer", 0), (OTHER, 1)], ids=["other length", "same length"])
def test_the_mark_of_bytes_that_were_overwritten_goes(app: Parts, data: bytes, digests: int) -> None:
    upload(app, "a.jpg", ONE)
    put(app, "a.jpg", data)
    seen = counted(app)
    compare(app)
    assert marks(app) == []
    assert list(app.host.contents(names.FORGETTING)) == [ImageBytes(ONE).subject]
    assert seen["digest images"] == digests
    # Its records are the upload's business, whose event is on its way.
    assert app.images.contents(names.ANALYSIS) != {}


def test_an_edited_image_keeps_its_mark_and_is_read_once(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.images.edit(names.IMAGES, "a.jpg", md5=None)
    seen = counted(app)
    compare(app)
    compare(app)
    assert marks(app) == [mark("a.jpg", RED)]
    assert app.host.contents(names.FORGETTING) == {}
    assert seen["digest images"] == 1


def test_the_mark_of_an_edited_image_that_goes_meanwhile_is_not_written_again(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.images.edit(names.IMAGES, "a.jpg", md5=None)

    def go(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("write", names.OWNERS):
            app.images.delete(names.IMAGES, "a.jpg")
            deletion.forget(app.services, "a.jpg")

    app.host.before = go
    compare(app)
    app.host.before = None
    assert marks(app) == []


def test_bytes_that_cannot_be_read_now_leave_the_mark(app: Parts) -> None:
    upload(app, "archived.jpg", ONE)
    app.images.edit(names.IMAGES, "archived.jpg", md5=None, tier="Archive")
    upload(app, "copied.jpg", ONE)
    put(app, "copied.jpg", b"")
    app.images.edit(names.IMAGES, "copied.jpg", copy_status="pending")
    compare(app)
    assert sorted(marks(app)) == sorted([mark("archived.jpg", ONE), mark("copied.jpg", ONE)])


def test_an_image_that_is_put_back_meanwhile_keeps_its_mark(app: Parts) -> None:
    upload(app, "a.jpg", ONE)
    put(app, "a.jpg", OTHER)

    def before(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("delete", names.OWNERS):
            put(app, "a.jpg", ONE)
            owners.note(app.host, ImageBytes(ONE).subject, "a.jpg", {})

    app.host.before = before
    compare(app)
    assert marks(app) == [mark("a.jpg", ONE)]


def test_an_image_that_comes_again_meanwhile_keeps_all(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    blob = app.images.read(names.IMAGES, "a.jpg")
    assert blob
    app.images.delete(names.IMAGES, "a.jpg")
    before = state(app)
    heads = itertools.count()

    def restored(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("head", names.IMAGES) and next(heads) == 1:
            app.images.restore(names.IMAGES, blob)

    app.images.before = restored
    compare(app)
    after = state(app)
    assert after.pop(names.FORGETTING) == {ImageBytes(RED).subject: b""}
    assert after == {key: value for key, value in before.items() if key != names.FORGETTING}


def gone_kept_and_other(app: Parts) -> None:
    """Twelve images, of which every third is gone and every third is overwritten."""
    for number in range(12):
        upload(app, f"{number:02}.jpg", RED + bytes([number]))
        if number % 3 == 0:
            app.images.delete(names.IMAGES, f"{number:02}.jpg")
        elif number % 3 == 1:
            put(app, f"{number:02}.jpg", RED + bytes([100 + number]))


def expected() -> list[str]:
    return sorted(mark(f"{number:02}.jpg", RED + bytes([number])) for number in range(2, 12, 3))


@pytest.mark.parametrize("mode", ["repair", "report"])
@pytest.mark.parametrize("size", [1, 4, 500])
def test_pages_whose_time_is_over_go_on_where_they_were(
    app: Parts, mode: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_pages, "_PAGE", size)
    monkeypatch.setattr("shared.lifecycle.pages.PART", 2)
    gone_kept_and_other(app)
    before = marks(app)
    app.images.before = lambda *_: app.clock.advance(200.0)
    counts = compare(app, mode)
    assert counts["pages"] >= 6
    assert marks(app) == (expected() if mode == "repair" else before)


def with_records(app: Parts) -> set[str]:
    return {name[:2] for record in RECORDS for name in app.images.contents(record)}


def test_it_is_killed_before_each_operation_and_done_again() -> None:
    for killed_at in itertools.count():
        app = adopted(parts())
        gone_kept_and_other(app)
        left = itertools.count()

        def before(*_: str, left: Iterator[int] = left, killed_at: int = killed_at) -> None:
            if next(left) == killed_at:
                raise KilledError

        app.host.before = app.images.before = before
        try:
            compare(app)
            killed = False
        except KilledError:
            killed = True
            app.host.before = app.images.before = None
            compare(app)
        assert marks(app) == expected()
        assert len(app.host.contents(names.FORGETTING)) == 8
        there = {f"{number:02}" for number in range(12) if number % 3}
        # The last record of one may be left, which the phases of the records find by itself.
        left_of_gone = with_records(app) - there
        assert len(left_of_gone) <= killed
        for stem in left_of_gone:
            deletion.forget(app.services, f"{stem}.jpg")
        assert with_records(app) == there
        if not killed:
            assert killed_at > 50
            return
