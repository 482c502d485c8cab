"""The files to paste into Azure AI Search: every path in them is there in what the app answers and writes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from doubles.http_routes import ROUTES
from doubles.index_lines import line
from doubles.parts import parts
from doubles.pictures import picture

from shared import names
from shared.images import ImageBytes
from shared.index.entry import Entry
from shared.records import analysis
from shared.records.versions import Source
from shared.search import flat
from shared.settings import Settings
from shared.skills import outputs, record_images, request

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "search"
FILES: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SETS = ("", "embedded-", "records-", "flat-")
DATE = "2026-11-24T04:33:56+00:00"
PLACEHOLDERS = {"SUBSCRIPTION", "GROUP", "ACCOUNT", "APP", "FUNCTIONKEY", "CONTAINER"}
SKILLS = [skill for name in ("skillset", "embedded-skillset") for skill in FILES[name]["skills"]]
# What the app may be asked for by the paths of these properties of a blob, which Azure AI Search fills in.
OF_A_BLOB = {"metadata_storage_path", "metadata_storage_name"}


def answer() -> dict[str, Any]:
    """An answer of Computer Vision with all that the files take of one."""
    return {
        "description": {"tags": ["cup"], "captions": [{"text": "a cup", "confidence": 0.5}]},
        "tags": [{"name": "cup", "confidence": 0.9}],
        "objects": [{"object": "cup", "confidence": 0.9, "rectangle": {"x": 1, "y": 2, "w": 3, "h": 4}}],
    }


def output_of(skill: str) -> dict[str, Any]:
    if skill == "read":
        return outputs.read({"text": "a", "request": {}, "analyzeResult": {"readResults": []}})
    return outputs.described(answer()) if skill == "describe" else outputs.analyzed(answer(), ["Objects"], [])


def skill_of(definition: dict[str, Any]) -> str:
    found = re.fullmatch(r"https://APP\.azurewebsites\.net/api/skills/(\w+)\?timeoutSeconds=230", definition["uri"])
    assert found, definition["uri"]
    return found[1]


def fields_of(index: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in index["fields"]}


def test_there_are_the_four_sets_and_nothing_else() -> None:
    expected = {f"{each}{part}" for each in SETS for part in ("data-source", "index", "indexer")}
    assert set(FILES) == {*expected, "skillset", "embedded-skillset"}


@pytest.mark.parametrize("name", FILES)
def test_what_is_to_be_replaced_stands_in_capitals(name: str) -> None:
    # Type names, periods of time and the like are none.
    text = (FOLDER / f"{name}.json").read_text()
    words = set(re.findall(r"\b[A-Z]{3,}\b", re.sub(r'"(httpMethod|timeout|interval)": "\w+"', "", text)))
    assert words <= PLACEHOLDERS


@pytest.mark.parametrize("kind", SETS)
def test_the_files_of_a_set_name_each_other(kind: str) -> None:
    indexer = FILES[f"{kind}indexer"]
    assert indexer["dataSourceName"] == FILES[f"{kind}data-source"]["name"]
    assert indexer["targetIndexName"] == FILES[f"{kind}index"]["name"]
    assert indexer.get("skillsetName") == FILES.get(f"{kind}skillset", {}).get("name")
    assert indexer["parameters"]["maxFailedItems"] == -1
    assert FILES[f"{kind}data-source"]["dataDeletionDetectionPolicy"]


def test_the_containers_are_those_of_the_app() -> None:
    found = [FILES[f"{kind}data-source"]["container"]["name"] for kind in SETS]
    assert found == [names.IMAGES, "CONTAINER", names.ANALYSIS, names.SEARCH]


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: str(skill["name"]))
def test_a_skill_is_called_as_the_app_wants_it(skill: dict[str, Any]) -> None:
    assert skill_of(skill) in request.SKILLS
    assert any(route.path == "skills/{skill}" and route.method == skill["httpMethod"] for route in ROUTES)
    assert (skill["timeout"], skill["batchSize"], skill["degreeOfParallelism"]) == ("PT230S", 4, 5)
    assert skill["httpHeaders"] == {"x-functions-key": "FUNCTIONKEY"}
    (given,) = skill["inputs"]
    assert given["name"] in record_images.INPUTS
    assert given["source"] in ("/document/metadata_storage_path", "/document/normalized_images/*")
    assert {each["name"] for each in skill["outputs"]} <= output_of(skill_of(skill)).keys()


@pytest.mark.parametrize("kind", SETS)
def test_every_mapping_leads_from_what_is_there_to_a_field_of_its_kind(kind: str) -> None:
    fields, indexer = fields_of(FILES[f"{kind}index"]), FILES[f"{kind}indexer"]
    mapped = set()
    for mapping in [*indexer["fieldMappings"], *indexer.get("outputFieldMappings", [])]:
        value = value_at(kind, mapping["sourceFieldName"])
        assert fits(value, fields[mapping["targetFieldName"]]), mapping
        mapped.add(mapping["targetFieldName"])
    # `content` is mapped by its name.
    assert mapped | {"content"} >= fields.keys()


def value_at(kind: str, source: str) -> Any:
    """The value that a source path has, of a real record or a real answer."""
    if source in OF_A_BLOB:
        return "a text"
    if kind in ("records-", "flat-"):
        value: Any = record() if kind == "records-" else flat_record()
        for part in source.strip("/").split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value
    for skill in FILES[f"{kind}skillset"]["skills"]:
        for output in skill["outputs"]:
            place = f"{skill['context']}/{output['targetName']}"
            if source == place or source.startswith(f"{place}/*"):
                value = output_of(skill_of(skill))[output["name"]]
                member = source.removeprefix(place).removeprefix("/*").removeprefix("/")
                value = [each[member] for each in value] if member else value
                return [value] if "*" in source and not isinstance(value, list) else value
    raise AssertionError(f"no skill makes {source}")


def fits(value: Any, field: dict[str, Any]) -> bool:
    kind = field["type"]
    if kind.startswith("Collection("):
        inner = {**field, "type": kind.removeprefix("Collection(").removesuffix(")")}
        return isinstance(value, list) and bool(value) and all(fits(each, inner) for each in value)
    # None is complex: an output field mapping does not lead there
    # (learn.microsoft.com/azure/search/cognitive-search-output-field-mapping).
    kinds = {"Edm.String": str, "Edm.Int32": int, "Edm.Double": float, "Edm.DateTimeOffset": str}
    kinds |= {"Edm.Boolean": bool, "Edm.Int64": int}
    return isinstance(value, kinds[kind])


def record() -> dict[str, Any]:
    """An analysis record, as an upload leaves it."""
    app = parts()
    source = Source("a.jpg", "1", ImageBytes(picture()))
    settings: Settings = app.services.settings
    found = app.services.answers.ask(analysis.question(settings), source.image)
    document: dict[str, Any] = json.loads(analysis.document(source, found, settings, app.clock))
    return document


def flat_record() -> dict[str, Any]:
    """A flat record, as a fold leaves it, with a text."""
    app = parts(SEARCH_RECORDS="true")
    entry = Entry("a/b.jpg")
    entry.apply(
        line(
            "a/b.jpg",
            1.0,
            image={"bytes": 3, "kind": "jpeg", "width": 4, "height": 3, "uploaded": DATE, "taken": DATE},
            analysis={"caption": "a cup", "tags": ["cup"]},
            correction={"alt": "our cup"},
            **{"thumbnail:200x150-smart.jpg": {"look": "0123456789abcdef", "colour": "red"}},
        )
    )
    flat.write(app.services.images, entry, app.services.settings)
    (stored,) = app.images.contents(names.SEARCH).values()
    document: dict[str, Any] = json.loads(stored)
    return document


def test_the_mark_of_a_deleted_image_is_the_one_that_the_app_sets() -> None:
    policy = FILES["flat-data-source"]["dataDeletionDetectionPolicy"]
    app = parts()
    flat.mark(app.services.images, Entry("a.jpg"))
    info = app.images.head(names.SEARCH, "a.jpg.json")
    assert info
    assert info.metadata == {policy["softDeleteColumnName"]: policy["softDeleteMarkerValue"]}


def test_a_field_that_can_be_long_is_searched_only() -> None:
    """Azure AI Search refuses a document with more than 32,766 bytes in a field that is filterable or the like."""
    for name in ("text", "caption", "alt"):
        field = fields_of(FILES["flat-index"])[name]
        assert not {"filterable", "sortable", "facetable"} & field.keys()
