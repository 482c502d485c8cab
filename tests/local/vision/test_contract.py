"""What the service answers on each path, check by check."""

import re

import pytest
from doubles.vision_calls import ALL_FEATURES, Caller, inner_code, picture

from local.vision.server import RunningVision

POSTS = ("analyze", "describe", "detect", "tag", "areaOfInterest", "models/landmarks/analyze")


@pytest.mark.parametrize("operation", POSTS)
def test_every_json_operation_answers_with_its_id_metadata_and_model_version(caller: Caller, operation: str) -> None:
    answer = caller.post(operation, picture(120, 90, kind="PNG"))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json()["requestId"] == answer.headers["apim-request-id"]
    assert answer.json()["metadata"] == {"height": 90, "width": 120, "format": "Png"}
    assert answer.json()["modelVersion"] == "2021-05-01"


def test_json_is_printed_as_the_service_prints_it(caller: Caller) -> None:
    body = caller.post("tag", picture()).content

    assert body.startswith(b'{\r\n  "tags": [')
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_answers_carry_the_headers_of_the_service(caller: Caller) -> None:
    headers = caller.post("analyze", picture(), query="visualFeatures=Tags%2CColor").headers

    assert headers["CSP-Billing-Usage"] == ",".join(
        f"CognitiveServices.ComputerVision.{unit}=1" for unit in ("Color", "Tags", "Transaction")
    )
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["x-envoy-upstream-service-time"]) >= 0


def test_a_refused_image_is_billed_as_a_transaction(caller: Caller) -> None:
    headers = caller.post("analyze", b"no image").headers

    assert headers["CSP-Billing-Usage"] == "CognitiveServices.ComputerVision.Transaction=1"


def test_analyze_answers_categories_when_no_feature_is_named(caller: Caller) -> None:
    for query in ("", "visualFeatures="):
        answer = caller.post("analyze", picture(), query=query).json()
        assert answer.keys() == {"categories", "requestId", "metadata", "modelVersion"}
        assert [category["name"] for category in answer["categories"]] == ["others_"]


def test_analyze_answers_only_the_features_asked_for(caller: Caller) -> None:
    answer = caller.post("analyze", picture(), query="visualFeatures=Objects,imagetype").json()

    assert answer.keys() == {"objects", "imageType", "requestId", "metadata", "modelVersion"}


def test_analyze_answers_every_feature_in_its_shape(caller: Caller) -> None:
    answer = caller.post("analyze", picture(), query=f"visualFeatures={ALL_FEATURES}&details=Celebrities").json()

    assert answer["categories"] == [{"name": "others_", "score": 0.0078125, "detail": {"celebrities": []}}]
    assert answer["adult"] == {
        "isAdultContent": False,
        "isRacyContent": False,
        "isGoryContent": False,
        "adultScore": 0.0,
        "racyScore": 0.0,
        "goreScore": 0.0,
    }
    assert answer["faces"] == answer["objects"] == answer["brands"] == []
    assert answer["color"].keys() == {
        "dominantColorForeground",
        "dominantColorBackground",
        "dominantColors",
        "accentColor",
        "isBwImg",
        "isBWImg",
    }
    assert re.fullmatch("[0-9A-F]{6}", answer["color"]["accentColor"])
    assert answer["imageType"].keys() == {"clipArtType", "lineDrawingType"}
    assert answer["description"].keys() == {"tags", "captions"}


def test_the_same_bytes_get_the_same_answer(caller: Caller) -> None:
    answers = [caller.post("analyze", picture(), query=f"visualFeatures={ALL_FEATURES}").json() for _ in range(3)]

    for answer in answers:
        del answer["requestId"]
    assert answers[0] == answers[1] == answers[2]


def test_describe_answers_as_many_captions_as_asked_for(caller: Caller) -> None:
    for wanted in (1, 2):
        answer = caller.post("describe", picture(), query=f"maxCandidates={wanted}").json()
        assert len(answer["description"]["captions"]) == wanted


def test_models_are_listed(caller: Caller) -> None:
    answer = caller.get("models")

    assert [model["name"] for model in answer.json()["models"]] == ["celebrities", "landmarks"]
    assert all(model["categories"] for model in answer.json()["models"])


def test_a_domain_model_answers_under_its_own_name(caller: Caller) -> None:
    assert caller.post("models/Celebrities/analyze", picture()).json()["result"] == {"celebrities": []}


def test_doubled_slashes_are_accepted(caller: Caller) -> None:
    assert caller.post("//vision//v3.2/tag", picture()).status_code == 200


@pytest.mark.parametrize(
    "path", ["/vision/v3.1/analyze", "/vision/v3.2/segment", "/vision/v3.2", "/", "/vision/v2.0/tag"]
)
def test_another_path_or_version_is_not_found_even_without_a_key(vision: RunningVision, path: str) -> None:
    with Caller(vision.url) as stranger:
        answer = stranger.post(path, picture())

    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "404", "message": "Resource not found"}}


