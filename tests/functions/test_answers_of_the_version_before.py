"""
Answers that the version before has paid for, about pictures as they are stored: they serve on, upright and unpaid.

The service behind the wire sees only the bytes that it is sent, and no orientation; places are those of the maker.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles.http_requests import answered, parsed, request
from doubles.parts import Parts
from doubles.photographs import BY_NAME
from doubles.scenes import PLACES, Place
from doubles.seeing_service import SeeingService, seeing_parts

import AnalyzeHttp
import DomainsHttp
from shared import names, services
from shared.answers.claims import Claims
from shared.images import ImageBytes
from shared.vision import questions
from shared.vision.questions import Question

SIX = questions.analyze(["Categories", "Tags", "Description", "Objects", "Faces", "Brands"])
THREE = {"visualFeatures": "Tags,Description,Objects"}
HELD = pytest.mark.parametrize(
    "name", [*(f"held-{orientation}.jpg" for orientation in range(2, 9)), "held-6.png", "held-6-cmyk.jpg"]
)


@pytest.fixture
def service() -> SeeingService:
    return SeeingService()


@pytest.fixture
def app(service: SeeingService) -> Iterator[Parts]:
    app = seeing_parts(service)
    with services.replaced(app.services):
        yield app
    app.services.threads.shutdown()


def paid_before(app: Parts, service: SeeingService, data: bytes, question: Question = SIX) -> None:
    """What the version before has asked about the bytes as they are, and kept."""
    image = ImageBytes(data)
    answer = app.services.vision.ask(question, image)
    Claims(app.host, app.clock).keep(image.subject, question, answer)
    service.received.clear()


def put(app: Parts, data: bytes, name: str) -> dict[str, str]:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    return {"name": name}


def analyzed(body: Any, **params: str) -> Any:
    response = answered(AnalyzeHttp.main, request(body=body, params=THREE | params))
    assert response.status_code == 200, response.get_body()
    return parsed(response)


def check_place(rectangle: dict[str, int], what: str, sides: tuple[int, int]) -> None:
    wanted = PLACES[what].of(sides).edges
    for found, expected, side in zip(Place(*rectangle.values()).edges, wanted, (*sides, *sides), strict=True):
        assert abs(found - expected) <= 0.01 * side, (what, rectangle, wanted)


@HELD
def test_six_features_of_a_picture_as_it_is_stored_answer_for_three_upright(
    app: Parts, service: SeeingService, name: str
) -> None:
    photograph = BY_NAME[name]
    paid_before(app, service, photograph.data)
    given = [photograph.data, put(app, photograph.data, "a.jpg"), put(app, photograph.data, "a copy.jpg")]
    answers = [analyzed(body) for body in given]
    assert answers[0] == answers[1] == answers[2]
    (answer,) = answers[:1]
    assert answer.keys() == {"tags", "description", "objects", "requestId", "modelVersion", "metadata"}
    assert (answer["metadata"]["width"], answer["metadata"]["height"]) == photograph.sides
    check_place(answer["objects"][0]["rectangle"], "thing", photograph.sides)
    faces = analyzed(photograph.data, visualFeatures="Faces,Brands")
    check_place(faces["faces"][0]["faceRectangle"], "face", photograph.sides)
    check_place(faces["brands"][0]["rectangle"], "thing", photograph.sides)
    assert service.received == []


def test_the_second_look_is_one_read(app: Parts, service: SeeingService) -> None:
    data = BY_NAME["held-6.jpg"].data
    paid_before(app, service, data)
    analyzed(data)
    seen: list[str] = []
    app.host.before = lambda operation, container, name: seen.append(operation)
    analyzed(data)
    app.host.before = None
    assert seen == ["read"]


def test_what_goes_as_it_is_has_its_answer_as_it_is(app: Parts, service: SeeingService) -> None:
    photograph = BY_NAME["baseline.jpg"]
    paid_before(app, service, photograph.data)
    check_place(analyzed(photograph.data)["objects"][0]["rectangle"], "thing", photograph.sides)
    assert service.received == []


def test_a_domain_model_that_was_asked_before_is_not_asked_again(app: Parts, service: SeeingService) -> None:
    photograph = BY_NAME["held-8.jpg"]
    paid_before(app, service, photograph.data, questions.domain("celebrities"))
    response = answered(DomainsHttp.main, request(body=photograph.data, route={"model": "celebrities"}))
    (found,) = parsed(response)["result"]["celebrities"]
    check_place(found["faceRectangle"], "face", photograph.sides)
    assert service.received == []
