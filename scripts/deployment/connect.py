"""Existing accounts: the roles and containers that the app needs there, and a topic that may write dead letters."""

from __future__ import annotations

from typing import Any

from deployment import assignments, event_subscriptions, existing, resource_ids
from deployment.arm import Arm
from deployment.assignments import Assignment
from deployment.environment import optional, required
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import SYSTEM_CLOCK, Clock, NotYet, until

CONTAINERS = ("images", "analysis", "text", "thumbnails", "unfinished", "corrections", "search")
STORAGE_VERSION = "2023-05-01"
TOPIC_VERSION = "2025-02-15"
IDENTITY_SECONDS = 300.0


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Connect the existing accounts; an environment without one needs nothing here.

    The template cannot do it: `azd down --force` deletes every resource group into which it has deployed anything.

    Raises:
        Failed: if something cannot be given or made, with the reason.
    """
    images, vision = existing.images_account(), existing.vision_account()
    if images is None and vision is None:
        print("No existing account is used, so that there is nothing to connect.")
        return
    arm = Arm(clock)
    # The topic first: the directory needs a while for its new identity.
    topic = existing.topic() if images is not None else None
    wanted = [_dead_letters(arm, topic, clock)] if topic is not None else []
    wanted += _roles(images, vision)
    new = 0
    for one in wanted:
        if assignments.ensure(arm, one, clock):
            print(f"Role: {one.role.name} on {one.account.name}. {one.reason}")
            new += 1
    made = _make_containers(arm, images) if images is not None else []
    if made:
        print(f"Containers made: {', '.join(made)}.")
    names = " and ".join(account.name for account in (images, vision) if account is not None)
    print(f"Connected: {names}; {new} of {len(wanted)} roles are new.")


def _roles(images: ResourceId | None, vision: ResourceId | None) -> list[Assignment]:
    """Return the roles of the app's identity and of the deployer on the existing accounts."""
    app, service = required("BLOBSIGHT_IDENTITY_PRINCIPAL_ID"), "ServicePrincipal"
    roles = []
    if images is not None:
        roles += [
            Assignment(
                assignments.BLOB_OWNER, images, app, service, "Blobsight reads images and writes what it found in them."
            ),
            Assignment(
                assignments.QUEUE_CONTRIBUTOR,
                images,
                app,
                service,
                "Blobsight's trigger keeps uploads that failed in a queue.",
            ),
        ]
        # Outputs of the template, because azd hands its own AZURE_PRINCIPAL_ID to parameters only.
        deployer, kind = optional("BLOBSIGHT_DEPLOYER_ID"), optional("BLOBSIGHT_DEPLOYER_TYPE", "User")
        if deployer:
            reason = "The deployer of Blobsight uploads a sample, and images, without a key."
            roles.append(Assignment(assignments.BLOB_CONTRIBUTOR, images, deployer, kind, reason))
    if vision is not None:
        reason = "Blobsight asks Computer Vision without a key."
        roles.append(Assignment(assignments.VISION_USER, vision, app, service, reason))
    return roles


def _dead_letters(arm: Arm, topic: ResourceId, clock: Clock) -> Assignment:
    """Return the role with which the existing topic keeps events that could not be delivered."""
    host = resource_ids.parse(
        required("BLOBSIGHT_HOST_ACCOUNT_ID"), resource_ids.STORAGE_ACCOUNT, "BLOBSIGHT_HOST_ACCOUNT_ID"
    )
    reason = "Event Grid keeps events there that it cannot deliver to Blobsight."
    principal = _topic_principal(arm, topic, clock)
    container = host.container(event_subscriptions.DEAD_LETTERS)
    return Assignment(assignments.BLOB_CONTRIBUTOR, container, principal, "ServicePrincipal", reason)


def _topic_principal(arm: Arm, topic: ResourceId, clock: Clock) -> str:
    """Return the object id of the topic's own identity, which it is given if it has none."""
    needs = f"Contributor on {topic}"

    def identity() -> dict[str, Any]:
        answer = arm.get(str(topic), TOPIC_VERSION, needs=f"Reader on {topic}")
        if answer.status == 404:
            raise Failed(f"There is no {topic} any more. Run `azd provision`, which looks for the account's topic.")
        if not answer.ok:
            raise Failed(f"{topic} could not be read: {answer.reason}")
        return answer.part("identity")

    found = identity()
    if found.get("principalId"):
        return str(found["principalId"])
    users = found.get("userAssignedIdentities") or {}
    wanted: dict[str, Any] = {"type": "SystemAssigned"}
    if users:  # Azure takes away each one that the request leaves out
        wanted = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {name: {} for name in users}}
    answer = arm.patch(str(topic), TOPIC_VERSION, {"identity": wanted}, needs=needs)
    if not answer.ok:
        raise Failed(f"The system topic {topic.name} could not be given an identity: {answer.reason}")

    def attempt() -> str | NotYet:
        principal = identity().get("principalId")
        return str(principal) if principal else NotYet("it has none yet")

    principal = until(f"Identity of the system topic {topic.name}", attempt, IDENTITY_SECONDS, clock)
    print(f"Events: the system topic {topic.name} has got an identity of its own, for dead letters.")
    return principal


def _make_containers(arm: Arm, images: ResourceId) -> list[str]:
    """Make the containers that are missing; return their names."""
    path = f"{images}/blobServices/default/containers"
    there = {found.get("name") for found in arm.pages(path, STORAGE_VERSION, needs=f"Reader on {images}")}
    missing = [name for name in CONTAINERS if name not in there]
    for name in missing:
        body = {"properties": {"publicAccess": "None"}}
        answer = arm.put(f"{path}/{name}", STORAGE_VERSION, body, needs=f"Contributor on {images}")
        if not answer.ok:
            raise Failed(f"The container {name} could not be made in {images.name}: {answer.reason}")
    return missing
