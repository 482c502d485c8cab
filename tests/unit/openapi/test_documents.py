"""Both documents are what the source makes, and what their specifications allow."""

import json
import warnings

import pytest
from doubles.openapi_documents import operations, schemas
from openapi_spec_validator import OpenAPIV30SpecValidator

from shared.openapi.__main__ import files
from shared.openapi.connector import connector, title
from shared.openapi.document import document

# Imported with a warning, and it warns of its own use of jsonschema.
with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from swagger_spec_validator import SwaggerValidationError, validator20


def test_the_files_are_what_the_source_makes() -> None:
    for path, content in files().items():
        assert path.read_text(encoding="utf-8") == content, f"run `make contract`: {path.name} is an older one"


def test_the_contract_is_a_document_of_openapi_3() -> None:
    written = json.loads(json.dumps(document()))
    assert [str(error) for error in OpenAPIV30SpecValidator(written).iter_errors()] == []
    written["paths"]["/ocr"]["post"]["responses"] = {}
    assert list(OpenAPIV30SpecValidator(written).iter_errors())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_connector_is_a_document_of_openapi_2() -> None:
    written = json.loads(json.dumps(connector()))
    validator20.validate_spec(written)
    del written["paths"]["/ocr/{id}"]["get"]["parameters"]
    with pytest.raises(SwaggerValidationError):
        validator20.validate_spec(written)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("captionConfidence", "Caption Confidence"),
        ("model-version", "Model Version"),
        ("ImageState", "Image State"),
        ("ObjectParent1", "Object Parent1"),
        ("isBWImg", "Is Black And White"),
        ("url", "Address"),
    ],
)
def test_makers_read_names_as_words(name: str, shown: str) -> None:
    assert title(name) == shown


def test_the_connector_says_what_the_contract_says() -> None:
    """Of each operation the statuses and headers, and of each schema the members; 2.0 has no more of either."""
    by_id = {each.id: each.content for each in operations(document())}
    # It has another answer than the list whose path it shares.
    shared = [each for each in operations(connector()) if each.id != "WhenAnImageIsFinished"]
    assert len(shared) > 15
    for each in shared:
        answers, others = each.content["responses"], by_id[each.id]["responses"]
        assert {status: set(answer.get("headers", ())) for status, answer in answers.items()} == {
            # 304 answers a header that the connector does not send.
            status: set(answer.get("headers", ()))
            for status, answer in others.items()
            if status != "304"
        }, each.id
    of_both = {name: schema for name, schema in schemas(connector()).items() if name != "FileContent"}
    for name, schema in of_both.items():
        other = schemas(document())[name]
        added = {"$content"} if name == "ImageReference" else set()
        assert schema.get("properties", {}).keys() - added == other.get("properties", {}).keys(), name
        assert schema.get("required") == other.get("required"), name


def test_the_connector_sets_what_makers_need_not_know() -> None:
    by_id = {each.id: each for each in operations(connector())}
    fixed = {
        (name, parameter["name"]): parameter["default"]
        for name, each in by_id.items()
        for parameter in each.parameters()
        if parameter.get("x-ms-visibility") == "internal"
    }
    asynchronous = ("AnalyzeDomain", "AnalyzeImage", "DescribeImage", "GetThumbnail", "MakeThumbnail")
    prefers = {(name, "Prefer"): "respond-async" for name in asynchronous}
    assert fixed == prefers | {("WhenAnImageIsFinished", "since"): "now"}
