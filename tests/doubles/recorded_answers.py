"""What the service answers about the samples and the drawn pictures where it has no models; see the fixture of it."""

import json
from pathlib import Path
from typing import Any

from doubles.vision_calls import ALL_FEATURES, Caller, encoded, sample

from local import drawings

FIXTURE = Path(__file__).parents[1] / "fixtures" / "answers_without_models.json"
QUESTIONS = {
    "analyze": f"visualFeatures={ALL_FEATURES}&details=Celebrities,Landmarks",
    "describe": "maxCandidates=9",
    "tag": "",
    "detect": "",
    "areaOfInterest": "",
}


def pictures() -> dict[str, bytes]:
    """Return the four samples and the three drawn pictures as files."""
    photographs = {f"{name}.jpg": sample(name) for name in ("astronaut", "chelsea", "coffee", "rocket")}
    return photographs | {
        "receipt.png": encoded(drawings.receipt(), "PNG"),
        "sign.jpg": encoded(drawings.sign(), quality=92),
        "scan.png": encoded(drawings.scan(), "PNG"),
    }


def answers_about(caller: Caller, data: bytes) -> dict[str, Any]:
    """Return the answer to each of QUESTIONS, without the request's id."""
    answers = {name: caller.post(name, data, query=query).json() for name, query in QUESTIONS.items()}
    return {
        name: {key: value for key, value in answer.items() if key != "requestId"} for name, answer in answers.items()
    }


def without_models() -> dict[str, Any]:
    """Return the answers about each of `pictures` as they were before there were any models."""
    recorded: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return recorded
