import json
from typing import Any

import pytest

from shared.errors import UnexpectedAnswerError
from shared.vision.models import Analysis, Answer, AreaOfInterest, DomainModels

BODY: dict[str, Any] = {
    "categories": [{"name": "outdoor_mountain", "score": 0.9}, {"name": "text_sign"}],
    "tags": [{"name": "sky", "confidence": 1}, {"name": "text", "confidence": 0.51, "hint": "sign"}],
    "description": {"tags": ["sky"], "captions": [{"text": "a mountain", "confidence": 0.87}]},
    "requestId": "id-1",
    "metadata": {"width": 600, "height": 400, "format": "Jpeg"},
    "modelVersion": "2021-05-01",
    "somethingNew": {"x": 1},
}


def changed(**members: Any) -> dict[str, Any]:
    return {**BODY, **members}


def test_an_analysis_is_typed_and_keeps_its_body() -> None:
    found = Analysis.of(BODY)
    assert [(tag.name, tag.confidence) for tag in found.tags] == [("sky", 1.0), ("text", 0.51)]
    assert [(caption.text, caption.confidence) for caption in found.captions] == [("a mountain", 0.87)]
    assert [(category.name, category.score) for category in found.categories] == [
        ("outdoor_mountain", 0.9),
        ("text_sign", None),
    ]
    assert (found.metadata.width, found.metadata.height, found.metadata.format) == (600, 400, "Jpeg")
    assert (found.request_id, found.model_version) == ("id-1", "2021-05-01")
    assert found.body is BODY


def test_nothing_is_required_but_what_is_there_has_its_type() -> None:
    found = Analysis.of({})
    assert (found.captions, found.tags, found.categories) == ((), (), ())
    assert found.metadata.width is None
    assert Analysis.of({"description": None, "tags": None, "metadata": None}).tags == ()


@pytest.mark.parametrize(
    "body",
    [
        changed(tags={}),
        changed(tags=["sky"]),
        changed(tags=[{"confidence": 1.0}]),
        changed(tags=[{"name": 5}]),
        changed(tags=[{"name": "sky", "confidence": "high"}]),
        changed(tags=[{"name": "sky", "confidence": True}]),
        changed(tags=[{"name": "sky", "confidence": 10**400}]),
        changed(description=[]),
        changed(description={"captions": [{"confidence": 0.5}]}),
        changed(metadata={"width": "600"}),
        changed(requestId=7),
    ],
)
def test_a_wrong_type_is_an_unexpected_answer(body: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswerError):
        Analysis.of(body)


def test_an_area_of_interest_needs_its_rectangle() -> None:
    found = AreaOfInterest.of({"areaOfInterest": {"x": 1, "y": 2, "w": 3, "h": 4}, "metadata": {"width": 9}})
    assert (found.rectangle.x, found.rectangle.y, found.rectangle.width, found.rectangle.height) == (1, 2, 3, 4)
    assert found.metadata.width == 9
    for body in ({}, {"areaOfInterest": {"x": 1, "y": 2, "w": 3}}, {"areaOfInterest": [1, 2, 3, 4]}):
        with pytest.raises(UnexpectedAnswerError):
            AreaOfInterest.of(body)


def test_domain_models_have_names_and_categories() -> None:
    body = {"models": [{"name": "landmarks", "categories": ["outdoor_", "屋外_"]}, {"name": "celebrities"}]}
    found = DomainModels.of(body).models
    assert [(model.name, model.categories) for model in found] == [
        ("landmarks", ("outdoor_", "屋外_")),
        ("celebrities", ()),
    ]
    assert DomainModels.of({}).models == ()
    with pytest.raises(UnexpectedAnswerError):
        DomainModels.of({"models": [{"categories": []}]})


def test_an_answer_is_a_json_object() -> None:
    assert Answer("application/json", json.dumps(BODY).encode()).json() == BODY
    assert Answer("application/json", b'\xef\xbb\xbf{"a": 1}').json() == {"a": 1}


def test_half_a_surrogate_pair_is_told_as_such_and_whole_characters_stay() -> None:
    body = rb'{"\udc00": ["I \ud83d\ude00", "\ud835", {"text": "\uDE00\uD83D \\ud83d \u00e9"}], "n": 1}'
    parsed = Answer("application/json", body).json()
    assert parsed == {"\ufffd": ["I \U0001f600", "\ufffd", {"text": "\ufffd\ufffd \\ud83d \u00e9"}], "n": 1}
    assert json.dumps(parsed, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"<html>", b"\xff\xfe\xff", b"[" * 100_000])
def test_an_answer_that_is_none_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError):
        Answer("application/json", body, "id-1").json()
