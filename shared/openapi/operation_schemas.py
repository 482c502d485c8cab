"""What `/api/operations` answers: questions and thumbnails that are made while the caller does something else."""

from shared.json_types import Json
from shared.openapi import vision_schemas
from shared.openapi.members import named, seconds, text, thing, word
from shared.operations import work

OPERATION_ID = f"^{work.ID}$"


def schemas() -> dict[str, Json]:
    """By name."""
    identifier = text("The identifier of the operation.", pattern=OPERATION_ID)
    running = word("How far it is.", ["running"])
    analysis = vision_schemas.schemas()["ImageAnalysis"]
    members = {**analysis["properties"], "result": named("DomainResult")}
    return {
        "OperationAccepted": thing("An operation that has begun.", {"id": identifier, "state": running}),
        "OperationProgress": thing(
            "How far an operation is.",
            {
                "id": identifier,
                "state": running,
                "waitSeconds": seconds("Seconds until the next try, as of the last one."),
                "problem": named("Obstacle"),
            },
            {"waitSeconds", "problem"},
        ),
        "OperationAnswer": thing(
            "The answer of Computer Vision v3.2 to the question of the request.",
            members,
            members.keys() - set(analysis["required"]),
        ),
        "ThumbnailPending": thing(
            "A thumbnail that is being made.",
            {
                "id": identifier,
                "state": word("How far it is: pending where another caller has it made.", ["pending", "running"]),
                "detail": text("The reason of the wait."),
                "action": text("The cure."),
            },
            {"id", "detail", "action"},
        ),
    }
