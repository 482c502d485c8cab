"""The operations that store and delete an image, each by a name in the query and by one in the path."""

from collections.abc import Mapping
from typing import Any

from shared import names
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.members import flag, named, text, thing, word
from shared.openapi.operations import BINARY, Body, Operation, header, json_answer

_TAG = "Images"
_BODY = Body("The bytes of the image; the header `Content-Type` is stored with them.", {names.BYTES: BINARY})
_HEADERS = {
    "ETag": header("The version of the image, in quotation marks."),
    "Location": header("The address to ask until the image is finished. A key of the query stands in it."),
}
_CODES = (
    problems.of(400, "bad_blob_name"),
    problems.of(411, "length_required"),
    problems.WRITING,
    problems.STORAGE,
)
_STORING = (
    problems.of(400, "bad_json", "image_missing", "body_not_an_image"),
    problems.of(409, "image_archived", "name_taken"),
    problems.of(413, "image_too_large"),
)
_DELETING = (problems.of(400, "body_not_expected"), problems.of(404, "image_not_found"))


def operations() -> list[Operation]:
    """In the order of the document."""
    return [operation for by_path in (False, True) for operation in _operations(by_path=by_path)]


def schemas() -> dict[str, Json]:
    """By name."""
    name = text("The image's name in the container `images`.")
    return {
        "ImageStored": thing(
            "An image that was stored.",
            {
                "name": name,
                "state": word(
                    "It is worked on as every upload; of bytes that were there before, nothing is.", ["pending"]
                ),
                "source": named("ImageSource"),
            },
        ),
        "ImageDeleted": thing("An image that was deleted.", {"name": name, "deleted": flag("Always true.")}),
    }


def _operations(*, by_path: bool) -> list[Operation]:
    name = given.NAME_IN_PATH if by_path else given.NAME
    suffix, told = ("ByPath", " by a name in the path") if by_path else ("", "")
    more = " A name with slashes goes into the query of the other operation." if by_path else ""
    connector: Mapping[str, Any] | None = None if by_path else {}
    where = ("ImagesHttp", "/images/{name}" if by_path else "/images")

    def operation(
        identifier: str,
        method: str,
        summary: str,
        description: str,
        answers: Mapping[int, Json],
        codes: tuple[problems.Codes, ...],
        parameters: tuple[Json, ...],
        body: Body | None = None,
    ) -> Operation:
        folder, path = where
        return Operation(
            f"{identifier}{suffix}",
            folder,
            method,
            path,
            f"{summary}{told}",
            f"{description}{more}",
            _TAG,
            answers,
            (*_CODES, *codes),
            (name, *parameters),
            body,
            connector=connector,
        )

    return [
        operation(
            "StoreImage",
            "put",
            "Store an image",
            "Stores an image in the container `images`, as an upload does, where IMAGES_WRITABLE is true.",
            {
                200: json_answer("It took the place of another one.", "ImageStored", _HEADERS),
                201: json_answer("It is stored.", "ImageStored", _HEADERS),
            },
            _STORING,
            (given.IF_IMAGE, given.IF_NO_IMAGE),
            _BODY,
        ),
        operation(
            "DeleteImage",
            "delete",
            "Delete an image",
            "Deletes an image with all its records, where IMAGES_WRITABLE is true.",
            {200: json_answer("It is deleted.", "ImageDeleted")},
            _DELETING,
            (given.IF_IMAGE,),
        ),
    ]
