import pytest
from doubles.http_requests import answered, parsed, problem_of, request
from doubles.parts import Parts, parts
from doubles.pictures import picture

from AnalyzeHttp import main
from shared import names, services
from shared.images import ImageBytes
from shared.records import analysis
from shared.uploads import steps

RED = picture(colour=(200, 0, 0))


def test_the_answer_is_the_services_own_body(app: Parts) -> None:
    response = answered(main, request(body=RED))
    assert response.mimetype == "application/json"
    assert parsed(response)["description"]["captions"] == [
        {"text": f"analyze {ImageBytes(RED).subject}", "confidence": 0.5}
    ]
    assert parsed(response)["modelVersion"] == "2021-05-01"


def test_without_parameters_it_is_the_question_of_uploads(app: Parts) -> None:
    """So that what an upload has paid for is not paid for again."""
    app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
    steps.process(app.services, "a.jpg", None)
    assert answered(main, request(body=RED)).status_code == 200
    assert app.vision.count()["analyze"] == 1
    assert app.vision.asked[0][0] == analysis.question(app.services.settings)


def test_more_bytes_than_uploads_may_have_are_refused_by_the_body_and_by_the_name() -> None:
    app = parts(MAX_UPLOAD_MEGABYTES="1")
    data = picture("BMP", 700, 700)
    app.images.write(names.IMAGES, "a.bmp", data, content_type="image/bmp")
    read: list[str] = []
    app.images.before = lambda operation, container, name: read.append(operation)
    with services.replaced(app.services):
        for body in (data, {"name": "a.bmp"}):
            problem = problem_of(answered(main, request(body=body)), 413, "image_too_large")
            assert f"{len(data)} bytes" in problem["detail"]
            assert "1048576" in problem["detail"]
            assert "MAX_UPLOAD_MEGABYTES" in problem["action"]
    assert read == ["read"]
    assert (app.vision.asked, app.host.contents(names.CACHE)) == ([], {})
    app.services.threads.shutdown()


def test_each_parameter_reaches_the_service(app: Parts) -> None:
    params = {
        "visualFeatures": "tags, COLOR",
        "details": "Landmarks",
        "language": "es",
        "descriptionExclude": "Celebrities",
        "model-version": "2021-05-01",
    }
    assert answered(main, request(body=RED, params=params)).status_code == 200
    ((question, _),) = app.vision.asked
    assert dict(question.parameters) == {
        "visualFeatures": "Tags,Color",
        "details": "Landmarks",
        "language": "es",
        "descriptionExclude": "Celebrities",
        "model-version": "2021-05-01",
    }


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("visualFeatures", "Smell"),
        ("details", "Pets"),
        ("language", "xx"),
        ("descriptionExclude", "x"),
        ("model-version", "new"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_its_name(app: Parts, parameter: str, value: str) -> None:
    document = problem_of(answered(main, request(body=RED, params={parameter: value})), 400, "bad_parameter")
    assert parameter in document["detail"]
    assert app.vision.asked == []
