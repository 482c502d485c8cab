from collections.abc import Callable
from random import Random
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import FEATURES
from shared.errors import BadRequestError
from shared.vision import questions
from shared.vision.questions import Question


def test_a_question_holds_every_parameter_with_its_default() -> None:
    assert questions.analyze().text == "analyze?language=en&model-version=latest&visualFeatures=Categories"
    assert questions.describe().text == "describe?language=en&maxCandidates=1&model-version=latest"
    assert questions.area_of_interest().text == "areaOfInterest?model-version=latest"
    assert questions.thumbnail(200, 150).text == (
        "generateThumbnail?height=150&model-version=latest&smartCropping=false&width=200"
    )
    assert questions.thumbnail(1, 1024, smart_cropping=True).accept == "application/octet-stream"


@given(st.lists(st.sampled_from(FEATURES), min_size=1), st.randoms())
def test_whoever_means_the_same_asks_the_same(features: list[str], random: Random) -> None:
    """Order, case, spaces and repetition do not matter: the two share one paid call."""
    other = [f" {feature.lower()} " for feature in features + features]
    random.shuffle(other)
    assert questions.analyze(other) == questions.analyze(features)


def test_the_features_keep_the_services_own_spelling() -> None:
    asked = dict(questions.analyze(["color", "TAGS", "imagetype"], details=["landmarks"]).parameters)
    assert asked["visualFeatures"] == "Tags,ImageType,Color"
    assert asked["details"] == "Landmarks"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (questions.analyze(["Tags"]), questions.analyze(["Color"])),
        (questions.analyze(["Tags"]), questions.analyze(["Tags"], language="es")),
        (questions.analyze(["Tags"]), questions.analyze(["Tags"], model_version="2021-05-01")),
        (questions.analyze(["Tags"]), questions.analyze(["Tags"], details=["Landmarks"])),
        (questions.analyze(["Tags"]), questions.analyze(["Tags"], description_exclude=["Landmarks"])),
        (questions.describe(), questions.describe(max_candidates=2)),
        (questions.thumbnail(100, 50), questions.thumbnail(50, 100)),
        (questions.thumbnail(100, 50), questions.thumbnail(100, 50, smart_cropping=True)),
    ],
)
def test_different_questions_have_different_keys(one: Question, other: Question) -> None:
    assert one.key != other.key
    assert one.text != other.text


@given(st.sets(st.sampled_from(FEATURES), min_size=1), st.sets(st.sampled_from(FEATURES), min_size=1))
def test_a_question_is_wider_if_it_asks_for_the_same_and_more(some: set[str], others: set[str]) -> None:
    one, other = (questions.analyze(features, language="es", details=["Landmarks"]) for features in (some, others))
    assert (other in questions.wider(one)) == (some < others)
    assert set(questions.features(one)) == some


def test_the_nearest_of_the_wider_questions_come_first_and_keep_the_fit() -> None:
    asked = questions.analyze(["Tags", "Description", "Objects"])._replace(fit="1")
    wider = questions.wider(asked)
    counts = [len(questions.features(each)) for each in wider]
    assert (len(wider), counts) == (63, sorted(counts))
    assert {each.fit for each in wider} == {"1"}
    assert questions.wider(questions.analyze(FEATURES)) == ()


def test_a_copy_is_told_by_the_key_alone() -> None:
    asked = questions.describe()
    fitted = asked._replace(fit="1")
    assert fitted.text == asked.text
    assert fitted.key != asked.key
    assert (fitted.plain, asked.plain) == (asked, asked)


def test_the_key_can_be_part_of_a_blob_name() -> None:
    assert questions.analyze().key.startswith("analyze-")
    assert questions.analyze().key.replace("-", "").isalnum()


def test_the_canonical_form_is_the_query() -> None:
    question = questions.analyze(["Tags", "Color"])
    assert parse_qsl(question.text.partition("?")[2]) == list(question.parameters)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: questions.analyze(["Smell"]), "visualFeatures has smell; allowed are Categories"),
        (lambda: questions.analyze(details=["Pets"]), "details has pets; allowed are Celebrities, Landmarks"),
        (lambda: questions.analyze(description_exclude=["x"]), "descriptionExclude has x"),
        (lambda: questions.analyze(language="xx"), "language='xx'"),
        (lambda: questions.analyze(model_version="new"), "model-version='new'"),
        (lambda: questions.describe(max_candidates=0), "maxCandidates=0 is not in 1 to 100"),
        (lambda: questions.describe(max_candidates=101), "maxCandidates=101 is not in 1 to 100"),
        (lambda: questions.thumbnail(0, 1), "width=0 is not in 1 to 1024"),
        (lambda: questions.thumbnail(1, 1025), "height=1025 is not in 1 to 1024"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_what_is_allowed(ask: Callable[[], Question], told: str) -> None:
    with pytest.raises(BadRequestError, match=told) as caught:
        ask()
    assert caught.value.code == "bad_parameter"


@pytest.mark.parametrize(
    ("question", "key"),
    [
        (questions.analyze(), "analyze-a3f67352d4880cabf666"),
        (
            questions.analyze(
                ["tags", " COLOR "],
                details=["Landmarks"],
                language="es",
                description_exclude=["celebrities"],
                model_version="2021-05-01",
            ),
            "analyze-474cfd50ada339167a51",
        ),
        (questions.analyze(model_version="latest-preview"), "analyze-a4c16416b133df1a966b"),
        (questions.describe(max_candidates=3), "describe-18374d5195263a35ea17"),
        (questions.thumbnail(200, 150, smart_cropping=True), "generateThumbnail-fedeeca025c55c85d588"),
        (questions.domain("landmarks"), "domain-114b0fad27beb80b2a46"),
        (questions.domain("Landmarks"), "domain-114b0fad27beb80b2a46"),
        (questions.domain("celebrities", language="pt"), "domain-23c1a3b0bc5bf2eb0cc0"),
        (questions.read(), "read-1b17840d5b14e0069831"),
        (
            questions.read(
                language="zh-Hans", pages="1,3-5,8-,-2", reading_order="natural", model_version="2022-01-30-preview"
            ),
            "read-c5c462c22a8b3b904394",
        ),
        (questions.read(pages="007"), "read-8c4f95d76ef9894ee24b"),
    ],
)
def test_the_keys_are_those_under_which_the_last_version_kept_its_answers(question: Question, key: str) -> None:
    assert question.key == key


@pytest.mark.parametrize("pages", ["1", "99999", "1-1", "5-", "-2", "1,1,3-5", "000000001"])
def test_pages_that_can_be_are_asked_for_as_they_are(pages: str) -> None:
    assert dict(questions.read(pages=pages).parameters)["pages"] == pages


@pytest.mark.parametrize("version", ["latest", "latest-preview", "2024-02-29", "2022-01-30-preview"])
def test_versions_that_can_be_are_asked_for_as_they_are(version: str) -> None:
    assert dict(questions.tag(model_version=version).parameters)["model-version"] == version
