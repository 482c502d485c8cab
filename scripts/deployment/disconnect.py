"""Before the environment goes: what it made on accounts that stay is taken away. Images and records stay."""

from __future__ import annotations

from deployment import assignments, event_subscriptions, existing
from deployment.arm import Arm
from deployment.environment import optional
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import SYSTEM_CLOCK, Clock, NotYet, until

PATIENCE_SECONDS = 300.0


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Take away the event subscription and the roles that this environment made on existing accounts, and nothing else.

    Raises:
        Failed: if one of them cannot be taken away.
    """
    images, vision = existing.images_account(), existing.vision_account()
    if images is None and vision is None:
        print("No existing account is used, so that there is nothing to disconnect.")
        return
    arm = Arm(clock)
    topic, app = existing.topic(), optional("AZURE_FUNCTION_APP_NAME")
    # First, so that no event comes to an app that may not read its image any more.
    if topic is not None and app:
        _unsubscribe(arm, topic, app, clock)
    for account in (images, vision):
        if account is not None:
            roles = assignments.remove_all(arm, account)
            print(f"Disconnected: {account.name}; roles taken away: {roles}. Nothing else is touched there.")


def _unsubscribe(arm: Arm, topic: ResourceId, app: str, clock: Clock) -> None:
    """Take the app's subscription away from a topic that stays."""
    path, name = event_subscriptions.path_of(topic, app), event_subscriptions.name_of(app)
    needs = f"EventGrid EventSubscription Contributor on {topic}"

    def attempt() -> str | NotYet:
        found = arm.get(path, event_subscriptions.VERSION, needs=needs)
        if found.status == 404:
            return "gone"
        if found.ok and found.properties().get("provisioningState") == "Deleting":
            return NotYet("it is being taken away", 5.0)
        answer = arm.delete(path, event_subscriptions.VERSION, needs=needs)
        if not answer.ok and answer.status != 404:
            raise Failed(f"The event subscription {name} could not be taken away: {answer.reason}")
        return NotYet("it is being taken away", 5.0)

    until(f"Event subscription {name}", attempt, PATIENCE_SECONDS, clock)
    print(f"Event subscription {name}: it is not on the topic {topic.name} any more; the topic stays.")
