import pytest
from doubles.http_requests import answered, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

from DescribeHttp import main
from shared.images import ImageBytes

RED = picture(colour=(200, 0, 0))


def test_the_answer_is_the_services_own_body(app: Parts) -> None:
    found = parsed(answered(main, request(body=RED)))
    assert found["description"]["captions"][0]["text"] == f"describe {ImageBytes(RED).subject}"


def test_each_parameter_reaches_the_service(app: Parts) -> None:
    params = {"maxCandidates": "3", "language": "ja", "descriptionExclude": "Landmarks", "model-version": "latest"}
    assert answered(main, request(body=RED, params=params)).status_code == 200
    ((question, _),) = app.vision.asked
    assert dict(question.parameters) == params


@pytest.mark.parametrize("value", ["0", "101", "-1", "many", "1.5", ""])
def test_the_number_of_sentences_is_checked(app: Parts, value: str) -> None:
    document = problem_of(answered(main, request(body=RED, params={"maxCandidates": value})), 400, "bad_parameter")
    assert "maxCandidates" in document["detail"]
    assert app.vision.asked == []
