"""The operations about one picture: analyses, sentences, domain-specific models, thumbnails."""

from collections.abc import Mapping

from shared import names
from shared.api.preferences import RESPOND_ASYNC
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.members import named
from shared.openapi.operations import BINARY, Body, Operation, answer, asked_again, header, json_answer

IMAGE = Body(
    "The image: its bytes, or JSON with the name of an uploaded image or an address.",
    {names.BYTES: BINARY, names.JSON: named("ImageReference")},
)
ASKED = (problems.BROUGHT, problems.STORAGE, problems.PICTURE, problems.VISION)
_TAG = "Images"
_THUMBNAIL_CODES = (problems.STORAGE, problems.PICTURE, problems.VISION, problems.RECORD)


# A flow waits for two minutes at most, and follows an address for as long as it takes.
ASYNC: Mapping[str, object] = {"fixed": {"Prefer": RESPOND_ASYNC}}


def operations() -> list[Operation]:
    """In the order of the document."""
    return [*_questions(), *_domains(), *_thumbnails(), *_operations()]


def _applied(required: bool) -> Json:
    return header("The preference of the request that was followed.", required=required, enum=[RESPOND_ASYNC])


def _handed_over() -> Json:
    headers = {**asked_again(), "Preference-Applied": _applied(True)}
    return json_answer("The question is asked, as an operation.", "OperationAccepted", headers)


def _questions() -> list[Operation]:
    return [
        Operation(
            "AnalyzeImage",
            "AnalyzeHttp",
            "post",
            "/analyze",
            "Analyze image",
            "Asks Computer Vision for features of an image. The same question about the same bytes is paid once.",
            _TAG,
            {200: json_answer("Computer Vision's answer.", "ImageAnalysis"), 202: _handed_over()},
            (*ASKED, problems.APPROVAL),
            (given.VISUAL_FEATURES, given.VISION_DETAILS, given.LANGUAGE, given.EXCLUDE, given.MODEL, given.PREFER),
            IMAGE,
            connector=ASYNC,
        ),
        Operation(
            "DescribeImage",
            "DescribeHttp",
            "post",
            "/describe",
            "Describe image",
            "Asks Computer Vision for sentences that describe an image, best first.",
            _TAG,
            {200: json_answer("Computer Vision's answer.", "ImageDescriptionAnswer"), 202: _handed_over()},
            (*ASKED, problems.APPROVAL),
            (given.CANDIDATES, given.LANGUAGE, given.EXCLUDE, given.MODEL, given.PREFER),
            IMAGE,
            connector=ASYNC,
        ),
    ]


def _domains() -> list[Operation]:
    return [
        Operation(
            "ListDomainModels",
            "DomainsHttp",
            "get",
            "/domains",
            "List domain models",
            "Lists the domain-specific models of Computer Vision.",
            _TAG,
            {200: json_answer("The models.", "DomainModels")},
            (problems.OUTAGE, problems.of(503, "turn_too_late"), problems.of(400, "vision_refused")),
            (given.UNUSED_LANGUAGE, given.UNUSED_MODEL),
        ),
        Operation(
            "AnalyzeDomain",
            "DomainsHttp",
            "post",
            "/domains/{model}",
            "Find landmarks or celebrities",
            "Asks a domain-specific model of Computer Vision about an image.",
            _TAG,
            {200: json_answer("Computer Vision's answer.", "DomainAnswer"), 202: _handed_over()},
            (*ASKED, problems.APPROVAL),
            (given.DOMAIN, given.LANGUAGE, given.MODEL, given.PREFER),
            IMAGE,
            connector=ASYNC,
        ),
    ]


def _picture_headers() -> dict[str, Json]:
    return {
        "ETag": header("The version of the stored thumbnail, in quotation marks."),
        "Content-Location": header("The address of the stored thumbnail, without a signature."),
        "Cache-Control": header("How long a private cache may keep it."),
    }


def _picture_answers(*, has_body: bool = True, unchanged: bool = True) -> Mapping[int, Json]:
    formats = {kind: BINARY for kind, _ in names.FORMATS.values()} if has_body else None
    pending = {names.JSON: named("ThumbnailPending")} if has_body else None
    found = {
        200: answer("The thumbnail.", formats, _picture_headers()),
        202: answer(
            "It is being made.",
            pending,
            {**asked_again(), **({"Preference-Applied": _applied(False)} if has_body else {})},
        ),
    }
    if unchanged:
        found[304] = answer("The caller has this thumbnail already.", None, _picture_headers())
    return found


def _stored_thumbnail(name: str, method: str, path: str, summary: str, *, by_path: bool) -> Operation:
    is_head = method == "head"
    return Operation(
        name,
        "ThumbnailHttp",
        method,
        path,
        summary,
        "Gives a thumbnail of an uploaded image. It is made once, and served from storage from then on."
        + (" The answer has headers alone." if is_head else "")
        + (" A name with slashes goes into the query of the other operation." if by_path else ""),
        _TAG,
        _picture_answers(has_body=not is_head),
        (problems.NAME, problems.UPLOADED, problems.of(413, "image_too_large"), *_THUMBNAIL_CODES),
        (
            given.NAME_IN_PATH if by_path else given.NAME,
            *given.THUMBNAIL,
            given.IF_NONE_MATCH,
            *(() if is_head else (given.PREFER,)),
        ),
        connector=None if by_path else {"x-ms-visibility": "internal"} if is_head else ASYNC,
    )


def _thumbnails() -> list[Operation]:
    return [
        _stored_thumbnail("GetThumbnail", "get", "/thumbnail", "Get thumbnail of an uploaded image", by_path=False),
        _stored_thumbnail("HeadThumbnail", "head", "/thumbnail", "Look at the headers of a thumbnail", by_path=False),
        Operation(
            "MakeThumbnail",
            "ThumbnailHttp",
            "post",
            "/thumbnail",
            "Make thumbnail",
            "Makes a thumbnail of any image, and stores it.",
            _TAG,
            _picture_answers(unchanged=False),
            (problems.BROUGHT, *_THUMBNAIL_CODES),
            (*given.THUMBNAIL, given.PREFER),
            IMAGE,
            connector=ASYNC,
        ),
        _stored_thumbnail(
            "GetThumbnailByPath", "get", "/thumbnail/{name}", "Get thumbnail by a name in the path", by_path=True
        ),
        _stored_thumbnail(
            "HeadThumbnailByPath",
            "head",
            "/thumbnail/{name}",
            "Look at headers by a name in the path",
            by_path=True,
        ),
    ]


def _operations() -> list[Operation]:
    """What was handed over ends with what the request would have been answered, or refused, with."""
    content = {names.JSON: named("OperationAnswer"), **{kind: BINARY for kind, _ in names.FORMATS.values()}}
    stored = {name: {**each, "required": False} for name, each in _picture_headers().items()}
    refused = (problems.NAME, problems.UPLOADED, problems.of(413, "image_too_large"), problems.APPROVAL)
    return [
        Operation(
            "GetOperation",
            "OperationsHttp",
            "get",
            "/operations/{id}",
            "Get the answer of an operation",
            "Tells how far an operation is, and then what its request would have been answered with.",
            _TAG,
            {
                200: answer("The answer of the request: JSON, or a thumbnail.", content, stored),
                202: json_answer("The operation goes on.", "OperationProgress", asked_again()),
            },
            (problems.OPERATION, problems.STORAGE),
            (given.OPERATION,),
            kept=(*refused, *_THUMBNAIL_CODES),
        )
    ]
