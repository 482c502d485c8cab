"""What `/api/operations` answers: questions and thumbnails that are made while the caller does something else."""

from shared.json_types import Json
from shared.openapi.members import text, thing, word

OPERATION_ID = "^op-[0-9a-f]{40}$"


def schemas() -> dict[str, Json]:
    """By name."""
    identifier = text("The identifier of the operation.", pattern=OPERATION_ID)
    running = word("How far it is.", ["running"])
    return {
        "OperationAccepted": thing("An operation that has begun.", {"id": identifier, "state": running}),
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
