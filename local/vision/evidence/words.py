"""
Tags and captions composed from what was measured.

They say nothing that was not measured, and their confidences are modest on purpose: nobody shall take them for a
trained model's.
"""

from local.vision.evidence.looking import Evidence

MIN_SKY_SHARE = 0.6
MIN_DARK_SHARE = 0.6
MIN_COLOUR_TAG_SHARE = 0.12

Tag = dict[str, object]
Caption = dict[str, object]


def compose_tags(evidence: Evidence) -> list[Tag]:
    """Return `{"name", "confidence"}` for everything that was measured, most certain first."""
    found: dict[str, float] = {}
    if evidence.faces:
        found |= {"human face": 0.88, "person": 0.85}
    if len(evidence.faces) > 1:
        found["group"] = 0.6
    if evidence.text_certainty:
        found["text"] = evidence.text_certainty
    if evidence.colours.is_black_and_white and not evidence.drawing.is_line_drawing:
        found["black and white"] = 0.85
    if evidence.drawing.is_line_drawing:
        found |= {"line art": 0.75, "drawing": 0.7}
    elif evidence.drawing.clip_art:
        found |= {"clipart": 0.45 + 0.1 * evidence.drawing.clip_art, "graphics": 0.5}
    if evidence.sky_share >= MIN_SKY_SHARE and not evidence.drawing.clip_art:
        found["sky"] = 0.5
    if evidence.colours.shares.get("Black", 0.0) > MIN_DARK_SHARE:
        found["dark"] = 0.6
    for name, share in evidence.colours.shares.items():
        if share >= MIN_COLOUR_TAG_SHARE:
            found.setdefault(name.lower(), 0.3 + 0.4 * share)
    ordered = sorted(found.items(), key=lambda tag: (-tag[1], tag[0]))
    return [{"name": name, "confidence": round(confidence, 4)} for name, confidence in ordered]


def compose_captions(evidence: Evidence, *, max_candidates: int) -> list[Caption]:
    """Return up to *max_candidates* of `{"text", "confidence"}`, most certain first."""
    kind = _kind(evidence)
    subject = _subject(evidence)
    tones = _tones(evidence)
    candidates = {}
    if subject:
        candidates[f"{kind} of {subject}"] = 0.58
        candidates[f"{kind} of {subject} in {tones}"] = 0.47
    candidates[f"{kind} in {tones}"] = 0.42
    candidates[kind] = 0.34
    ordered = sorted(candidates.items(), key=lambda caption: -caption[1])[:max_candidates]
    return [{"text": text, "confidence": confidence} for text, confidence in ordered]


def compose_description(evidence: Evidence, *, max_candidates: int) -> dict[str, object]:
    """Return the contract's description: names of the tags, and captions."""
    return {
        "tags": [tag["name"] for tag in compose_tags(evidence)],
        "captions": compose_captions(evidence, max_candidates=max_candidates),
    }


def _kind(evidence: Evidence) -> str:
    if evidence.drawing.is_line_drawing:
        return "a line drawing"
    if evidence.drawing.clip_art >= 2:
        return "a clip-art picture"
    return "a black and white photo" if evidence.colours.is_black_and_white else "a photo"


def _subject(evidence: Evidence) -> str:
    people = len(evidence.faces)
    if people > 1:
        return f"{people} people" if people < 5 else "a group of people"
    if people == 1:
        return "a person"
    return ""


def _tones(evidence: Evidence) -> str:
    names = [name.lower() for name in evidence.colours.dominant[:2]]
    return f"{' and '.join(names)} tones"
