"""What `/api/corrections` takes and answers: what people say of an image."""

from shared.json_types import Json
from shared.openapi.members import PLAIN, flag, many, moment, named, text, thing, whole
from shared.records import corrections

_PLAIN_OR_EMPTY = PLAIN.replace("+$", "*$")


def schemas() -> dict[str, Json]:
    """By name."""
    said = {
        "caption": _text("A sentence about the image.", corrections.MAX_CAPTION_CHARACTERS),
        "alt": text(
            "The text in place of the image, for readers of screens; empty of an image that is decoration.",
            maxLength=corrections.MAX_ALT_CHARACTERS,
            pattern=_PLAIN_OR_EMPTY,
        ),
    }
    focal = many(
        "Where the subject is: two fractions, of the upright picture's width and height.",
        {"type": "number", "minimum": 0, "maximum": 1},
        minItems=2,
        maxItems=2,
    )
    tags = {
        "added": _tags("Tags that the image has."),
        "removed": _tags("Tags that the image does not have, whatever the analysis says."),
    }
    return {
        "CorrectionWanted": thing(
            "What to say of an image, in place of what was said before.",
            {**said, "tags": named("TagsWanted"), "focal": focal},
            {*said, "tags", "focal"},
            minProperties=1,
        ),
        "TagsWanted": thing("The tags to correct.", tags, tags),
        "Correction": thing(
            "What people say of an image; it wins over the analysis.",
            {
                "name": text("The image's name in the container `images`; left out in the state of an image."),
                **said,
                "tags": named("CorrectedTags"),
                "focal": focal,
                "at": moment("When it was said."),
                "source": named("CorrectionSource"),
                "current": flag("Whether it was made for the version that the image has now."),
                "etag": text("The ETag of the correction, without quotation marks, for `If-Match`."),
                "recut": whole("How many thumbnails were cut anew; told by PUT alone.", minimum=0),
            },
            {"name", *said, "tags", "focal", "recut"},
        ),
        "CorrectedTags": thing("The tags that are corrected.", tags),
        "CorrectionSource": thing(
            "The version of the image for which it was made.",
            {
                "etag": text("Its ETag, without quotation marks."),
                "sha256": text("The SHA-256 of its bytes, where they could be read.", pattern="^[0-9a-f]{64}$"),
                "bytes": whole("Its length in bytes.", minimum=0),
            },
            {"sha256"},
        ),
        "CorrectionDeleted": thing(
            "A correction that was taken back.",
            {
                "name": text("The image's name in the container `images`."),
                "recut": whole("How many thumbnails were cut anew.", minimum=0),
            },
        ),
    }


def _text(description: str, longest: int) -> Json:
    return text(description, minLength=1, maxLength=longest, pattern=PLAIN)


def _tags(description: str) -> Json:
    item = {"type": "string", "minLength": 1, "maxLength": corrections.MAX_TAG_CHARACTERS, "pattern": PLAIN}
    return many(description, item, maxItems=corrections.MAX_TAGS)
