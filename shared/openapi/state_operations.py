"""The operations about states of images and unfinished steps, the health check and the contract itself."""

from shared import names
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.members import named
from shared.openapi.operations import Body, Operation, asked_again, header, json_answer

_STATES, _UNFINISHED, _APP = "States", "Unfinished", "App"


def operations() -> list[Operation]:
    """In the order of the document."""
    return [*_images(), *_unfinished(), *_app()]


def _images() -> list[Operation]:
    codes = (problems.NAME, problems.STORAGE)
    after_since = asked_again("The address to ask next, where `since` was sent.", required=False)
    state = {
        200: json_answer("The state of the image.", "ImageState"),
        202: json_answer("The state of an image that is worked on, where `wait` is true.", "ImageState", asked_again()),
    }
    return [
        Operation(
            "ListImages",
            "ImagesHttp",
            "get",
            "/images",
            "List images",
            "Lists the uploaded images with their states, page by page; or tells their counts.",
            _STATES,
            {200: json_answer("One page of images.", "ImageList", after_since), 202: _nothing_new()},
            (problems.STORAGE,),
            (given.LIMIT, given.PREFIX, given.STATE, given.CONTINUATION, given.SINCE, given.SUMMARY),
            connector=None,
        ),
        Operation(
            "WhenAnImageIsFinished",
            "ImagesHttp",
            "get",
            "/images",
            "When an image is finished",
            "Starts a flow with images that have become complete or failed. Each is told once.",
            _STATES,
            {200: json_answer("Images with new results.", "ImagesWithResults", asked_again()), 202: _nothing_new()},
            (problems.STORAGE,),
            (given.SINCE, given.LIMIT),
            connector={
                "fixed": {"since": "now"},
                "x-ms-trigger": "batch",
                "x-ms-trigger-hint": "To see it work now, upload an image into the container images.",
                "x-ms-trigger-metadata": {"kind": "query", "mode": "polling"},
                "x-ms-visibility": "important",
            },
            contract=False,
        ),
        Operation(
            "GetImage",
            "ImagesHttp",
            "get",
            "/images/",
            "Get state of an image",
            "Tells how far one image is. The slash at the end sets it apart from the list; the app does without.",
            _STATES,
            state,
            codes,
            (given.NAME, given.WAIT, given.EXPLAIN),
        ),
        Operation(
            "GetImageByPath",
            "ImagesHttp",
            "get",
            "/images/{name}",
            "Get state of an image by a name in the path",
            "Tells how far one image is. A name with slashes goes into the query of the other operation.",
            _STATES,
            state,
            codes,
            (given.NAME_IN_PATH, given.WAIT, given.EXPLAIN),
            connector=None,
        ),
    ]


def _nothing_new() -> Json:
    return json_answer("There are no new results since then.", "ImagesWithResults", asked_again())


def _unfinished() -> list[Operation]:
    of_one = asked_again("The address of the image's state, where `name` was sent.", required=False)
    retry = Body("The steps to try again.", {names.JSON: named("Retry")})
    return [
        Operation(
            "ListUnfinished",
            "UnfinishedHttp",
            "get",
            "/unfinished",
            "List unfinished steps",
            "Lists the deferred and the failed steps of all images with their reasons, page by page.",
            _UNFINISHED,
            {200: json_answer("One page of steps.", "UnfinishedList")},
            (problems.STORAGE,),
            (given.STEP, given.UNFINISHED_STATE, given.UNFINISHED_CODE, given.UNFINISHED_LIMIT, given.CONTINUATION),
            connector={"without": ("code",)},
        ),
        Operation(
            "RetryUnfinished",
            "UnfinishedHttp",
            "post",
            "/unfinished/retry",
            "Try unfinished steps again",
            "Has unfinished steps tried again, at once and in the order of the backlog.",
            _UNFINISHED,
            {202: json_answer("The steps that are tried again.", "Retried", of_one)},
            (problems.JSON_BODY, problems.NAME, problems.NOTHING, problems.STORAGE),
            body=retry,
        ),
        Operation(
            "StartReconciliation",
            "UnfinishedHttp",
            "post",
            "/unfinished/reconcile",
            "Compare all images with their records",
            "Begins a comparison of all images with their records, as the app does every night.",
            _UNFINISHED,
            {202: json_answer("The comparison has begun, or is under way.", "ReconciliationBegun", asked_again())},
            (problems.NO_BODY, problems.STORAGE),
        ),
        Operation(
            "GetReconciliation",
            "UnfinishedHttp",
            "get",
            "/unfinished/reconcile",
            "Get the last comparison",
            "Tells whether a comparison of all images is under way, and then what it has found.",
            _UNFINISHED,
            {
                200: json_answer("The last comparison.", "LastReconciliation"),
                202: json_answer("The comparison is under way.", "ReconciliationBegun", asked_again()),
            },
            (problems.STORAGE,),
        ),
    ]


def _app() -> list[Operation]:
    return [
        Operation(
            "GetHealth",
            "HealthHttp",
            "get",
            "/health",
            "Get health",
            "Tells whether the app can work. The value of HEALTH_KEY as key opens the whole report.",
            _APP,
            {200: json_answer("The app can work.", "Health"), 503: json_answer("The app cannot work.", "Health")},
            anonymous=True,
        ),
        Operation(
            "GetContract",
            "OpenApiHttp",
            "get",
            "/openapi.json",
            "Get the contract",
            "Gives this document, with the address of the app in it.",
            _APP,
            {200: json_answer("The document.", "Contract", {"Cache-Control": header("How long it may be kept.")})},
            anonymous=True,
            connector={"x-ms-visibility": "internal"},
        ),
    ]
