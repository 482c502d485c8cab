"""`/api/unfinished/reconcile`: POST compares images and records now, GET says how far that is and what it found."""

import azure.functions as func

from shared import services
from shared.api import bodies, paths, responses
from shared.durable import handover
from shared.durable.handover import DurableClient
from shared.lifecycle import plans
from shared.lifecycle import report as reports
from shared.lifecycle.reconcile_loop import WHOLE_ID

_WHERE = (
    "GET the address in Location until it answers 200: it then tells what the comparison has found. "
    "GET /api/health with HEALTH_KEY tells the same under `reconciliation`."
)
# A comparison takes seconds to hours.
_RETRY_SECONDS = 10.0


async def begin(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
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
    # Of one that is under way, its own plan tells.
    return _under_way(req, "started" if begun else "running", plan["mode"] if begun else None)


async def report(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """
    202 while a comparison is under way; then 200 with what health tells of the last one, null before the first.

    Raises:
        StorageError: storage or the Functions host did not answer.
    """
    if handover.is_under_way(await handover.status_of(client, WHOLE_ID)):
        return _under_way(req, "running", None)
    app = services.current()
    section = await services.in_thread(app.threads, lambda: reports.section(app))
    return responses.answer_json({"reconciliation": section})


def _under_way(req: func.HttpRequest, state: str, mode: str | None) -> func.HttpResponse:
    body = {"reconciliation": state, "mode": mode, "action": _WHERE}
    return responses.accepted(req, paths.RECONCILIATION, body, _RETRY_SECONDS)
