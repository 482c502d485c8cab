"""Every annotation on every binding: the local host takes and refuses the same as Microsoft's runtime, in its words."""

from collections.abc import Mapping
from typing import Any

import pytest
from doubles.hosting import blob_trigger, http_return, http_trigger
from doubles.real_runtime_verdicts import Folder, Verdict, function_with, verdicts
from doubles.witness import covered

WITNESS = "azure-functions-runtime-v1 1.2.0"
PLACE = {"path": "c/{rand-guid}"}
BINDINGS: dict[str, dict[str, Any]] = {
    "HttpTrigger": http_trigger(name="x"),
    "BlobTrigger": blob_trigger(name="x"),
    "BlobIn": {"type": "blob", "direction": "in", "name": "x", **PLACE},
    "BlobOut": {"type": "blob", "direction": "out", "name": "x", **PLACE},
    "HttpOut": {"type": "http", "direction": "out", "name": "x"},
}
ANNOTATIONS = [
    "str",
    "bytes",
    "bytearray",
    "int",
    "dict",
    "list",
    "object",
    "None",
    "func.HttpRequest",
    "func.HttpResponse",
    "func.InputStream",
    "func.TimerRequest",
    "func.QueueMessage",
    "func.Context",
    "func.Out",
    "func.Out[str]",
    "func.Out[bytes]",
    "func.Out[int]",
    "func.Out[func.HttpResponse]",
    "func.Out[func.InputStream]",
    "func.Out[typing.List[str]]",
    "func.Out[typing.Optional[str]]",
    "func.Out[str | None]",
    "func.Out[list[str]]",
    "func.Out[typing.Tuple[str]]",
    "func.Out['func.InputStream']",
    "typing.Any",
    "typing.Optional[str]",
    "typing.Union[str, bytes]",
    "str | bytes",
    "list[str]",
    "dict[str, str]",
    "typing.List[str]",
    "typing.List",
    "typing.Mapping[str, str]",
    "typing.Tuple[str]",
    "typing.Callable[[], str]",
    "typing.ClassVar[str]",
    "typing.Literal['x']",
    "typing.IO",
    "typing.BinaryIO",
    "typing.TypeVar('T')",
    "typing.NewType('N', str)",
    "typing.Annotated[str, 1]",
    "'func.InputStream'",
    "'Nowhere'",
    "3",
    "lambda: None",
]


def _parameter(binding: str, annotation: str) -> Folder:
    bound = BINDINGS[binding]
    if bound["type"].endswith("Trigger"):
        return Folder(function_with(f"x: {annotation})"), (bound,))
    return Folder(function_with(f"req, x: {annotation})"), (http_trigger(), bound))


FOLDERS = {
    f"{binding}-{number}": _parameter(binding, annotation)
    for binding in BINDINGS
    for number, annotation in enumerate(ANNOTATIONS)
} | {
    f"{kind}-{number}": Folder(function_with(f"req) -> {annotation}"), bindings)
    for kind, bindings in {"Return": (http_trigger(), http_return()), "NoReturn": (http_trigger(),)}.items()
    for number, annotation in enumerate(ANNOTATIONS)
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    return verdicts(tmp_path_factory.mktemp("annotations") / "app", FOLDERS)


def _described(name: str) -> str:
    kind, _, number = name.partition("-")
    return f"{kind} {ANNOTATIONS[int(number)]}"


@pytest.mark.parametrize("name", FOLDERS, ids=_described)
def test_an_annotation_is_taken_or_refused_as_by_the_runtime(name: str, judged: Mapping[str, Verdict]) -> None:
    verdict = judged[name]
    assert (verdict.local is None) == (verdict.real is None), verdict
    covered(WITNESS, "annotations", _described(name))


def test_refusals_of_annotations_have_the_runtimes_words(judged: Mapping[str, Verdict]) -> None:
    differing = {_described(name): verdict for name, verdict in judged.items() if not _agree(name, verdict)}
    assert differing == {}


def _agree(name: str, verdict: Verdict) -> bool:
    if verdict.real is None or verdict.local is None:
        return verdict.real == verdict.local
    return verdict.local in (verdict.real, f"cannot load the {name} function: {verdict.real}")


def test_the_table_has_both_sound_and_broken_annotations_of_every_kind(judged: Mapping[str, Verdict]) -> None:
    for kind in (*BINDINGS, "Return"):
        outcomes = {verdict.real is None for name, verdict in judged.items() if name.startswith(f"{kind}-")}
        assert outcomes == {True, False}, kind
