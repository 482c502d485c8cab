"""Before the environment goes: what it made on accounts that stay is taken away. Images and records stay."""

from __future__ import annotations

from functools import partial
from typing import Callable

from deployment import assignments, azd, event_subscriptions, existing
from deployment.arm import Arm
from deployment.environment import optional
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import SYSTEM_CLOCK, Clock, NotYet, until

PATIENCE_SECONDS = 300.0


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Take away the event subscriptions and the roles that this environment made on existing accounts, and nothing else.

    What cannot be taken away is told, and keeps nothing else from going: a lock or a missing role on a company's
    account must not make its owner pay for an app that is to be removed.

    Raises:
        Failed: if azd is not signed in, without which `azd down` cannot go on either, or if an account's id is no id.
    """
    images, vision = existing.images_account(), existing.vision_account()
    if images is None and vision is None:
        print("No existing account is used, so that there is nothing to disconnect.")
        return
    tokens = azd.Tokens(clock)
    tokens.token()
    arm = Arm(clock, tokens)
    topic, app = existing.topic(), optional("AZURE_FUNCTION_APP_NAME")
    left: list[str] = []
    # First, so that no event comes to an app that may not read its image any more.
    if topic is not None and app:
        for kind in event_subscriptions.KINDS:
            path = event_subscriptions.path_of(topic, app, kind)
            left += _trouble(path, partial(_unsubscribe, arm, topic, path, clock))
    for account in (images, vision):
        if account is not None:
            left += _trouble(f"Roles on {account}", partial(_disconnect, arm, account))
    if left:
        print("These could not be taken away, and stay when the environment goes; the portal can remove them:")
        print("\n".join(f"  {one}" for one in left), flush=True)


def _trouble(what: str, act: Callable[[], None]) -> list[str]:
    """Do it; return what stays and why, or nothing."""
    try:
        act()
    except Failed as failed:
        return [f"{what}: {failed}"]
    return []


def _disconnect(arm: Arm, account: ResourceId) -> None:
    """Take away the roles on one account."""
    roles = assignments.remove_all(arm, account)
    if roles is None:
        print(f"{account.name} is not there any more, and its roles are gone with it.")
    else:
        print(f"Disconnected: {account.name}; roles taken away: {roles}. Nothing else is touched there.")


def _unsubscribe(arm: Arm, topic: ResourceId, path: str, clock: Clock) -> None:
    """Take one of the app's subscriptions away from a topic that stays."""
    name = path.rpartition("/")[2]
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
