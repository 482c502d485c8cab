"""The operations about what people say of an image, each by a name in the query and by one in the path."""

from collections.abc import Mapping
from typing import Any

from shared import names
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.members import named
from shared.openapi.operations import Body, Operation, header, json_answer

_TAG = "Corrections"
_BODY = Body("The correction.", {names.JSON: named("CorrectionWanted")})
_ETAG = {"ETag": header("The version of the correction, in quotation marks.")}
# What answers where the correction is read, written or taken back.
_NONE = problems.of(404, "correction_not_found")
_CHANGED = problems.of(412, "correction_changed")
_RECUT = problems.of(503, "busy")


def operations() -> list[Operation]:
    """In the order of the document."""
    return [operation for by_path in (False, True) for operation in _operations(by_path=by_path)]


def _operations(*, by_path: bool) -> list[Operation]:
    path, name = ("/corrections/{name}", given.NAME_IN_PATH) if by_path else ("/corrections", given.NAME)
    suffix = "ByPath" if by_path else ""
    told = " by a name in the path" if by_path else ""
    more = " A name with slashes goes into the query of the other operation." if by_path else ""
    connector: Mapping[str, Any] | None = None if by_path else {}
    correction = json_answer("The correction.", "Correction", _ETAG)

    def operation(
        identifier: str,
        method: str,
        summary: str,
        description: str,
        answer: Json,
        codes: tuple[problems.Codes, ...],
        parameters: tuple[Json, ...] = (),
        body: Body | None = None,
    ) -> Operation:
        return Operation(
            f"{identifier}{suffix}",
            "CorrectionsHttp",
            method,
            path,
            f"{summary}{told}",
            f"{description}{more}",
            _TAG,
            {200: answer},
            (problems.NAME, problems.STORAGE, *codes),
            (name, *parameters),
            body,
            connector=connector,
        )

    return [
        operation(
            "GetCorrection",
            "get",
            "Get correction of an image",
            "Tells what people say of an image, and whether that was of its present version.",
            correction,
            (problems.NO_BODY, _NONE),
        ),
        operation(
            "CorrectImage",
            "put",
            "Correct an image",
            "Says of an image what wins over its analysis: a sentence, a text in its place, tags, a focal point.",
            correction,
            (problems.JSON_BODY, problems.of(409, "name_taken"), _CHANGED, _RECUT),
            (given.IF_MATCH, given.IF_NONE),
            _BODY,
        ),
        operation(
            "DeleteCorrection",
            "delete",
            "Take back the correction of an image",
            "Takes back what people say of an image, so that its analysis is told again.",
            json_answer("It is taken back.", "CorrectionDeleted"),
            (problems.NO_BODY, _NONE, _CHANGED, _RECUT),
            (given.IF_MATCH,),
        ),
    ]
