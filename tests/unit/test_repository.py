"""Rules that no linter knows: what the Functions host and its deployment need of the files."""

import ast
import graphlib
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from shared import names
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("*/function.json"))
FUNCTIONS = tuple(folder.name for folder in FOLDERS)
LOCKS = sorted([ROOT / "requirements.txt", *ROOT.glob("locks/*.txt"), *ROOT.glob("bench/peers/locks/*.txt")])

# What tells the local stack's parts to each other; everything else is at its default.
OF_THE_LOCAL_STACK = {"VISION_ENDPOINT", "VISION_KEY", "ImagesStorage", "AzureWebJobsStorage", "URL_ALLOW"}
# Who may see the page on a developer's machine.
OF_THE_LOCAL_STACK |= {"GALLERY_OPEN", "IMAGES_WRITABLE"}
# The platform's own number depends on the machine.
OF_THE_LOCAL_STACK |= {"PYTHON_THREADPOOL_THREAD_COUNT"}


def bindings(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "function.json").read_text())["bindings"]
    return found


def sources() -> list[Path]:
    """Every Python file of the project, and none of its environment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:  # an archive without git, in which nothing but the project lies
        return [path for path in ROOT.rglob("*.py") if not {".venv", ".venvs", "node_modules"} & set(path.parts)]
    return [path for path in (ROOT / line for line in listed.stdout.splitlines()) if path.exists()]


def requirements(lock: Path) -> list[str]:
    """One requirement a line, its hashes with it."""
    return [line for line in re.sub(r"\s*\\\n\s*", " ", lock.read_text()).splitlines() if line and line[0] != "#"]


def imports_of(*folders: str) -> Iterator[tuple[str, str]]:
    """Each import in the sources of these folders: where it stands, and the package that it names."""
    for path in sources():
        place = path.relative_to(ROOT)
        if place.parts[0] in folders:
            for statement in ast.walk(ast.parse(path.read_text())):
                for name in imported(statement):
                    yield f"{place} imports {name}", name.partition(".")[0]


def imported(statement: ast.AST) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module or "."] if isinstance(statement, ast.ImportFrom) else []


def imported_names(statement: ast.AST) -> list[str]:
    if isinstance(statement, ast.ImportFrom):
        return [f"{statement.module}.{alias.name}" for alias in statement.names]
    return imported(statement)


def test_there_is_no_function_app_file() -> None:
    """With one, the worker takes the app for the v2 model and overlooks every function.json."""
    assert not (ROOT / "function_app.py").exists()


def test_tests_are_no_package() -> None:
    """A package `tests` at the root would be deployed and imported as one."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_is_bound_as_the_host_needs_it(folder: Path) -> None:
    for binding in bindings(folder):
        name = binding["name"]
        # A name with an underscore makes .NET-based hosts fail without a word.
        assert name == "$return" or re.fullmatch(r"[a-z][a-zA-Z0-9]*", name), name
        if binding["type"] == "blobTrigger" or (binding["type"] == "blob" and binding["direction"] == "in"):
            assert binding["dataType"] == "binary", "images would be decoded as text"
        if binding["type"] == "blobTrigger":
            assert binding["source"] == "EventGrid", "Flex Consumption has no polling trigger"
        if binding["type"] == "httpTrigger":
            assert binding["authLevel"] in ("function", "anonymous")
            assert binding["route"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_is_an_adapter_whose_main_takes_its_bindings(folder: Path) -> None:
    text = (folder / "__init__.py").read_text()
    assert len(text.splitlines()) <= 50, "logic belongs into shared/"
    functions = {
        each.name: each for each in ast.parse(text).body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    arguments = {argument.arg for argument in functions["main"].args.args}
    # `context` is the invocation's own, given to whoever names it, unless a trigger is called so.
    assert arguments | {"context"} == {each["name"] for each in bindings(folder)} - {"$return"} | {"context"}


def test_only_the_health_check_the_contract_and_the_page_are_open_to_anybody() -> None:
    anonymous = {
        folder.name for folder in FOLDERS for binding in bindings(folder) if binding.get("authLevel") == "anonymous"
    }
    # The page judges its callers itself: the platform's sign-in does not satisfy a function key.
    assert anonymous == {"GalleryHttp", "HealthHttp", "OpenApiHttp"}


def test_no_two_functions_share_a_route() -> None:
    routes = [
        (binding["route"].partition("/{")[0], method)
        for folder in FOLDERS
        for binding in bindings(folder)
        if binding["type"] == "httpTrigger"
        for method in binding["methods"]
    ]
    assert len(routes) == len(set(routes))


def test_outputs_never_land_in_a_watched_container() -> None:
    """An output that triggered the app would loop for ever, and be paid for each time."""
    paths = {"in": set[str](), "out": set[str]()}
    for folder in FOLDERS:
        for binding in bindings(folder):
            if "path" in binding:
                paths[binding["direction"]].add(binding["path"].partition("/")[0])
    assert paths["in"] == {names.IMAGES}
    assert not paths["in"] & (paths["out"] | set(names.OUTPUTS))


def test_imports_are_absolute() -> None:
    """The worker would load `..shared` as a second copy, with second classes that no `except` recognizes."""
    relative = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path in sources()
        for statement in ast.walk(ast.parse(path.read_text()))
        if isinstance(statement, ast.ImportFrom) and statement.level
    ]
    assert relative == []


def test_types_and_names_are_checked_in_every_function_folder() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    # ruff takes a pattern alike; in folders that it does not reach, the name of a function is no module's.
    assert "[A-Z]*/__init__.py" in tools["ruff"]["lint"]["per-file-ignores"]
    checked = {path for pattern in tools["mypy"]["files"] for path in ROOT.glob(pattern)}
    missed = [folder.name for folder in FOLDERS if folder / "__init__.py" not in checked]
    assert not missed, f"{missed}: begin the name with a capital, by which mypy and ruff find it (pyproject.toml)"


def test_no_module_and_no_package_imports_itself_by_way_of_others() -> None:
    """An import for the type checker alone counts too: neither side can be understood before the other."""
    modules = {}
    for path in sources():
        folder, *rest = path.relative_to(ROOT).with_suffix("").parts
        if folder in ("local", "shared", "bench", "scripts"):
            names = rest if folder == "scripts" else [folder, *rest]
            modules[".".join(names).removesuffix(".__init__")] = ast.parse(path.read_text())
    assert len(modules) > 200
    # By module or package, those beside it in the same package that it needs.
    needs: dict[str, set[str]] = {}
    for name, tree in modules.items():
        for each in (each for statement in ast.walk(tree) for each in imported_names(statement)):
            # Of `from a import b` it is a module `a.b`, or else a name in `a`.
            other = each if each in modules else each.rpartition(".")[0]
            if other in modules and other != name:
                own, others = name.split("."), other.split(".")
                depth = next(at for at, (a, b) in enumerate(zip_longest(own, others), 1) if a != b)
                needs.setdefault(".".join(own[:depth]), set()).add(".".join(others[:depth]))
    graphlib.TopologicalSorter(needs).prepare()


def test_every_package_says_what_lives_there_and_holds_nothing_else() -> None:
    packages = [*ROOT.glob("shared/*/__init__.py"), *ROOT.glob("local/host/*/__init__.py")]
    assert len(packages) > 15
    for package in packages:
        [statement] = ast.parse(package.read_text()).body
        assert isinstance(statement, ast.Expr), f"{package.relative_to(ROOT)}: one docstring and nothing else"
        assert ast.get_docstring(ast.parse(package.read_text())), package


def test_shared_has_few_modules_outside_packages_and_none_is_long() -> None:
    outside = [path.name for path in ROOT.glob("shared/*.py") if path.name != "__init__.py"]
    assert len(outside) <= 10, outside
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources()}
    # The tree of errors is a table.
    long = [name for name, lines in lengths.items() if name.startswith("shared/") and lines > 300]
    assert long == ["shared/errors.py"], "part it by topic"


