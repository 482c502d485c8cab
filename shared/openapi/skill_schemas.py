"""What `/api/skills` takes and answers: the contract of custom skills of Azure AI Search."""

from shared.json_types import Json
from shared.openapi.members import many, named, or_null, share, text, texts, thing, whole
from shared.skills import records

# Of each skill, what its data is called.
DATA = {"describe": "DescribeData", "analyze": "AnalyzeData", "read": "ReadData"}
# Azure AI Search may send more than is known.
OPEN = ("SkillRequest", "SkillRecord", "SkillInputs")


def schemas() -> dict[str, Json]:
    """By name."""
    return {**_request(), **_answers(), **_seen(), **_read()}


def answer_of(skill: str) -> str:
    """The name of the answer of a skill."""
    return f"{skill.title()}Answer"


def _request() -> dict[str, Json]:
    values = many("The records.", named("SkillRecord"), maxItems=records.MOST_RECORDS)
    return {
        "SkillRequest": _open("A batch of records of Azure AI Search.", {"values": values}, ["values"]),
        "SkillRecord": _open(
            "One record.",
            {"recordId": text("An identifier of its own in this batch."), "data": named("SkillInputs")},
            ["recordId", "data"],
        ),
        "SkillInputs": _open(
            "The image of the record: one of `image`, `url` and `name`. Null is the same as leaving out.",
            {
                "image": {"description": "An object with `data` in base64 or with `url`; or base64, or an address."},
                "url": or_null(text("An address from which Computer Vision fetches the image.")),
                "sasToken": or_null(text("The signature that is put behind the address.")),
                "name": or_null(text("The name of an image in the container `images`.")),
            },
            [],
        ),
    }


def _open(description: str, members: dict[str, Json], required: list[str]) -> Json:
    found = thing(description, members, members.keys() - set(required))
    return {**found, "additionalProperties": True}


def _answers() -> dict[str, Json]:
    messages = or_null(many("The messages; null where there are none.", named("SkillMessage")))
    found: dict[str, Json] = {"SkillMessage": thing("A message.", {"message": text("The fault and the cure.")})}
    for skill, data in DATA.items():
        record = f"{skill.title()}Record"
        found[answer_of(skill)] = thing(
            "The records in the order of the request.", {"values": many("The records.", named(record))}
        )
        found[record] = thing(
            "One record.",
            {
                "recordId": text("The identifier of the request; empty where it had none."),
                "data": named(data),
                "errors": messages,
                "warnings": messages,
            },
        )
    return found


def _seen() -> dict[str, Json]:
    sure = share("How sure Computer Vision is, 0 to 1.")
    caption = {
        "caption": text("The best sentence; empty where there is none."),
        "confidence": share("How sure Computer Vision is of it, 0 to 1."),
    }
    tags = {"tags": texts("Words about the image.")}
    described = {**caption, "captions": many("Sentences, best first.", named("ImageCaption")), **tags}
    analyzed = {
        **caption,
        **tags,
        "objects": many("Things with their places.", named("SkillObject")),
        "categories": many("Places in the service's taxonomy.", named("SkillCategory")),
        "adult": named("AdultInfo"),
        "faces": many("The places of faces.", named("Rectangle")),
        "imageType": named("ImageType"),
        "color": named("ColorInfo"),
        "brands": many("Brands with their places.", named("DetectedBrand")),
        "celebrities": many("Known persons.", named("Landmark")),
        "landmarks": many("Known places.", named("Landmark")),
    }
    return {
        "DescribeData": thing("The sentences; empty where the record has errors.", described, described),
        "AnalyzeData": thing("The findings; empty where the record has errors.", analyzed, analyzed),
        "SkillObject": thing(
            "A thing with its place.",
            {"object": text("The thing."), "confidence": sure, "rectangle": named("Rectangle")},
        ),
        "SkillCategory": thing(
            "A place in the service's taxonomy.",
            {"name": text("The category, such as `outdoor_`."), "score": share("How well it fits, 0 to 1.")},
        ),
    }


def _read() -> dict[str, Json]:
    corners = many("Corners, clockwise from the top left: eight numbers.", {"type": "number"}, maxItems=8)
    members = {
        "text": text("The plain text, in reading order, a line each."),
        "lines": many("The lines.", named("SkillLine")),
        "language": text("The language, where it was given or is told."),
    }
    return {
        "ReadData": thing("The text; empty where the record has errors.", members, members),
        "SkillLine": thing(
            "A line of text.",
            {
                "text": text("The line's text."),
                "boundingBox": corners,
                "page": whole("The number of the page, from 1.", minimum=1),
            },
        ),
    }
