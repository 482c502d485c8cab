"""What HTTP callers had read or cut is kept for 30 days, or as long as an image has the bytes."""

from typing import Any

import pytest
from doubles.cleaning import DAY, adopted, run
from doubles.parts import Parts, parts

from shared import names
from shared.answers import owners
from shared.lifecycle import digest_pages, forgetting

MONTH = 30 * DAY


@pytest.fixture
def app() -> Parts:
    return adopted(parts())


def sha(number: int) -> str:
    return f"{number:02x}" * 32


def keep(app: Parts, digest: str) -> list[tuple[str, str]]:
    """Have a text and a thumbnail of these bytes, or of that address."""
    places = [
        (names.TEXT, names.text_of_digest(digest, "read-1")),
        (names.TEXT, names.plain_text_of_digest(digest, "read-1")),
        (names.THUMBNAILS, names.thumbnail_of_digest(digest.removeprefix("url-"), width=1, height=2, smart=True)),
    ]
    for container, name in places:
        app.images.write(container, name, b"x", content_type=names.PLAIN)
    return places


def kept(app: Parts) -> list[tuple[str, str]]:
    return [(each, name) for each in (names.TEXT, names.THUMBNAILS) for name in app.images.contents(each)]


def clean(app: Parts) -> int:
    return run(app, digest_pages.by_digest)["pages"]


@pytest.mark.parametrize("digest", [sha(1), f"url-{sha(1)}"])
@pytest.mark.parametrize(("seconds", "gone"), [(MONTH - 1, False), (MONTH, True)])
def test_what_is_of_no_image_goes_after_30_days(app: Parts, digest: str, seconds: float, gone: bool) -> None:
    places = keep(app, digest)
    app.clock.advance(seconds)
    clean(app)
    assert kept(app) == ([] if gone else places)


def test_what_is_of_an_image_stays(app: Parts) -> None:
    places = keep(app, sha(1))
    keep(app, sha(2))
    owners.note(app.host, sha(1), "a.jpg", {})
    app.clock.advance(100 * DAY)
    clean(app)
    assert kept(app) == places


def test_what_the_last_image_has_left_waits_for_the_hours_of_forgetting(app: Parts) -> None:
    places = keep(app, sha(1))
    app.clock.advance(MONTH)
    owners.begin_forgetting(app.host, sha(1))
    clean(app)
    assert kept(app) == places


def test_records_of_images_are_not_its_business(app: Parts) -> None:
    app.images.write(names.TEXT, names.text("a.jpg"), b"x", content_type=names.JSON)
    name = names.thumbnail("by-sha256/a.jpg", width=1, height=1, smart=True)
    app.images.write(names.THUMBNAILS, name, b"x", content_type=names.JPEG)
    app.clock.advance(MONTH)
    clean(app)
    assert kept(app) == [(names.TEXT, names.text("a.jpg")), (names.THUMBNAILS, name)]


def test_a_record_that_is_written_anew_meanwhile_stays(app: Parts) -> None:
    places = keep(app, sha(1))
    app.clock.advance(MONTH)
    container, again = places[1]

    def before(operation: str, where: str, name: str) -> None:
        if (operation, where, name) == ("delete", container, again):
            app.images.write(container, again, b"new", content_type=names.PLAIN)

    app.images.before = before
    clean(app)
    assert kept(app) == [places[1]]


def test_nothing_goes_before_images_have_their_marks() -> None:
    app = parts()
    places = keep(app, sha(1))
    app.clock.advance(MONTH)
    clean(app)
    assert kept(app) == places


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_both_containers_are_cleaned_page_by_page(
    app: Parts, size: int, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_pages, "_PAGE", size)
    monkeypatch.setattr("shared.lifecycle.pages.PART", 2)
    expected: list[Any] = []
    for number in range(20):
        places = keep(app, sha(number))
        if number % 4 == 0:
            owners.note(app.host, sha(number), "a.jpg", {})
            expected += places
    app.clock.advance(MONTH)
    app.images.before = lambda *_: app.clock.advance(200.0 if slow else 0.0)
    pages = clean(app)
    assert kept(app) == sorted(expected)
    assert pages >= 60 // size


def test_owners_are_looked_up_together(app: Parts) -> None:
    for number in range(200):
        keep(app, sha(number))
        owners.note(app.host, sha(number), "a.jpg", {})
    app.clock.advance(MONTH)
    seen: list[str] = []
    app.host.before = app.images.before = lambda operation, *_: seen.append(operation)
    clean(app)
    assert len(kept(app)) == 600
    assert len(seen) < 10


class KilledError(Exception):
    """The end of a process."""


def test_no_digest_stays_as_the_name_of_a_directory_where_directories_are_real(app: Parts) -> None:
    app.images.has_directories = True
    keep(app, sha(1))
    keep(app, sha(2))
    app.clock.advance(MONTH)
    young = keep(app, sha(3))
    clean(app)
    assert {name for _, name in kept(app)} == {
        *(name for _, name in young),
        *("by-sha256", f"by-sha256/{sha(3)}"),
    }


def test_a_directory_that_a_kill_has_left_empty_goes_another_night(app: Parts) -> None:
    app.images.has_directories = True
    keep(app, sha(1))
    app.clock.advance(MONTH)

    def before(operation: str, _: str, name: str) -> None:
        if (operation, name) == ("head", f"by-sha256/{sha(1)}"):
            raise KilledError

    app.images.before = before
    with pytest.raises(KilledError):
        clean(app)
    app.images.before = None
    app.clock.advance(MONTH)
    clean(app)
    clean(app)
    assert [name for _, name in kept(app) if sha(1) in name] == []


def test_what_is_forgotten_leaves_no_directory_either(app: Parts) -> None:
    app.images.has_directories = True
    keep(app, sha(1))
    owners.begin_forgetting(app.host, sha(1))
    app.clock.advance(DAY)
    assert forgetting.forget_answers(app.services, sha(1))
    assert kept(app) == []
