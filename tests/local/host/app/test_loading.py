"""Each function folder is loaded or refused as Azure would, and a refused one does not hinder the others."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from doubles.hosting import (
    Host,
    blob_trigger,
    http_return,
    http_trigger,
    queue_trigger,
    running_host,
    write_function,
    write_host_json,
)

HTTP = (http_trigger(), http_return())
OK = """
import azure.functions as func
def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse()
"""


def blob(name: str, direction: str, **properties: Any) -> dict[str, Any]:
    return {"type": "blob", "name": name, "direction": direction, "path": "c/{rand-guid}", **properties}


def body(signature: str, prelude: str = "") -> str:
    return f"import typing\nimport azure.functions as func\n{prelude}\ndef main({signature}:\n    pass\n"


@dataclass(frozen=True)
class Refused:
    reason: str
    bindings: tuple[Mapping[str, Any], ...] = HTTP
    code: str = OK
    config: Mapping[str, Any] = field(default_factory=dict)


REFUSED = {
    "UnderscoreName": Refused(
        "The binding name my_req is invalid", ({**http_trigger(), "name": "my_req"}, http_return())
    ),
    "NoBindings": Refused("At least one binding must be declared.", ()),
    "NoTrigger": Refused("No trigger binding specified.", (http_return(),)),
    "TwoTriggers": Refused("Multiple trigger bindings defined.", (http_trigger(), blob_trigger())),
    "SameNames": Refused(
        "Multiple bindings with name 'req' discovered.", (http_trigger(), {**http_return(), "name": "req"})
    ),
    "NoType": Refused("binding 'req' has no type", ({"name": "req"},)),
    "BadDirection": Refused("direction must be in or out", ({**http_trigger(), "direction": "up"},)),
    "NoScript": Refused("a file that does not exist: nothing.py", config={"scriptFile": "nothing.py"}),
    "NotPython": Refused("invalid Python filename", config={"scriptFile": "function.json"}),
    "OutsideScript": Refused("lies outside of the app", config={"scriptFile": "../../outside.py"}),
    "NoEntry": Refused("function start() is not present in NoEntry/__init__.py", config={"entryPoint": "start"}),
    "NotCallable": Refused("function main() is not present", code="main = 3"),
    "SyntaxProblem": Refused("(SyntaxProblem/__init__.py, line 2)", code="import typing\ndef main(:"),
    "ImportProblem": Refused(
        "ModuleNotFoundError: No module named 'nowhere' (ImportProblem/__init__.py, line 1)", code="import nowhere"
    ),
    "RaisesAtImport": Refused(
        "RuntimeError: no key (RaisesAtImport/__init__.py, line 2)", code="\nraise RuntimeError('no key')"
    ),
    "RaisesInALibrary": Refused(
        "JSONDecodeError: Expecting value: line 1 column 1 (char 0) (RaisesInALibrary/__init__.py, line 2)",
        code="import json\njson.loads('x')",
    ),
    "InOut": Refused('"inout" bindings are not supported', (*HTTP, blob("b", "inout")), body("req, b)")),
    "ReturnIn": Refused(
        '"$return" binding must have direction set to "out"',
        (http_trigger(), blob("$return", "in")),
        body("req)"),
    ),
    "ExtraParameter": Refused(
        "the following parameters are declared in Python but not in function.json: {'name'}", code=body("req, name)")
    ),
    "MissingParameter": Refused(
        "the following parameters are declared in function.json but not in Python: {'req'}", code=body(")")
    ),
    "Keywords": Refused("declared in Python but not in function.json: {'rest'}", code=body("req, **rest)")),
    "WrongContext": Refused(
        'the "context" parameter is expected to be of type azure.functions.Context', code=body("req, context: int)")
    ),
    "OutForIn": Refused(
        'declared to have the "in" direction in function.json, but its annotation is azure.functions.Out',
        (*HTTP, blob("b", "in")),
        body("req, b: func.Out[bytes])"),
    ),
    "InForOut": Refused(
        'declared to have the "out" direction, but its annotation in Python is not a subclass',
        (*HTTP, blob("b", "out")),
        body("req, b: bytes)"),
    ),
    "OptionalStream": Refused(
        "invalid non-type annotation", (blob_trigger(),), body("blob: typing.Optional[func.InputStream])")
    ),
    "UnionType": Refused("invalid non-type annotation int | None", code=body("req: int | None)")),
    "GenericType": Refused("TypeError: issubclass()", code=body("req: typing.List[str])")),
    "WrongAnnotation": Refused(
        'type of req binding in function.json "httpTrigger" does not match its Python annotation "int"',
        code=body("req: int)"),
    ),
    "WrongWithDataType": Refused(
        '\'b\' binding type "blob" and dataType "binary" in function.json do not match',
        (*HTTP, blob("b", "in", dataType="binary")),
        body("req, b: int)"),
    ),
    "WrongReturn": Refused(
        'Python return annotation "dict" does not match binding type "http"', code=body("req) -> dict")
    ),
    "UnknownName": Refused("NameError", code=body("req: 'Nothing')")),
    "CallableObject": Refused(
        "is not a module, class, method, or function",
        code="class Main:\n    def __call__(self, req):\n        pass\nmain = Main()",
    ),
    "ReservedRoute": Refused(
        "conflicts with one or more built in routes", (http_trigger(route="admin/x"), http_return())
    ),
    "SameRouteTwice": Refused(
        "The route specified conflicts with the route defined by function 'Fine'.",
        (http_trigger(route="FINE", methods=["get"]), http_return()),
    ),
    "BadConstraint": Refused("'number' is unknown", (http_trigger(route="x/{id:number}"), http_return())),
    "BadLevel": Refused("authLevel must be one of", (http_trigger(authLevel="user"), http_return())),
    "BadMethods": Refused("methods must be a list", (http_trigger(methods="get"), http_return())),
    "Entity": Refused(
        "this local host does not run durable entities",
        ({"type": "entityTrigger", "direction": "in", "name": "context"},),
    ),
    "Timer": Refused(
        "schedule '01:00:00' must have six fields",
        ({"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "01:00:00"},),
    ),
    "QueueShort": Refused('A queue name must be from 3 to 63 characters long - "q"', (queue_trigger("q"),)),
    "QueueDash": Refused("may not be the first or last letter", (queue_trigger("-work"),)),
    "QueueSign": Refused("can contain only letters, numbers, and dash(-) characters", (queue_trigger("work_items"),)),
    "QueueDashes": Refused("cannot contain consecutive dash(-) characters", (queue_trigger("work--items"),)),
    "QueueNameless": Refused("A queue name can't be null or empty", (queue_trigger(""),)),
    "QueueSetting": Refused("'%MISSING%' does not resolve to a value", (queue_trigger("%MISSING%"),)),
    "QueueAccount": Refused("'Nowhere' does not exist", (queue_trigger("work", connection="Nowhere"),)),
    "QueueOutput": Refused(
        "does not run queue bindings (direction out) yet",
        (*HTTP, {"type": "queue", "direction": "out", "name": "item", "queueName": "work"}),
    ),
    "QueueAnnotation": Refused(
        'type of item binding in function.json "queueTrigger" does not match its Python annotation "int"',
        (queue_trigger("work"),),
        body("item: int)"),
    ),
    "Polling": Refused('Put "source": "EventGrid" into the binding', (blob_trigger(source="LogsAndContainerScan"),)),
    "NoConnection": Refused(
        "Storage account connection string 'Nowhere' does not exist", (blob_trigger(connection="Nowhere"),)
    ),
    "BlobsOnly": Refused("BlobsOnly has no address of the queue service", (blob_trigger(connection="BlobsOnly"),)),
    "NoSetting": Refused("'%MISSING%' does not resolve to a value", (blob_trigger("%MISSING%/{name}"),)),
    "BadPath": Refused("Invalid blob trigger path", (blob_trigger("{container}/x"),)),
    "1Digit": Refused("'1Digit' is not a valid function name"),
    "host": Refused("'host' is not a valid function name"),
}
ACCEPTED = {
    "Fine": (HTTP, OK),
    "Unannotated": (HTTP, "def main(req, context):\n    pass"),
    "OutsNotAnnotated": ((*HTTP, blob("b", "out")), body("req, b)")),
    "OutWithType": ((*HTTP, blob("b", "out")), body("req, b: func.Out[bytes])")),
    "RawBlob": ((blob_trigger(),), body("blob: bytes)")),
    "Asynchronous": (HTTP, "async def main(req):\n    pass"),
    "Identity": ((blob_trigger(connection="WithIdentity"),), body("blob: func.InputStream)")),
    "SettingInPath": ((blob_trigger("%CONTAINER%/{name}"),), body("blob: func.InputStream)")),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    root = tmp_path_factory.mktemp("around") / "app"
    write_host_json(root)
    (root.parent / "outside.py").write_text(OK)
    for name, refused in REFUSED.items():
        write_function(root, name, refused.bindings, refused.code, **refused.config)
    for name, (bindings, code) in ACCEPTED.items():
        write_function(root, name, bindings, code)
    write_function(root, "BrokenAndDisabled", HTTP, "import nowhere")
    (root / "BrokenJson").mkdir()
    (root / "BrokenJson" / "function.json").write_text("{ // comment")
    (root / "NotAFunction").mkdir()
    environment = {
        "ImagesStorage": "UseDevelopmentStorage=true",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "BlobsOnly__blobServiceUri": "https://account.blob.core.windows.net",
        "WithIdentity__accountName": "account",
        "CONTAINER": "images",
        "AzureWebJobs.BrokenAndDisabled.Disabled": "true",
    }
    with running_host(root, root.parent / "state", environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def errors(host: Host) -> Mapping[str, str]:
    status = host.request("GET", "/admin/host/status").json()
    return dict(error.split(": ", 1) for error in status["errors"])


@pytest.mark.parametrize("name", REFUSED)
def test_function_is_refused_with_the_reason(name: str, errors: Mapping[str, str]) -> None:
    assert REFUSED[name].reason in errors[name]


def test_function_json_must_be_plain_json(errors: Mapping[str, str]) -> None:
    assert errors["BrokenJson"].startswith("Unable to parse function.json")


def test_only_broken_functions_that_are_not_disabled_are_errors(errors: Mapping[str, str]) -> None:
    assert set(errors) == {*REFUSED, "BrokenJson"}


def test_sound_functions_are_loaded_in_the_order_of_their_names(host: Host) -> None:
    loaded = [function["name"] for function in host.request("GET", "/admin/functions").json()]
    assert loaded == sorted(ACCEPTED)


def test_sound_function_answers_beside_broken_ones(host: Host) -> None:
    assert host.request("GET", "/api/fine").status == 200


def test_errors_of_loading_are_in_the_table_at_start(host: Host) -> None:
    host.wait_for_log("UnderscoreName")
    assert any("UnderscoreName" in line and "DOES NOT RUN" in line for line in host.log)


def test_status_of_a_function_tells_its_error(host: Host) -> None:
    answer = host.request("GET", "/admin/functions/noentry/status")
    assert "start() is not present" in answer.json()["errors"][0]
    assert host.request("GET", "/admin/functions/Fine/status").json() == {}
    assert host.request("GET", "/admin/functions/Nothing/status").status == 404


IMPORTS = """
import os, sys, pathlib, json
import azure.functions as func
from shared import marker
from ..shared import marker as relative
from __app__.shared import marker as namespaced

