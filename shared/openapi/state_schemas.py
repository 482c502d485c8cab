"""What `/api/images` and `/api/unfinished` answer, and what the latter take."""

from typing import get_args

from shared.api import pending_reasons
from shared.api.image_states import STATES
from shared.configuration.parse import RECONCILE_MODES
from shared.json_types import Json
from shared.names import FORMATS
from shared.openapi import receipt_schemas, summary_schemas
from shared.openapi.members import (
    PLAIN,
    flag,
    many,
    moment,
    named,
    number,
    or_null,
    seconds,
    text,
    texts,
    thing,
    whole,
    word,
)
from shared.records import by_step
from shared.records.unfinished_document import DEFERRED, FAILED

UNFINISHED_STATES = (DEFERRED, FAILED)
# One that is off does not run.
RUNNING_MODES = tuple(mode for mode in RECONCILE_MODES if mode != "off")
CODE = "^[a-z]+(_[a-z]+)*$"
_STEP_STATES = ("done", "pending", "deferred", "failed", "none")
_LATER = {"record", "problem", "reason"}


def schemas() -> dict[str, Json]:
    """By name."""
    return {**_images(), **summary_schemas.schemas(), **_steps(), **receipt_schemas.schemas(), **_unfinished()}


def _images() -> dict[str, Json]:
    since = text("What the next request sends as `since`.")
    return {
        "ImageState": thing(
            "How far one image is.",
            {
                "name": text("The image's name in the container `images`."),
                "state": word("The state of the image as a whole.", STATES),
                "source": named("ImageSource"),
                "analysis": named("AnalysisState"),
                "thumbnails": many("The thumbnails of the settings.", named("ThumbnailState")),
                "text": named("TextState"),
                "correction": named("Correction"),
                "receipt": named("Receipt"),
            },
            {"correction", "receipt"},
        ),
        "ImageSource": thing(
            "The uploaded blob.",
            {
                "etag": text("Its ETag, without quotation marks."),
                "bytes": whole("Its length in bytes.", minimum=0),
                "contentType": or_null(text("Its declared type.")),
            },
        ),
        "ImageList": thing(
            "One page of images, with `continuation`; those with new results, with `since`; or none, with `summary`.",
            {
                "images": many("The images; of a page in the order of their names.", named("ImageState")),
                "continuation": or_null(text("What the next request sends as `continuation`; null on the last page.")),
                "since": since,
                "summary": named("Summary"),
            },
            {"continuation", "since", "summary"},
            minProperties=2,
            maxProperties=2,
        ),
        "ImagesWithResults": thing(
            "The images with new results.",
            {"images": many("The images, each complete or failed.", named("ImageState")), "since": since},
        ),
    }


def _steps() -> dict[str, Json]:
    state = word("The state of the step.", _STEP_STATES)
    later = {
        "record": text("The blob that the step made, `container/name`."),
        "problem": named("StepProblem"),
        "reason": named("PendingReason"),
    }
    return {
        "AnalysisState": thing(
            "The analysis, with what people look at first.",
            {
                "state": state,
                "caption": or_null(
                    text("A sentence about the image, a person's if there is one; null before there is one.")
                ),
                "captionConfidence": or_null(
                    number("How sure Computer Vision is of it, 0 to 1; null of a person's.", minimum=0, maximum=1)
                ),
                "tags": texts("Words about the image."),
                **later,
            },
            _LATER,
        ),
        "ThumbnailState": thing(
            "One thumbnail of the settings.",
            {
                "size": text("Its size, WIDTHxHEIGHT in pixels.", pattern="^[0-9]+x[0-9]+$"),
                "format": word("Its format.", FORMATS),
                "state": word("The state of the step.", [each for each in _STEP_STATES if each != "none"]),
                **later,
            },
            _LATER,
        ),
        "TextState": thing(
            "The text, with its beginning.",
            {
                "state": state,
                **later,
                "excerpt": text("The first characters of the text.", maxLength=160),
                "plain": text("The blob with the plain text, `container/name`."),
                "notice": named("Notice"),
            },
            _LATER | {"excerpt", "plain", "notice"},
        ),
        "StepProblem": thing(
            "The reason why a step is deferred or failed.",
            _problem_members(),
        ),
        "PendingReason": thing(
            "The reason why a step is pending.",
            {
                "code": word("The code of the reason.", get_args(pending_reasons.Code)),
                "message": text("The reason, with the cure."),
            },
        ),
    }


def _problem_members() -> dict[str, Json]:
    return {
        "code": text("The code of the last error.", pattern=CODE),
        "message": text("The fault, with its numbers."),
        "action": text("The cure."),
        "attempts": whole("How many attempts have failed so far.", minimum=0),
        "first": moment("When the first attempt failed."),
        "last": moment("When the last attempt failed."),
        "until": or_null(moment("When the step is tried again; null where no time is arranged.")),
        "running": flag("Whether the step is being tried, or its turn has come."),
    }


def _unfinished() -> dict[str, Json]:
    name = text("The image's name in the container `images`.")
    step = word("The step.", by_step.STEPS)
    further = or_null(text("What the next request sends as `continuation`; null after the last."))
    problem = _problem_members()
    return {
        "UnfinishedList": thing(
            "One page of unfinished steps.",
            {"unfinished": many("The steps.", named("UnfinishedStep")), "continuation": further},
        ),
        "UnfinishedStep": thing(
            "One step of one image that is deferred or failed.",
            {
                "name": name,
                "step": step,
                "state": word("Whether the step is tried again by itself.", UNFINISHED_STATES),
                **problem,
                "record": text("The blob that tells of it, `container/name`."),
            },
        ),
        "Retry": thing(
            "The steps to try again: one of `name`, `code`, `all` and `pending`.",
            {
                "name": text("One image: all that it misses.", minLength=1, maxLength=1024, pattern=PLAIN),
                "code": text("Every step with this code.", pattern=CODE),
                "all": flag("True: every step that failed.", enum=[True]),
                "pending": flag("True: every pending step of every image.", enum=[True]),
                "step": word("Only this step.", by_step.STEPS),
                "continuation": text("What the answer before said.", minLength=1, pattern=PLAIN),
            },
            {"name", "code", "all", "pending", "step", "continuation"},
            minProperties=1,
        ),
        "Retried": thing(
            "The steps that are tried again.",
            {"retried": many("The steps.", named("RetriedStep")), "continuation": further},
        ),
        "RetriedStep": thing(
            "A step that is tried again.",
            {"name": name, "step": step, "inSeconds": seconds("Seconds until the try.")},
        ),
        "ReconciliationBegun": thing(
            "A comparison of all images with their records.",
            {
                "reconciliation": word("Whether it has begun now.", ["started", "running"]),
                "mode": or_null(word("What it does; null where one was under way.", RUNNING_MODES)),
                "action": text("Where its end is told."),
            },
        ),
    }
