"""Both documents are what the source makes, and what their specifications allow."""

import json

from openapi_spec_validator import OpenAPIV30SpecValidator

from shared.openapi.__main__ import files
from shared.openapi.document import document


def test_the_files_are_what_the_source_makes() -> None:
    for path, content in files().items():
        assert path.read_text(encoding="utf-8") == content, f"run `make contract`: {path.name} is an older one"


def test_the_contract_is_a_document_of_openapi() -> None:
    written = json.loads(json.dumps(document()))
    assert [str(error) for error in OpenAPIV30SpecValidator(written).iter_errors()] == []