def test_function_folders_import_shared_and_the_programming_model_alone() -> None:
    allowed = {"shared", "azure", "asyncio", "contextvars", "logging", "concurrent", "functools", "json", "datetime"}
    others = [where for where, package in imports_of(*FUNCTIONS) if package not in allowed]
    assert not others, f"logic belongs into shared/, and what it needs with it: {others}"


def test_neither_the_app_nor_the_local_stack_imports_a_function_folder() -> None:
    """Import-linter knows nothing of them: its contracts would have to name each."""
    upward = [where for where, package in imports_of("shared", "local") if package in FUNCTIONS]
    assert not upward, f"move what is imported into the folder that imports it: {upward}"


def test_the_environment_is_read_by_the_settings_alone() -> None:
    app = [path for path in sources() if path.relative_to(ROOT).parts[0] in ("shared", *FUNCTIONS)]
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in app
        if re.search(r"os\.environ|os\.getenv|\bgetenv\(|import environ", path.read_text())
    }
    assert len(app) > 20
    assert readers == {"shared/settings.py"}


def test_the_body_of_a_request_is_read_in_one_place() -> None:
    """Elsewhere it could be read without the checks that it passes there."""
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if path.relative_to(ROOT).parts[0] in ("shared", *FUNCTIONS)
        if re.search(r"\breq\.(get_body|get_json|form|files)\b", path.read_text())
    }
    assert readers == {"shared/api/bodies.py"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_hashes_and_comes_from_the_index(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for requirement in found:
        assert re.match(r"[a-z0-9._-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement.split()[0]
    for word in ("file:", "--find-links", "--index-url", "--extra-index-url", "git+", "http://"):
        assert word not in lock.read_text()


def test_what_is_deployed_holds_nothing_of_the_local_stack() -> None:
    deployed = {requirement.partition("==")[0] for requirement in requirements(ROOT / "requirements.txt")}
    assert {"azure-functions", "azure-functions-durable", "azure-storage-blob", "requests"} <= deployed
    assert not {"opencv-python-headless", "numpy", "rich", "pytest", "azure-storage-queue"} & deployed


def test_durable_functions_stay_below_2() -> None:
    """Version 2 drops function.json, the programming model of this app."""
    (durable,) = [
        each for each in requirements(ROOT / "requirements.txt") if each.startswith("azure-functions-durable=")
    ]
    assert re.match(r"azure-functions-durable==1\.(\d+)", durable)


def test_the_example_of_local_settings_holds_every_setting() -> None:
    values = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    by_name = {each.metadata["name"]: each.metadata for each in fields(Settings)}
    assert set(values) == {*by_name, "FUNCTIONS_WORKER_RUNTIME"}
    assert Settings.from_env(values)
    for name in set(by_name) - OF_THE_LOCAL_STACK:
        assert values[name] == by_name[name]["default"], name


def test_uploads_have_as_many_threads_as_the_host_hands_out_at_once() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    text = (ROOT / "shared/uploads/on_upload.py").read_text()
    workers = re.search(r"max_workers=(\d+)", text)
    assert workers
    assert int(workers[1]) == host["extensions"]["blobs"]["maxDegreeOfParallelism"]
