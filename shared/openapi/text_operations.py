"""The operations about text."""

from shared import names
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.image_operations import IMAGE
from shared.openapi.members import named
from shared.openapi.operations import Operation, answer, asked_again, header, json_answer

_TAG = "Text"
# What a Read has failed with is told by its GET; what waiting can help is waited for.
_FAILED = (
    problems.PICTURE,
    problems.REFUSED,
    problems.READ_FAILED,
    problems.of(409, "name_taken"),
    problems.of(413, "image_too_large"),
    problems.of(400, "image_copy_failed"),
    problems.of(502, "vision_answer_too_large"),
)


def operations() -> list[Operation]:
    """In the order of the document."""
    return [
        Operation(
            "ReadText",
            "OcrHttp",
            "post",
            "/ocr",
            "Read text",
            "Has the text of an image, a PDF or a TIFF read. The text of the same document costs nothing again.",
            _TAG,
            {200: _text(), 202: json_answer("The Read has begun.", "ReadAccepted", asked_again())},
            (problems.BROUGHT, problems.STORAGE, problems.PICTURE, problems.of(410, "ocr_gone")),
            (*given.READ, given.TEXT_FORMAT),
            IMAGE,
            connector={"without": ("format",)},
        ),
        Operation(
            "GetText",
            "OcrHttp",
            "get",
            "/ocr/{id}",
            "Get text",
            "Tells how far a Read is, and then the text.",
            _TAG,
            {200: _text(), 202: json_answer("The Read goes on.", "ReadProgress", asked_again())},
            (problems.READ_UNKNOWN, problems.READ_GONE, problems.STORAGE),
            (given.READ_IDENTIFIER, given.TEXT_FORMAT),
            kept=_FAILED,
            connector={"without": ("format",)},
        ),
        Operation(
            "CancelReading",
            "OcrHttp",
            "delete",
            "/ocr/{id}",
            "Cancel reading",
            "Cancels a Read that is running. A document that Computer Vision has accepted is paid all the same.",
            _TAG,
            {
                200: json_answer("The Read is cancelled.", "ReadCancelled"),
                202: json_answer("The Read is being cancelled.", "ReadCancelled"),
            },
            (problems.READ_UNKNOWN, problems.READ_FINISHED, problems.STORAGE),
            (given.READ_IDENTIFIER,),
        ),
    ]


def _text() -> Json:
    place = {"Content-Location": header("The address of the stored text, without a signature.")}
    return answer("The text.", {names.JSON: named("ReadText"), "text/plain": {"type": "string"}}, place)
