"""The documentation says what there is: links lead somewhere, and no route, code or setting is missing."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import COMMANDS
from shared import __version__, errors, names
from shared.api import retention
from shared.gallery import routes as gallery_routes
from shared.settings import described
from shared.vision import error_answers

PROJECT = Path(__file__).resolve().parents[2]
WHERE = ("*.md", "docs/*.md", "bench/*.md", "examples/*.md", "local/[!a]*/**/*.md")
PAGES = sorted(path for pattern in WHERE for path in PROJECT.glob(pattern))
OWN_PAGES = [page for page in PAGES if "local" not in page.relative_to(PROJECT).parts]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SENTENCE_END = re.compile(r"[.!?] [A-Z`\[]")
# Anchors as GitHub makes them: lower case, punctuation away, spaces to hyphens.
NO_ANCHOR = re.compile(r"[^\w\- ]")


def text_of(page: str) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {NO_ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and anchor not in anchors(file):
            yield f"{target}: there is no such heading"


def rows(page: str) -> dict[str, list[str]]:
    """The rows of all tables of the page whose first cell is code, by that code."""
    lines = [line.strip() for line in text_of(page).splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def stray_rows(text: str) -> list[str]:
    """The first row of everything that looks like a table and has no line of dashes under its header."""
    stray = []
    for table in re.findall(r"(?:^ *\|.*\n?)+", CODE_BLOCK.sub("", text), re.MULTILINE):
        header, *others = table.splitlines()
        dashes = others[0] if others else ""
        if not re.fullmatch(r" *\|(?: *:?-+:? *\|)+", dashes) or header.count("|") != dashes.count("|"):
            stray.append(header)
    return stray


def error_classes(of: type[errors.BlobsightError] = errors.BlobsightError) -> Iterator[type[errors.BlobsightError]]:
    yield of
    for kind in of.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from error_classes(kind)


def raised_codes() -> set[str]:
    """Every code of the error tree, and every one given to an error where it is raised."""
    codes = {kind.code for kind in error_classes()} | set(error_answers._IMAGE_CODES.values())
    for path in [*PROJECT.glob("shared/**/*.py"), *PROJECT.glob("[A-Z]*/__init__.py")]:
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        for keyword in (keyword for call in calls for keyword in call.keywords if keyword.arg == "code"):
            if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                codes.add(keyword.value.value)
    return codes


def routes() -> list[str]:
    """Every route of the contract. Those of the page are its own, with its own table in docs/gallery.md."""
    found = []
    for path in sorted(PROJECT.glob("*/function.json")):
        if path.parent.name == "GalleryHttp":
            continue
        for binding in json.loads(path.read_text())["bindings"]:
            if binding["type"] == "httpTrigger":
                route = binding["route"].replace("{*", "{")
                found += [f"{method.upper()} /api/{route}" for method in binding["methods"]]
    return found


def leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_every_page_of_the_documentation_can_be_reached_from_the_readme() -> None:
    linked = set(LINK.findall(text_of("README.md")))
    assert {f"docs/{page.name}" for page in PROJECT.glob("docs/*.md")} <= linked


def test_every_route_is_documented_with_its_method() -> None:
    documented = set(re.findall(r"`((?:GET|HEAD|POST|PUT|DELETE) /api/[^`]*)`", text_of("docs/http-api.md")))
    documented |= {heading.removeprefix("## ") for heading in text_of("docs/http-api.md").splitlines()}
    assert routes()
    missed = [route for route in routes() if route not in documented]
    assert not missed, f"describe in docs/http-api.md, each below a heading of these words: {missed}"


def test_every_data_route_of_the_page_is_documented_with_those_who_may_use_it() -> None:
    told = re.findall(r"^\| `([A-Z]+) ([a-z]+)(?:\?[^`]*)?` \| ([a-z]+) \|", text_of("docs/gallery.md"), re.MULTILINE)
    assert sorted(told) == sorted((*key, route.role or "everyone") for key, route in gallery_routes.ROUTES.items())


def test_states_have_the_words_of_the_json_in_the_documentation() -> None:
    """An image is complete, failed, deferred or pending; a step or a Read is done or running, among others."""
    other_word = re.compile(
        r"\b(?:images?|steps?|Reads?|uploads?)\b[^.,;|:`]{0,40}\b(?:finished|settled|under way|not done yet)\b"
    )
    assert other_word.search("of the Reads that are under way")
    # The trigger has the name that makers of workflows look for.
    texts = {page.name: page.read_text(encoding="utf-8").replace("When an image is finished", "") for page in OWN_PAGES}
    found = {page: other_word.findall(text) for page, text in texts.items()}
    assert {page: words for page, words in found.items() if words} == {}


def test_every_state_in_an_example_is_one_that_its_route_documents() -> None:
    words = {"complete", "failed", "deferred", "pending", "done", "running", "none", "cancelling", "cancelled", "ended"}
    text = text_of("docs/http-api.md")
    shown = set(re.findall(r'"state": "(\w+)"', text))
    assert {"complete", "done", "running"} <= shown <= words
    assert all(f"`{word}`" in text or f'`"{word}"`' in text or f'`"state": "{word}"`' in text for word in words)


def test_the_newest_version_of_the_changelog_is_that_of_the_project_and_of_the_app() -> None:
    headings = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    newest = headings[1].partition("]")[0].removeprefix("[")
    assert newest == __version__ == tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert f'{{"status": "up", "version": "{newest}"}}' in text_of("docs/http-api.md")


def test_every_code_that_can_be_raised_is_documented_and_no_other() -> None:
    documented = {code for code, cells in rows("docs/errors.md").items() if len(cells) == 4}
    assert documented == raised_codes()


def test_the_warning_of_health_is_documented_with_its_cure() -> None:
    assert "doctor" in text_of("docs/errors.md")
    assert f"(troubleshooting.md#{retention.CODE})" in rows("docs/errors.md")[retention.CODE][-1]


def test_status_and_transience_of_each_error_class_are_as_documented() -> None:
    table = rows("docs/errors.md")
    for kind in error_classes():
        status, transient, *_ = table[kind.code]
        assert str(kind.status) in status.split(" or "), kind.code
        assert transient == ("yes" if kind.transient else "no"), kind.code


def test_every_setting_is_documented_with_its_help_default_and_secrecy() -> None:
    defaults = {None: "required", "": "empty"}
    table = rows("docs/settings.md")
    for setting in described():
        what, default, _, secret = table[setting["name"]]
        shown = defaults.get(setting["default"], f"`{setting['default']}`")
        expected = (setting["help"], shown, "yes" if setting["secret"] else "no")
        assert (what, default, secret) == expected, setting["name"]


def test_every_value_of_host_json_is_documented_with_a_reason() -> None:
    table = rows("docs/settings.md")
    for path, value in leaves(json.loads(text_of("host.json"))):
        shown, reason = table[path]
        assert shown == f"`{value}`", path
        assert reason, path


def test_every_make_target_and_local_command_that_a_page_names_exists() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    # In code only: elsewhere "make" is a word.
    assert {"start", "demo", "test"} <= set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= targets
    assert {"start", "add", "doctor"} <= set(re.findall(r"python -m local ([a-z]+)", text)) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_row_belongs_to_a_table_with_a_header(page: Path) -> None:
    """An empty line in the middle cuts a table, and the rest of it is shown as it is written."""
    assert stray_rows(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("| a | b |\n|---|:-:|\n| 1 | 2 |\n", []),
        ("| a |\n|---|\n| 1 |\n\n| 2 |\n| 3 |\n", ["| 2 |"]),
        ("| a | b |\n| 1 | 2 |\n", ["| a | b |"]),
        ("text\n| a |\n", ["| a |"]),
        ("| a | b |\n|---|\n", ["| a | b |"]),
        ("```\n| a |\n```\n", []),
    ],
)
def test_a_cut_table_is_noticed(text: str, stray: list[str]) -> None:
    assert stray_rows(text) == stray


def test_markdown_has_no_trace_of_the_machine_it_was_written_on() -> None:
    assert [page.name for page in PAGES if re.search(r"/work/|/tmp/|/root/", page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", OWN_PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_no_line_of_text_has_more_than_one_sentence(page: Path) -> None:
    lines = CODE_BLOCK.sub("", page.read_text(encoding="utf-8")).splitlines()
    text = [re.sub(r"^\s*(- |\d+\. )", "", line) for line in lines if not line.startswith(("|", "#"))]
    assert [line for line in text if SENTENCE_END.search(line)] == []


def test_every_parameter_of_the_deployment_is_described_with_its_default() -> None:
    values = json.loads(text_of("infra/main.parameters.json"))["parameters"].values()
    defaults = dict(re.findall(r"\$\{(BLOBSIGHT_\w+)=(.*)\}", "\n".join(each["value"] for each in values)))
    told = {name: row for name, row in rows("docs/deploying.md").items() if name.startswith("BLOBSIGHT_")}
    for name, (_, default, *_) in told.items():
        assert default.startswith(f"`{defaults[name]}`" if defaults[name] else "empty"), name
    [line] = [line for line in text_of("docs/deploying.md").splitlines() if line.startswith("Three more are set")]
    assert defaults.keys() - told.keys() == set(re.findall(r"`(BLOBSIGHT_\w+)`", line))


@pytest.mark.parametrize(
    "words",
    [
        "ResourceKindRequireAcceptTerms",
        "CanNotCreateMultipleFreeAccounts",
        "FlagMustBeSetForRestore",
        "InaccessibleStorageException",
        "Microsoft.Authorization/roleAssignments/write",
        "UnmatchedPrincipalType",
        "51021",
        "ServiceAssociationLink",
        "LocationNotAvailableForResourceType",
        "Start date of budgets cannot be updated",
        "The specified container does not exist",
        "ModuleNotFoundError",
        "python_mismatch",
        "settings_invalid",
        "Webhook validation handshake failed",
        "Destination endpoint not found",
        "The records of the deleted sample stay",
        "blobs_extension",
        "Failed to resolve table or column",
    ],
)
def test_what_azure_says_when_a_deployment_fails_has_its_cause_and_its_cure(words: str) -> None:
    _, _, section = text_of("docs/troubleshooting.md").partition("\n## Azure says\n")
    table = [line.strip("| ").split(" | ") for line in section.partition("\n## ")[0].splitlines() if line[:1] == "|"]
    assert any(words in message and cause and cure for message, cause, cure in table[2:])


def test_the_readme_says_what_a_thousand_images_cost_as_the_page_on_deploying_does() -> None:
    [dollars] = re.findall(r"1,000 images at the default settings.*\| (\d\.\d\d) at most", text_of("docs/deploying.md"))
    assert f"A thousand images cost {dollars} dollars at most" in text_of("README.md")


def test_the_page_on_privacy_names_every_container_and_queue_that_keeps_something() -> None:
    infra = "".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("infra/*.bicep"))
    queue = json.loads(text_of("RescueUpload/function.json"))["bindings"][0]["queueName"]
    # Containers and queues that have their names from the templates, beside those of the app.
    deployed = set(re.findall(r"parent: (?:blobs|queues)\n  name: '([\w-]+)'", infra))
    assert {"app-package", queue} < deployed
    told = set(re.findall(r"`([\w-]+)`", text_of("docs/privacy.md")))
    assert {names.IMAGES, *names.OUTPUTS, *deployed} - told == set()


# What changes a blob, by the last two names of a call; `_blobs`, `host` and `images` are accounts.
CHANGES = {
    (account, change)
    for account in ("blobs", "_blobs", "host", "_host", "images", "_images")
    for change in ("write", "delete", "kept")
}
CHANGES |= {("_host", "append"), ("flat", "write"), ("flat", "mark"), ("base", "save"), ("base", "write")}
CHANGES |= {("record_store", name) for name in ("make", "write", "update_etag", "delete_outdated")}
CHANGES |= {("unfinished", name) for name in ("note", "rewrite", "clear")}
CHANGES |= {("corrections", "write"), ("corrections", "delete")}
CHANGES |= {("owners", "note"), ("owners", "note_bytes"), ("owners", "delete"), ("marks", "note")}
CHANGES |= {("deletion", "forget"), ("deletion", "disown"), ("directories", "delete")}


def changes_blobs(module: Path) -> bool:
    """Whether the module itself has a call that writes or deletes a blob."""
    for call in (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)):
        names_of_call = ast.unparse(call.func).split(".")
        if tuple(names_of_call[-2:]) in CHANGES:
            return True
    return False


def test_the_records_page_names_every_module_that_writes_or_deletes() -> None:
    page = (PROJECT / "docs" / "records.md").read_text()
    section = page.partition("### Who writes and who deletes")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+/[a-z_]+\.py)`", section))
    found = {
        path.relative_to(PROJECT / "shared").as_posix()
        for path in PROJECT.glob("shared/**/*.py")
        if path.parent.name != "storage" and changes_blobs(path)
    }
    assert "records/unfinished.py" in found
    assert found == named, "docs/records.md, Who writes and who deletes"
