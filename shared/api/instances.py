"""Instances of orchestrators as callers ask for them: by the id that the app gave, and never those of others."""

import re
from typing import Any

import azure.functions as func

from shared.api import responses
from shared.durable.handover import DurableClient, status_of

_LONGEST_RETRY_SECONDS = 60


async def find(client: DurableClient, instance_id: str, pattern: str, orchestrator: str) -> Any:
    """The status of an instance of that orchestrator; None if there is none."""
    status = await status_of(client, instance_id) if re.fullmatch(pattern, instance_id) else None
    # The hub has instances of other orchestrators, which callers must not see.
    return status if status and status.name == orchestrator else None


def running(req: func.HttpRequest, path: str, instance_id: str, status: Any) -> func.HttpResponse:
    """202 with what the orchestrator says of itself; *path* is where to ask again."""
    said = status.custom_status if isinstance(status.custom_status, dict) else {}
    told = {key: value for key, value in said.items() if value is not None}
    seconds = min(_LONGEST_RETRY_SECONDS, said.get("waitSeconds", 0))
    return responses.accepted(req, path, {"id": instance_id, "state": "running", **told}, seconds)
