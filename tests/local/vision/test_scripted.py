"""Scripted answers: results prepared for known bytes."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from doubles.recognizers import FakeRecognizer
from doubles.vision_calls import Caller, inner_code, picture

from local.vision.server import running_vision

DATA = picture()
SCRIPT: dict[str, Any] = {
    "analyze": {
        "categories": [
            {"name": "outdoor_", "score": 0.9, "detail": {"landmarks": [{"name": "Space Needle", "confidence": 0.99}]}}
        ],
        "tags": [{"name": "text", "confidence": 0.97}],
        "description": {
            "tags": ["tower"],
            "captions": [{"text": "a tower", "confidence": 0.9}, {"text": "a sight", "confidence": 0.4}],
        },
        "objects": [{"rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}, "object": "tower", "confidence": 0.8}],
        "requestId": "not this one",
    },
    "areaOfInterest": {"areaOfInterest": {"x": 5, "y": 6, "w": 7, "h": 8}},
    "domain": {"landmarks": [{"name": "Space Needle", "confidence": 0.99}]},
}


def write(directory: Path, script: object, data: bytes = DATA) -> None:
    """Put *script* for *data* into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{sha256(data).hexdigest()}.json").write_text(json.dumps(script))


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Caller]:
    """Run the service with SCRIPT for DATA."""
    write(tmp_path / "vision" / "answers", SCRIPT)
    with running_vision(state=tmp_path) as service, Caller(service.url, service.key) as client:
        yield client


def test_a_script_replaces_what_it_has_and_the_rest_is_measured(scripted: Caller) -> None:
    answer = scripted.post("analyze", DATA, query="visualFeatures=Tags,Color,Objects").json()

    assert answer["tags"] == SCRIPT["analyze"]["tags"]
    assert answer["objects"] == SCRIPT["analyze"]["objects"]
    assert "Orange" in answer["color"]["dominantColors"]
    assert "description" not in answer


def test_request_id_and_metadata_are_never_scripted(scripted: Caller) -> None:
    answer = scripted.post("analyze", DATA)

    assert answer.json()["requestId"] == answer.headers["apim-request-id"]
    assert answer.json()["metadata"] == {"height": 90, "width": 120, "format": "Jpeg"}


def test_scripted_details_appear_when_they_are_asked_for(scripted: Caller) -> None:
    plain = scripted.post("analyze", DATA).json()["categories"][0]
    detailed = scripted.post("analyze", DATA, query="details=Landmarks,Celebrities").json()["categories"][0]

    assert "detail" not in plain
    assert detailed["detail"] == {"landmarks": [{"name": "Space Needle", "confidence": 0.99}]}


def test_the_other_operations_take_their_part_from_analyze(scripted: Caller) -> None:
    assert scripted.post("tag", DATA).json()["tags"] == SCRIPT["analyze"]["tags"]
    assert scripted.post("detect", DATA).json()["objects"] == SCRIPT["analyze"]["objects"]
    captions = scripted.post("describe", DATA, query="maxCandidates=5").json()["description"]["captions"]
    assert captions == SCRIPT["analyze"]["description"]["captions"]


def test_captions_are_cut_to_what_is_asked_for(scripted: Caller) -> None:
    answer = scripted.post("analyze", DATA, query="visualFeatures=Description").json()

    assert [caption["text"] for caption in answer["description"]["captions"]] == ["a tower"]
    assert len(scripted.post("describe", DATA).json()["description"]["captions"]) == 1


def test_area_and_domain_are_scripted(scripted: Caller) -> None:
    assert scripted.post("areaOfInterest", DATA).json()["areaOfInterest"] == {"x": 5, "y": 6, "w": 7, "h": 8}
    assert scripted.post("models/landmarks/analyze", DATA).json()["result"] == {
        "landmarks": SCRIPT["domain"]["landmarks"]
    }
    assert scripted.post("models/celebrities/analyze", DATA).json()["result"] == {"celebrities": []}


def test_other_bytes_are_measured(scripted: Caller) -> None:
    assert "text" not in scripted.post("tag", picture(colour="teal")).text


def test_the_directory_that_was_named_wins_over_the_state(tmp_path: Path) -> None:
    write(tmp_path / "vision" / "answers", {"tag": {"tags": [{"name": "state", "confidence": 1}]}})
    write(tmp_path / "named", {"tag": {"tags": [{"name": "named", "confidence": 1}]}})
    with (
        running_vision(state=tmp_path, answers=[tmp_path / "named"]) as service,
        Caller(service.url, service.key) as client,
    ):
        assert client.post("tag", DATA).json()["tags"][0]["name"] == "named"


def test_a_script_does_not_make_an_invalid_image_valid(scripted: Caller, tmp_path: Path) -> None:
    broken = DATA[: len(DATA) // 2]
    write(tmp_path / "vision" / "answers", SCRIPT, broken)

    assert inner_code(scripted.post("tag", broken)) == "InvalidImageFormat"


@pytest.mark.parametrize("script", [[], {"tag": []}, "tags"])
def test_a_script_that_cannot_be_used_is_named_in_a_500(scripted: Caller, tmp_path: Path, script: object) -> None:
    write(tmp_path / "vision" / "answers", script)
    answer = scripted.post("tag", DATA)

    assert answer.status_code == 500
    assert sha256(DATA).hexdigest() in answer.json()["error"]["message"]


def test_no_model_runs_for_a_scripted_answer(tmp_path: Path) -> None:
    write(tmp_path, SCRIPT)
    seen = FakeRecognizer()
    with (
        running_vision(answers=[tmp_path], models=lambda: seen.all_five) as service,
        Caller(service.url, service.key) as client,
    ):
        client.post("analyze", DATA, query="visualFeatures=Categories,Tags,Description,Objects")
        for operation in ("describe", "tag", "detect", "areaOfInterest"):
            client.post(operation, DATA)

    assert seen.asked == []