def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({
        "name": __name__, "marker": marker.WHERE, "cwd": os.getcwd(), "last": sys.path[-2:],
        "relative_is_another": relative is not marker, "namespaced_is_relative": namespaced is relative,
        "root": os.environ["AzureWebJobsScriptRoot"], "setting": os.environ.get("FROM_FILE"),
        "environment_wins": os.environ.get("FROM_BOTH"), "runtime": os.environ["FUNCTIONS_WORKER_RUNTIME"],
        "function_name": context.function_name, "directory": context.function_directory,
        "invocation_id": context.invocation_id, "local_id": context.thread_local_storage.invocation_id,
        "trace": context.trace_context.trace_parent, "retries": context.retry_context.retry_count,
    }))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Host]]:
    root = tmp_path_factory.mktemp("imports")
    write_host_json(root, functions=["Imports", "Elsewhere", "SingleFile"])
    (root / "shared").mkdir()
    (root / "shared" / "__init__.py").touch()
    (root / "shared" / "marker.py").write_text("WHERE = 'the app'")
    (root / "shared" / "impl.py").write_text(
        "import azure.functions as func\ndef go(req):\n    return func.HttpResponse(__name__)\n"
    )
    write_function(root, "Imports", HTTP, IMPORTS)
    write_function(root, "Elsewhere", HTTP, "", scriptFile="../shared/impl.py", entryPoint="go")
    write_function(root, "NotListed", HTTP, OK)
    write_function(root, "SingleFile", HTTP, "")
    (root / "SingleFile" / "__init__.py").rename(root / "SingleFile" / "only.py")
    (root / "SingleFile" / "only.py").write_text("from shared.impl import go as main")
    settings = {"IsEncrypted": False, "Values": {"FROM_FILE": "file", "FROM_BOTH": "file"}}
    (root / "local.settings.json").write_text(json.dumps(settings))
    with running_host(root, root / "state", environment={"FROM_BOTH": "environment"}) as running:
        yield root, running


