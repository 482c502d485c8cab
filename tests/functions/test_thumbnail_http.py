from collections.abc import Iterator

import azure.functions as func
import pytest
from doubles.fake_vision import thumbnail_bytes
from doubles.http_requests import Hub, answered, parsed, problem_of, request
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names, services
from shared.images import ImageBytes
from shared.uploads import steps
from shared.vision import questions
from ThumbnailHttp import main

RED = picture(colour=(200, 0, 0))
QUESTION = questions.thumbnail(100, 50, smart_cropping=True)
SIZE = {"width": "100", "height": "50"}


@pytest.fixture
def app() -> Iterator[Parts]:
    """An app whose thumbnails Computer Vision makes, each by a call."""
    app = parts(THUMBNAIL_SIZES="100x50", THUMBNAIL_MODE="vision")
    with services.replaced(app.services):
        yield app


def upload(app: Parts, name: str = "a.jpg", data: bytes = RED) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def get(name: str = "a.jpg", *, method: str = "GET", known: str = "", **params: str) -> func.HttpResponse:
    headers = {"If-None-Match": known} if known else {}
    return answered(main, request(method, route={"name": name}, params={**SIZE, **params}, headers=headers))


def test_a_miss_makes_the_thumbnail_and_a_hit_serves_it(app: Parts) -> None:
    upload(app)
    first, second = get(), get()
    for response in (first, second):
        assert response.status_code == 200
        assert response.mimetype == "image/jpeg"
        assert response.get_body() == thumbnail_bytes(QUESTION, ImageBytes(RED))
        assert response.headers["Content-Location"] == app.images.url("thumbnails", "a.jpg/100x50-smart.jpg")
        assert response.headers["Cache-Control"] == "private, max-age=300"
    assert first.headers["ETag"] == second.headers["ETag"]
    assert app.vision.count() == {"generateThumbnail": 1}


def test_what_the_upload_has_made_is_served(app: Parts) -> None:
    upload(app)
    steps.process(app.services, "a.jpg", None)
    app.vision.asked.clear()
    assert get().get_body() == thumbnail_bytes(QUESTION, ImageBytes(RED))
    assert app.vision.asked == []


