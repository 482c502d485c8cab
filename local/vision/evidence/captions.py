"""
Captions: a captioner's own line if there is one, then what is put together from subjects, kind of picture and colours.

No caption is more certain than the least certain of what it says.
"""

from local.vision.evidence import tags
from local.vision.evidence.kinds import PERSON
from local.vision.evidence.looking import Evidence
from local.vision.evidence.nouns import NUMBERS, counted
from local.vision.evidence.subjects import MAYBE_DRAWN, Judged, Subject

# No measure: a chat model tells none. What was put together comes after it, hence with no more.
SENTENCE_CONFIDENCE = 0.5
# How sure it is that the picture is of the kind that it seems to be, and that its tones are worth a word.
OF_A_KIND, OF_A_KIND_IN_TONES, IN_TONES, KIND_ALONE = 0.58, 0.47, 0.42, 0.34
MOST_PARTS = 2
PHOTO, BLACK_AND_WHITE, LINE_DRAWING = "a photo", "a black and white photo", "a line drawing"
CERTAINTY_OF_KIND = {BLACK_AND_WHITE: tags.BLACK_AND_WHITE, LINE_DRAWING: tags.LINE_ART}
CONTAINERS = {"cup": "a cup of", "mug": "a mug of", "wine glass": "a glass of", "bottle": "a bottle of"}
DRINK = "drink"
# People wear it: no part of its own beside them.
WORN = "clothing"

Caption = dict[str, object]
Part = tuple[str, float]


def compose_description(evidence: Evidence, *, max_candidates: int) -> dict[str, object]:
    """Return the contract's description: names of the tags, and captions."""
    return {
        "tags": [tag["name"] for tag in tags.compose_tags(evidence)],
        "captions": compose_captions(evidence, max_candidates=max_candidates),
    }


def compose_captions(evidence: Evidence, *, max_candidates: int) -> list[Caption]:
    """Return up to *max_candidates* of `{"text", "confidence"}`, most certain first."""
    candidates = _candidates(evidence)
    sentence = evidence.sentence
    if sentence is not None:
        others = {text: min(confidence, SENTENCE_CONFIDENCE) for text, confidence in candidates.items()}
        candidates = {sentence: SENTENCE_CONFIDENCE} | others
    ordered = sorted(candidates.items(), key=lambda caption: -caption[1])[:max_candidates]
    return [{"text": text, "confidence": round(confidence, 4)} for text, confidence in ordered]


def _candidates(evidence: Evidence) -> dict[str, float]:
    judged = Judged(evidence)
    parts = _parts(judged)[:MOST_PARTS]
    kind, tones, of_tones = _kind(evidence, is_known=bool(parts)), _tones(evidence), _certainty_of_tones(judged)
    if not parts and evidence.is_recognized and evidence.text.is_page:
        page = "a page of text"
        return {page: evidence.text_certainty, f"{page} in {tones}": min(OF_A_KIND_IN_TONES, of_tones)}
    candidates: dict[str, float] = {}
    if parts:
        subject = " and ".join(text for text, _ in parts)
        certainty = min(*(confidence for _, confidence in parts), CERTAINTY_OF_KIND.get(kind, 1.0))
        if evidence.is_recognized:
            # Another kind than a plain photo comes first.
            candidates[subject if kind in (PHOTO, "a picture") else f"{kind} of {subject}"] = certainty
            candidates[subject] = certainty
        candidates.setdefault(f"{kind} of {subject}", min(certainty, OF_A_KIND))
        candidates[f"{kind} of {subject} in {tones}"] = min(certainty, OF_A_KIND_IN_TONES, of_tones)
    elif evidence.is_recognized and evidence.text_certainty:
        candidates[f"{kind} with text"] = min(evidence.text_certainty, OF_A_KIND)
    candidates[f"{kind} in {tones}"] = min(IN_TONES, of_tones)
    candidates[kind] = KIND_ALONE
    return candidates


def _parts(judged: Judged) -> list[Part]:
    """Return what the picture is about, each with its certainty: people, then what fills most of it."""
    people = [subject for subject in judged.main if subject.name == PERSON]
    others = [
        subject
        for subject in judged.main
        if subject.name != PERSON and not (people and WORN in (subject.name, *subject.kinds))
    ]
    is_spelled = judged.evidence.is_recognized
    return [_people(each, is_spelled=is_spelled) for each in people] + (_drink(others) or list(map(_part, others)))


def _part(subject: Subject) -> Part:
    return counted(subject.name, len(subject.confidences)), min(subject.confidences)


def _people(people: Subject, *, is_spelled: bool) -> Part:
    count = len(people.confidences)
    text, confidence = _part(people)
    # In figures where there are no models, as it was before there were any.
    return (text if is_spelled or not 1 < count < len(NUMBERS) else f"{count} people"), confidence


def _drink(subjects: list[Subject]) -> list[Part]:
    """Return the drink in what holds it, if both were seen."""
    drinks = [subject for subject in subjects if DRINK in subject.kinds]
    containers = [subject for subject in subjects if subject.name in CONTAINERS and len(subject.confidences) == 1]
    if not drinks or not containers:
        return []
    drink, container = drinks[0], containers[0]
    return [(f"{CONTAINERS[container.name]} {drink.name}", min(drink.confidences[0], container.confidences[0]))]


def _kind(evidence: Evidence, *, is_known: bool) -> str:
    if evidence.drawing.is_line_drawing:
        return LINE_DRAWING
    if evidence.drawing.clip_art >= MAYBE_DRAWN:
        # What the models know from photographs may well be in one.
        return "a picture" if is_known and evidence.is_recognized else "a clip-art picture"
    return BLACK_AND_WHITE if evidence.colours.is_black_and_white else PHOTO


def _tones(evidence: Evidence) -> str:
    names = [name.lower() for name in evidence.colours.dominant[:2]]
    return f"{' and '.join(names)} tones"


def _certainty_of_tones(judged: Judged) -> float:
    """Return that of the least certain colour where colours are tags too."""
    colours = judged.evidence.colours
    if not judged.evidence.is_recognized or judged.names:
        return 1.0
    return min(tags.certainty_of_colour(colours.shares[name]) for name in colours.dominant[:2])
