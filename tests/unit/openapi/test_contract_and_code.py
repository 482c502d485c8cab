"""The contract has the routes, codes and words of the code, and nothing else."""

import itertools
import json
import re
from typing import Any, get_args

import pytest
from doubles.hosting import PROJECT_ROOT
from doubles.openapi_documents import operations, parts, schemas

from shared.api import health
from shared.api.step_states import StepState
from shared.errors import BadRequestError
from shared.lifecycle.report import Comparison
from shared.openapi import problems
from shared.openapi.connector import connector
from shared.openapi.document import document
from shared.openapi.document import operations as described
from shared.vision import error_answers, questions

Json = dict[str, Any]
# What no HTTP caller is told: codes of families, and of uploads alone.
OF_FAMILIES = {"bad_request", "gone", "image_rejected", "vision_failed"}
# Of a skill that there is not, and the contract has no operation of one.
OF_NO_OPERATION = {"skill_not_found"}
# The page and its data routes are for browsers, change with the page, and are no contract; docs/gallery.md has them.
OF_THE_PAGE = "GalleryHttp"
OF_PAGE = {"gallery_sign_in", "gallery_forbidden", "thumbnail_not_stored", "picture_not_shown"}
OF_UPLOADS = {"app_crashed", "backlog", "upload_gave_up", "upload_interrupted"}
# They never change: importers name what they make after them.
IDS = [
    "AnalyzeDomain",
    "AnalyzeImage",
    "AnalyzeSkill",
    "CancelReading",
    "CorrectImage",
    "CorrectImageByPath",
    "DeleteCorrection",
    "DeleteCorrectionByPath",
    "DeleteImage",
    "DeleteImageByPath",
    "DescribeImage",
    "DescribeSkill",
    "GetContract",
    "GetCorrection",
    "GetCorrectionByPath",
    "GetHealth",
    "GetImage",
    "GetImageByPath",
    "GetIndexRebuild",
    "GetOperation",
    "GetReconciliation",
    "GetText",
    "GetThumbnail",
    "GetThumbnailByPath",
    "HeadThumbnail",
    "HeadThumbnailByPath",
    "ListDomainModels",
    "ListImages",
    "ListUnfinished",
    "MakeThumbnail",
    "ReadSkill",
    "ReadText",
    "RebuildIndex",
    "RetryUnfinished",
    "SearchImages",
    "StartReconciliation",
    "StoreImage",
    "StoreImageByPath",
    "WhenAnImageIsFinished",
]


def triggers() -> dict[tuple[str, str], tuple[str, str]]:
    """By folder and method, the route and the level of every HTTP function of the contract."""
    return {
        (path.parent.name, method): (binding["route"], binding["authLevel"])
        for path in PROJECT_ROOT.glob("*/function.json")
        if path.parent.name != OF_THE_PAGE
        for binding in json.loads(path.read_text())["bindings"]
        if binding["type"] == "httpTrigger"
        for method in binding["methods"]
    }


def template(route: str) -> re.Pattern[str]:
    """The paths of a route of function.json, whose last value may be left out."""
    head, _, value = route.partition("/{")
    return re.compile(rf"/{re.escape(head)}" + (r"(/[^/]*)?" if value else ""))


@pytest.mark.parametrize("made", [document, connector], ids=lambda made: made.__name__)
def test_every_route_and_method_with_its_level_is_in_the_document_and_no_other(made: Any) -> None:
    found = made()
    by_id = {each.id: each for each in described()}
    seen = set()
    for each in operations(found):
        source = by_id[each.id]
        route, level = triggers()[source.folder, each.method]
        assert template(route).fullmatch(each.path), each.id
        security = each.content.get("security", found.get("security"))
        assert bool(security) is (level == "function"), each.id
        assert ("401" in each.content["responses"]) is (level == "function"), each.id
        seen.add((source.folder, each.method))
    assert seen == triggers().keys()


def test_a_key_in_the_query_shares_its_name_with_no_parameter() -> None:
    for each in operations(document()):
        named_alike = any(parameter["name"] == "code" for parameter in each.parameters("query"))
        in_query = {"functionKeyInQuery": []} in each.content["security"]
        assert not (named_alike and in_query), each.id


def test_the_names_of_operations_are_those_that_were_given_once() -> None:
    assert sorted(each.id for each in described()) == IDS


def rows() -> dict[str, tuple[int, ...]]:
    """The codes of docs/errors.md with their statuses."""
    text = (PROJECT_ROOT / "docs/errors.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| ([0-9]{3}(?: or [0-9]{3})*) \|", text, re.MULTILINE)
    return {code: tuple(int(status) for status in statuses.split(" or ")) for code, statuses in found}


def test_every_code_has_the_statuses_that_the_page_of_errors_says() -> None:
    documented = {
        code: of for code, of in rows().items() if code not in OF_FAMILIES | OF_UPLOADS | OF_NO_OPERATION | OF_PAGE
    }
    assert problems.together(*problems.ALL) == documented


def test_every_code_is_one_that_an_operation_can_answer() -> None:
    answered = {
        (code, int(status))
        for each in operations(document())
        for status, answer in each.content["responses"].items()
        for code in answer.get("x-codes", ())
    }
    possible = {(code, status) for code, of in problems.together(*problems.ALL).items() for status in of}
    assert answered == possible


def test_a_caller_with_an_image_is_told_what_computer_vision_says_of_it() -> None:
    verdicts = {*error_answers._IMAGE_CODES.values()}
    for name in ("AnalyzeImage", "DescribeImage", "AnalyzeDomain", "MakeThumbnail"):
        [each] = (each for each in operations(document()) if each.id == name)
        codes = {code for answer in each.content["responses"].values() for code in answer.get("x-codes", ())}
        assert verdicts <= codes, name


def words(name: str, member: str) -> set[Any]:
    return set(schemas(document())[name]["properties"][member]["enum"])


def test_words_that_the_code_has_no_list_of_are_those_that_it_says() -> None:
    assert words("HealthProblem", "part") == {"packages", "settings", *health._PARTS}
    assert words("Reconciliation", "state") == {"running", *get_args(Comparison.__annotations__["state"])}
    assert set(schemas(document())["AnalysisState"]["properties"]) >= StepState.__annotations__.keys()


def test_each_enumeration_is_of_one_type_and_has_no_word_twice() -> None:
    for name, schema in schemas(document()).items():
        for place, part in parts(schema, name):
            given = part.get("enum", [])
            assert len(given) == len({*given}), place
            assert None not in given or part["nullable"], place


def test_lists_of_pages_are_those_that_are_taken_but_for_ranges_that_end_too_early() -> None:
    [pattern] = {
        parameter["schema"]["pattern"]
        for each in operations(document())
        for parameter in each.parameters("query")
        if parameter["name"] == "pages"
    }
    texts = ["".join(each) for count in range(1, 6) for each in itertools.product("0129-,", repeat=count)]
    for text in [*texts, "99999", "100000", "99999-", "-99999", "1-100000", "000000001", "0000000001", "1 ", "1,", "٣"]:
        parts = [part.split("-") for part in text.split(",")]
        ends_early = any(len(part) == 2 and all(part) and int(part[0]) > int(part[1]) for part in parts)
        is_allowed = bool(re.search(pattern, text))
        assert is_allowed or not is_read(text), text
        assert not is_allowed or is_read(text) or ends_early, text


def is_read(pages: str) -> bool:
    try:
        questions.read(pages=pages)
    except BadRequestError:
        return False
    return True
