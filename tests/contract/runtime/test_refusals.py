"""
Broken function folders: the local host refuses what Microsoft's runtime refuses, in the same words.

In Azure two programs judge a folder: the host its function.json, the worker its Python. Each table says which side.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from doubles.hosting import blob_trigger, http_return, http_trigger
from doubles.real_runtime_verdicts import HTTP, Folder, Verdict, function_with, verdicts
from doubles.witness import covered

WITNESS = "azure-functions-runtime-v1 1.2.0"
OK = function_with("req: func.HttpRequest) -> func.HttpResponse")
CALLABLE = "class Main:\n    def __call__(self, req):\n        pass\n\nmain = Main()\n"


def blob(name: str, direction: str, **properties: Any) -> dict[str, Any]:
    return {"type": "blob", "name": name, "direction": direction, "path": "c/{rand-guid}", **properties}


SAME_WORDS = {
    "InOut": Folder(function_with("req, b)"), (*HTTP, blob("b", "inout"))),
    "ReturnIn": Folder(function_with("req)"), (http_trigger(), blob("$return", "in"))),
    "ExtraParameter": Folder(function_with("req, name)")),
    "TokenAsParameter": Folder(function_with("blob: func.InputStream, name: str)"), (blob_trigger(),)),
    "MissingParameter": Folder(function_with(")")),
    "AnotherName": Folder(function_with("image: func.InputStream)"), (blob_trigger(name="image2"),)),
    "Keywords": Folder(function_with("req, **rest)")),
    "Positions": Folder(function_with("req, *rest)")),
    "OutForIn": Folder(function_with("req, b: func.Out[bytes])"), (*HTTP, blob("b", "in"))),
    "InForOut": Folder(function_with("req, b: bytes)"), (*HTTP, blob("b", "out"))),
    "BareOut": Folder(function_with("req, b: func.Out)"), (*HTTP, blob("b", "out"))),
    "Optional": Folder(function_with("blob: typing.Optional[func.InputStream])"), (blob_trigger(),)),
    "UnionWithNone": Folder(function_with("blob: func.InputStream | None)"), (blob_trigger(),)),
    "WrongAnnotation": Folder(function_with("req: int)")),
    "DictFromHttp": Folder(function_with("req: func.HttpRequest) -> dict")),
    "BytesFromHttp": Folder(function_with("req: func.HttpRequest) -> bytes")),
    "OutFromHttp": Folder(function_with("req: func.HttpRequest) -> func.Out[str]")),
    "OptionalFromHttp": Folder(function_with("req: func.HttpRequest) -> func.HttpResponse | None")),
    "NoEntry": Folder(OK, config={"entryPoint": "start"}),
    "NumberAsMain": Folder("main = 3\n"),
    "NotPython": Folder(OK, config={"scriptFile": "function.json"}),
}
# The worker's own exception reaches the log as it is; the local host says whose it is: "cannot load the X function: ".
NAMED_LOCALLY = {
    "CallableObject": Folder(CALLABLE),
    "UnknownName": Folder(function_with("req: 'Nothing')")),
    "Instance": Folder("import functools\n\nmain = functools.partial(print)\n__annotations__ = 3\n"),
}
# The worker's message goes on: advice to look at requirements.txt, and its whole sys.path.
ADVICE_FOLLOWS = {
    "ImportProblem": Folder("import nowhere\n"),
    "ImportFrom": Folder("from json import nothing\n"),
}
RAISED_AT_IMPORT = {
    "SyntaxProblem": Folder("def main(:\n"),
    "RaisesAtImport": Folder("raise RuntimeError('no key')\n"),
}
# The runtime of Python 3.13 words these another way than the worker of 3.11 and 3.12, which the local host follows.
OTHER_WORDS = {
    "WrongContext": (Folder(function_with("req, context: int)")), 'the "context" parameter is expected to be of type'),
    "WrongWithDataType": (
        Folder(function_with("req, b: int)"), (*HTTP, blob("b", "in", dataType="binary"))),
        "in function.json do not match the corresponding function parameter's Python type annotation",
    ),
}
# function.json is the host's business: whatever the runtime would say comes too late in Azure.
HOST_SIDE = {
    "Underscore": Folder(function_with("my_req)"), ({**http_trigger(), "name": "my_req"}, http_return())),
    "TwoTriggers": Folder(function_with("req, blob)"), (http_trigger(), blob_trigger())),
    "NoTrigger": Folder(function_with(")"), (http_return(),)),
    "NoBindings": Folder(function_with(")"), ()),
    "SameNames": Folder(function_with("req)"), (http_trigger(), {**http_return(), "name": "req"})),
    "MissingScript": Folder(OK, config={"scriptFile": "nothing.py"}),
    "1Digit": Folder(OK),
    "host": Folder(OK),
    "ReservedRoute": Folder(OK, (http_trigger(route="runtime/x"), http_return())),
}
HOST_WORDS = {
    "Underscore": "The binding name my_req is invalid",
    "TwoTriggers": "Multiple trigger bindings defined",
    "NoTrigger": "No trigger binding specified",
    "NoBindings": "At least one binding must be declared",
    "SameNames": "Multiple bindings with name 'req'",
    "MissingScript": "a file that does not exist: nothing.py",
    "1Digit": "'1Digit' is not a valid function name",
    "host": "'host' is not a valid function name",
    "ReservedRoute": "conflicts with one or more built in routes",
}
ACCEPTED_BY_THE_WORKER_ALONE = set(HOST_SIDE) - {"MissingScript"}
SOUND = {
    "Fine": Folder(OK),
    "Unannotated": Folder(function_with("req, context)")),
    "Context": Folder(function_with("req, context: func.Context)")),
    "Asynchronous": Folder("async def main(req):\n    pass\n"),
    "OutsNotAnnotated": Folder(function_with("req, b)"), (*HTTP, blob("b", "out"))),
    "RawBlob": Folder(function_with("blob: bytes)"), (blob_trigger(),)),
    "Keywordonly": Folder(function_with("*, req)")),
    "Default": Folder(function_with("req=None)")),
    "TextFromHttp": Folder(function_with("req: func.HttpRequest) -> str")),
    "Elsewhere": Folder("", config={"scriptFile": "../Fine/__init__.py"}),
    "ClassAsMain": Folder("class main:\n    def __init__(self, req):\n        pass\n"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    others = {name: folder for name, (folder, _) in OTHER_WORDS.items()}
    tables = (SAME_WORDS, NAMED_LOCALLY, ADVICE_FOLLOWS, RAISED_AT_IMPORT, others, HOST_SIDE, SOUND)
    folders = {name: folder for table in tables for name, folder in table.items()}
    return verdicts(tmp_path_factory.mktemp("refusals") / "app", folders)


@pytest.mark.parametrize("name", SAME_WORDS)
def test_a_broken_folder_is_refused_in_the_runtimes_words(name: str, judged: Mapping[str, Verdict]) -> None:
    assert judged[name].real is not None
    assert judged[name].local == judged[name].real
    covered(WITNESS, "refusals", name)


@pytest.mark.parametrize("name", NAMED_LOCALLY)
def test_an_exception_of_the_check_is_told_with_the_functions_name(name: str, judged: Mapping[str, Verdict]) -> None:
    assert judged[name].real is not None
    assert judged[name].local == f"cannot load the {name} function: {judged[name].real}"
    covered(WITNESS, "refusals", name)


def _place(name: str = "") -> str:
    """Where a script is wrong, as its refusal ends."""
    return f" ({f'{name}/' if name else ''}__init__.py, line 1)"


@pytest.mark.parametrize("name", RAISED_AT_IMPORT)
def test_what_a_script_raises_at_import_is_told_as_it_is(name: str, judged: Mapping[str, Verdict]) -> None:
    assert judged[name].real is not None
    # The worker names a file without its folder, and only where the syntax is wrong.
    assert str(judged[name].local).removesuffix(_place(name)) == str(judged[name].real).removesuffix(_place())
    assert str(judged[name].local).endswith(_place(name))
    covered(WITNESS, "refusals", name)


@pytest.mark.parametrize("name", ADVICE_FOLLOWS)
def test_a_failed_import_is_told_without_the_workers_advice(name: str, judged: Mapping[str, Verdict]) -> None:
    assert str(judged[name].local).endswith(_place(name))
    assert str(judged[name].real).startswith(f"{str(judged[name].local).removesuffix(_place(name))}. Cannot find")
    covered(WITNESS, "refusals", name)


@pytest.mark.parametrize("name", OTHER_WORDS)
def test_a_refusal_worded_otherwise_in_newer_python_is_one_on_both_sides(
    name: str, judged: Mapping[str, Verdict]
) -> None:
    assert OTHER_WORDS[name][1] in str(judged[name].local)
    assert OTHER_WORDS[name][1] in str(judged[name].real)
    covered(WITNESS, "refusals", name)


@pytest.mark.parametrize("name", HOST_SIDE)
def test_a_folder_that_azures_host_refuses_is_refused_before_its_python_is_looked_at(
    name: str, judged: Mapping[str, Verdict]
) -> None:
    assert HOST_WORDS[name] in str(judged[name].local)


@pytest.mark.parametrize("name", sorted(ACCEPTED_BY_THE_WORKER_ALONE))
def test_the_runtime_alone_would_take_what_azures_host_refuses(name: str, judged: Mapping[str, Verdict]) -> None:
    assert judged[name].real is None
    covered(WITNESS, "host-side rules", name)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_folder_loads_on_both_sides(name: str, judged: Mapping[str, Verdict]) -> None:
    assert judged[name] == Verdict(None, None)
    covered(WITNESS, "sound folders", name)
