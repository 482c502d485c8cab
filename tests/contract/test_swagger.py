"""
The official swagger as a witness: every JSON answer of the local service has exactly its shape.

That the check would notice is shown too: of each answer, every copy with one small damage is refused.
"""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import requests
from doubles.contract_shapes import (
    Json,
    analysis_shape,
    domain_shape,
    gateway_error_shape,
    problems,
    read_error_shape,
    read_shape,
    service_error_shape,
    shape_of,
)
from doubles.damage import (
    KEY_EXTRA,
    KEY_MISSING,
    KEY_RENAMED,
    NULL,
    NUMBER_AS_TEXT,
    OTHER_TYPE,
    SIDE_MISSING,
    Damage,
    damages,
)
from doubles.full_answers import FULL_PICTURE, write_full_answers
from doubles.set_up_models import set_up_models
from doubles.swagger import FILES, FOLDER, RESULTS, plain_problems
from doubles.vision_calls import ALL_FEATURES, SAMPLES, Caller
from doubles.witness import covered

from local.vision.server import RunningVision, running_vision

WITNESS = "official swagger of v3.2"
FEATURES = ALL_FEATURES.split(",")
EVERYTHING = f"visualFeatures={ALL_FEATURES}&details=Celebrities,Landmarks"

SHAPES: dict[str, Json] = {
    "analyze": analysis_shape(FEATURES),
    "describe": shape_of("ImageDescription"),
    "detect": shape_of("DetectResult"),
    "tag": shape_of("TagResult"),
    "areaOfInterest": shape_of("AreaOfInterestResult"),
    "models": shape_of("ListModelsResult"),
    "models/landmarks/analyze": domain_shape("landmarks"),
    "models/celebrities/analyze": domain_shape("celebrities"),
    "a Read that succeeded": read_shape("succeeded"),
    "a Read that is running": read_shape("running"),
    "a Read that failed": read_shape("failed"),
    "a refusal": service_error_shape(),
    "a refusal by Read": read_error_shape(),
    "a refusal by the gateway": gateway_error_shape(404),
}
POSTS = [name for name in SHAPES if name != "models" and not name.startswith("a ")]
WITH_BOXES = {"analyze", "detect", "areaOfInterest", "models/celebrities/analyze", "a Read that succeeded"}
WITHOUT_NUMBERS = {"models"} | {name for name in SHAPES if name.startswith("a ") and not name.endswith("succeeded")}
# What is no damage in the answers here: the keys and the nulls that contract_shapes allows, with its reasons.
MAY_BE_MISSING = re.compile(
    r"categories\.\d+\.detail(\.\w+)?|color\.isBwImg|tags\.\d+\.hint|objects\.\d+(\.parent)+|faces\.\d+\.(age|gender)"
    r"|analyzeResult\.readResults\.\d+(\.language|\.lines\.\d+\.(language|appearance))"
)
MAY_BE_NULL = re.compile(r"faces\.\d+\.(age|gender)")


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVision]:
    answers = tmp_path_factory.mktemp("answers")
    write_full_answers(answers)
    with running_vision(answers=[answers]) as running:
        yield running


@pytest.fixture(scope="module")
def caller(scripted: RunningVision) -> Iterator[Caller]:
    with Caller(scripted.url, scripted.key) as client:
        yield client


@pytest.fixture(scope="module")
def answers(scripted: RunningVision, caller: Caller) -> dict[str, bytes]:
    """The body of one answer of each kind."""
    responses = {name: caller.post(name, FULL_PICTURE, query=EVERYTHING) for name in POSTS}
    responses["models"] = caller.get("models")
    responses["a Read that succeeded"] = read(caller)
    scripted.set_faults(read_seconds=60)
    responses["a Read that is running"] = read(caller)
    scripted.set_faults(read_failed=1)
    responses["a Read that failed"] = read(caller)
    scripted.set_faults()
    responses["a refusal"] = caller.post("analyze", b"no image")
    responses["a refusal by Read"] = caller.post("read/analyze", b"no image")
    responses["a refusal by the gateway"] = caller.post("nonsense", FULL_PICTURE)
    return {name: response.content for name, response in responses.items()}


def read(caller: Caller) -> requests.Response:
    """Submit FULL_PICTURE to Read and ask once; its answer is scripted, so that it is there at once."""
    location = caller.post("read/analyze", FULL_PICTURE).headers["Operation-Location"]
    return caller.get(location.partition("/vision/v3.2/")[2])


