"""What `/api/health`, the contract and a refusal are, and how a request brings an image."""

from shared.json_types import Json
from shared.openapi import problems
from shared.openapi.members import PLAIN, many, moment, named, or_null, seconds, text, texts, thing, whole, word
from shared.openapi.state_schemas import RUNNING_MODES

VERSION = "3.0.3"
_PARTS = ("packages", "settings", "vision", "images", "host")


def schemas() -> dict[str, Json]:
    """By name."""
    return {
        "ImageReference": thing(
            "An image by its name or by its address: one of the two.",
            {
                "name": text(
                    "The name of an image in the container `images`.", minLength=1, maxLength=1024, pattern=PLAIN
                ),
                "url": text(
                    "An address from which Computer Vision fetches the image.",
                    minLength=1,
                    maxLength=2048,
                    pattern=PLAIN,
                ),
            },
            {"name", "url"},
            minProperties=1,
            maxProperties=1,
        ),
        "Problem": _problem(),
        **_health(),
        "Contract": thing(
            "A document of OpenAPI.",
            {
                "openapi": word("The version of the specification.", [VERSION]),
                "info": named("ContractPart"),
                "servers": many("The address of the app.", named("ContractPart")),
                "tags": many("The groups of operations.", named("ContractPart")),
                "paths": named("ContractPart"),
                "components": named("ContractPart"),
            },
        ),
        "ContractPart": {
            "type": "object",
            "description": "A part of the document, as the specification of OpenAPI describes it.",
            "additionalProperties": True,
        },
    }


def _problem() -> Json:
    return thing(
        "An error (RFC 9457).",
        {
            "type": text("`urn:blobsight:problem:` and the code.", pattern="^urn:blobsight:problem:[a-z_]+$"),
            "title": text("The phrase of the HTTP status."),
            "status": whole("The HTTP status.", enum=problems.statuses()),
            "code": word("The code, which stays the same.", problems.codes()),
            "detail": text("The fault, with its numbers."),
            "action": text("The cure."),
            "problems": texts("With `settings_invalid`: a sentence for each setting."),
            "retryAfterSeconds": seconds("Seconds after which the same can work."),
            "visionRequestId": text("Computer Vision's identifier of the call, if it answered."),
            "correlationId": text("The identifier that finds the request in the log."),
        },
        {"problems", "retryAfterSeconds", "visionRequestId"},
    )


def _health() -> dict[str, Json]:
    count = {"minimum": 0}
    told = {
        "part": word("The part of the app.", _PARTS),
        "code": text("The code of the error or of the warning."),
        "message": text("The fault, with its numbers."),
        "action": text("The cure."),
    }
    return {
        "Health": thing(
            "Whether the app can work. Callers with the HEALTH_KEY are told all of it.",
            {
                "status": word("Whether it can.", ["up", "down"]),
                "version": text("The version of the app that runs."),
                "problems": many("What keeps the app from working.", named("HealthProblem")),
                "warnings": many("What costs money or privacy only.", named("HealthProblem")),
                "spending": named("Spending"),
                "reconciliation": named("Reconciliation"),
            },
            {"problems", "warnings", "spending", "reconciliation"},
        ),
        "HealthProblem": thing("A problem or a warning.", told),
        "Spending": or_null(
            thing(
                "The billed transactions of the day and of the month (UTC); null where they could not be read.",
                {"day": named("SpendingOfPeriod"), "month": named("SpendingOfPeriod")},
            )
        ),
        "SpendingOfPeriod": thing(
            "The billed transactions of a day or a month (UTC).",
            {
                "date": text("The day or the month.", pattern="^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"),
                "transactions": whole("How many were billed.", **count),
                "limit": or_null(whole("The limit of the settings; null where there is none.", **count)),
            },
        ),
        "LastReconciliation": thing(
            "The last comparison of all images with their records.", {"reconciliation": named("Reconciliation")}
        ),
        "Reconciliation": or_null(
            thing(
                "The last comparison of all images with their records; null before the first, or unknown.",
                {
                    "imagesWithoutResult": or_null(whole("Images with neither a record nor a reason.", **count)),
                    "checkedAt": or_null(moment("When that comparison began.")),
                    "images": or_null(whole("How many images there were.", **count)),
                    "started": or_null(whole("How many of those without a result have a try arranged.", **count)),
                    "waitForBackfill": or_null(whole("Older images without a result.", **count)),
                    "recordsRemoved": or_null(whole("Records of images that are gone.", **count)),
                    "answersForgotten": or_null(whole("Answers that were deleted.", **count)),
                    "mode": word("What it does.", RUNNING_MODES),
                    "state": word("How far it is.", ["ended", "failed", "running"]),
                    "since": moment("The app's first start, or RECONCILE_SINCE."),
                },
            )
        ),
    }
