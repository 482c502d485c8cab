"""Roles on accounts that were there before: given once, found again by their names, and taken away again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from deployment.arm import Arm
from deployment.environment import required
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import Clock, NotYet, until

VERSION = "2022-04-01"
PATIENCE_SECONDS = 300.0
_KIND = "providers/Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class Role:
    """One of Azure's built-in roles; its id is the same in every directory."""

    name: str
    id: str


BLOB_OWNER = Role("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b")
BLOB_CONTRIBUTOR = Role("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe")
QUEUE_CONTRIBUTOR = Role("Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88")
VISION_USER = Role("Cognitive Services User", "a97b65f3-24c7-4388-baec-2e87135dc908")


@dataclass(frozen=True)
class Assignment:
    """
    One role for one principal on one account, or on one container of it.

    Attributes:
        role: what it may.
        account: where.
        principal: the object id.
        principal_type: `ServicePrincipal`, which managed identities are too, `User` or `Group`.
        reason: what for; the portal shows it.
    """

    role: Role
    account: ResourceId
    principal: str
    principal_type: str
    reason: str


def ensure(arm: Arm, wanted: Assignment, clock: Clock) -> bool:
    """
    Give the role unless it is there; return whether it was given now.

    Raises:
        Failed: if it cannot be given within five minutes, with the reason.
    """
    if _is_there(arm, wanted):
        return False
    path = f"{wanted.account}/{_KIND}/{_name(wanted.account, wanted.principal, wanted.role.id)}"
    body = {
        "properties": {
            "roleDefinitionId": _definition(wanted),
            "principalId": wanted.principal,
            "principalType": wanted.principal_type,
            "description": wanted.reason,
        }
    }

    def attempt() -> bool | NotYet:
        answer = arm.put(path, VERSION, body, needs=_needed(wanted.account))
        if answer.code == "RoleAssignmentExists":
            print(f"Note: Azure says that the role {wanted.role.name} on {wanted.account.name} is there already.")
            return False
        # The directory tells its copies of a new identity one after another.
        if answer.code == "PrincipalNotFound":
            return NotYet("the directory does not know the new identity everywhere yet")
        if not answer.ok:
            raise Failed(f"The role {wanted.role.name} on {wanted.account.name} could not be given: {answer.reason}")
        return True

    return until(f"Role {wanted.role.name} on {wanted.account.name}", attempt, PATIENCE_SECONDS, clock)


def remove_all(arm: Arm, account: ResourceId) -> int | None:
    """
    Take away what this environment gave on the account, whichever identities that was for.

    Returns:
        How many roles; None where there is no such account.

    Raises:
        Failed: if roles cannot be taken away, with the reason of each; the others are gone then.
    """
    path, needs = f"{account}/{_KIND}", f"Reader on {account}"
    first = arm.get(path, VERSION, query={"$filter": "atScope()"}, needs=needs)
    if first.status == 404:
        return None
    removed, left = 0, []
    for found in arm.entries(path, first, needs):
        given = found.get("properties") or {}
        role = str(given.get("roleDefinitionId", "")).rpartition("/")[2]
        if found.get("name") != _name(account, str(given.get("principalId", "")), role):
            continue
        try:
            answer = arm.delete(f"{path}/{found['name']}", VERSION, needs=_needed(account))
        except Failed as failed:
            left.append(str(failed))
            continue
        if answer.ok or answer.status == 404:
            removed += 1
        else:
            left.append(f"the role {found['name']} stays: {answer.reason}")
    if left:
        raise Failed("; ".join(left))
    return removed


def _is_there(arm: Arm, wanted: Assignment) -> bool:
    """Tell whether the principal has the role there, on the account itself or on what holds it, without a condition."""
    filtered = {"$filter": f"principalId eq '{wanted.principal}'"}
    path = f"{wanted.account}/{_KIND}"
    for found in arm.pages(path, VERSION, query=filtered, needs=f"Reader on {wanted.account}"):
        given = found.get("properties") or {}
        scope = str(given.get("scope", "")).rstrip("/").lower()
        is_role = str(given.get("roleDefinitionId", "")).lower().endswith(f"/{wanted.role.id}")
        if is_role and f"{wanted.account}/".lower().startswith(f"{scope}/") and not given.get("condition"):
            return True
    return False


def _name(account: ResourceId, principal: str, role_id: str) -> str:
    """Return the name of this environment's assignment; another environment on the same account has another one."""
    environment = f"{required('AZURE_SUBSCRIPTION_ID')}/{required('AZURE_ENV_NAME')}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{environment}{account}/{principal}/{role_id}".lower()))


def _definition(wanted: Assignment) -> str:
    scope = f"/subscriptions/{wanted.account.subscription}"
    return f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{wanted.role.id}"


def _needed(account: ResourceId) -> str:
    return f"Role Based Access Control Administrator (or Owner) on {account}"
