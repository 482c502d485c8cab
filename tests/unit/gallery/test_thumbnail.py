"""`GET data/thumbnail`: a stored one, and none that would have to be made."""

from urllib.parse import parse_qsl, urlsplit

from doubles.gallery_data import ask, told
from doubles.http_requests import problem_of
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.searched import store

from shared import names
from shared.gallery import search, thumbnail


def test_a_size_that_is_not_stored_is_neither_made_nor_paid(app: Parts) -> None:
    store(app, "a.png", picture("PNG", 300, 200))
    calls, before = list(app.vision.asked), app.images.everything()
    problem = problem_of(ask(thumbnail, name="a.png", width=90, height=90), 404, "thumbnail_not_stored")
    assert "90x90" in problem["detail"]
    problem_of(ask(thumbnail, name="a.png", width=100, height=50, format="webp"), 404, "thumbnail_not_stored")
    assert (app.vision.asked, app.images.everything()) == (calls, before)


def test_an_image_without_thumbnails_or_none_at_all_is_told_apart(app: Parts) -> None:
    app.images.write(names.IMAGES, "new.png", picture(), content_type="image/png")
    problem_of(ask(thumbnail, name="new.png", width=100, height=50), 404, "thumbnail_not_stored")
    problem_of(ask(thumbnail, name="none.png", width=100, height=50), 404, "image_not_found")


def test_sides_and_formats_that_cannot_be_are_refused(app: Parts) -> None:
    for query in ({"width": 0, "height": 1}, {"width": 1}, {"width": 99_999, "height": 1}):
        problem_of(ask(thumbnail, name="a.png", **query), 400, "bad_parameter")
    problem_of(ask(thumbnail, name="a.png", width=1, height=1, format="svg"), 400, "bad_parameter")


def test_an_address_with_a_version_that_is_over_shows_what_is_stored_now_and_is_not_kept(app: Parts) -> None:
    store(app, "a.png", picture("PNG", 300, 200))
    address = dict(parse_qsl(urlsplit(told(search)["images"][0]["thumbnail"]).query))
    store(app, "a.png", picture("PNG", 300, 200, colour=(1, 200, 3)))
    response = ask(thumbnail, **address)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-cache"
    again = ask(thumbnail, {"If-None-Match": response.headers["ETag"]}, **address)
    assert (again.status_code, again.get_body()) == (304, b"")


def test_the_stored_type_of_a_thumbnail_is_not_believed(app: Parts) -> None:
    store(app, "a.png", picture("PNG", 300, 200))
    address = dict(parse_qsl(urlsplit(told(search)["images"][0]["thumbnail"]).query))
    (name,) = app.images.contents(names.THUMBNAILS)
    app.images.edit(names.THUMBNAILS, name, content_type="text/html")
    assert ask(thumbnail, **address).mimetype == "image/jpeg"
