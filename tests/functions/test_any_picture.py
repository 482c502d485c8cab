"""
Any picture that people have, uploaded and over HTTP: what comes of it lies where the picture shows it.

Expected places and colours are those of the maker (`doubles.scenes`). The service behind the wire
(`doubles.seeing_service`) sees only the bytes that it is sent, and no orientation.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.http_requests import Hub, answered, invocation, parsed, problem_of, request, upload
from doubles.parts import Parts
from doubles.photographs import BY_NAME, PHOTOGRAPHS, REFUSED, Photograph, as_image
from doubles.read_runs import ReadRun
from doubles.scenes import PLACES, Place
from doubles.seeing_service import SeeingService, seeing_parts
from doubles.thumbnail_checks import check_thumbnail

import AnalyzeHttp
import AnalyzeOnUpload
import OcrHttp
import RetryStep
import ThumbnailHttp
from shared import names, services
from shared.durable.read_job import Job
from shared.ocr import reading

Json = dict[str, Any]

SETTINGS = {
    "VISION_FEATURES": "Brands,Categories,Faces,Objects,Tags",
    "THUMBNAIL_SIZES": "120x120,200x80",
    "THUMBNAIL_FORMATS": "jpeg,webp",
}
SIZES = ((120, 120), (200, 80))
TAKEN = pytest.mark.parametrize("name", BY_NAME)


@pytest.fixture
def service() -> SeeingService:
    """The service that the app asks."""
    return SeeingService()


@pytest.fixture
def app(service: SeeingService) -> Iterator[Parts]:
    """The services that every function under test finds."""
    app = seeing_parts(service, **SETTINGS)
    with services.replaced(app.services):
        yield app
    app.services.threads.shutdown()


@pytest.fixture(autouse=True)
def hub(task_hub: Hub) -> Hub:
    """The task hub, also where a test does not ask for it."""
    return task_hub


def put(app: Parts, hub: Hub, name: str, data: bytes) -> None:
    """Upload an image; its text is read to the end."""
    app.images.write(names.IMAGES, name, data, content_type="application/octet-stream")
    asyncio.run(AnalyzeOnUpload.main(upload(f"images/{name}", data), "the binding", invocation()))
    read_all(app, hub)


def read_all(app: Parts, hub: Hub) -> list[Json]:
    """Let every Read that was started come to its end; returns their outcomes."""
    jobs = [Job.from_json(given) for orchestrator, _, given in hub.started if orchestrator == "OcrOrchestrator"]
    assert len(jobs) == len(hub.started), hub.started
    hub.started.clear()
    return [ReadRun(app, job).finish() for job in jobs]


def record(app: Parts, container: str, name: str) -> Json:
    document: Json = json.loads(app.images.contents(container)[f"{name}.json"])
    return document


def check_place(numbers: Json, what: str, photograph: Photograph) -> None:
    """A rectangle of an answer lies where that part of the scene is, upright, within 1 % of each side."""
    found = Place(*numbers.values())
    wanted, (width, height) = PLACES[what].of(photograph.sides), photograph.sides
    for there, expected, side in zip(found.edges, wanted.edges, (width, height, width, height), strict=True):
        assert abs(there - expected) <= 0.01 * side, (what, found, wanted)


def check_analysis(answer: Json, photograph: Photograph) -> None:
    """Every rectangle of an analysis."""
    (thing,), (brand,), (category,) = answer["objects"], answer["brands"], answer["categories"]
    assert list(thing["rectangle"]) == list(brand["rectangle"]) == ["x", "y", "w", "h"]
    check_place(thing["rectangle"], "thing", photograph)
    check_place(brand["rectangle"], "thing", photograph)
    faces = [*answer["faces"], *category["detail"]["celebrities"]]
    assert len(faces) == (2 if photograph.has_face else 0)
    for face in faces:
        assert list(face["faceRectangle"]) == ["left", "top", "width", "height"]
        check_place(face["faceRectangle"], "face", photograph)


def check_text(result: Json, photograph: Photograph) -> None:
    """Every polygon of the first page, lines and words."""
    page = result["readResults"][0]
    assert (page["width"], page["height"], page["unit"]) == (*photograph.sides, "pixel")
    found = {line["text"]: line for line in page["lines"]}
    assert set(found) == ({"THING", "FACE"} if photograph.has_face else {"THING"})
    for text, line in found.items():
        for each in (line, *line["words"]):
            left, top, right, top_again, right_again, bottom, left_again, bottom_again = each["boundingBox"]
            assert (left, top, right, bottom) == (left_again, top_again, right_again, bottom_again)
            rectangle = {"left": left, "top": top, "width": right - left, "height": bottom - top}
            check_place(rectangle, text.lower(), photograph)


def check_sent(service: SeeingService, photograph: Photograph) -> None:
    """What the service was sent: the file itself, byte for byte, or a copy that it takes."""
    assert service.refused == []
    for operation, how in (("analyze", photograph.analyzed), ("read/analyze", photograph.read)):
        for data in service.sent(operation):
            assert (data == photograph.data) == (how == "untouched"), f"{operation}: {how}"
            if how == "copy":
                assert as_image(data).format == "JPEG"


def told_of(data: bytes, photograph: Photograph, *, untouched: bool) -> Json:
    """What a record has to tell of the bytes that the service was sent."""
    image = as_image(data)
    return {
        "kind": image.format,
        "width": image.width,
        "height": image.height,
        "bytes": len(data),
        "untouched": untouched,
    }


def check_thumbnails(app: Parts, photograph: Photograph, *, knows_faces: bool = True) -> None:
    """Every thumbnail of an upload."""
    stored = app.images.contents("thumbnails")
    assert len(stored) == 2 * len(SIZES)
    for width, height in SIZES:
        for ending, form in (("jpg", "JPEG"), ("webp", "WEBP")):
            place = f"{photograph.name}/{width}x{height}-smart.{ending}"
            check_thumbnail(stored[place], photograph, (width, height), form, knows_faces=knows_faces)


@TAKEN
def test_an_upload_ends_complete_with_everything_where_the_picture_shows_it(
    app: Parts, hub: Hub, service: SeeingService, name: str
) -> None:
    photograph = BY_NAME[name]
    put(app, hub, name, photograph.data)
    assert app.images.contents("unfinished") == {}
    check_sent(service, photograph)
    if photograph.analyzed == "no":
        assert service.count() == {"read/analyze": 1}
        assert app.images.contents("analysis") == app.images.contents("thumbnails") == {}
    else:
        assert service.count() == {"analyze": 1} | ({} if photograph.read == "no" else {"read/analyze": 1})
        analysis = record(app, "analysis", name)
        assert (analysis["source"]["width"], analysis["source"]["height"]) == photograph.sides
        check_analysis(analysis["result"], photograph)
        (sent,) = service.sent("analyze")
        assert analysis["sent"] == told_of(sent, photograph, untouched=photograph.analyzed == "untouched")
        check_thumbnails(app, photograph)
    if photograph.read != "no":
        check_text(record(app, "text", name)["analyzeResult"], photograph)


@TAKEN
def test_the_bytes_over_http_have_the_same_answers(app: Parts, hub: Hub, service: SeeingService, name: str) -> None:
    photograph = BY_NAME[name]
    response = answered(AnalyzeHttp.main, request(body=photograph.data))
    if photograph.analyzed == "no":
        problem_of(response, 400, "format_not_supported")
    else:
        assert response.status_code == 200, response.get_body()
        check_analysis(parsed(response), photograph)
        for form in ("jpeg", "webp"):
            size = {"width": "120", "height": "120", "format": form}
            response = answered(ThumbnailHttp.main, request(body=photograph.data, params=size))
            assert response.status_code == 200, response.get_body()
            assert response.mimetype == f"image/{form}"
            check_thumbnail(response.get_body(), photograph, (120, 120), form.upper())
    read = asyncio.run(OcrHttp.main(request(body=photograph.data), invocation(), starter="the binding"))
    if photograph.read == "no":
        problem_of(read, 400, "format_not_supported")
    else:
        assert read.status_code == 202, read.get_body()
        (outcome,) = read_all(app, hub)
        assert outcome["state"] == "done", outcome
        (place,) = (place for place in app.images.contents("text") if place.endswith(".json"))
        check_text(json.loads(app.images.contents("text")[place])["analyzeResult"], photograph)
    check_sent(service, photograph)
    # No crop costs a call: the objects and faces that were paid for say where the subject is.
    expected = {"analyze": int(photograph.analyzed != "no"), "read/analyze": int(photograph.read != "no")}
    assert service.count() == {operation: number for operation, number in expected.items() if number}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_that_can_be_taken_is_named_and_nothing_is_asked(
    app: Parts, hub: Hub, service: SeeingService, name: str
) -> None:
    data, code, word = REFUSED[name]
    put(app, hub, name, data)
    note = record(app, "unfinished", f"analysis/{name}")
    assert (note["state"], note["code"]) == ("failed", code)
    assert word in note["message"]
    assert note["action"]
    over_http = "image_missing" if code == "image_empty" else code
    problem = problem_of(answered(AnalyzeHttp.main, request(body=data)), 400, over_http)
    assert word in problem["detail"]
    size = {"width": "100", "height": "100"}
    problem_of(answered(ThumbnailHttp.main, request(body=data, params=size)), 400, over_http)
    response = asyncio.run(OcrHttp.main(request(body=data), invocation(), starter="the binding"))
    if response.status_code == 202:
        # How many pixels a copy would take is found out where it is made.
        (outcome,) = read_all(app, hub)
        assert (outcome["state"], outcome["problem"]["code"]) == ("failed", code)
    else:
        problem_of(response, 400, over_http)
    assert service.received == []


@pytest.mark.parametrize("name", ["held-6.heic", "baseline.jpg", "over-4-mb.png"])
def test_where_nothing_has_a_name_one_area_of_interest_serves_every_size_and_format(
    app: Parts, hub: Hub, service: SeeingService, name: str
) -> None:
    service.sees = ()
    put(app, hub, name, BY_NAME[name].data)
    assert app.images.contents("unfinished") == {}
    assert service.count() == {"analyze": 1, "areaOfInterest": 1, "read/analyze": 1}
    assert service.sent("areaOfInterest") == service.sent("analyze")
    check_thumbnails(app, BY_NAME[name], knows_faces=False)


def test_pictures_that_find_no_memory_to_be_decoded_in_are_done_later_and_each_is_paid_once(
    hub: Hub, service: SeeingService
) -> None:
    photograph = BY_NAME["held-6.heic"]
    app = seeing_parts(service, **SETTINGS, MAX_WAIT_SECONDS="0.01")
    budget = app.services.converter.budget
    with services.replaced(app.services):
        with budget.share(budget.capacity):
            app.images.write(names.IMAGES, photograph.name, photograph.data, content_type="image/heic")
            event = upload(f"images/{photograph.name}", photograph.data)
            asyncio.run(AnalyzeOnUpload.main(event, "the binding", invocation()))
            problem_of(answered(AnalyzeHttp.main, request(body=photograph.data)), 503, "busy")
            asyncio.run(OcrHttp.main(request(body=photograph.data), invocation(), starter="the binding"))
            later = [given for name, _, given in hub.started if name == "RetryOrchestrator"]
            (job,) = (Job.from_json(given) for name, _, given in hub.started if name == "OcrOrchestrator")
            outcome = reading.submit(app.services, job, 0)
            assert (outcome["state"], outcome["problem"]["code"]) == ("wait", "busy")
        assert service.received == []
        assert len(app.images.contents("unfinished")) == len(later) == 2
        for given in later:
            asyncio.run(RetryStep.main({**given, "crash": None}, "the binding", invocation()))
        hub.started[:] = [each for each in hub.started if each[0] == "OcrOrchestrator"]
        assert [outcome["state"] for outcome in read_all(app, hub)] == ["done", "done"]
    app.services.threads.shutdown()
    assert app.images.contents("unfinished") == {}
    check_analysis(record(app, "analysis", photograph.name)["result"], photograph)
    check_text(record(app, "text", photograph.name)["analyzeResult"], photograph)
    check_thumbnails(app, photograph)
    assert service.count() == {"analyze": 1, "read/analyze": 1}


def test_there_are_at_least_sixty_small_files() -> None:
    assert len(PHOTOGRAPHS) == len(BY_NAME)
    assert sum(len(each.data) < 700_000 for each in PHOTOGRAPHS) >= 60
