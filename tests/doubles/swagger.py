"""
The official description of v3.2, as Microsoft published it: what `tests/contract/swagger/` holds.

    DEFINITIONS["TagResult"]              its schema, nearly everything optional and nullable
    RESULTS["/read/analyze", "post"]      what the operation answers: status and name of the definition
    plain_problems({}, "TagResult")       -> [], which is why contract_shapes is stricter
"""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

Json = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "contract" / "swagger"
FILES = ("ComputerVision.json", "Ocr.json")


def _read(name: str) -> Json:
    content: Json = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return content


def _name(reference: str) -> str:
    return reference.removeprefix("#/definitions/")


def _results(description: Json) -> dict[tuple[str, str], tuple[int, str | None]]:
    found = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            status = next(status for status in operation["responses"] if status != "default")
            reference = operation["responses"][status].get("schema", {}).get("$ref")
            found[path, method] = (int(status), _name(reference) if reference else None)
    return found


_DESCRIPTIONS = [_read(name) for name in FILES]
DEFINITIONS: Json = {name: schema for each in _DESCRIPTIONS for name, schema in each["definitions"].items()}
RESULTS = {operation: result for each in _DESCRIPTIONS for operation, result in _results(each).items()}


def plain_problems(content: object, definition: str) -> list[str]:
    """Return what the description itself finds wrong with *content*, each problem with its place."""
    schema = {"$ref": f"#/definitions/{definition}", "definitions": DEFINITIONS}
    return [f"{error.json_path}: {error.message}" for error in Draft4Validator(schema).iter_errors(content)]
