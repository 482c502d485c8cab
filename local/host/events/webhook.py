"""The webhook `/runtime/webhooks/EventGrid`, as the Event Grid extension of Azure's host answers it."""

import logging
from collections.abc import Mapping

from aiohttp import web

from local.host.errors import BadRequestError
from local.host.events.deliveries import function_name, parse_events, validation_code
from local.host.events.runs import EventRuns

METHODS = ("GET", "POST", "DELETE", "OPTIONS")  # that Azure's host hands on to an extension
logger = logging.getLogger(__name__)


class EventsWebhook:
    """
    Runs the `eventGridTrigger` function that the query's `functionName` names, and answers when it is done.

    Like the extension it looks at the header `aeg-event-type` alone, which Event Grid sends with CloudEvents too: it
    does not know the handshake of CloudEvents by OPTIONS.
    """

    def __init__(self, runs: EventRuns) -> None:
        self._runs = runs

    async def answer(
        self, method: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Answer one request to the webhook; raises BadRequestError."""
        if method not in METHODS:
            return web.Response(status=405)
        name = function_name(query)
        # In the case of its folder, unlike everywhere else.
        function = self._runs.functions.get(name)
        if function is None:
            known = ", ".join(self._runs.functions) or "none"
            logger.warning("no function with an eventGridTrigger runs as functionName=%s (there are: %s)", name, known)
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        match headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return web.json_response({"validationResponse": validation_code(parse_events(body))})
            case "notification":
                if await self._runs.run_all(function, parse_events(body)):
                    return web.Response(status=202)
                # The sender delivers all of them again, those that succeeded too.
                return web.Response(status=500, text=f"Exception while executing function: Functions.{function.name}")
            case "unsubscribe":
                return web.Response(status=202)
            case other:
                raise BadRequestError(f"aeg-event-type is {other!r}: send Notification or SubscriptionValidation")
