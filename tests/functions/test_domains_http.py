import json

import pytest
from doubles.http_requests import answered, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

from DomainsHttp import main
from shared.answers.claims import Claims
from shared.errors import VisionRefusedError
from shared.images import ImageBytes
from shared.vision import questions
from shared.vision.models import Answer

RED = picture(colour=(200, 0, 0))


def test_get_lists_the_models_as_the_service_does(app: Parts) -> None:
    response = answered(main, request("GET"))
    assert parsed(response) == {"models": [{"name": "landmarks", "categories": ["outdoor_", "building_"]}]}


def test_post_asks_the_model_of_the_route(app: Parts) -> None:
    response = answered(main, request(body=RED, route={"model": "landmarks"}, params={"language": "pt"}))
    assert response.status_code == 200
    ((question, _),) = app.vision.asked
    assert question.text == "models/landmarks/analyze?language=pt&model-version=latest"


def test_the_same_question_is_paid_once_and_another_model_is_another_question(app: Parts) -> None:
    for model in ("landmarks", "Landmarks", "LANDMARKS", "celebrities"):
        assert answered(main, request(body=RED, route={"model": model})).status_code == 200
    assert app.vision.count()["domain"] == 2
    assert {question.path for question, _ in app.vision.asked} == {
        "models/landmarks/analyze",
        "models/celebrities/analyze",
    }


def test_what_the_version_before_kept_under_another_spelling_is_not_paid_again(app: Parts) -> None:
    before = questions.domain("landmarks")._replace(path="models/Landmarks/analyze")
    kept = {
        "result": {"landmarks": []},
        "requestId": "request-before",
        "modelVersion": "2021-05-01",
        "metadata": {"width": 64, "height": 64, "format": "Jpeg"},
    }
    answer = Answer("application/json", json.dumps(kept).encode(), "request-before")
    Claims(app.host, app.clock).keep(ImageBytes(RED).subject, before, answer)
    for model in ("Landmarks", "landmarks"):
        response = answered(main, request(body=RED, route={"model": model}))
        assert parsed(response) == kept
    assert not app.vision.asked


def test_post_without_a_model_says_which_there_are(app: Parts) -> None:
    problem = problem_of(answered(main, request(body=RED)), 400, "bad_parameter")
    assert "landmarks" in problem["action"]
    assert not app.vision.asked


@pytest.mark.parametrize("model", ["land/marks", "landmarks?x", "..", "a" * 41, "été"])
def test_a_model_that_cannot_be_one_is_refused_before_anything_is_paid(app: Parts, model: str) -> None:
    problem_of(answered(main, request(body=RED, route={"model": model})), 400, "bad_parameter")
    assert not app.vision.asked


def test_a_missing_approval_is_told_as_such(app: Parts) -> None:
    app.vision.failing = VisionRefusedError(
        "The resource has no approval for this feature", code="vision_approval_missing", action="Apply for it."
    )
    problem_of(answered(main, request(body=RED, route={"model": "celebrities"})), 400, "vision_approval_missing")
