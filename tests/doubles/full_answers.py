"""A picture of which the local service answers something in every list, and every key that may be left out."""

import json
from hashlib import sha256
from pathlib import Path

from doubles.documents import PAGE
from doubles.vision_calls import picture

FULL_PICTURE = picture()
BOX = {"x": 10, "y": 20, "w": 60, "h": 50}
FACE = {"left": 12, "top": 22, "width": 20, "height": 24}
LANDMARK = {"name": "Space Needle", "confidence": 0.97}
CELEBRITY = {"name": "Ada", "confidence": 0.9, "faceRectangle": FACE}
OBJECT = {
    "rectangle": BOX,
    "object": "tower",
    "confidence": 0.8,
    "parent": {"object": "building", "confidence": 0.9, "parent": {"object": "thing", "confidence": 0.95}},
}
SCRIPT = {
    "analyze": {
        "categories": [
            {"name": "outdoor_", "score": 0.9, "detail": {"celebrities": [CELEBRITY], "landmarks": [LANDMARK]}}
        ],
        "faces": [{"age": 36, "gender": "Female", "faceRectangle": FACE}],
        "tags": [{"name": "bass", "confidence": 0.9, "hint": "fish"}],
        "objects": [OBJECT],
        "brands": [{"name": "Acme", "confidence": 0.6, "rectangle": BOX}],
    },
    "domain": {"celebrities": [CELEBRITY], "landmarks": [LANDMARK]},
    "read": {
        "readResults": [
            PAGE
            | {
                "language": "en",
                "lines": [
                    line | {"language": "fr", "appearance": {"style": {"name": "other", "confidence": 0.3}}}
                    for line in PAGE["lines"]
                ],
            }
        ]
    },
}


def write_full_answers(directory: Path) -> None:
    """Put the script for FULL_PICTURE into a directory of answers."""
    (directory / f"{sha256(FULL_PICTURE).hexdigest()}.json").write_text(json.dumps(SCRIPT))
