"""Tags: all that the models are sure of, else colours; and what was measured."""

from local.vision.evidence.kinds import PERSON
from local.vision.evidence.looking import Evidence
from local.vision.evidence.subjects import Judged
from local.vision.recognition.seen import HUMAN_FACE

MIN_SKY_SHARE = 0.6
MIN_DARK_SHARE = 0.6
MIN_COLOUR_TAG_SHARE = 0.12
# Chosen, as no measure tells how sure these are.
BLACK_AND_WHITE, LINE_ART = 0.85, 0.75

Tag = dict[str, object]


def compose_tags(evidence: Evidence) -> list[Tag]:
    """Return `{"name", "confidence"}` for everything that was seen or measured, most certain first."""
    judged = Judged(evidence)
    found = judged.names | _people(judged) | _measured(judged)
    if not judged.names:
        for name, share in evidence.colours.shares.items():
            if share >= MIN_COLOUR_TAG_SHARE:
                found.setdefault(name.lower(), certainty_of_colour(share))
    ordered = sorted(found.items(), key=lambda tag: (-tag[1], tag[0]))
    return [{"name": name, "confidence": round(confidence, 4)} for name, confidence in ordered]


def certainty_of_colour(share: float) -> float:
    """Return how certain it is that a colour is worth a word, of which *share*, from 0 to 1, is in the picture."""
    return 0.3 + 0.4 * share


def _people(judged: Judged) -> dict[str, float]:
    if judged.people is None:
        return {}
    confidences = judged.people.confidences
    found = {PERSON: confidences[0]}
    if judged.faces:
        found[HUMAN_FACE] = max(face.confidence for face in judged.faces)
    if len(confidences) > 1:
        found["group"] = min(0.6, confidences[1])
    return found


def _measured(judged: Judged) -> dict[str, float]:
    evidence = judged.evidence
    found: dict[str, float] = {}
    if evidence.text_certainty:
        found["text"] = evidence.text_certainty
    if evidence.colours.is_black_and_white and not evidence.drawing.is_line_drawing:
        found["black and white"] = BLACK_AND_WHITE
    # Models know better: a page of text is no drawing, and neither is a picture of what they learned from photographs.
    is_known = evidence.is_recognized and (evidence.text.is_page or judged.names or judged.people)
    if evidence.drawing.is_line_drawing and not is_known:
        found |= {"line art": LINE_ART, "drawing": 0.7}
    elif evidence.drawing.clip_art and not is_known:
        found |= {"clipart": 0.45 + 0.1 * evidence.drawing.clip_art, "graphics": 0.5}
    if evidence.sky_share >= MIN_SKY_SHARE and not evidence.drawing.clip_art:
        found["sky"] = 0.5
    if evidence.colours.shares.get("Black", 0.0) > MIN_DARK_SHARE:
        found["dark"] = 0.6
    return found