def test_who_has_it_already_gets_304_until_the_image_changes(app: Parts) -> None:
    upload(app)
    etag = get().headers["ETag"]
    assert (get(known=etag).status_code, get(known=etag).get_body()) == (304, b"")
    # A cache would take over another type (RFC 9111, 3.2).
    assert get(known=etag).mimetype == "image/jpeg"
    upload(app, data=picture(colour=(0, 0, 200)))
    changed = get(known=etag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def operations(app: Parts, known: str, method: str = "GET") -> tuple[int, list[str]]:
    """The status of the answer, and the operations on the account of the images that it takes."""
    seen: list[str] = []
    app.images.before = lambda operation, container, name: seen.append(f"{operation} {container}")
    response = get(known=known, method=method)
    app.images.before = None
    return response.status_code, seen


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_sent_is_not_read(app: Parts, method: str) -> None:
    upload(app)
    etag = get().headers["ETag"]
    looks = ["head images", "head thumbnails"]
    for known in (etag, f"W/{etag}", f'"0x0", {etag}', "*"):
        assert operations(app, known, method) == (304, looks)
    assert operations(app, "", method) == (200, ["head images", "read thumbnails"])
    assert operations(app, '"0x0"', method) == (200, [*looks, "read thumbnails"])


def test_who_has_it_already_gets_304_after_an_edit_of_the_image_and_404_after_its_deletion(app: Parts) -> None:
    upload(app)
    etag = get().headers["ETag"]
    app.images.edit(names.IMAGES, "a.jpg", metadata={"album": "holiday"})
    assert operations(app, etag) == (304, ["head images", "head thumbnails"])
    app.images.delete(names.IMAGES, "a.jpg")
    assert operations(app, etag) == (404, ["head images"])


def test_who_knows_what_is_stored_of_an_older_image_gets_the_newer_ones(app: Parts) -> None:
    """The ETag is that of what is stored, which is another image's by now: storage alone would answer 304."""
    upload(app)
    etag = get().headers["ETag"]
    blue = picture(colour=(0, 0, 200))
    upload(app, data=blue)
    for known in (etag, "*"):
        assert get(known=known).status_code == (200 if known == etag else 304)
        assert app.images.contents("thumbnails")["a.jpg/100x50-smart.jpg"] == thumbnail_bytes(
            QUESTION, ImageBytes(blue)
        )
    assert app.vision.count() == {"generateThumbnail": 2}


@pytest.mark.parametrize("event", ["deleted", "overwritten"])
def test_what_happens_to_the_thumbnail_between_the_look_and_the_read_is_no_fault(app: Parts, event: str) -> None:
    upload(app)
    get()
    blue = picture(colour=(0, 0, 200))

    def before(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("read", "thumbnails"):
            app.images.before = None
            if event == "deleted":
                app.images.delete(container, name)
            else:
                upload(app, data=blue)
                steps.process(app.services, "a.jpg", None)

    app.images.before = before
    response = get(known='"0x0"')
    assert response.status_code == 200
    assert response.get_body() == thumbnail_bytes(QUESTION, ImageBytes(RED if event == "deleted" else blue))


def test_head_tells_what_get_tells(app: Parts) -> None:
    upload(app)
    told = {name: get().headers[name] for name in ("ETag", "Content-Location", "Cache-Control")}
    response = get(method="HEAD")
    assert response.status_code == 200
    assert {name: response.headers[name] for name in told} == told
    assert get(method="HEAD", known=told["ETag"]).status_code == 304


@pytest.mark.parametrize("name", ["2026/ä b#c.jpg", "with%2e%2e.jpg"])
def test_the_name_may_have_folders_and_come_as_a_parameter(app: Parts, name: str) -> None:
    upload(app, name)
    assert get(name).status_code == 200
    assert answered(main, request("GET", params={**SIZE, "name": name})).status_code == 200


def test_the_way_of_cropping_is_the_settings_unless_asked(app: Parts) -> None:
    upload(app)
    stored = [
        get(**params).headers["Content-Location"].rpartition("/")[2] for params in ({}, {"smartCropping": "false"})
    ]
    assert stored == ["100x50-smart.jpg", "100x50-plain.jpg"]
    assert [dict(question.parameters)["smartCropping"] for question, _ in app.vision.asked] == ["true"]


@pytest.mark.parametrize("name", ["..", "../analysis/a.jpg.json", "a/../b.jpg", "..\\a.jpg"])
def test_a_name_that_leads_out_of_the_container_is_refused(app: Parts, name: str) -> None:
    problem_of(get(name), 400, "bad_blob_name")
    problem_of(answered(main, request("GET", params={**SIZE, "name": name})), 400, "bad_blob_name")


def test_no_name_is_refused(app: Parts) -> None:
    problem_of(answered(main, request("GET", params=SIZE)), 400, "bad_blob_name")


def test_no_such_image_is_404(app: Parts) -> None:
    document = problem_of(get("missing.jpg"), 404, "image_not_found")
    assert "missing.jpg" in document["detail"]
    assert app.vision.asked == []


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, "width is missing"),
        ({"width": "100"}, "height is missing"),
        ({"width": "100", "height": "tall"}, "height is 'tall'"),
        ({"width": "0", "height": "1"}, "width=0 is not in 1 to 4096"),
        ({"width": "1", "height": "4097", "mode": "auto"}, "height=4097 is not in 1 to 4096"),
        (
            {"width": "1", "height": "1025"},
            "height=1025 is not in 1 to 1024 pixels, which Computer Vision makes in the mode vision",
        ),
        ({**SIZE, "mode": "smart"}, "mode is 'smart'; it must be one of auto, area, vision, center"),
        ({**SIZE, "format": "png"}, "format is 'png'; it must be one of jpeg, webp"),
        ({**SIZE, "mode": "center", "smartCropping": "true"}, "mode=center and smartCropping=true contradict"),
        ({**SIZE, "mode": "vision", "smartCropping": "false"}, "mode=vision and smartCropping=false contradict"),
        ({**SIZE, "smartCropping": "yes"}, "smartCropping is 'yes'"),
        ({**SIZE, "smartcropping": "true"}, "smartcropping is not known"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_size_is_told_without_a_call(app: Parts, method: str, params: dict[str, str], told: str) -> None:
    upload(app)
    body = RED if method == "POST" else b""
    response = answered(main, request(method, body, route={"name": "a.jpg"} if method == "GET" else {}, params=params))
    assert told in problem_of(response, 400, "bad_parameter")["detail"]
    assert app.vision.asked == []


def test_what_is_too_large_for_the_mode_of_the_settings_is_told_with_the_mode_that_makes_it(app: Parts) -> None:
    upload(app)
    document = problem_of(get(width="2000"), 400, "bad_parameter")
    assert "in the mode vision" in document["detail"]
    assert "mode=auto" in document["action"]
    assert get(width="2000", mode="auto").status_code == 200


def test_posted_bytes_are_answered_and_stored(app: Parts) -> None:
    response = answered(main, request("POST", RED, params=SIZE))
    name = f"by-sha256/{ImageBytes(RED).subject}/100x50-smart.jpg"
    assert response.status_code == 200
    assert response.get_body() == app.images.contents("thumbnails")[name]
    assert response.headers["Content-Location"] == app.images.url("thumbnails", name)


def test_a_posted_blob_gets_the_thumbnail_of_its_name(app: Parts) -> None:
    upload(app)
    response = answered(main, request("POST", {"blob": "a.jpg"}, params=SIZE))
    assert response.headers["Content-Location"] == app.images.url("thumbnails", "a.jpg/100x50-smart.jpg")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_while_somebody_else_makes_it_the_answer_is_202(app: Parts, task_hub: Hub, method: str) -> None:
    upload(app)
    claim = names.claim(ImageBytes(RED).subject, QUESTION.key)
    app.host.write(names.CACHE, claim, b'{"state": "asking"}', content_type=names.JSON)
    # Somebody alive: the lease lies further ahead than the caller is ready to wait.
    assert app.host.acquire(names.CACHE, claim, "another", 60)
    response = get() if method == "GET" else answered(main, request("POST", RED, params=SIZE))
    assert response.status_code == 202
    assert int(response.headers["Retry-After"]) >= 1
    assert parsed(response)["state"] == "pending"
    assert app.vision.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_second_name_is_refused(app: Parts, method: str) -> None:
    upload(app)
    upload(app, "b.jpg")
    assert get(method=method, name="a.jpg").status_code == 200
    sent = request(method, route={"name": "a.jpg"}, params={**SIZE, "name": "b.jpg"})
    problem_of(answered(main, sent), 400, "bad_parameter")


def test_a_posted_image_has_no_name_beside_it(app: Parts) -> None:
    sent = request("POST", RED, params={**SIZE, "name": "a.jpg"})
    problem_of(answered(main, sent), 400, "bad_parameter")
    assert app.vision.asked == []
