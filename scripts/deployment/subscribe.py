"""
The account's events start the app: its event subscriptions, made once the app runs.

They cannot be made earlier: the app's host makes the key of the blob trigger, and Event Grid refuses a destination that
does not answer or is no function yet. A host that is just being started has neither, so the command tries both again
until they work.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, TypeVar

from deployment import app_host, event_subscriptions, resource_ids
from deployment.arm import Answer, Arm
from deployment.environment import required
from deployment.event_subscriptions import Kind
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
    Make each subscription, mend it where it differs, or leave it.

    Raises:
        Failed: if one is not there after 15 minutes in all, with the last reason.
    """
    _App(clock).run()


class _App:
    """The values that all subscriptions of the app have in common."""

    def __init__(self, clock: Clock) -> None:
        self.name = required("AZURE_FUNCTION_APP_NAME")
        self.clock = clock
        self.deadline = Deadline(PATIENCE_SECONDS, clock)
        self.arm = Arm(clock)
        self.url = required("BLOBSIGHT_APP_URL").rstrip("/")
        subscription, group = required("AZURE_SUBSCRIPTION_ID"), required("AZURE_RESOURCE_GROUP")
        self.site = ResourceId(subscription, group, resource_ids.SITE, self.name)
        self.topic = resource_ids.parse(required("BLOBSIGHT_TOPIC_ID"), resource_ids.SYSTEM_TOPIC, "BLOBSIGHT_TOPIC_ID")
        self.host_account = required("BLOBSIGHT_HOST_ACCOUNT_ID")

    def run(self) -> None:
        """Make each, or say that it is there."""
        self._check_topic()
        uploads = _Subscribing(self, event_subscriptions.UPLOADS, self._webhook)
        large = _Subscribing(self, event_subscriptions.LARGE, self._function)
        changes = _Subscribing(self, event_subscriptions.CHANGES, self._function)
        # Uploads first, so that nothing keeps them waiting. But where it takes uploads of any length by now, the one
        # for large uploads comes first: no upload is lost if this ends in between.
        order = (large, uploads, changes) if uploads.takes_large_uploads() else (uploads, large, changes)
        for one in order:
            one.run()

    def _check_topic(self) -> None:
        """Refuse what waiting cannot mend."""
        found = self.arm.get(str(self.topic), event_subscriptions.VERSION, needs=f"Reader on {self.topic}")
        if found.status == 404:
            raise Failed(
                f"There is no system topic {self.topic.name} in {self.topic.group}. Run `azd provision --no-state`."
            )
        if not found.ok:
            raise Failed(f"The system topic {self.topic.name} could not be read: {found.reason}")
        if not found.part("identity").get("principalId"):
            raise Failed(
                f"The system topic {self.topic.name} has no identity of its own, without which it cannot keep dead "
                "letters. Run `azd provision --no-state`, which gives it one."
            )

    def _webhook(self, kind: Kind) -> dict[str, Any]:
        """Wait for the key of the blob trigger, and return where uploads go."""
        key = self._loaded("Key of the blob trigger", partial(app_host.webhook_key, self.arm, self.site), kind)
        return event_subscriptions.to_webhook(event_subscriptions.endpoint(self.url, key))

    def _function(self, kind: Kind) -> dict[str, Any]:
        """Wait for the function, which Event Grid looks up by its id, and return where its events go."""
        attempt = partial(app_host.is_loaded, self.arm, self.site, kind.function)
        self._loaded(f"Function {kind.function}", attempt, kind)
        return event_subscriptions.to_function(self.site, kind)

    def _loaded(self, what: str, attempt: Callable[[], T | NotYet], kind: Kind) -> T:
        """Wait for what the app's host has to have made, and have it started where that is not there."""

        def once() -> T | NotYet:
            found = attempt()
            if isinstance(found, NotYet):
                app_host.load_triggers(self.arm, self.site)
                app_host.wake(self.url)
            return found

        look = (
            f"In the portal, look whether {self.name} has {kind.function} under Functions, and at its log stream; "
            "`azd deploy` uploads the app again."
        )
        return _until(what, once, self.deadline, self.clock, look)


class _Subscribing:
    """
    One subscription of the app, and how far it is.

    Args:
        app: whose it is.
        kind: which of them.
        destination: returns where its events go, once that is there.
    """

    def __init__(self, app: _App, kind: Kind, destination: Callable[[Kind], dict[str, Any]]) -> None:
        self._app = app
        self._kind = kind
        self._destination = destination
        self._path = event_subscriptions.path_of(app.topic, app.name, kind)
        self._needs = (
            f"EventGrid EventSubscription Contributor on {app.topic} and Website Contributor on {app.site}"
            if kind.suffix
            else f"EventGrid EventSubscription Contributor on {app.topic}"
        )
        self._begun: Answer | None = None
        self._outcome = THERE

    def takes_large_uploads(self) -> bool:
        """Tell whether it works and lets uploads of any length through, as one of an earlier version does."""
        found = self._app.arm.get(self._path, event_subscriptions.VERSION, needs=self._needs)
        works = found.ok and found.properties().get("provisioningState") == "Succeeded"
        return works and event_subscriptions.takes_large_uploads(found.document)

    def run(self) -> None:
        """Make it, or say that it is there."""
        app, name = self._app, self._path.rpartition("/")[2]
        wanted = event_subscriptions.body(self._kind, self._destination(self._kind), app.host_account)
        _until(
            f"Event subscription {name}",
            lambda: self._attempt(wanted),
            app.deadline,
            app.clock,
            f"Event Grid has to reach {self._kind.function} of the app: look whether {app.url}/api/health, which needs "
            "no key, answers in a browser.",
            PAUSE_SECONDS,
        )
        print(f"Event subscription {name}: {self._outcome}; {self._kind.brings}.")

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
        part = event_subscriptions.differs(wanted, found)
        mine = wanted["properties"]["destination"]["properties"].get("endpointUrl")
        if part or mine is None:
            return part
        path = f"{self._path}/getFullUrl"
        full = self._app.arm.once("POST", path, event_subscriptions.VERSION, needs=self._needs)
        if not full.ok:
            return NotYet(f"its address cannot be read ({full.reason})", full.retry_after)
        theirs = str(full.document.get("endpointUrl", ""))
        return "" if event_subscriptions.is_same_address(theirs, mine) else "key"

    def _put(self, wanted: dict[str, Any], outcome: str) -> NotYet:
        """Send it; what became of it is seen at the next look."""
        app_host.wake(self._app.url)
        answer = self._once("PUT", wanted)
        self._outcome = outcome if self._outcome == THERE else self._outcome
        if not answer.ok:
            return NotYet(answer.reason, answer.retry_after)
        self._begun = answer
        return NotYet(f"Event Grid looks for {self._kind.function}", LOOK_SECONDS)

    def _removed(self, state: str) -> NotYet:
        """Take away what failed: Event Grid never tries such a subscription again (azure-sdk-for-net, issue 51014)."""
        cause = self._app.arm.operation(self._begun) if self._begun is not None else ""
        answer = self._once("DELETE")
        reason = f"Event Grid says {state}{f': {cause}' if cause else ''}"
        return NotYet(reason if answer.ok else f"{reason}, and does not take it away ({answer.reason})")

    def _once(self, method: str, sent: dict[str, Any] | None = None) -> Answer:
        return self._app.arm.once(method, self._path, event_subscriptions.VERSION, sent, needs=self._needs)


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
