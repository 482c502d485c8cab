"""The webhook `/runtime/webhooks/blobs`, where Event Grid tells about blobs."""

import logging
from collections.abc import Mapping

from aiohttp import web

from local.host.blobs.event_grid import blob_event
from local.host.blobs.listener import BlobListener
from local.host.blobs.queue import FUNCTION_ID_PREFIX, BlobMessage
from local.host.blobs.trigger import BlobFunction
from local.host.errors import BadRequestError
from local.host.events.deliveries import function_name, parse_events, validation_code

logger = logging.getLogger(__name__)


class BlobsWebhook:
    """
    Takes blob events in, for the function that the query's `functionName` names.

    As in Azure nothing is filtered: neither the event's type nor the path pattern of the function.
    """

    def __init__(self, listener: BlobListener) -> None:
        self._listener = listener

    async def answer(
        self, method: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Answer one request to the webhook; raises BadRequestError."""
        if method == "OPTIONS":
            return _allow_sender(headers)
        if method != "POST":
            return web.Response(status=404)
        match _event_kind(headers):
            case "subscriptionvalidation":
                return web.json_response({"validationResponse": validation_code(parse_events(body))})
            case "notification":
                await self._enqueue(query, body)
                return web.Response(status=202)
            case "unsubscribe":
                return web.Response(status=202)
            case other:
                raise BadRequestError(f"aeg-event-type is {other!r}: send Notification or SubscriptionValidation")

    async def _enqueue(self, query: Mapping[str, str], body: bytes) -> None:
        name = function_name(query)
        if not name:
            raise BadRequestError(f"the query must say functionName={FUNCTION_ID_PREFIX}<name of a blob function>")
        function = self._listener.find(name.removeprefix(FUNCTION_ID_PREFIX))
        messages = [_message(function, event) for event in parse_events(body)] if function else []
        if not function:
            known = ", ".join(FUNCTION_ID_PREFIX + known for known in self._listener.functions) or "none"
            logger.warning(
                "an event for functionName=%s is lost: no such blob function runs (there are: %s)", name, known
            )
            return
        await self._listener.put(messages)


def _message(function: BlobFunction, event: Mapping[str, object]) -> BlobMessage:
    blob = blob_event(event)
    return BlobMessage(function.name, blob.container, blob.blob, f'"{blob.etag}"', blob.blob_type)


def _event_kind(headers: Mapping[str, str]) -> str:
    kind = headers.get("aeg-event-type", "").lower()
    is_cloud_event = headers.get("Content-Type", "").lower().startswith("application/cloudevents")
    return kind or ("notification" if is_cloud_event else "")


def _allow_sender(headers: Mapping[str, str]) -> web.Response:
    """The handshake of CloudEvents 1.0: say who may send, and how much."""
    origin = headers.get("WebHook-Request-Origin")
    if not origin:
        raise BadRequestError("the CloudEvents handshake needs the header WebHook-Request-Origin")
    allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": headers.get("WebHook-Request-Rate", "*")}
    return web.Response(headers={**allowed, "Allow": "POST"})
