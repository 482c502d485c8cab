"""
Categories: those of the service's 86 that follow from what was seen.

The names are of https://learn.microsoft.com/azure/ai-services/computer-vision/category-taxonomy; most of the 86 are
scenes, which no model here knows.
"""

from local.vision.evidence.kinds import PERSON
from local.vision.evidence.looking import Evidence
from local.vision.evidence.subjects import Judged, Subject

TEXT = "text_"
OTHERS = "others_"
# A step of the service's own scale, 1/256.
OTHERS_SCORE = 0.0078125
# A portrait is of one person whose face fills so much of the picture, a crowd of so many people.
PORTRAIT_SHARE = 0.02
CROWD = 9
# The first that fits is taken, so the narrower ones come before the wider ones.
BY_NAME = (
    ("animal_cat", ("cat",)),
    ("animal_dog", ("dog",)),
    ("animal_bird", ("bird",)),
    ("animal_horse", ("horse",)),
    ("animal_panda", ("panda",)),
    ("animal_", ("animal",)),
    ("drink_", ("drink",)),
    ("food_pizza", ("pizza",)),
    ("food_bread", ("bagel", "bread", "pretzel")),
    ("food_fastfood", ("hamburger", "hot dog")),
    ("food_", ("food",)),
    ("plant_flower", ("flower",)),
    ("plant_", ("plant", "potted plant")),
    ("building_church", ("church",)),
    ("building_arch", ("triumphal arch",)),
    ("building_", ("building",)),
    ("trans_bicycle", ("bicycle",)),
    ("trans_bus", ("bus",)),
    ("trans_car", ("car",)),
    ("outdoor_mountain", ("mountain",)),
    ("outdoor_oceanbeach", ("beach",)),
    ("outdoor_water", ("lake",)),
    ("object_screen", ("screen", "tv")),
)

Category = dict[str, object]


def compose_categories(evidence: Evidence) -> list[Category]:
    """Return `{"name", "score"}`, most certain first; one at least."""
    found = _by_subjects(evidence) if evidence.is_recognized else {}
    if evidence.text_certainty:
        found[TEXT] = evidence.text_certainty
    if not found:
        return [{"name": OTHERS, "score": OTHERS_SCORE}]
    ordered = sorted(found.items(), key=lambda category: (-category[1], category[0]))
    return [{"name": name, "score": round(score, 4)} for name, score in ordered]


def _by_subjects(evidence: Evidence) -> dict[str, float]:
    judged = Judged(evidence)
    found: dict[str, float] = {}
    for subject in judged.main:
        if subject.name == PERSON:
            found[_of_people(judged, subject)] = min(subject.confidences)
            continue
        names = {subject.name, *subject.kinds}
        for category, words in BY_NAME:
            if fitting := names.intersection(words):
                found[category] = max(judged.names[name] for name in fitting)
                break
    return found


def _of_people(judged: Judged, people: Subject) -> str:
    count = len(people.confidences)
    if count >= CROWD:
        return "people_crowd"
    if count > 1:
        return "people_group"
    largest = max((judged.evidence.share(face.box) for face in judged.faces), default=0.0)
    return "people_portrait" if largest >= PORTRAIT_SHARE else "people_"
