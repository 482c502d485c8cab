"""The workflows of `examples/logic-apps`: they ask for what the contract has, and run against an app with keys."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from doubles.hosting import Host
from doubles.logic_apps import ACTIONS, EXPRESSION, PLACEHOLDER, Workflow
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.running_stack import PROJECT, RunningStack

FOLDER = PROJECT / "examples" / "logic-apps"
FILES = sorted(FOLDER.glob("*.json"))
CONTRACT = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
WORDS = re.compile(r"\b[A-Z][A-Z_]+\b")


def texts(told: Any) -> Iterator[str]:
    """Every text of a definition."""
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from texts(each)
    elif isinstance(told, str):
        yield told


def requests(told: Any) -> Iterator[dict[str, Any]]:
    """Each request that a definition sends, the trigger's too."""
    if isinstance(told, dict):
        if told.get("type") == "Http":
            yield told
        for each in told.values():
            yield from requests(each)


def types(actions: dict[str, Any]) -> Iterator[str]:
    for action in actions.values():
        yield action["type"]
        yield from types(action.get("actions", {}))
        yield from types(action.get("else", {}).get("actions", {}))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_asks_for_what_the_contract_has(file: Any) -> None:
    definition = json.loads(file.read_text(encoding="utf-8"))["definition"]
    sent = list(requests(definition))
    assert sent
    for each in sent:
        path = urlsplit(each["inputs"]["uri"].replace("@{parameters('app')}", "")).path.removeprefix("/api")
        operation = CONTRACT["paths"][path][each["inputs"]["method"].lower()]
        known = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        assert set(each["inputs"]["queries"]) - {"code"} <= known, path
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert set(each["inputs"].get("headers", {})) - {"Content-Type"} <= headers, path


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_hides_its_key_and_has_two_words_to_replace(file: Any) -> None:
    workflow = json.loads(file.read_text(encoding="utf-8"))
    definition = workflow["definition"]
    # Not as a default value, which Azure stores as plain text.
    assert definition["parameters"] == {"app": {"type": "String"}, "functionKey": {"type": "SecureString"}}
    assert workflow["parameters"].keys() == definition["parameters"].keys()
    assert workflow["parameters"]["functionKey"] == {"value": "FUNCTION_KEY"}
    words = {word for text in texts(workflow) for word in WORDS.findall(text)}
    assert words - {"GET", "POST"} == {"NAME", "FUNCTION_KEY"}
    for each in requests(definition):
        assert each["inputs"]["queries"]["code"] == "@parameters('functionKey')"
        assert each["runtimeConfiguration"]["secureData"]["properties"] == ["inputs", "outputs"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_is_one_that_is_understood_here(file: Any) -> None:
    definition = json.loads(file.read_text(encoding="utf-8"))["definition"]
    assert set(types(definition["actions"])) <= set(ACTIONS)
    for text in texts(definition):
        for expression in [text] if text.startswith("@") and not text.startswith("@{") else PLACEHOLDER.findall(text):
            assert EXPRESSION.fullmatch(f"@{expression.removeprefix('@')}"), text


def test_the_actions_that_the_page_names_are_those_of_the_connector() -> None:
    connector = json.loads((PROJECT / "docs" / "connector.swagger.json").read_text(encoding="utf-8"))
    operations = [each for path in connector["paths"].values() for each in path.values() if "summary" in each]
    page = (PROJECT / "docs" / "logic-apps.md").read_text(encoding="utf-8")
    section = page.partition("## Which action for what")[2].partition("\n## ")[0]
    named = {name for line in section.splitlines() if line[:1] == "|" for name in re.findall(r"\*([^*]+)\*", line)}
    assert len(named) >= 8
    assert named <= {operation["summary"] for operation in operations}
    [trigger] = [operation for operation in operations if operation["summary"] == "When an image is finished"]
    assert trigger["x-ms-trigger"]
    [security] = connector["securityDefinitions"].values()
    assert (security["in"], security["name"]) == ("query", "code")
    assert "*API key*, with the parameter `code` in the query" in page
    assert connector["host"].endswith(".azurewebsites.net")


@pytest.fixture
def workflow_of(keyed_host: tuple[Host, str]) -> Any:
    host, key = keyed_host
    return lambda name: Workflow.of(FOLDER / f"{name}.json", app=host.url, functionKey=key)


@pytest.mark.e2e
def test_what_is_finished_runs_the_workflow_once(workflow_of: Any, shared_stack: RunningStack) -> None:
    workflow: Workflow = workflow_of("finished-images")
    # Everything that was there before is none of its business.
    assert not workflow.poll()
    shared_stack.upload("logic/blue.png", picture("PNG", colour=(9, 19, 229)))
    shared_stack.upload("logic/stamp.png", picture("PNG", 9, 9))
    shared_stack.upload("logic/sign.jpg", (shared_stack.state / "samples" / "sign.jpg").read_bytes())
    shared_stack.wait_for("logic/blue.png", "logic/stamp.png", "logic/sign.jpg")

    # Other tests have images in the same stack.
    def mine(output: str) -> list[Any]:
        return [each for each in workflow.outputs.get(output, []) if each["name"].startswith("logic/")]

    def told() -> int:
        workflow.poll()
        return len(mine("What_is_seen")) + len(mine("Why_it_failed"))

    wait_until(lambda: told() >= 3, poll_seconds=0.3)
    assert told() == 3
    seen = {each["name"]: each for each in mine("What_is_seen")}
    assert set(seen) == {"logic/blue.png", "logic/sign.jpg"}
    assert seen["logic/blue.png"]["caption"].startswith("a photo")
    assert "blue" in seen["logic/blue.png"]["tags"]
    [failed] = mine("Why_it_failed")
    assert (failed["name"], failed["code"]) == ("logic/stamp.png", "image_too_small")
    assert mine("Its_text") == [{"name": "logic/sign.jpg", "text": "RIVER PARK\nOPEN 8 - 20\n"}]


@pytest.mark.e2e
def test_a_file_is_described_without_a_header_on_the_way(workflow_of: Any) -> None:
    workflow: Workflow = workflow_of("describe-a-file")
    answer = workflow.receive("image/png", picture("PNG", colour=(19, 29, 219)))
    assert answer["caption"].startswith("a photo")
    assert "blue" in answer["tags"]
    # It was handed over, and the end was asked for at the address that was told.
    assert [method for method, _ in workflow.sent] == ["POST", *["GET"] * (len(workflow.sent) - 1)]
    assert len(workflow.sent) >= 2
