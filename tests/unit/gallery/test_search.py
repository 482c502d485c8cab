"""`GET data/search`: any window of what matches, with all that a card shows; and never a call."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from doubles.gallery_data import ask, told
from doubles.http_requests import problem_of
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.searched import noted, store

from shared import names
from shared.gallery import picture as pictures
from shared.gallery import search, thumbnail
from shared.uploads import steps


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def test_a_window_begins_anywhere_and_windows_beside_each_other_tell_all(app: Parts) -> None:
    for number in range(7):
        store(app, f"{number}.png")
    calls = len(app.vision.asked)
    for sort in ("match", "date", "name"):
        whole = told(search, sort=sort, limit=200)
        assert (whole["total"], whole["offset"], len(whole["images"])) == (7, 0, 7)
        for size in (1, 2, 3, 5):
            windows = [told(search, sort=sort, offset=offset, limit=size)["images"] for offset in range(0, 7, size)]
            assert [image for window in windows for image in window] == whole["images"]
        assert told(search, sort=sort, offset=7)["images"] == []
        assert told(search, sort=sort, offset=999_999_999)["total"] == 7
    assert len(app.vision.asked) == calls


def test_the_addresses_of_a_card_show_its_thumbnail_and_picture_for_ever(app: Parts) -> None:
    store(app, "a & b/ü?.png", picture("PNG", 300, 200))
    (image,) = told(search)["images"]
    thumb, whole = query_of(image["thumbnail"]), query_of(image["picture"])
    assert (thumb["name"], thumb["width"], thumb["height"]) == ("a & b/ü?.png", "100", "50")
    assert whole["name"] == "a & b/ü?.png"
    assert image["problems"] == []
    shown = (ask(thumbnail, **thumb), ask(pictures, side=400, **whole))
    for response in shown:
        assert response.status_code == 200, response.get_body()
        assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert [response.mimetype for response in shown] == ["image/jpeg", "image/webp"]


def test_an_image_that_failed_says_why_and_what_to_do(app: Parts) -> None:
    app.images.write(names.IMAGES, "broken.jpg", b"<html>not found</html>", content_type="image/jpeg")
    steps.process(app.services, "broken.jpg", None)
    noted(app)
    (image,) = told(search, q="is:failed")["images"]
    (problem,) = image["problems"]
    assert (problem["step"], problem["state"], problem["code"]) == ("analysis", "failed", "not_an_image")
    assert "HTML" in problem["message"]
    assert problem["action"]
    assert (image["thumbnail"], image["picture"], problem["until"]) == (None, None, None)


def test_an_answer_that_is_known_already_is_not_sent_again(app: Parts) -> None:
    store(app, "a.png")
    first = ask(search)
    again = ask(search, {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_body()) == (304, b"")
    store(app, "b.png")
    assert ask(search, {"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x"])
def test_a_limit_that_cannot_be_is_refused(app: Parts, limit: str) -> None:
    problem_of(ask(search, limit=limit), 400, "bad_parameter")