def test_another_method_is_not_found(caller: Caller) -> None:
    assert caller.get("analyze").status_code == 404


@pytest.mark.parametrize("key", [None, "", "wrong", "schlüssel".encode().decode("latin-1")])
def test_a_missing_or_wrong_key_is_refused_before_anything_else_is_looked_at(
    vision: RunningVision, key: str | None
) -> None:
    with Caller(vision.url, key) as stranger:
        answer = stranger.post("analyze", b"no image", query="visualFeatures=Nonsense", content_type="text/plain")

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "401"
    assert answer.json()["error"]["message"].startswith("Access denied due to invalid subscription key")
    assert 'name="Ocp-Apim-Subscription-Key",type="header"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["apim-request-id"]
    assert "CSP-Billing-Usage" not in answer.headers


def test_the_rate_is_checked_before_the_media_type(caller: Caller) -> None:
    caller.control("PUT", "faults", {"rate": {"calls": 1, "seconds": 1000, "kind": "fixed"}})

    assert caller.post("tag", picture(), content_type="text/plain").status_code == 415
    assert caller.post("tag", picture(), content_type="text/plain").status_code == 429


@pytest.mark.parametrize("content_type", ["text/plain", "image/jpeg", "application/jsonp", ""])
def test_another_media_type_is_refused_before_the_parameters(caller: Caller, content_type: str) -> None:
    answer = caller.post("analyze", picture(), query="visualFeatures=Nonsense", content_type=content_type)

    assert answer.status_code == 415
    assert inner_code(answer) == "UnsupportedMediaType"


@pytest.mark.parametrize(
    ("operation", "query", "code"),
    [
        ("analyze", "visualFeatures=Tags,Captions", "NotSupportedVisualFeature"),
        ("analyze", "details=Brands", "InvalidDetails"),
        ("analyze", "language=tlh", "NotSupportedLanguage"),
        ("analyze", "visualFeatures=Description&language=de", "NotSupportedLanguage"),
        ("analyze", "visualFeatures=Color&language=tlh", "NotSupportedLanguage"),
        ("analyze", "descriptionExclude=Faces", "BadArgument"),
        ("analyze", "model-version=2021-4-1", "BadArgument"),
        ("analyze", "model-version=2019-01-01", "BadArgument"),
        ("describe", "language=fr", "NotSupportedLanguage"),
        ("describe", "maxCandidates=0", "BadArgument"),
        ("describe", "maxCandidates=many", "BadArgument"),
        ("tag", "language=xx", "NotSupportedLanguage"),
        ("models/landmarks/analyze", "language=de", "NotSupportedLanguage"),
        ("models/animals/analyze", "", "InvalidModel"),
        ("generateThumbnail", "width=100", "InvalidThumbnailSize"),
        ("generateThumbnail", "width=0&height=100", "InvalidThumbnailSize"),
        ("generateThumbnail", "width=100&height=1025", "InvalidThumbnailSize"),
        ("generateThumbnail", "width=1e2&height=100", "InvalidThumbnailSize"),
        ("generateThumbnail", "width=100&height=100&smartCropping=yes", "BadArgument"),
    ],
)
def test_a_bad_parameter_is_refused_before_the_image_is_looked_at(
    caller: Caller, operation: str, query: str, code: str
) -> None:
    answer = caller.post(operation, b"no image", query=query)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidArgument"
    assert inner_code(answer) == code


@pytest.mark.parametrize(
    ("operation", "query"),
    [
        ("analyze", "visualFeatures=Tags,Color,Faces&language=de"),
        ("analyze", "visualFeatures=Description&language=ja"),
        ("analyze", "visualFeatures=Tags&visualFeatures=Color"),
        ("analyze", "language=en&model-version=latest&descriptionExclude=Celebrities"),
        ("describe", "language=zh&model-version=2021-04-01"),
        ("tag", "language=pt-BR"),
        ("detect", "language=tlh&unknown=1"),
        ("generateThumbnail", "width=1&height=1024&smartCropping=True"),
    ],
)
def test_good_parameters_are_taken(caller: Caller, operation: str, query: str) -> None:
    assert caller.post(operation, picture(), query=query).status_code == 200


def test_the_model_version_asked_for_is_named_in_the_answer(caller: Caller) -> None:
    answer = caller.post("tag", picture(), query="model-version=2021-04-01")

    assert answer.json()["modelVersion"] == "2021-04-01"


def test_the_legacy_text_operation_says_that_it_is_not_here(caller: Caller) -> None:
    answer = caller.post("ocr", picture())

    assert answer.status_code == 501
    assert inner_code(answer) == "NotSupportedFeature"
    assert "COVERAGE.md" in answer.json()["error"]["message"]


def test_a_mistake_of_the_stand_in_is_a_500_in_the_shape_of_the_service(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the reason")

    monkeypatch.setattr("local.vision.service.compose_result", fail)
    answer = caller.post("tag", picture())

    assert answer.status_code == 500
    assert inner_code(answer) == "FailedToProcess"
    assert "the reason" in capfd.readouterr().err
