"""What `GET /api/images?summary=true` answers."""

from shared.api.image_states import STATES
from shared.json_types import Json
from shared.openapi.members import flag, moment, named, number, or_null, seconds, share, text, thing, whole


def schemas() -> dict[str, Json]:
    """By name."""
    spent = {
        "date": text("The day, or the month."),
        "transactions": whole("Billed transactions.", minimum=0),
        "descriptionAndText": whole("Those of them that are descriptions or text.", minimum=0),
        "money": number("What they cost by VISION_PRICES.", minimum=0),
        "limit": or_null(whole("The most transactions, by the settings; null without a limit.", minimum=0)),
    }
    counts = {state: whole(f"Images that are {state}.", minimum=0) for state in STATES}
    return {
        "Summary": thing(
            "All images in numbers, and the calls of Computer Vision.",
            {
                "images": named("ImageCounts"),
                "building": flag("True while the index is being made, so that images are missing in the counts."),
                "queue": named("Queue"),
                "rate": named("CallRate"),
                "day": named("Spent"),
                "month": named("Spent"),
                "currency": text("The currency of the money.", pattern="^[A-Z]{3}$"),
            },
        ),
        "ImageCounts": thing("Images by their states.", {"total": whole("All images.", minimum=0), **counts}),
        "Queue": thing(
            "The calls that were put off.",
            {
                "calls": whole("How many there are.", minimum=0),
                "seconds": seconds("Seconds until the last one's turn ends."),
                "until": or_null(moment("When that is; null without any.")),
            },
        ),
        "CallRate": thing(
            "The pace of calls.",
            {
                "calls": whole("So many calls.", minimum=1),
                "seconds": seconds("In so many seconds."),
                "share": share("The share of that rate that is used, which is less for a while after refusals."),
            },
        ),
        "Spent": thing("The billed transactions of a day or a month (UTC).", spent),
    }