def test_modules_and_paths_are_those_of_the_worker(imported: tuple[Path, Host]) -> None:
    root, host = imported
    seen = host.request("GET", "/api/imports").json()
    assert seen["name"] == "__app__.Imports"
    assert seen["marker"] == "the app"
    assert seen["cwd"] == seen["root"] == str(root)
    assert str(root) in seen["last"]
    assert seen["relative_is_another"]
    assert seen["namespaced_is_relative"]


def test_context_tells_about_the_invocation(imported: tuple[Path, Host]) -> None:
    root, host = imported
    seen = host.request("GET", "/api/imports").json()
    assert seen["function_name"] == "Imports"
    assert seen["directory"] == str(root / "Imports")
    assert seen["invocation_id"] == seen["local_id"]
    assert seen["invocation_id"] != host.request("GET", "/api/imports").json()["invocation_id"]
    assert seen["trace"].startswith("00-")
    assert seen["retries"] == 0


def test_local_settings_become_environment_unless_set(imported: tuple[Path, Host]) -> None:
    seen = imported[1].request("GET", "/api/imports").json()
    assert (seen["setting"], seen["environment_wins"], seen["runtime"]) == ("file", "environment", "python")


def test_script_elsewhere_is_imported_by_its_path(imported: tuple[Path, Host]) -> None:
    assert imported[1].request("GET", "/api/elsewhere").text == "__app__.shared.impl"


def test_single_file_needs_no_script_file_member(imported: tuple[Path, Host]) -> None:
    assert imported[1].request("GET", "/api/singlefile").text == "shared.impl"


def test_function_not_listed_in_host_json_is_left_out(imported: tuple[Path, Host]) -> None:
    assert imported[1].request("GET", "/api/notlisted").status == 404
