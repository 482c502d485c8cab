"""
What each skill answers about one image: fixed members, so that an index can have a field for each.

Azure AI Search keeps the members that a skillset names as outputs. Confidences and scores are 0 to 1. Rectangles are
`{"x", "y", "w", "h"}` in pixels, of the original where `placement` knows how. A text that is not there is empty.
"""

from collections.abc import Iterable, Sequence

from shared.json_types import Json
from shared.vision.fields import get, list_of, need, number
from shared.vision.models import Analysis, DetectedObject, Rectangle
from shared.vision.read_models import ReadResult


def described(answer: Json) -> Json:
    """`caption`, `confidence`, `captions` with all of them best first, and `tags`, of an answer of `describe`."""
    analysis = Analysis.of(answer)
    captions = [{"text": each.text, "confidence": each.confidence or 0.0} for each in analysis.captions]
    return {**_best_caption(analysis), "captions": captions, "tags": _description_tags(answer)}


def analyzed(answer: Json, features: Sequence[str], details: Sequence[str]) -> Json:
    """
    `caption`, `confidence`, `tags` and `objects` of an answer of `analyze`, and a member for what else was asked.

    Args:
        answer: of Computer Vision.
        features, details: what it was asked for.
    """
    analysis = Analysis.of(answer)
    further: dict[str, tuple[str, object]] = {
        "Categories": ("categories", [{"name": each.name, "score": each.score or 0.0} for each in analysis.categories]),
        "Adult": ("adult", _adult(analysis)),
        "Faces": ("faces", [_rectangle(each) for each in analysis.faces]),
        "ImageType": ("imageType", _image_type(analysis)),
        "Color": ("color", _color(analysis)),
        "Brands": ("brands", [_found(each, "name") for each in analysis.brands]),
    }
    return {
        **_best_caption(analysis),
        "tags": [each.name for each in analysis.tags] or _description_tags(answer),
        "objects": [_found(each, "object") for each in analysis.objects],
        **{name: output for feature, (name, output) in further.items() if feature in features},
        **{detail.lower(): list(_details(answer, detail.lower())) for detail in details},
    }


def read(answer: Json) -> Json:
    """
    `text`, and `lines` with `text`, `boundingBox` and `page`; `language` if it was asked for or is told.

    The answer is a record of the container `text` with its plain text as `text`.

    A `boundingBox` is eight numbers: the corners of the line, in pixels; of a PDF, in inches.
    """
    result = ReadResult.of({"status": "succeeded", "analyzeResult": answer["analyzeResult"]})
    lines = [
        {"text": line.text, "boundingBox": list(line.box), "page": page.number}
        for page in result.pages
        for line in page.lines
    ]
    language = next((page.language for page in result.pages if page.language), "") or answer["request"].get(
        "language", ""
    )
    return {"text": answer["text"], "lines": lines, **({"language": language} if language else {})}


def _best_caption(analysis: Analysis) -> Json:
    best = analysis.captions[0] if analysis.captions else None
    return {"caption": best.text if best else "", "confidence": (best.confidence if best else None) or 0.0}


def _description_tags(answer: Json) -> list[str]:
    return [each for each in get(get(answer, "description", dict) or {}, "tags", list) or () if isinstance(each, str)]


def _found(found: DetectedObject, name: str) -> Json:
    place = _rectangle(found.rectangle or Rectangle(0, 0, 0, 0))
    return {name: found.name, "confidence": found.confidence or 0.0, "rectangle": place}


def _rectangle(place: Rectangle) -> Json:
    return {"x": place.x, "y": place.y, "w": place.width, "h": place.height}


def _adult(analysis: Analysis) -> Json:
    found = analysis.adult
    return {
        "isAdultContent": bool(found and found.is_adult),
        "isRacyContent": bool(found and found.is_racy),
        "isGoryContent": bool(found and found.is_gory),
        "adultScore": (found.adult_score if found else None) or 0.0,
        "racyScore": (found.racy_score if found else None) or 0.0,
        "goreScore": (found.gore_score if found else None) or 0.0,
    }


def _image_type(analysis: Analysis) -> Json:
    found = analysis.image_type
    return {
        "clipArtType": (found.clip_art if found else None) or 0,
        "lineDrawingType": (found.line_drawing if found else None) or 0,
    }


def _color(analysis: Analysis) -> Json:
    found = analysis.color
    return {
        "dominantColorForeground": (found.foreground if found else None) or "",
        "dominantColorBackground": (found.background if found else None) or "",
        "dominantColors": list(found.dominant) if found else [],
        "accentColor": (found.accent if found else None) or "",
        "isBWImg": bool(found and found.black_and_white),
    }


def _details(answer: Json, kind: str) -> Iterable[Json]:
    """The celebrities or landmarks of all categories, each once."""
    told = set()
    for category in list_of(answer, "categories"):
        for each in list_of(get(category, "detail", dict) or {}, kind):
            name = need(each, "name", str)
            if name not in told:
                told.add(name)
                yield {"name": name, "confidence": number(each, "confidence") or 0.0}
