"""What `GET /api/images/{name}?explain=true` answers beside the state: the receipt of an image."""

from typing import get_args

from shared.json_types import Json
from shared.openapi.members import flag, many, moment, named, number, or_null, seconds, text, thing, whole, word
from shared.receipts import told
from shared.records import by_step


def schemas() -> dict[str, Json]:
    """By name."""
    return {**_receipt(), **_calls(), **_decisions()}


def _receipt() -> dict[str, Json]:
    return {
        "Receipt": thing(
            "Each call about the bytes of an image and each decision about its steps, with what they add up to.",
            {
                "sha256": or_null(text("Digest of the bytes, in hex; null where they were not read.")),
                "calls": many("The calls to Computer Vision about these bytes, the first one first.", named("Call")),
                "decisions": many("The decisions, in the order of the steps.", named("Decision")),
                "totals": named("CallTotals"),
                "own": named("CallTotals"),
                "currency": text("The currency of the prices, by VISION_PRICES.", pattern="^[A-Z]{3}$"),
            },
        ),
        "CallTotals": thing(
            "What calls add up to: all about these bytes, or those that this image asked for.",
            {
                "calls": whole("How many were made.", minimum=0),
                "untold": whole("How many ended and tell no transactions: an earlier version made them.", minimum=0),
                "unknown": whole("How many had no answer, so that they may have been billed or not.", minimum=0),
                "polls": whole("How often a Read was asked for, for nothing.", minimum=0),
                "transactions": whole("The sum of the transactions that are told.", minimum=0),
                "price": number("The sum of their prices.", minimum=0),
            },
        ),
    }


def _calls() -> dict[str, Json]:
    return {
        "Call": thing(
            "One call to Computer Vision.",
            {
                "id": or_null(text("What was sent as `x-ms-client-request-id`; null of an earlier version's.")),
                "step": or_null(word("The step that asks so; null of questions that only callers ask.", by_step.STEPS)),
                "operation": text("The operation, such as `analyze`."),
                "question": text("The question in its canonical form, `path?name=value`."),
                "outcome": word(
                    "An answer; an error or a refusal; no end yet; no end, because the worker was killed; or several "
                    "old calls in one.",
                    get_args(told.Outcome),
                ),
                "begun": or_null(moment("When it was sent, or its claim was made; null where that is not told.")),
                "ended": or_null(moment("When it ended; null where it has no end.")),
                "seconds": or_null(seconds("How long it took.")),
                "status": or_null(whole("Status of the answer; null where none came, or an earlier version asked.")),
                "problem": or_null(text("The code of the error that it ended with.")),
                "requestId": or_null(text("The service's own identifier of the call.")),
                "usage": many("What the service's own line bills, by name.", named("BilledName")),
                "calls": whole("1; of several old calls in one, how many.", minimum=1),
                "polls": or_null(whole("How often the Read was asked for; null of other calls.", minimum=0)),
                "sent": named("SentCopy"),
                "transactions": or_null(
                    whole("How many it cost; null where nothing tells it, as after a lost answer.", minimum=0)
                ),
                "price": or_null(number("What they cost.", minimum=0)),
                "image": or_null(
                    text("The image that asked; null where bytes were sent, or that image is gone or not told.")
                ),
            },
            {"sent"},
        ),
        "BilledName": thing(
            "One entry of the service's line.",
            {"name": text("Its name, such as `Tags`."), "count": whole("How many.", minimum=0)},
        ),
        "SentCopy": thing(
            "The copy that was sent; the member is left out where the image itself was, or nothing tells it.",
            {
                "kind": text("Its kind, such as `JPEG`."),
                "width": whole("In pixels.", minimum=1),
                "height": whole("In pixels.", minimum=1),
                "bytes": whole("Its length.", minimum=1),
                "untouched": flag("Whether it is the image itself."),
            },
        ),
    }


def _decisions() -> dict[str, Json]:
    return {
        "Decision": thing(
            "One decision about a step.",
            {
                "step": word("The step.", by_step.STEPS),
                "what": or_null(text("Size and format of the thumbnail; null of other steps.")),
                "state": text("The state of the step."),
                "code": text("What was decided, or the code of the problem or the reason."),
                "message": text("The same in a sentence."),
                "settings": many("The settings that decided, with their values of now.", named("SettingTold")),
                "next": or_null(moment("When the step is tried again by itself.")),
                "attempts": whole("How many attempts have failed.", minimum=0),
                "record": or_null(text("The blob that the step made, `container/name`.")),
            },
        ),
        "SettingTold": thing(
            "A setting.",
            {"name": text("Its name."), "value": text("Its value of now; empty where it is not set.")},
        ),
    }
