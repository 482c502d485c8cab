"""`POST /api/unfinished/reconcile`: compare images and records now."""

import azure.functions as func

from shared import services
from shared.api import bodies, responses
from shared.durable.handover import DurableClient
from shared.lifecycle import plans
from shared.lifecycle.reconcile_loop import WHOLE_ID

_WHERE = "GET /api/health with HEALTH_KEY says under `reconciliation` whether it runs, and what the last one found."


async def answer(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """
    Begin a comparison, unless one is under way.

    Raises:
        BadRequestError: `body_not_expected`.
        StorageError: it could not be begun.
    """
    bodies.refuse(req, "POST /api/unfinished/reconcile compares all images and takes no body.")
    app = services.current()
    plan = await services.in_thread(app.threads, lambda: plans.by_request(app))
    begun = await plans.begin(client, WHOLE_ID, plan)
    body = {
        "reconciliation": "started" if begun else "running",
        # Of one that is under way, its own plan tells.
        "mode": plan["mode"] if begun else None,
        "action": _WHERE,
    }
    return responses.answer_json(body, status=202)
