"""
Computer Vision's own answers, v3.2, which the app hands on with the places of an upright image.

The members are those of the service's published description. It calls nearly all of them optional; which of them are
there is what its published and captured answers show.
"""

from shared.json_types import Json
from shared.openapi.members import flag, many, named, number, or_null, share, text, texts, thing, whole, word
from shared.vision.questions import MODELS

# Hierarchies were seen with up to four; importers take no schema that refers to itself.
_PARENTS = 6


def schemas() -> dict[str, Json]:
    """By name."""
    return {**_answers(), **_features(), **_places(), **_parents(), **_domains()}


def _answers() -> dict[str, Json]:
    around = {
        "requestId": text("The service's identifier of the call that was paid."),
        "metadata": named("ImageMetadata"),
        "modelVersion": text("The version of the model that answered."),
    }
    features = {
        "categories": many("Places in the service's taxonomy.", named("Category")),
        "adult": named("AdultInfo"),
        "color": named("ColorInfo"),
        "imageType": named("ImageType"),
        "tags": many("Words about the image, surest first.", named("ImageTag")),
        "description": named("ImageDescription"),
        "faces": many("Faces with their places.", named("Face")),
        "objects": many("Things with their places.", named("DetectedObject")),
        "brands": many("Brands with their places.", named("DetectedBrand")),
    }
    return {
        "ImageAnalysis": thing(
            "An analysis by Computer Vision v3.2. It has the features that were asked for.",
            {**features, **around},
            features,
        ),
        "ImageDescriptionAnswer": thing(
            "Sentences that describe the image, by Computer Vision v3.2.",
            {"description": named("ImageDescription"), **around},
        ),
        "DomainAnswer": thing(
            "The answer of a domain-specific model of Computer Vision v3.2.",
            {"result": named("DomainResult"), **around},
        ),
        "ImageMetadata": thing(
            "The image that the answer is about.",
            {
                "width": whole("Pixels from left to right.", minimum=0),
                "height": whole("Pixels from top to bottom.", minimum=0),
                "format": text("The format, such as `Jpeg`."),
            },
        ),
    }


def _features() -> dict[str, Json]:
    return {
        "ImageDescription": thing(
            "Sentences and words that describe the image.",
            {
                "tags": texts("Words about the image."),
                "captions": many("Sentences, best first.", named("ImageCaption")),
            },
        ),
        "ImageCaption": thing(
            "A sentence about the image.",
            {"text": text("The sentence."), "confidence": share("How sure the service is, 0 to 1.")},
        ),
        "ImageTag": thing(
            "A word about the image.",
            {
                "name": text("The word."),
                "confidence": share("How sure the service is, 0 to 1."),
                "hint": text("Which meaning of the word is meant."),
            },
            {"hint"},
        ),
        "Category": thing(
            "A place in the service's taxonomy.",
            {
                "name": text("The category, such as `outdoor_`."),
                "score": share("How well it fits, 0 to 1."),
                "detail": named("CategoryDetail"),
            },
            {"detail"},
        ),
        "CategoryDetail": thing(
            "The details that were asked for, of this category.",
            {
                "celebrities": many("Known persons.", named("Celebrity")),
                "landmarks": many("Known places.", named("Landmark")),
            },
            {"celebrities", "landmarks"},
        ),
        "AdultInfo": thing(
            "Whether the image is unfit for some viewers.",
            {
                "isAdultContent": flag("Whether it is sexual."),
                "isRacyContent": flag("Whether it is suggestive."),
                "isGoryContent": flag("Whether it shows blood."),
                "adultScore": share("How sexual it is, 0 to 1."),
                "racyScore": share("How suggestive it is, 0 to 1."),
                "goreScore": share("How bloody it is, 0 to 1."),
            },
        ),
        "ColorInfo": thing(
            "The colours of the image.",
            {
                "dominantColorForeground": text("The foremost colour in front."),
                "dominantColorBackground": text("The foremost colour behind."),
                "dominantColors": texts("The foremost colours."),
                "accentColor": text("The most vivid colour, six hexadecimal digits."),
                "isBwImg": flag("Whether it is black and white. It is the older spelling of the next one."),
                "isBWImg": flag("Whether it is black and white."),
            },
            {"isBwImg"},
        ),
        "ImageType": thing(
            "Whether the image was drawn.",
            {
                "clipArtType": whole("Clip art, from 0 (none) to 3 (good).", minimum=0, maximum=3),
                "lineDrawingType": whole("Line drawing: 1, else 0.", minimum=0, maximum=1),
            },
        ),
    }


