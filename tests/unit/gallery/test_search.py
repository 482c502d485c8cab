"""`GET data/search`: any window of what matches, with all that a card shows; and never a call."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from doubles.gallery_data import ask, told
from doubles.http_requests import problem_of
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of
from doubles.searched import noted, store
from doubles.tiffs import Page, tiff

from shared import names, services
from shared.errors import StorageError, VisionUnavailableError
from shared.gallery import picture as pictures
from shared.gallery import record, search, suggestions, thumbnail
from shared.index import places
from shared.search.search import FRESH_SECONDS
from shared.storage.blobs import Blob
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


def reads(app: Parts, container: str) -> list[str]:
    """Names that are read in a container from now on."""
    found: list[str] = []
    app.images.before = lambda operation, of, name: (
        found.append(name) if (operation, of) == ("read", container) else None
    )
    return found


def test_a_word_in_a_text_is_told_with_its_place_which_is_read_once(app: Parts) -> None:
    store(app, "bill.png", text="TOTAL DUE")
    read = reads(app, names.TEXT)
    first = told(search, q="total")["images"]
    assert first[0]["why"][0]["places"]
    assert told(search, q="total")["images"] == first
    assert read == ["bill.png.json"]
    assert told(search, q="due")["images"][0]["why"][0]["places"][0]["text"] == "DUE"
    assert len(read) == 2


def test_a_text_that_was_read_anew_has_its_new_places(app: Parts) -> None:
    store(app, "bill.png", text="TOTAL DUE")
    assert len(told(search, q="due")["images"][0]["why"][0]["places"]) == 1
    app.vision.pages = 2
    store(app, "bill.png", picture("PNG", 200, 100), text="DUE")
    assert [place["page"] for place in told(search, q="due")["images"][0]["why"][0]["places"]] == [1, 2]


def test_a_problem_is_read_once_for_all_looks_and_anew_when_it_changes(app: Parts) -> None:
    app.vision.failing = VisionUnavailableError("first reason")
    app.images.write(names.IMAGES, "a.png", picture(), content_type="image/png")
    steps.process(app.services, "a.png", None)
    noted(app)
    read = reads(app, names.UNFINISHED)
    (image,) = told(search)["images"]
    assert {each["state"] for each in image["problems"]} == {"deferred"}
    assert all(each["until"] for each in image["problems"])
    count = len(read)
    assert count == len(image["problems"])
    assert told(search)["images"] == [image]
    assert len(read) == count
    app.images.before = None
    app.vision.failing = VisionUnavailableError("second reason")
    steps.process(app.services, "a.png", None)
    noted(app)
    (image,) = told(search)["images"]
    assert "second reason" in image["problems"][0]["message"]


def test_a_problem_that_is_over_is_told_no_longer(app: Parts) -> None:
    app.vision.failures = [VisionUnavailableError("once")]
    app.images.write(names.IMAGES, "a.png", picture(), content_type="image/png")
    steps.process(app.services, "a.png", None)
    noted(app)
    assert told(search)["images"][0]["problems"]
    steps.process(app.services, "a.png", None)
    noted(app)
    (image,) = told(search)["images"]
    assert (image["state"], image["problems"]) == ("complete", [])


def test_a_record_of_a_problem_that_is_none_hides_no_image(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.png", b"no image", content_type="image/png")
    steps.process(app.services, "a.png", None)
    noted(app)
    blob = app.images.read(names.UNFINISHED, "analysis/a.png.json")
    assert blob is not None
    app.images.restore(names.UNFINISHED, blob._replace(data=b"\xff[" * 9))
    (problem,) = told(search)["images"][0]["problems"]
    assert problem["code"] == "not_an_image"
    assert problem["message"]


def test_storage_that_is_out_is_said_with_a_time_to_ask_again(app: Parts) -> None:
    store(app, "a.png", text="TOTAL DUE")

    def fail(operation: str, container: str, name: str) -> None:
        raise StorageError("down")

    app.host.before = app.images.before = fail
    for route, query in (
        (search, {"q": "total"}),
        (suggestions, {"q": "t"}),
        (thumbnail, {"name": "a.png", "width": 100, "height": 50}),
        (pictures, {"name": "a.png"}),
        (record, {"name": "a.png", "record": "analysis/a.png.json"}),
    ):
        response = ask(route, **query)
        assert "Retry-After" in response.headers
        problem_of(response, 503, "storage_unavailable")
    app.host.before = app.images.before = None
    app.clock.advance(FRESH_SECONDS)
    assert told(search, q="total")["total"] == 1


def test_an_index_that_was_never_made_whole_says_so(app: Parts) -> None:
    app.images.write(names.IMAGES, "old.png", picture(), content_type="image/png")
    answer = told(search)
    assert (answer["building"], answer["images"]) == (True, [])
    assert told(suggestions)["suggestions"] == []


def test_one_image_alone_is_told_with_why_it_matches(app: Parts) -> None:
    store(app, "a/bill.png", text="TOTAL DUE")
    store(app, "b/bill.png", text="TOTAL DUE")
    answer = told(search, q="due", name="b/bill.png", limit=1)
    assert (answer["total"], [image["name"] for image in answer["images"]]) == (1, ["b/bill.png"])
    assert answer["images"][0]["why"][0]["places"]
    assert told(search, q="nothing", name="b/bill.png")["total"] == 0
    assert told(search, q="due", name="none.png")["total"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>.png",
        "javascript:alert(1).png",
        "\u202egnp.exe.png",
        "n" * 1020 + ".png",
        "a//b.png",
    ],
)
def test_names_of_any_kind_have_addresses_that_show_them(app: Parts, name: str) -> None:
    store(app, name, picture("PNG", 300, 200))
    (image,) = told(search)["images"]
    assert image["name"] == name
    assert ask(thumbnail, **query_of(image["thumbnail"])).status_code == 200
    assert ask(pictures, side=400, **query_of(image["picture"])).status_code == 200


def test_a_pdf_has_no_picture_and_a_tiff_of_pages_has_one(app: Parts) -> None:
    data = tiff(Page(60, 70), Page(80, 90))
    app.images.write(names.IMAGES, "b.tif", data, content_type="image/tiff")
    ReadRun(app, job_of(app, data, "b.tif")).finish()
    noted(app)
    tail = places.tail("another")
    line = {"stem": "a.pdf", "at": 1.0, "parts": {"image": {"kind": "pdf"}}}
    app.host.begin_appends(names.INDEX, tail)
    assert app.host.append(names.INDEX, tail, f"{json.dumps(line)}\n".encode())
    app.clock.advance(FRESH_SECONDS)
    shown = {image["name"]: image["picture"] for image in told(search)["images"]}
    assert shown["a.pdf"] is None
    assert ask(pictures, side=400, page=2, **query_of(shown["b.tif"])).status_code == 200


def test_an_image_in_the_archive_tier_shows_why_and_no_picture_is_asked_for(app: Parts) -> None:
    app.images.write(names.IMAGES, "cold.png", picture(), content_type="image/png")
    app.images.tell(names.IMAGES, "cold.png", tier="Archive")
    steps.process(app.services, "cold.png", None)
    noted(app)
    (image,) = told(search)["images"]
    assert {each["code"] for each in image["problems"]} == {"image_archived"}
    assert (image["state"], image["picture"]) == ("deferred", None)


def test_a_text_of_many_megabytes_is_found_without_its_places(app: Parts) -> None:
    store(app, "long.png", text="TOTAL DUE")
    blob = app.images.read(names.TEXT, "long.png.json")
    assert blob is not None
    larger = blob.data + b" " * (4 * 1024**2)
    app.images.restore(names.TEXT, Blob(blob.info._replace(size=len(larger)), larger))
    (image,) = told(search, q="total")["images"]
    assert [(why["field"], why["places"]) for why in image["why"]] == [("text", [])]
    assert told(record, name="long.png", record="text/long.png.json", page=1)["pages"] == 1


def test_a_card_has_the_smallest_thumbnail_that_fills_it(app: Parts) -> None:
    several = parts(THUMBNAIL_SIZES="100x50,200x150,1024x768", THUMBNAIL_FORMATS="jpeg,webp")
    with services.replaced(several.services):
        store(several, "a.png", picture("PNG", 2000, 1500))
        address = query_of(told(search)["images"][0]["thumbnail"])
    assert (address["width"], address["height"], address["format"]) == ("200", "150", "webp")


def test_no_letter_on_the_way_to_a_term_is_refused_and_a_wrong_end_is(app: Parts) -> None:
    store(app, "cup.png", cup=0.8)
    store(app, "dog.png", dog=0.8)
    for term in (
        "is:complete",
        "has:text",
        "tag:cup",
        "before:2099-01-01",
        "after:2001/1",
        'folder:"a b"',
        "-is:failed",
    ):
        for end in range(len(term) + 1):
            assert ask(search, q=f"cup {term[:end]}").status_code == 200, term[:end]
    assert [image["name"] for image in told(search, q="cup is:fai")["images"]] == ["cup.png"]
    for wrong in ("is:lost", "is:fai ", "before:x", "before:2024-13", "is:fai cup"):
        problem_of(ask(search, q=wrong), 400, "bad_query")
