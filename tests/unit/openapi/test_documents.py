"""Both documents are what the source makes, and what their specifications allow."""

import json
import warnings

import pytest
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
