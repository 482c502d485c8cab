"""
Uploads start the app: the event subscription, made once the app runs.

It cannot be made earlier, because the app's host makes the key. Event Grid also tries the address at once and refuses a
subscription whose address does not answer. A host that is just being started does neither, so the command tries both
again until they work.
"""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from deployment import app_host, event_subscriptions, resource_ids
from deployment.arm import Answer, Arm
from deployment.environment import required
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import SYSTEM_CLOCK, WAIT_SECONDS, Clock, Deadline, GaveUp, NotYet, until

T = TypeVar("T")
PATIENCE_SECONDS = 900.0
PAUSE_SECONDS = 20.0
LOOK_SECONDS = 5.0
MADE, CHANGED, THERE = "made", "changed", "there already"


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Make the subscription, mend it where it differs, or leave it.

    Raises:
        Failed: if it is not there after 15 minutes, with the last reason.
    """
    _Subscribing(clock).run()


class _Subscribing:
    """One app's subscription, and how far it is."""

    def __init__(self, clock: Clock) -> None:
        app = required("AZURE_FUNCTION_APP_NAME")
        self._clock = clock
        self._arm = Arm(clock)
        self._app_url = required("BLOBSIGHT_APP_URL").rstrip("/")
        subscription, group = required("AZURE_SUBSCRIPTION_ID"), required("AZURE_RESOURCE_GROUP")
        self._site = ResourceId(subscription, group, resource_ids.SITE, app)
        self._topic = resource_ids.parse(
            required("BLOBSIGHT_TOPIC_ID"), resource_ids.SYSTEM_TOPIC, "BLOBSIGHT_TOPIC_ID"
        )
        self._host_account = required("BLOBSIGHT_HOST_ACCOUNT_ID")
        self._path = event_subscriptions.path_of(self._topic, app)
        self._needs = f"EventGrid EventSubscription Contributor on {self._topic}"
        self._begun: Answer | None = None
        self._outcome = THERE

    def run(self) -> None:
        """Make it, or say that it is there."""
        deadline = Deadline(PATIENCE_SECONDS, self._clock)
        self._check_topic()
        key = _until("Key of the blob trigger", self._key, deadline, self._clock, self._without_key())
        wanted = event_subscriptions.body(event_subscriptions.endpoint(self._app_url, key), self._host_account)
        _until(
            "Event subscription",
            lambda: self._attempt(wanted),
            deadline,
            self._clock,
            f"Event Grid has to reach the app: look whether {self._app_url}/api/health, which needs no key, answers in "
            "a browser.",
            PAUSE_SECONDS,
        )
        name = self._path.rpartition("/")[2]
        print(
            f"Event subscription {name}: {self._outcome}; an upload to the container {event_subscriptions.CONTAINER!r}"
            f" starts {event_subscriptions.FUNCTION}."
        )

    def _without_key(self) -> str:
        return (
            f"In the portal, look whether {self._site.name} has {event_subscriptions.FUNCTION} under Functions, and at "
            "its log stream; `azd deploy` uploads the app again."
        )

    def _check_topic(self) -> None:
        """Refuse what waiting cannot mend."""
        found = self._arm.get(str(self._topic), event_subscriptions.VERSION, needs=f"Reader on {self._topic}")
        if found.status == 404:
            raise Failed(
                f"There is no system topic {self._topic.name} in {self._topic.group}. Run `azd provision --no-state`."
            )
        if not found.ok:
            raise Failed(f"The system topic {self._topic.name} could not be read: {found.reason}")
        if not found.part("identity").get("principalId"):
            raise Failed(
                f"The system topic {self._topic.name} has no identity of its own, without which it cannot keep dead "
                "letters. Run `azd provision --no-state`, which gives it one."
            )

    def _key(self) -> str | NotYet:
        """Make one attempt to get the key, and have the host started where it is not there."""
        key = app_host.webhook_key(self._arm, self._site)
        if isinstance(key, NotYet):
            app_host.load_triggers(self._arm, self._site)
            app_host.wake(self._app_url)
        return key

    def _attempt(self, wanted: dict[str, Any]) -> bool | NotYet:
        """Look, and do the next step towards a subscription as wanted."""
        found = self._once("GET")
        if found.status == 404:
            return self._put(wanted, MADE)
        if not found.ok:
            return NotYet(found.reason, found.retry_after)
        state = found.properties().get("provisioningState")
        if not state:
            return NotYet("Event Grid does not say what became of it", LOOK_SECONDS)
        if state in ("Creating", "Updating", "Deleting"):
            return NotYet(f"Event Grid is busy with it ({state})", LOOK_SECONDS)
        if state != "Succeeded":
            return self._removed(str(state))
        if self._begun is not None:
            return True
        difference = self._difference(wanted, found.document)
        if isinstance(difference, NotYet):
            return difference
        return self._put(wanted, f"{CHANGED}, because its {difference} differed") if difference else True

    def _difference(self, wanted: dict[str, Any], found: dict[str, Any]) -> str | NotYet:
        """Name the first part that is not as wanted, the key included; empty where all is."""
        part = event_subscriptions.differs(wanted, found, self._app_url)
        if part:
            return part
        full = self._arm.once("POST", f"{self._path}/getFullUrl", event_subscriptions.VERSION, needs=self._needs)
        if not full.ok:
            return NotYet(f"its address cannot be read ({full.reason})", full.retry_after)
        theirs = str(full.document.get("endpointUrl", ""))
        mine = wanted["properties"]["destination"]["properties"]["endpointUrl"]
        return "" if event_subscriptions.is_same_address(theirs, mine) else "key"

    def _put(self, wanted: dict[str, Any], outcome: str) -> NotYet:
        """Send it; what became of it is seen at the next look."""
        app_host.wake(self._app_url)
        answer = self._once("PUT", wanted)
        self._outcome = outcome if self._outcome == THERE else self._outcome
        if not answer.ok:
            return NotYet(answer.reason, answer.retry_after)
        self._begun = answer
        return NotYet("Event Grid tries the app's address", LOOK_SECONDS)

    def _removed(self, state: str) -> NotYet:
        """Take away what failed: Event Grid never tries such a subscription again (azure-sdk-for-net, issue 51014)."""
        cause = self._arm.operation(self._begun) if self._begun is not None else ""
        answer = self._once("DELETE")
        reason = f"Event Grid says {state}{f': {cause}' if cause else ''}"
        return NotYet(reason if answer.ok else f"{reason}, and does not take it away ({answer.reason})")

    def _once(self, method: str, sent: dict[str, Any] | None = None) -> Answer:
        return self._arm.once(method, self._path, event_subscriptions.VERSION, sent, needs=self._needs)


def _until(
    what: str,
    attempt: Callable[[], T | NotYet],
    deadline: Deadline,
    clock: Clock,
    look: str,
    wait_seconds: float = WAIT_SECONDS,
) -> T:
    """Wait as `until` does; the failure at its end says where to look."""
    try:
        return until(what, attempt, deadline.left(), clock, wait_seconds)
    except GaveUp as gave_up:
        raise Failed(f"{str(gave_up).rstrip('.')}. {look}") from None