def test_the_files_are_as_microsoft_published_them_with_their_licence() -> None:
    told = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert "Microsoft" in (FOLDER / "LICENSE").read_text(encoding="utf-8")
    for name in FILES:
        assert f"| `{name}` | `{sha256((FOLDER / name).read_bytes()).hexdigest()}` |" in told


def test_every_operation_of_the_swagger_is_asked_but_the_legacy_one() -> None:
    described = {path.removeprefix("/") for path, _ in RESULTS} - {"ocr", "generateThumbnail"}
    asked = {name.replace("landmarks/", "{model}/") for name in SHAPES if not name.startswith(("a ", "models/cel"))}

    assert described - asked == {"read/analyze", "read/analyzeResults/{operationId}"}


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_has_exactly_the_shape(answers: dict[str, bytes], name: str) -> None:
    assert problems(answers[name], SHAPES[name]) == []

    covered(WITNESS, "kinds of answers", name)


@pytest.mark.parametrize("sample", sorted(path.stem for path in SAMPLES.glob("*.jpg")))
def test_what_is_measured_of_a_photograph_has_exactly_the_shape(caller: Caller, sample: str) -> None:
    answer = caller.post("analyze", (SAMPLES / f"{sample}.jpg").read_bytes(), query=EVERYTHING)

    assert problems(answer.content, SHAPES["analyze"]) == []
    covered(WITNESS, "photographs", sample)


def test_what_models_see_in_a_photograph_has_exactly_the_shape() -> None:
    with running_vision(models=set_up_models()) as vision, Caller(vision.url, vision.key) as caller:
        for sample, kind in (("astronaut", "person"), ("chelsea", "cat"), ("coffee", "cup")):
            data = (SAMPLES / f"{sample}.jpg").read_bytes()
            answers = {name: caller.post(name, data, query=EVERYTHING if name == "analyze" else "") for name in POSTS}
            assert {name: problems(answer.content, SHAPES[name]) for name, answer in answers.items()} == {
                name: [] for name in POSTS
            }
            assert [found["object"] for found in answers["detect"].json()["objects"]] == [kind]
            covered(WITNESS, "photographs, with models", sample)


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_with_any_one_damage_is_refused(answers: dict[str, bytes], name: str) -> None:
    tried = [damage for damage in damages(json.loads(answers[name])) if not is_allowed(damage)]

    assert [(each.kind, each.place) for each in tried if not problems(encoded(each.answer), SHAPES[name])] == []
    assert {each.kind for each in tried} >= {KEY_RENAMED, KEY_MISSING, KEY_EXTRA, OTHER_TYPE, NULL}
    assert (NUMBER_AS_TEXT in {each.kind for each in tried}) == (name not in WITHOUT_NUMBERS)
    assert (SIDE_MISSING in {each.kind for each in tried}) == (name in WITH_BOXES)
    for each in tried:
        covered(WITNESS, "damaged answers refused", f"{name} {each.kind} {each.place}")


def encoded(content: Any) -> bytes:
    return json.dumps(content).encode()


def is_allowed(damage: Damage) -> bool:
    """Whether the damage is none: a key is missing that may be, or a value is null that may be."""
    allowed = {KEY_MISSING: MAY_BE_MISSING, NULL: MAY_BE_NULL}.get(damage.kind)
    return bool(allowed and allowed.fullmatch(".".join(map(str, damage.place))))


@pytest.mark.parametrize("name", sorted({name for _, name in RESULTS.values() if name}))
def test_the_swagger_itself_would_take_an_empty_object_which_is_why_the_check_is_stricter(name: str) -> None:
    assert plain_problems({}, name) == []
    assert problems(b"{}", shape_of(name)) != []


@pytest.mark.parametrize("name", [*POSTS, "models"])
def test_the_swagger_itself_would_take_any_key_renamed_missing_or_extra(answers: dict[str, bytes], name: str) -> None:
    path = re.sub("landmarks|celebrities", "{model}", name)
    definition = RESULTS[f"/{path}", "get" if name == "models" else "post"][1]
    assert definition is not None
    tried = [each for each in damages(json.loads(answers[name])) if each.kind in (KEY_RENAMED, KEY_MISSING, KEY_EXTRA)]

    assert len(tried) > 10
    assert [each.place for each in tried if plain_problems(each.answer, definition)] == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{} {}", b'{"models": [], "models": []}', b'{"models": NaN}'])
def test_what_is_no_single_object_of_json_is_refused(body: bytes) -> None:
    assert problems(body, shape_of("ListModelsResult")) != []