def _places() -> dict[str, Json]:
    side = {"minimum": 0}
    return {
        "Rectangle": thing(
            "A place in the image, in pixels.",
            {
                "x": whole("Left edge."),
                "y": whole("Upper edge."),
                "w": whole("Width.", **side),
                "h": whole("Height.", **side),
            },
        ),
        "FaceRectangle": thing(
            "The place of a face, in pixels.",
            {
                "left": whole("Left edge."),
                "top": whole("Upper edge."),
                "width": whole("Width.", **side),
                "height": whole("Height.", **side),
            },
        ),
        "Face": thing(
            "A face. Microsoft has retired its age and gender.",
            {
                "age": or_null(whole("The age, retired.")),
                "gender": or_null(word("The gender, retired.", ["Male", "Female"])),
                "faceRectangle": named("FaceRectangle"),
            },
            {"age", "gender"},
        ),
        "DetectedObject": thing(
            "A thing with its place.",
            {
                "rectangle": named("Rectangle"),
                "object": text("The thing."),
                "confidence": share("How sure the service is, 0 to 1."),
                "parent": named("ObjectParent1"),
            },
            {"parent"},
        ),
        "DetectedBrand": thing(
            "A brand with its place.",
            {
                "name": text("The brand."),
                "confidence": share("How sure the service is, 0 to 1."),
                "rectangle": named("Rectangle"),
            },
        ),
    }


def _parents() -> dict[str, Json]:
    """The kinds of a thing, each more general than the one before, without a schema that refers to itself."""
    found = {}
    for depth in range(1, _PARENTS + 1):
        further = {"parent": named(f"ObjectParent{depth + 1}")} if depth < _PARENTS else {}
        found[f"ObjectParent{depth}"] = thing(
            "A more general kind of the thing.",
            {"object": text("The kind."), "confidence": share("How sure the service is, 0 to 1."), **further},
            further,
        )
    return found


def _domains() -> dict[str, Json]:
    found = {"landmarks": "Landmark", "celebrities": "Celebrity"}
    known = {"name": text("The name."), "confidence": share("How sure the service is, 0 to 1.")}
    return {
        "DomainResult": thing(
            "The findings under the name of the model that was asked.",
            {model: many(f"The {model} in the image.", named(found[model])) for model in MODELS},
            MODELS,
            minProperties=1,
            maxProperties=1,
        ),
        "Landmark": thing("A known place.", known),
        "Celebrity": thing("A known person.", {**known, "faceRectangle": named("FaceRectangle")}),
        "DomainModels": thing(
            "The domain-specific models of Computer Vision.",
            {"models": many("The models.", named("DomainModel"))},
        ),
        "DomainModel": thing(
            "A domain-specific model.",
            {"name": text("The name of the model."), "categories": texts("The categories that it applies to.")},
        ),
    }


def read_schemas() -> dict[str, Json]:
    """The result of Read, by name."""
    corners = many(
        "Corners, clockwise from the top left: eight numbers in the page's unit.",
        {"type": "number"},
        minItems=8,
        maxItems=8,
    )
    return {
        "AnalyzeResult": thing(
            "The result of Computer Vision's Read v3.2.",
            {
                "version": text("The version of the result's shape."),
                "modelVersion": text("The version of the model that read."),
                "readResults": many("The pages that were read.", named("ReadPage")),
            },
        ),
        "ReadPage": thing(
            "A page that was read.",
            {
                "page": whole("The number of the page, from 1.", minimum=1),
                "language": text("The language that was asked for."),
                "angle": number("Degrees by which the text is turned."),
                "width": number("Width in the unit.", minimum=0),
                "height": number("Height in the unit.", minimum=0),
                "unit": word("The unit: pixel of a picture, inch of a PDF.", ["pixel", "inch"]),
                "lines": many("The lines, in reading order.", named("ReadLine")),
            },
            {"language"},
        ),
        "ReadLine": thing(
            "A line of text.",
            {
                "boundingBox": corners,
                "text": text("The line's text."),
                "words": many("The line's words.", named("ReadWord")),
                "language": text("The language, where it differs from the page's."),
                "appearance": named("ReadAppearance"),
            },
            {"language", "appearance"},
        ),
        "ReadWord": thing(
            "A word.",
            {
                "boundingBox": corners,
                "text": text("The word's text."),
                "confidence": share("How sure the service is, 0 to 1."),
            },
        ),
        "ReadAppearance": thing("How a line looks.", {"style": named("ReadStyle")}),
        "ReadStyle": thing(
            "How a line was written.",
            {
                "name": word("The style.", ["other", "handwriting"]),
                "confidence": share("How sure the service is, 0 to 1."),
            },
        ),
    }
