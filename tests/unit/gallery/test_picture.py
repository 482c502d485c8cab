"""`GET data/picture`: the whole picture upright and small, pages of TIFFs, and why some have none; and never a call."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from random import Random
from threading import Event
from typing import Any

import azure.functions as func
import pytest
from doubles.bombs import BOMBS
from doubles.gallery_data import ask
from doubles.http_requests import problem_of
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.private_pictures import PICTURES, SECRETS
from doubles.tiffs import Page, tiff
from PIL import Image

from shared import names
from shared.gallery import picture as pictures


def upload(app: Parts, name: str, data: bytes) -> str:
    """Store an image without a type; gives its ETag."""
    return app.images.write(names.IMAGES, name, data, content_type="application/octet-stream")


def shown(response: func.HttpResponse) -> Any:
    assert response.status_code == 200, response.get_body()
    return Image.open(BytesIO(response.get_body()))


@pytest.mark.parametrize("side", [400, 800, 1600])
def test_a_picture_has_at_most_the_side_that_is_asked_for_and_its_own_shape(app: Parts, side: int) -> None:
    upload(app, "wide.jpg", picture("JPEG", 3000, 1500))
    assert shown(ask(pictures, name="wide.jpg", side=side)).size == (side, side // 2)


def test_a_small_picture_stays_as_small_as_it_is(app: Parts) -> None:
    upload(app, "dot.png", picture("PNG", 3, 2))
    assert shown(ask(pictures, name="dot.png")).size == (3, 2)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_stands_upright_and_tells_nothing_that_the_file_tells_besides(app: Parts, name: str) -> None:
    upload(app, name, PICTURES[name])
    response = ask(pictures, name=name, side=800)
    assert not [secret for secret in SECRETS if secret in response.get_body()]
    image = shown(response)
    assert not image.getexif()
    assert "icc_profile" not in image.info


def test_an_orientation_is_applied(app: Parts) -> None:
    image = Image.new("RGB", (80, 60), "white")
    buffer = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(buffer, "JPEG", exif=exif)
    upload(app, "turned.jpg", buffer.getvalue())
    assert shown(ask(pictures, name="turned.jpg")).size == (60, 80)


# Pillow opens no BigTIFF whose bytes stand in the order of Motorola.
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_each_page_of_a_tiff_is_a_picture(app: Parts, order: str, big: bool) -> None:
    upload(app, "pages.tif", tiff(Page(60, 70), Page(80, 90), Page(100, 110), order=order, big=big))
    sizes = [shown(ask(pictures, name="pages.tif", page=page)).size for page in (1, 2, 3)]
    assert sizes == [(60, 70), (80, 90), (100, 110)]
    problem = problem_of(ask(pictures, name="pages.tif", page=4), 404, "picture_not_shown")
    assert "page 4" in problem["detail"]


def test_a_tiff_whose_pages_lead_back_to_the_first_ends(app: Parts) -> None:
    upload(app, "ring.tif", tiff(Page(60, 70), Page(80, 90), last=16))
    assert shown(ask(pictures, name="ring.tif", page=2)).size == (80, 90)
    problem_of(ask(pictures, name="ring.tif", page=3), 404, "picture_not_shown")


def test_a_page_of_what_has_one_is_refused(app: Parts) -> None:
    upload(app, "a.png", picture())
    problem_of(ask(pictures, name="a.png", page=2), 404, "picture_not_shown")
    for page in ("0", "2001", "-1"):
        problem_of(ask(pictures, name="a.png", page=page), 400, "bad_parameter")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7\n1 0 obj<<>>endobj", "PDF"),
        (b"", "empty"),
        (b"<html>gone</html>", "HTML"),
        (picture("JPEG", 900, 900)[:300], "JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (b"PK\3\4" + bytes(60), "archive"),
    ],
)
def test_what_has_no_picture_says_why(app: Parts, data: bytes, reason: str) -> None:
    upload(app, "odd", data)
    problem = problem_of(ask(pictures, name="odd"), 404, "picture_not_shown")
    assert reason in problem["detail"]


def test_an_element_is_not_told_by_an_error_that_it_has_no_picture(app: Parts) -> None:
    upload(app, "odd", b"<html>gone</html>")
    response = ask(pictures, {"Sec-Fetch-Dest": "image"}, name="odd")
    assert (response.status_code, response.get_body()) == (204, b"")
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "Sec-Fetch-Dest")
    problem_of(ask(pictures, {"Sec-Fetch-Dest": "image"}, name="none.jpg"), 404, "image_not_found")


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_file_that_asks_for_too_much_is_shown_or_refused(app: Parts, bomb: Any) -> None:
    upload(app, "bomb", bomb(Random(1)))
    for page in (1, 2):
        response = ask(pictures, name="bomb", page=page, side=400)
        assert response.status_code == 200 or problem_of(response, 404, "picture_not_shown")


def test_an_archived_image_says_so(app: Parts) -> None:
    upload(app, "cold.png", picture())
    app.images.tell(names.IMAGES, "cold.png", tier="Archive")
    problem_of(ask(pictures, name="cold.png"), 409, "image_archived")


def test_an_image_that_is_not_there_is_not_found(app: Parts) -> None:
    problem_of(ask(pictures, name="none.png"), 404, "image_not_found")
    problem_of(ask(pictures), 400, "bad_blob_name")
    problem_of(ask(pictures, name="../a.png"), 400, "bad_blob_name")


@pytest.mark.parametrize("side", ["399", "1601", "", "400.0"])
def test_no_other_side_is_made(app: Parts, side: str) -> None:
    upload(app, "a.png", picture())
    problem_of(ask(pictures, name="a.png", side=side), 400, "bad_parameter")


def test_an_address_without_its_version_is_asked_for_again_and_costs_no_read(app: Parts) -> None:
    etag = upload(app, "a.jpg", picture())
    first = ask(pictures, name="a.jpg", side=400, v="another")
    assert first.headers["Cache-Control"] == "private, no-cache"
    of_version = ask(pictures, name="a.jpg", side=400, v=etag)
    assert of_version.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    again = ask(pictures, {"If-None-Match": first.headers["ETag"]}, name="a.jpg", side=400)
    assert (again.status_code, again.mimetype) == (304, "image/jpeg")
    assert ask(pictures, {"If-None-Match": first.headers["ETag"]}, name="a.jpg", side=800).status_code == 200
    upload(app, "a.jpg", picture(colour=(1, 2, 3)))
    assert ask(pictures, {"If-None-Match": first.headers["ETag"]}, name="a.jpg", side=400).status_code == 200


def test_no_picture_costs_a_call_or_writes_a_blob(app: Parts) -> None:
    upload(app, "a.png", picture())
    before = app.images.everything()
    ask(pictures, name="a.png")
    assert app.vision.asked == []
    assert app.images.everything() == before


def test_large_images_are_shown_one_after_the_other_and_hold_up_no_small_one(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = picture("PNG", 20, 20), picture("JPEG", 400, 400)
    monkeypatch.setattr(pictures, "_MOST_BYTES_SIDE_BY_SIDE", len(small))
    assert len(large) > len(small)
    upload(app, "small.png", small)
    for number in range(3):
        upload(app, f"{number}.jpg", large)
    open_now, most = list[str](), list[int]()
    small_was_shown = Event()
    whole = app.services.converter.whole

    def decoded(data: bytes, *given: Any) -> bytes:
        if data == large:
            open_now.append("large")
            most.append(len(open_now))
            # Holds the others up until the small one has its answer.
            assert small_was_shown.wait(30)
            open_now.pop()
        return whole(data, *given)

    monkeypatch.setattr(app.services.converter, "whole", decoded)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask, pictures, name=f"{number}.jpg") for number in range(3)]
        assert ask(pictures, name="small.png").status_code == 200
        small_was_shown.set()
        assert [each.result().status_code for each in answers] == [200] * 3
    assert most == [1, 1, 1]


def test_a_large_document_and_more_than_is_taken_say_so_as_small_ones_do(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_MOST_BYTES_SIDE_BY_SIDE", 8)
    upload(app, "a.pdf", picture("PDF"))
    upload(app, "a.jpg", b"no picture at all")
    for name in ("a.pdf", "a.jpg"):
        problem_of(ask(pictures, name=name), 404, "picture_not_shown")
