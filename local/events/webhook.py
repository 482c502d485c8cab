"""The host's side of an event subscription: the handshake, then events posted until the host has accepted them."""

import http.client
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from local.addresses import LOOPBACK
from local.events import schema
from local.json_text import read_json

# Event Grid gives a webhook 30 s to answer.
ANSWER_SECONDS = 30.0
# What a host answers that has not this function, or another key.
NO_SUCH_SUBSCRIPTION = (401, 404)


class NotDeliveredError(Exception):
    """The host did not take the events now; the text says why. They are to be offered again."""


class RefusedError(NotDeliveredError):
    """The function could not do with these events what they ask for, or not in time: others may fare better."""


@dataclass(frozen=True)
class Subscription:
    """Which function gets the events, through which webhook (`blobs` or `EventGrid`) and system key."""

    webhook: str
    function_name: str
    key_name: str

    @classmethod
    def of_blob_trigger(cls, function: str) -> "Subscription":
        """Events for a blobTrigger with `"source": "EventGrid"`."""
        return cls("blobs", f"Host.Functions.{function}", "blobs_extension")

    @classmethod
    def of_event_grid_trigger(cls, function: str) -> "Subscription":
        """Events for an eventGridTrigger."""
        return cls("EventGrid", function, "eventgrid_extension")


class Webhook:
    """Delivers events to one subscription of the host on *port*; its keys lie in *keys_file* after its first start."""

    def __init__(
        self, port: int, subscription: Subscription, keys_file: Path, new_code: Callable[[], str] | None = None
    ) -> None:
        self._port = port
        self._subscription = subscription
        self._keys_file = keys_file
        self._new_code = new_code or (lambda: str(uuid.uuid4()))
        self._validated = False

    def deliver(self, events: Sequence[schema.Event]) -> None:
        """
        Post *events* as one array; returns when the host has accepted all of them.

        The handshake comes before the first events and again after every silence of the host, which may be another one
        by then. Raises NotDeliveredError, and RefusedError if other events may fare better.
        """
        self.validate()
        try:
            status, body = self._post("Notification", events)
        except NotDeliveredError:
            self._validated = False
            raise
        if not 200 <= status < 300:
            self._validated = False
            kind = NotDeliveredError if status in NO_SUCH_SUBSCRIPTION else RefusedError
            raise kind(f"the host answered {status} to the events: {_short(body)}")

    def validate(self) -> None:
        """Ask the host whether it wants the events, unless that is known; raises NotDeliveredError if it does not."""
        if self._validated:
            return
        code = self._new_code()
        try:
            status, body = self._post("SubscriptionValidation", [schema.validation(code)])
        except RefusedError as error:
            raise NotDeliveredError(str(error)) from error
        try:
            echoed = read_json(body)["validationResponse"]
        except (ValueError, KeyError, TypeError):
            echoed = None
        if status != 200 or echoed != code:
            raise NotDeliveredError(f"the host refused the subscription with {status}: {_short(body)}")
        self._validated = True

    def _post(self, kind: str, events: Sequence[schema.Event]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_SECONDS)
        headers = {"Content-Type": "application/json; charset=utf-8", "aeg-event-type": kind}
        try:
            connection.request("POST", self._path(), json.dumps(list(events)).encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except TimeoutError as error:
            raise RefusedError(f"the host on port {self._port} gave no answer within {ANSWER_SECONDS:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotDeliveredError(f"the host on port {self._port} does not answer: {error}") from error
        finally:
            connection.close()

    def _path(self) -> str:
        query = {"functionName": self._subscription.function_name}
        if code := self._code():
            query["code"] = code
        return f"/runtime/webhooks/{self._subscription.webhook}?{urlencode(query)}"

    def _code(self) -> str | None:
        try:
            keys = json.loads(self._keys_file.read_text())
            return str(keys["systemKeys"][self._subscription.key_name])
        except (OSError, ValueError, KeyError):
            return None


def _short(body: bytes) -> str:
    return body[:200].decode(errors="replace") or "no body"
