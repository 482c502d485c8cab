"""What `/api/search` answers."""

from shared.api.image_states import STATES
from shared.json_types import Json
from shared.openapi.members import flag, many, moment, named, or_null, text, texts, thing, whole, word
from shared.search.document import FIELDS

# The facets, each with what an image is counted by.
_FACETS = {
    "state": "state",
    "tag": "tag",
    "year": "the year in which the image was taken, or else uploaded; the latest first",
    "month": "the month in which the image was taken, or else uploaded; the latest first",
    "folder": "folder, with all below it; `/` has no other",
    "kind": "kind, such as `jpeg`",
    "colour": "the colour that the thumbnail has most of",
    "same": "same picture, by the name of one of the images that have it",
}
REBUILD_STATES = ("never", "running", "ended", "failed")


def schemas() -> dict[str, Json]:
    """By name."""
    return {
        "SearchResult": thing(
            "One page of images that match, and the counts of all that match.",
            {
                "images": many("The images, in the order of `sort`.", named("FoundImage")),
                "facets": named("SearchFacets"),
                "total": whole("How many images match.", minimum=0),
                "continuation": or_null(text("What the next request sends as `continuation`; null on the last page.")),
                "unsearched": whole(
                    "Texts of which only the first words were searched so far; the next search reads more.", minimum=0
                ),
                "building": flag("Whether the index is still being made, so that images are missing."),
            },
        ),
        "FoundImage": _image(),
        "SearchMatch": thing(
            "What of the question was found, and where.",
            {
                "field": word("Of the image, what has it.", FIELDS),
                "asked": text("What was asked for, as it was typed."),
                "matched": text("What stands there; of a long text in small letters without accents."),
                "places": many("In a text: where it stands, at first.", named("TextPlace")),
            },
        ),
        "TextPlace": thing(
            "Words on one line of a page.",
            {
                "page": whole("The page, from 1.", minimum=1),
                "box": many("Four corners, clockwise from the upper left: x and y of each.", {"type": "number"}),
                "unit": word("The unit of the corners.", ["pixel", "inch"]),
                "text": text("The words as they stand there."),
            },
        ),
        "SearchFacets": thing(
            "The counts of all that match, by what images have.",
            {name: many(f"By {of}.", named("SearchCount")) for name, of in _FACETS.items()},
        ),
        "SearchCount": thing(
            "A value, and how many of the images that match have it.",
            {"value": text("The value."), "count": whole("How many images.", minimum=1)},
        ),
        **_rebuild(),
    }


def _image() -> Json:
    count = {"minimum": 0}
    return thing(
        "One image that matches.",
        {
            "name": text("The image's name in the container `images`."),
            "state": word("The state of the image as a whole.", STATES),
            "caption": or_null(text("A sentence about the image, corrected where it was; null where there is none.")),
            "alt": or_null(
                text("The alternative text that people gave, empty of decoration; null where there is none.")
            ),
            "tags": texts("Words about the image, corrected where they were."),
            "kind": or_null(text("What the image is, such as `jpeg`; null where it is not known.")),
            "width": or_null(whole("Its width in upright pixels; null where it is not known.", **count)),
            "height": or_null(whole("Its height in upright pixels; null where it is not known.", **count)),
            "bytes": or_null(whole("Its length in bytes; null where it is not known.", **count)),
            "uploaded": or_null(moment("When it was uploaded; null where it is not known.")),
            "taken": or_null(text("When it was taken, by the camera's clock without a zone; null where not known.")),
            "folder": text("What its name has before the last slash."),
            "colour": or_null(text("The colour that its thumbnail has most of; null where it has none.")),
            "thumbnail": or_null(text("The address of a thumbnail below the app's; null where there is none.")),
            "same": whole("How many other images have the same picture.", **count),
            "why": many("What was found of it.", named("SearchMatch")),
        },
    )


def _rebuild() -> dict[str, Json]:
    return {
        "IndexRebuildBegun": thing(
            "The index is being made anew.",
            {
                "rebuild": word("Whether that has begun now.", ["started", "running"]),
                "action": text("Where its end is told."),
            },
        ),
        "IndexRebuild": thing(
            "The rebuild of the index that is under way, or else the last one.",
            {
                "state": word("How far it is; `never` before the first.", REBUILD_STATES),
                "images": whole("How many images were looked at.", minimum=0),
                "changed": whole("Of how many of them the index was wrong.", minimum=0),
                "gone": whole("How many images it had that are gone.", minimum=0),
                "began": or_null(moment("When it began; null where it has not.")),
                "ended": or_null(moment("When it ended; null where it has not.")),
                "problem": or_null(text("Why it failed; null where it did not.")),
            },
        ),
    }
