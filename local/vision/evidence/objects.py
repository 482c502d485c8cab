"""Objects: each thing in its box, with the wider kinds above it as the contract has them."""

from local.vision.evidence.kinds import KINDS
from local.vision.evidence.looking import Evidence
from local.vision.evidence.subjects import Judged
from local.vision.recognition.seen import Thing

# In answers of v3.2 these two begin with a capital, as in {"object": "train", "parent": {"object": "Land vehicle"}}.
CAPITALIZED = frozenset(("land vehicle", "vehicle"))

Object = dict[str, object]


def compose_objects(evidence: Evidence) -> list[Object]:
    """Return `{"rectangle", "object", "confidence"}`, with "parent" where it has a kind, most certain first."""
    return [_object(thing) for thing in Judged(evidence).things]


def _object(thing: Thing) -> Object:
    box = thing.box
    rectangle = {"x": box.left, "y": box.top, "w": box.width, "h": box.height}
    return {"rectangle": rectangle} | _named(thing.name, KINDS.get(thing.name, ()), round(thing.confidence, 4))


def _named(name: str, kinds: tuple[str, ...], confidence: float) -> Object:
    """Return a name with its kinds above it; a cat is an animal at least as surely as it is a cat."""
    named: Object = {"object": name.capitalize() if name in CAPITALIZED else name, "confidence": confidence}
    return named | ({"parent": _named(kinds[0], kinds[1:], confidence)} if kinds else {})
